#include "progress.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A view whose terminal is a socket that keeps the bounds between writes. */
typedef struct screen {
    int ours;
    mb_progress_view view;
    char text[4096];
} screen;

static void open_screen(screen *s)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    memset(s, 0, sizeof *s);
    s->ours = ends[0];
    s->view.terminal = (mb_terminal){.fd = ends[1], .interactive = true};
    s->view.drawn_at = -INFINITY;
    unsetenv("COLUMNS");
}

static void close_screen(screen *s)
{
    close(s->ours);
    close(s->view.terminal.fd);
}

/* The next write and nothing but that; NULL: there was none. */
static const char *next_write(screen *s)
{
    const ssize_t size = recv(s->ours, s->text, sizeof s->text - 1, 0);
    if (size < 0)
        return NULL;
    s->text[size] = '\0';
    return s->text;
}

static void send_progress(screen *s, size_t epoch, size_t done)
{
    const mb_progress progress = {.epoch = epoch,
                                  .epochs = 2,
                                  .samples_done = done,
                                  .samples = 1000,
                                  .seconds = (double)done / 250,
                                  .loss = 0.5};
    mb_progress_show(&s->view, &progress);
}

static void send_epoch(screen *s, size_t epoch)
{
    const mb_epoch_metrics metrics = {.epoch = epoch,
                                      .epochs = 2,
                                      .train_loss = 0.5,
                                      .validation_accuracy = NAN,
                                      .seconds = 4,
                                      .samples_per_second = 250};
    mb_progress_show_epoch(&s->view, &metrics);
}

TEST(an_update_is_one_write_that_erases_at_its_end)
{
    screen s;
    open_screen(&s);
    send_progress(&s, 1, 500);
    assert_string_equal(next_write(&s), "\repoch 1/2 [##########..........]  50 %  loss 0.5000  "
                                        "250 samples/s  0:06 left\033[K");
    assert_null(next_write(&s));
    close_screen(&s);
}

TEST(updates_in_quick_succession_are_skipped)
{
    screen s;
    open_screen(&s);
    s.view.drawn_at = INFINITY; /* no time at all has passed since */
    send_progress(&s, 1, 500);
    assert_null(next_write(&s));
    s.view.drawn_at = -INFINITY;
    send_progress(&s, 1, 500);
    assert_non_null(next_write(&s));
    close_screen(&s);
}

TEST(an_epoch_and_the_next_bar_are_one_write)
{
    screen s;
    open_screen(&s);
    send_progress(&s, 1, 1000);
    assert_non_null(next_write(&s));
    s.view.trained_at = INFINITY; /* an evaluation that has no end has no time left to show */
    send_epoch(&s, 1);
    assert_string_equal(next_write(&s),
                        "\repoch 1/2  loss 0.5000  train 0.00 %  test 0.00 %  4.000 s  "
                        "250 samples/s\033[K\n\repoch 2/2 [..............................]   0 %  "
                        "loss 0.5000  250 samples/s\033[K");
    assert_null(next_write(&s));
    close_screen(&s);
}

TEST(the_last_epoch_leaves_no_bar)
{
    screen s;
    open_screen(&s);
    send_progress(&s, 2, 1000);
    assert_non_null(next_write(&s));
    send_epoch(&s, 2);
    const char *text = next_write(&s);
    assert_non_null(text);
    assert_string_equal(text + strlen(text) - 4, "\033[K\n");
    mb_progress_end(&s.view);
    assert_null(next_write(&s));
    close_screen(&s);
}

TEST(a_bar_that_stands_is_cleared_once)
{
    screen s;
    open_screen(&s);
    mb_progress_clear(&s.view);
    assert_null(next_write(&s));
    send_progress(&s, 1, 500);
    assert_non_null(next_write(&s));
    mb_progress_clear(&s.view);
    assert_string_equal(next_write(&s), "\r\033[K");
    mb_progress_end(&s.view);
    assert_null(next_write(&s));
    close_screen(&s);
}

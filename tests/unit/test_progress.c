#include "progress.h"

#include "core/clock.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A view of a socket that keeps the boundaries between writes; COLUMNS is its width. */
typedef struct fake_terminal {
    int reader;
    mb_output output;
    mb_progress_view view;
    char text[4096];
} fake_terminal;

static void open_screen(fake_terminal *screen, const char *columns)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    *screen = (fake_terminal){
        .reader = ends[0],
        .view = {.terminal = {.fd = ends[1], .interactive = true}, .drawn_at = -INFINITY}};
    mb_output_open(&screen->output, ends[1]);
    screen->view.output = &screen->output;
    assert_int_equal(setenv("COLUMNS", columns, 1), 0);
}

static void close_screen(fake_terminal *screen)
{
    close(screen->reader);
    close(screen->view.terminal.fd);
}

/* The next write; NULL: there was none. */
static const char *next_write(fake_terminal *screen)
{
    const ssize_t size = recv(screen->reader, screen->text, sizeof screen->text - 1, 0);
    if (size < 0)
        return NULL;
    screen->text[size] = '\0';
    return screen->text;
}

/* Half of epoch 2 of 4, `elapsed` seconds after the start of the run; 0: when the display starts.
 */
static const mb_progress half = {
    .epoch = 2, .epochs = 4, .samples_done = 500, .samples = 1000, .seconds = 2, .loss = 0.165};

static void show(fake_terminal *screen, double elapsed)
{
    screen->view.started_at = mb_seconds() - elapsed;
    screen->view.drawn_at = -INFINITY;
    mb_progress_show(&screen->view, &half);
}

static const mb_epoch_metrics metrics = {.epoch = 1,
                                         .epochs = 5,
                                         .train_loss = 0.36774,
                                         .train_accuracy = 0.897,
                                         .validation_accuracy = 0.935,
                                         .test_accuracy = 0.9411,
                                         .validation_loss = 0.2134,
                                         .test_loss = 0.1987,
                                         .seconds = 0.0831,
                                         .samples_per_second = 723875.2,
                                         .gflops = 328.92};

TEST(an_update_is_one_write_that_erases_at_its_end)
{
    fake_terminal screen;
    open_screen(&screen, "100");
    show(&screen, 10);
    assert_string_equal(next_write(&screen), "\repoch 2/4   50 %  [##########..........]  0:17 left"
                                             "  loss 0.1650  250 samples/s\033[K");
    assert_null(next_write(&screen));
    close_screen(&screen);
}

TEST(updates_in_quick_succession_are_skipped)
{
    fake_terminal screen;
    open_screen(&screen, "80");
    screen.view.drawn_at = INFINITY; /* no time has passed */
    mb_progress_show(&screen.view, &half);
    assert_null(next_write(&screen));
    screen.view.drawn_at = -INFINITY;
    mb_progress_show(&screen.view, &half);
    assert_non_null(next_write(&screen));
    close_screen(&screen);
}

#define NEXT_LINE "\033[K\n           "
#define TRAIN "train 89.70 %, loss 0.3677"
#define VALIDATION "validation 93.50 %, loss 0.2134"
#define TEST_SET "test 94.11 %, loss 0.1987"
#define SECONDS "0.083 s"
#define SPEED "723875 samples/s"
#define GFLOPS "328.9 GFLOP/s"

/* The bar's line ends before the first part that does not fit, and leaves 3 cells free; an epoch
 * goes on in the next line, and leaves 1. */
TEST(a_narrow_terminal_shows_the_first_parts_and_wraps_epochs)
{
    static const char bar[] =
        "epoch 2/4   50 %  [##########..........]  0:17 left  loss 0.1650  250 samples/s";
    static const struct {
        const char *columns;
        int bar; /* its cells */
        const char *epoch;
    } cases[] = {
        {"160", 79,
         "epoch 1/5  " TRAIN "  " VALIDATION "  " TEST_SET "  " SECONDS "  " SPEED "  " GFLOPS},
        {"140", 79,
         "epoch 1/5  " TRAIN "  " VALIDATION "  " TEST_SET "  " SECONDS "  " SPEED "  " GFLOPS},
        {"139", 79,
         "epoch 1/5  " TRAIN "  " VALIDATION "  " TEST_SET "  " SECONDS
         "  " SPEED NEXT_LINE GFLOPS},
        {"98", 79,
         "epoch 1/5  " TRAIN "  " VALIDATION "  " TEST_SET NEXT_LINE SECONDS "  " SPEED
         "  " GFLOPS},
        {"97", 79,
         "epoch 1/5  " TRAIN "  " VALIDATION NEXT_LINE TEST_SET "  " SECONDS "  " SPEED
         "  " GFLOPS},
        {"82", 79,
         "epoch 1/5  " TRAIN "  " VALIDATION NEXT_LINE TEST_SET "  " SECONDS "  " SPEED
         "  " GFLOPS},
        {"81", 64,
         "epoch 1/5  " TRAIN "  " VALIDATION NEXT_LINE TEST_SET "  " SECONDS "  " SPEED
         "  " GFLOPS},
        {"67", 64,
         "epoch 1/5  " TRAIN NEXT_LINE VALIDATION NEXT_LINE TEST_SET "  " SECONDS
         "  " SPEED NEXT_LINE GFLOPS},
        {"66", 51,
         "epoch 1/5  " TRAIN NEXT_LINE VALIDATION NEXT_LINE TEST_SET "  " SECONDS
         "  " SPEED NEXT_LINE GFLOPS},
        {"43", 40,
         "epoch 1/5  " TRAIN NEXT_LINE VALIDATION NEXT_LINE TEST_SET NEXT_LINE SECONDS
         "  " SPEED NEXT_LINE GFLOPS},
        {"42", 16, "epoch 1/5  " TRAIN},
        {"37", 16, "epoch 1/5"},
        {"12", 9, "epoch 1/5"},
        {"11", 0, "epoch 1/5"},
        {"1", 0, ""}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char wanted[256];
        fake_terminal screen;
        open_screen(&screen, cases[i].columns);
        show(&screen, 10);
        snprintf(wanted, sizeof wanted, "\r%.*s\033[K", cases[i].bar, bar);
        assert_string_equal(next_write(&screen), wanted);
        mb_progress_show_epoch(&screen.view, &metrics);
        snprintf(wanted, sizeof wanted, "\r%s\033[K\n", cases[i].epoch);
        assert_string_equal(next_write(&screen), wanted);
        close_screen(&screen);
    }
}

/* 1500 of 4000 samples are done: the time left is 5/3 of the time elapsed. */
TEST(time_left_is_in_minutes_or_hours)
{
    static const struct {
        double elapsed;
        const char *wanted;
    } cases[] = {{0.3, "0:01 left"},
                 {35.1, "0:59 left"},
                 {35.7, "1:00 left"},
                 {359.7, "10:00 left"},
                 {2159.1, "59:59 left"},
                 {2159.7, "1:00:00 left"},
                 {21636.3, "10:01:01 left"},
                 {1e9, NULL},
                 {INFINITY, NULL}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        fake_terminal screen;
        open_screen(&screen, "200");
        show(&screen, cases[i].elapsed);
        const char *shown = strstr(next_write(&screen), "]  ");
        assert_non_null(shown);
        const char *wanted = cases[i].wanted != NULL ? cases[i].wanted : "loss";
        assert_memory_equal(shown + 3, wanted, strlen(wanted));
        close_screen(&screen);
    }
}

/* The start of the epoch follows from its first event; earlier epochs were not observed. */
TEST(a_resumed_run_starts_the_clock_at_its_first_epoch)
{
    fake_terminal screen;
    open_screen(&screen, "100");
    mb_progress_show(&screen.view, &half); /* 500 samples in 2 s, 2500 to go */
    assert_non_null(strstr(next_write(&screen), "  0:11 left"));
    close_screen(&screen);
}

TEST(a_line_is_cleared_once)
{
    fake_terminal screen;
    open_screen(&screen, "80");
    mb_progress_clear(&screen.view);
    assert_null(next_write(&screen));
    show(&screen, 10);
    assert_non_null(next_write(&screen));
    mb_progress_clear(&screen.view);
    assert_string_equal(next_write(&screen), "\r\033[K");
    mb_progress_end(&screen.view);
    assert_null(next_write(&screen));
    show(&screen, 10);
    assert_non_null(next_write(&screen));
    mb_progress_show_epoch(&screen.view, &metrics);
    assert_non_null(next_write(&screen));
    mb_progress_end(&screen.view); /* the line of an epoch stays */
    assert_null(next_write(&screen));
    close_screen(&screen);
}

/* Values of all lengths at every width; colour and block characters take as many cells as ASCII. */
TEST(no_line_is_wider_than_the_window)
{
    static const double values[] = {0, 0.5, 1e3, 3e38};
    for (size_t width = 1; width <= 200; width++)
        for (size_t i = 0; i < MB_COUNT_OF(values); i++) {
            char columns[8];
            fake_terminal screen;
            snprintf(columns, sizeof columns, "%zu", width);
            open_screen(&screen, columns);
            screen.view.terminal.colour = screen.view.terminal.blocks = i % 2 == 1;
            const mb_progress progress = {100000, 100000, 700, 1000, 1, values[i], 0, 0, NULL};
            mb_progress_show(&screen.view, &progress);
            size_t cells = 0;
            for (const char *c = next_write(&screen) + 1; *c != '\0'; c++)
                if (*c == '\033')
                    c += strcspn(c, "mK");
                else
                    cells += ((unsigned char)*c & 0xc0) != 0x80;
            assert_true(cells == 0 || cells + 3 <= width);
            mb_epoch_metrics epoch = metrics;
            epoch.train_loss = epoch.samples_per_second = epoch.gflops = values[i];
            mb_progress_show_epoch(&screen.view, &epoch);
            for (const char *c = next_write(&screen) + 1; *c != '\0'; c = strchr(c, '\n') + 1)
                assert_true(strcspn(c, "\033") < width);
            close_screen(&screen);
        }
}

/* What does not fit into 120 columns comes in a second line. */
TEST(a_line_in_a_pipe_has_all_parts_in_120_columns)
{
    mb_epoch_metrics epoch = metrics;
    fake_terminal screen;
    open_screen(&screen, "20");
    screen.view.terminal.interactive = false;
    mb_progress_show_epoch(&screen.view, &epoch);
    assert_string_equal(next_write(&screen), "epoch 1/5  " TRAIN "  " VALIDATION "  " TEST_SET
                                             "  " SECONDS "\n           " SPEED "  " GFLOPS "\n");
    epoch.validation_accuracy = NAN;
    mb_progress_show_epoch(&screen.view, &epoch);
    assert_string_equal(next_write(&screen),
                        "epoch 1/5  " TRAIN "  " TEST_SET "  " SECONDS "  " SPEED "  " GFLOPS "\n");
    close_screen(&screen);
}

TEST(a_bar_is_full_at_its_end_only)
{
    static const struct {
        double fraction;
        const char *wanted;
    } cases[] = {{0, ".........."},
                 {NAN, ".........."},
                 {0.9999, "#########."},
                 {1, "##########"},
                 {0.43, "####......"}};
    const mb_terminal plain = {.interactive = true};
    const mb_terminal rich = {.interactive = true, .colour = true, .blocks = true};
    char text[MB_BAR_BYTES(10)];
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_terminal_bar(&plain, cases[i].fraction, 10, text);
        assert_string_equal(text, cases[i].wanted);
    }
    mb_terminal_bar(&rich, 0.43, 5, text);
    assert_string_equal(text, "\033[36m██\033[0m\033[2m░░░\033[0m");
}

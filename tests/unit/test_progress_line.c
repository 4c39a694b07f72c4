#include "progress_line.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_WIDTH = 200 };
static const mb_terminal plain = {.interactive = true};
static const mb_terminal rich = {.interactive = true, .colour = true, .blocks = true};

static const mb_bar second = {.epoch = 2,
                              .epochs = 5,
                              .share = 0.43,
                              .loss = 0.165,
                              .samples_per_second = 412345,
                              .left = 2.1};

static void shows(const mb_bar *bar, size_t width, const char *wanted)
{
    char line[MB_LINE_BYTES];
    mb_bar_line(bar, &plain, width, line);
    assert_string_equal(line, wanted);
}

TEST(the_bar_tells_all_where_there_is_room)
{
    const char *all = "epoch 2/5 [############..................]  43 %  loss 0.1650  "
                      "412345 samples/s  0:03 left";
    shows(&second, 200, all);
    shows(&second, strlen(all) + 3, all);
}

TEST(the_bar_gives_way_in_the_stated_order)
{
    shows(&second, 92,
          "epoch 2/5 [##########...............]  43 %  loss 0.1650  412345 samples/s"
          "  0:03 left");
    shows(&second, 68, "epoch 2/5 [##...]  43 %  loss 0.1650  412345 samples/s  0:03 left");
    shows(&second, 67, "epoch 2/5 [########............]  43 %  loss 0.1650  0:03 left");
    shows(&second, 50, "epoch 2/5 [##...]  43 %  loss 0.1650  0:03 left");
    shows(&second, 49, "epoch 2/5 [######.........]  43 %  0:03 left");
    shows(&second, 37, "epoch 2/5 [##...]  43 %  0:03 left");
    shows(&second, 36, "epoch 2/5 [######.........]  43 %");
    shows(&second, 25, "2/5 [####......]  43 %");
    shows(&second, 20, "2/5 [##...]  43 %");
    shows(&second, 19, "2/5  43 %");
    shows(&second, 12, "2/5  43 %");
    shows(&second, 11, "  43 %");
    shows(&second, 9, "  43 %");
    shows(&second, 8, "");
    shows(&second, 0, "");
}

TEST(what_is_not_known_is_left_out)
{
    mb_bar bar = second;
    bar.loss = NAN;
    shows(&bar, 62, "epoch 2/5 [####......]  43 %  412345 samples/s  0:03 left");
    bar.samples_per_second = NAN;
    shows(&bar, 50, "epoch 2/5 [######.........]  43 %  0:03 left");
    bar.left = NAN;
    shows(&bar, 40, "epoch 2/5 [######.........]  43 %");
}

TEST(a_bar_is_full_at_its_end_only)
{
    mb_bar bar = {.epoch = 1, .epochs = 1, .loss = NAN, .samples_per_second = NAN, .left = NAN};
    shows(&bar, 35, "epoch 1/1 [..........]   0 %");
    bar.share = 0.9999;
    shows(&bar, 35, "epoch 1/1 [#########.]  99 %");
    bar.share = 1;
    shows(&bar, 35, "epoch 1/1 [##########] 100 %");
}

TEST(time_left_is_in_minutes_or_hours)
{
    static const struct {
        double seconds;
        const char *wanted;
    } cases[] = {{0, "0:00 left"},         {0.01, "0:01 left"},      {59, "0:59 left"},
                 {59.2, "1:00 left"},      {600, "10:00 left"},      {3599, "59:59 left"},
                 {3599.5, "1:00:00 left"}, {36061, "10:01:01 left"}, {1e9, "277777:46:40 left"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mb_bar bar = second;
        bar.left = cases[i].seconds;
        char line[MB_LINE_BYTES];
        mb_bar_line(&bar, &plain, MOST_WIDTH, line);
        const char *shown = strstr(line, "samples/s  ");
        assert_non_null(shown);
        assert_string_equal(shown + strlen("samples/s  "), cases[i].wanted);
    }
    for (size_t i = 0; i < 2; i++) {
        mb_bar bar = second;
        bar.left = i == 0 ? INFINITY : 1.1e9;
        char line[MB_LINE_BYTES];
        mb_bar_line(&bar, &plain, MOST_WIDTH, line);
        assert_null(strstr(line, "left"));
    }
}

/* Cells of a line: characters of UTF-8 that are not in an escape sequence. */
static size_t cells_of(const char *line)
{
    size_t cells = 0;
    for (const char *c = line; *c != '\0'; c++) {
        if (*c == '\033')
            c = strchr(c, 'm');
        else
            cells += ((unsigned char)*c & 0xc0) != 0x80;
    }
    return cells;
}

/* Numbers of all lengths, at every width; colour and blocks take as many cells as ASCII does. */
TEST(no_line_is_wider_than_the_window)
{
    static const size_t epochs[] = {1, 30, 100000};
    static const double numbers[] = {0, 0.5, 1e3, 3e38};
    char line[MB_LINE_BYTES], styled[MB_LINE_BYTES];
    for (size_t width = 1; width <= MOST_WIDTH; width++)
        for (size_t e = 0; e < sizeof epochs / sizeof *epochs; e++)
            for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
                const mb_bar bar = {epochs[e], epochs[e], 0.7, numbers[n], numbers[n], numbers[n]};
                mb_bar_line(&bar, &plain, width, line);
                assert_true(*line == '\0' || strlen(line) + 3 <= width);
                mb_bar_line(&bar, &rich, width, styled);
                assert_int_equal(cells_of(styled), strlen(line));
                const mb_epoch_metrics metrics = {.epoch = epochs[e],
                                                  .epochs = epochs[e],
                                                  .train_loss = numbers[n],
                                                  .validation_accuracy = 0.5,
                                                  .samples_per_second = numbers[n],
                                                  .gflops = numbers[n]};
                mb_epoch_line(&metrics, width, line);
                assert_true(strlen(line) < width || strchr(line, ' ') == NULL);
            }
}

TEST(blocks_and_colour)
{
    char line[MB_LINE_BYTES];
    mb_bar_line(&second, &rich, 20, line);
    assert_string_equal(line, "2/5 [\033[36m██\033[0m\033[2m░░░\033[0m]  43 %");
}

TEST(an_epoch_line_drops_what_does_not_fit)
{
    static const struct {
        size_t width;
        const char *wanted;
    } cases[] = {
        {SIZE_MAX, "epoch 1/5  loss 0.3677  train 89.70 %  validation 93.50 %  test 94.11 %  "
                   "0.083 s  723875 samples/s  328.9 GFLOP/s"},
        {99, "epoch 1/5  loss 0.3677  train 89.70 %  validation 93.50 %  test 94.11 %  0.083 s  "
             "723875 samples/s"},
        {98, "epoch 1/5  loss 0.3677  train 89.70 %  validation 93.50 %  test 94.11 %  0.083 s"},
        {80, "epoch 1/5  loss 0.3677  train 89.70 %  validation 93.50 %  test 94.11 %"},
        {60, "epoch 1/5  loss 0.3677  validation 93.50 %  test 94.11 %"},
        {40, "epoch 1/5  loss 0.3677  test 94.11 %"},
        {30, "epoch 1/5  test 94.11 %"},
        {20, "1/5  test 94.11 %"},
        {10, "1/5"},
        {1, "1/5"}};
    const mb_epoch_metrics metrics = {.epoch = 1,
                                      .epochs = 5,
                                      .train_loss = 0.36774,
                                      .train_accuracy = 0.897,
                                      .validation_accuracy = 0.935,
                                      .test_accuracy = 0.9411,
                                      .seconds = 0.0831,
                                      .samples_per_second = 723875.2,
                                      .gflops = 328.92};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[MB_LINE_BYTES];
        mb_epoch_line(&metrics, cases[i].width, line);
        assert_string_equal(line, cases[i].wanted);
    }
}

/* A run of 4 epochs of 1000 samples, each of 5 s training and 2 s evaluation: from the second
 * epoch on the time left is the true one, in the first it lacks what has never been seen. */
TEST(time_left_is_exact_at_a_steady_pace)
{
    mb_pace pace = {0};
    mb_progress progress = {.epoch = 1, .epochs = 4, .samples = 1000};
    assert_true(isnan(mb_pace_left(&pace, &progress)));
    double before = INFINITY;
    for (size_t epoch = 0; epoch < 4; epoch++) {
        for (size_t done = 250; done <= 1000; done += 250) {
            progress.epoch = epoch + 1;
            progress.samples_done = done;
            progress.seconds = (double)done / 200;
            const double left = mb_pace_left(&pace, &progress);
            const double training = (double)(4000 - epoch * 1000 - done) / 200;
            const double evaluations = epoch == 0 ? 0 : 2.0 * (double)(4 - epoch);
            assert_true(fabs(left - (training + evaluations)) < 1e-9);
            if (done > 250 || epoch != 1)
                assert_true(left < before);
            before = left;
        }
        mb_pace_add(&pace, 1000, 5, 2);
    }
}

#include "progress.h"

#include "signals.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 640, PART_BYTES = 160, BAR_CELLS = 20, PIPE_CELLS = 120 };

static const double redraw_seconds =
    0.04; /* events come every 0.05 s, or faster if epochs are short */

/* As wide as "epoch 1/5". */
#define INDENTATION "         "
enum { INDENT = sizeof INDENTATION - 1 };

#define ERASE_REST "\033[K"
static const char erase[] = "\r" ERASE_REST;
static const char erase_colour[] = "\033[0m\r" ERASE_REST;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Lines of at most `width` cells. A part that does not fit goes to the next line, which begins with
 * `next_line`; if that is NULL or the part does not fit there either, it and all after it are left
 * out. */
typedef struct text_line {
    size_t width, cells, bytes;
    const char *next_line;
    char text[LINE_BYTES];
} text_line;

static void append(text_line *line, size_t cells, const char *part)
{
    const size_t bytes = strlen(part);
    if (line->cells + cells > line->width || line->bytes + bytes >= LINE_BYTES) {
        line->width = 0;
        return;
    }
    memcpy(line->text + line->bytes, part, bytes + 1);
    line->cells += cells;
    line->bytes += bytes;
}

static void add_part(text_line *line, size_t cells, const char *part)
{
    if (line->next_line != NULL && line->cells + cells > line->width &&
        INDENT + cells <= line->width) {
        line->cells = 0;
        append(line, INDENT, line->next_line);
    }
    append(line, cells, part);
}

__attribute__((format(printf, 2, 3))) static void add(text_line *line, const char *format, ...)
{
    char part[PART_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(part, sizeof part, format, arguments);
    va_end(arguments);
    add_part(line, strlen(part), part);
}

/* Seconds to the end of the run at its mean speed so far, evaluations included. */
static double seconds_left(mb_progress_view *view, const mb_progress *progress)
{
    const double epoch_samples = (double)progress->samples;
    const double done =
        (double)(progress->epoch - 1) * epoch_samples + (double)progress->samples_done;
    if (view->started_at == 0) {
        view->started_at = now() - progress->seconds;
        view->samples_before = done - (double)progress->samples_done;
    }
    return (now() - view->started_at) * ((double)progress->epochs * epoch_samples - done) /
           (done - view->samples_before);
}

static void add_left(text_line *line, double seconds)
{
    const double max = 1e9; /* longer than any run, and within the range of unsigned long */
    if (!(seconds >= 0 && seconds <= max))
        return;
    const unsigned long whole = (unsigned long)ceil(seconds);
    const unsigned long hours = whole / 3600, minutes = whole / 60 % 60;
    if (hours > 0)
        add(line, "  %lu:%02lu:%02lu left", hours, minutes, whole % 60);
    else
        add(line, "  %lu:%02lu left", minutes, whole % 60);
}

/* Replaces the line on the screen, in one write; erasing after it avoids flicker. */
static void draw(const mb_progress_view *view, const char *line, const char *end)
{
    char text[LINE_BYTES + 16];
    const int length = snprintf(text, sizeof text, "\r%s%s", line, end);
    mb_output_write(view->output, text, (size_t)length);
}

void mb_progress_show(mb_progress_view *view, const mb_progress *progress)
{
    const double left = seconds_left(view, progress);
    if (!view->terminal.interactive || now() - view->drawn_at < redraw_seconds ||
        mb_output_is_held(view->output))
        return;
    /* The last column would wrap, and the "^C" that a terminal shows for Ctrl-C must not. */
    const size_t width = mb_terminal_width(&view->terminal);
    const double fraction = (double)progress->samples_done / (double)progress->samples;
    text_line line = {.width = width > 3 ? width - 3 : 0};
    char bar[MB_BAR_BYTES(BAR_CELLS)], bracketed[sizeof bar + 4];
    mb_terminal_bar(&view->terminal, fraction, BAR_CELLS, bar);
    snprintf(bracketed, sizeof bracketed, "  [%s]", bar);
    add(&line, "epoch %zu/%zu", progress->epoch, progress->epochs);
    add(&line, "  %3d %%", (int)(100.0 * fraction));
    add_part(&line, BAR_CELLS + 4, bracketed);
    add_left(&line, left);
    add(&line, "  loss %.4f", progress->loss);
    add(&line, "  %.0f samples/s", (double)progress->samples_done / progress->seconds);
    draw(view, line.text, ERASE_REST);
    view->drawn = true;
    view->drawn_at = now();
}

static void add_result(text_line *line, const char *split, double accuracy, double loss)
{
    add(line, "  %s %.2f %%, loss %.4f", split, 100.0 * accuracy, loss);
}

void mb_progress_show_epoch(mb_progress_view *view, const mb_epoch_metrics *metrics)
{
    const bool interactive = view->terminal.interactive;
    text_line line = {.width = interactive ? mb_terminal_width(&view->terminal) - 1 : PIPE_CELLS,
                      .next_line = interactive ? ERASE_REST "\n" INDENTATION : "\n" INDENTATION};
    if (view->quiet)
        return;
    add(&line, "epoch %zu/%zu", metrics->epoch, metrics->epochs);
    add_result(&line, "train", metrics->train_accuracy, metrics->train_loss);
    if (!isnan(metrics->validation_accuracy))
        add_result(&line, "validation", metrics->validation_accuracy, metrics->validation_loss);
    add_result(&line, "test", metrics->test_accuracy, metrics->test_loss);
    add(&line, "  %.3f s", metrics->seconds);
    add(&line, "  %.0f samples/s", metrics->samples_per_second);
    add(&line, "  %.1f GFLOP/s", metrics->gflops);
    if (interactive) {
        draw(view, line.text, ERASE_REST "\n");
        view->drawn = false;
    } else
        mb_output_print(view->output, "%s\n", line.text);
}

void mb_progress_begin(mb_progress_view *view)
{
    view->terminal = view->quiet ? (mb_terminal){0} : mb_terminal_detect(STDOUT_FILENO);
    view->drawn_at = -INFINITY;
    if (view->terminal.interactive)
        mb_signals_set_cleanup(view->terminal.fd, view->terminal.colour ? erase_colour : erase);
}

void mb_progress_clear(mb_progress_view *view)
{
    if (view->drawn)
        mb_output_write(view->output, erase, strlen(erase));
    view->drawn = false;
}

void mb_progress_end(mb_progress_view *view)
{
    mb_progress_clear(view);
    mb_signals_set_cleanup(-1, NULL);
}

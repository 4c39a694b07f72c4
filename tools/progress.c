#include "progress.h"

#include "signals.h"

#include "core/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double redraw_seconds =
    0.04; /* events come every 0.05 s, or faster in a short epoch */

/* What is left of an old line is erased behind the new one, never before it: what stays the same
 * does not flicker. */
#define ERASE_REST "\033[K"
static const char clear[] = "\r" ERASE_REST;
static const char clear_colour[] = "\033[0m\r" ERASE_REST;

static void draw(mb_progress_view *view, const char *above, const mb_bar *bar)
{
    char text[2 * MB_LINE_BYTES + 32], line[MB_LINE_BYTES] = "";
    int length = 0;
    if (above != NULL)
        length = snprintf(text, sizeof text, "\r%s" ERASE_REST "\n", above);
    if (bar != NULL) {
        mb_bar_line(bar, &view->terminal, mb_terminal_width(&view->terminal), line);
        length += snprintf(text + length, sizeof text - (size_t)length, "\r%s" ERASE_REST, line);
        view->drawn_at = mb_seconds();
    }
    view->standing = *line != '\0';
    mb_terminal_write(&view->terminal, text, (size_t)length);
}

void mb_progress_show(mb_progress_view *view, const mb_progress *progress)
{
    view->samples = progress->samples;
    view->trained_at = mb_seconds();
    if (!view->terminal.interactive || view->trained_at - view->drawn_at < redraw_seconds)
        return;
    const mb_bar bar = {.epoch = progress->epoch,
                        .epochs = progress->epochs,
                        .share = (double)progress->samples_done / (double)progress->samples,
                        .loss = progress->loss,
                        .samples_per_second = (double)progress->samples_done / progress->seconds,
                        .left = mb_pace_left(&view->pace, progress)};
    draw(view, NULL, &bar);
}

/* The line takes the bar's place, and the next epoch's bar stands below at once, with what the
 * finished one came to. */
static void draw_epoch(mb_progress_view *view, const mb_epoch_metrics *metrics)
{
    char line[MB_LINE_BYTES];
    const mb_progress next = {
        .epoch = metrics->epoch + 1, .epochs = metrics->epochs, .samples = view->samples};
    const mb_bar bar = {.epoch = next.epoch,
                        .epochs = next.epochs,
                        .loss = metrics->train_loss,
                        .samples_per_second = metrics->samples_per_second,
                        .left = mb_pace_left(&view->pace, &next)};
    mb_epoch_line(metrics, mb_terminal_width(&view->terminal), line);
    draw(view, line, metrics->epoch < metrics->epochs ? &bar : NULL);
}

void mb_progress_show_epoch(mb_progress_view *view, const mb_epoch_metrics *metrics)
{
    mb_pace_add(&view->pace, view->samples, metrics->seconds, mb_seconds() - view->trained_at);
    if (view->quiet)
        return;
    if (view->terminal.interactive) {
        draw_epoch(view, metrics);
        return;
    }
    char line[MB_LINE_BYTES];
    mb_epoch_line(metrics, SIZE_MAX, line);
    puts(line);
    fflush(stdout);
}

void mb_progress_begin(mb_progress_view *view)
{
    view->terminal = view->quiet ? (mb_terminal){0} : mb_terminal_detect(STDOUT_FILENO);
    view->drawn_at = -INFINITY;
    if (view->terminal.interactive)
        mb_signals_farewell(&view->terminal, view->terminal.colour ? clear_colour : clear);
}

void mb_progress_clear(mb_progress_view *view)
{
    if (view->standing)
        mb_terminal_write(&view->terminal, clear, strlen(clear));
    view->standing = false;
}

void mb_progress_end(mb_progress_view *view)
{
    mb_progress_clear(view);
    mb_signals_farewell(NULL, NULL);
}

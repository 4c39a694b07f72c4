#include "progress_line.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MOST_CELLS = 30,
    CELL_STEP = 5, /* the bar's length is a multiple, so that a digit more leaves it alone */
    PART_BYTES = 64
};

/* One part of a line. Those of the highest rank go first where room is short. */
typedef struct part {
    char text[PART_BYTES];
    size_t rank;
} part;

void mb_pace_add(mb_pace *pace, size_t samples, double training, double evaluating)
{
    pace->samples += samples;
    pace->training += training;
    pace->epochs++;
    pace->evaluating += evaluating;
}

double mb_pace_left(const mb_pace *pace, const mb_progress *progress)
{
    const size_t seen = pace->samples + progress->samples_done;
    if (seen == 0)
        return NAN;
    const double epochs_after = (double)(progress->epochs - progress->epoch);
    const double samples_left = epochs_after * (double)progress->samples +
                                (double)(progress->samples - progress->samples_done);
    const double training = samples_left * (pace->training + progress->seconds) / (double)seen;
    const double evaluation = pace->epochs > 0 ? pace->evaluating / (double)pace->epochs : 0;
    return training + (epochs_after + 1) * evaluation;
}

static void print_left(double seconds, char *text)
{
    const double most = 1e9; /* in which no run is, and which is a number of seconds still */
    if (!(seconds >= 0 && seconds <= most))
        return;
    const unsigned long whole = (unsigned long)ceil(seconds);
    const unsigned long hours = whole / 3600, minutes = whole / 60 % 60;
    if (hours > 0)
        snprintf(text, PART_BYTES, "  %lu:%02lu:%02lu left", hours, minutes, whole % 60);
    else
        snprintf(text, PART_BYTES, "  %lu:%02lu left", minutes, whole % 60);
}

/* Bytes, which are cells: all that is not ASCII is in the bar, which is no text here. */
static size_t length_to_rank(const part *parts, size_t count, size_t rank)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += parts[i].rank <= rank ? strlen(parts[i].text) : 0;
    return length;
}

/* What an epoch's line and the bar's have in common: puts the parts up to a rank in a row. */
static void join(const part *parts, size_t count, size_t rank, char *line)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i].rank <= rank)
            line = stpcpy(line, parts[i].text);
}

enum { BAR_RANK = 2, LAST_RANK = 6, BEFORE_BAR = 3 };

/* The highest rank that fits into `limit` cells, with the length of its bar; false if none does. */
static bool fit_bar(const part *parts, size_t count, size_t limit, size_t *rank, size_t *cells)
{
    for (size_t r = LAST_RANK + 1; r-- > 0;) {
        const size_t length = length_to_rank(parts, count, r);
        if (length > limit)
            continue;
        const size_t room = limit - length;
        *rank = r;
        *cells = room < MOST_CELLS ? room / CELL_STEP * CELL_STEP : MOST_CELLS;
        if (r < BAR_RANK || *cells > 0)
            return true;
    }
    return false;
}

void mb_bar_line(const mb_bar *bar, const mb_terminal *terminal, size_t width, char *line)
{
    part parts[] = {{"epoch ", 3}, {"", 1}, {" [", BAR_RANK}, {"]", BAR_RANK},
                    {"", 0},       {"", 5}, {"", LAST_RANK},  {"", 4}};
    const size_t count = sizeof parts / sizeof *parts;
    snprintf(parts[1].text, PART_BYTES, "%zu/%zu", bar->epoch, bar->epochs);
    snprintf(parts[4].text, PART_BYTES, " %3d %%", (int)(100.0 * bar->share));
    if (!isnan(bar->loss))
        snprintf(parts[5].text, PART_BYTES, "  loss %.4f", bar->loss);
    if (!isnan(bar->samples_per_second))
        snprintf(parts[6].text, PART_BYTES, "  %.0f samples/s", bar->samples_per_second);
    print_left(bar->left, parts[7].text);
    size_t rank = 0, cells = 0;
    *line = '\0';
    if (!fit_bar(parts, count, width > 3 ? width - 3 : 0, &rank, &cells))
        return;
    join(parts, BEFORE_BAR, rank, line);
    if (rank >= BAR_RANK)
        mb_terminal_bar(terminal, bar->share, cells, line + strlen(line));
    join(parts + BEFORE_BAR, count - BEFORE_BAR, rank, line + strlen(line));
}

void mb_epoch_line(const mb_epoch_metrics *metrics, size_t width, char *line)
{
    part parts[] = {{"epoch ", 2}, {"", 0}, {"", 3}, {"", 5}, {"", 4},
                    {"", 1},       {"", 6}, {"", 7}, {"", 8}};
    const size_t count = sizeof parts / sizeof *parts;
    snprintf(parts[1].text, PART_BYTES, "%zu/%zu", metrics->epoch, metrics->epochs);
    snprintf(parts[2].text, PART_BYTES, "  loss %.4f", metrics->train_loss);
    snprintf(parts[3].text, PART_BYTES, "  train %.2f %%", 100.0 * metrics->train_accuracy);
    if (!isnan(metrics->validation_accuracy))
        snprintf(parts[4].text, PART_BYTES, "  validation %.2f %%",
                 100.0 * metrics->validation_accuracy);
    snprintf(parts[5].text, PART_BYTES, "  test %.2f %%", 100.0 * metrics->test_accuracy);
    snprintf(parts[6].text, PART_BYTES, "  %.3f s", metrics->seconds);
    snprintf(parts[7].text, PART_BYTES, "  %.0f samples/s", metrics->samples_per_second);
    snprintf(parts[8].text, PART_BYTES, "  %.1f GFLOP/s", metrics->gflops);
    size_t rank = count - 1;
    while (rank > 0 && length_to_rank(parts, count, rank) >= width)
        rank--;
    join(parts, count, rank, line);
}

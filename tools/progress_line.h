/* The lines that a training run shows, as text of a given width. */
#ifndef MB_TOOLS_PROGRESS_LINE_H
#define MB_TOOLS_PROGRESS_LINE_H

#include "terminal.h"

#include <mnist_blas/training.h>

/* Bytes that hold any line, with the 0 at its end. */
enum { MB_LINE_BYTES = 640 };

/* How fast a run is, from its finished epochs; {0} at its start. */
typedef struct mb_pace {
    size_t samples;    /* trained on */
    double training;   /* seconds of that */
    size_t epochs;     /* finished, evaluation included */
    double evaluating; /* seconds of the evaluations */
} mb_pace;

/* Counts one finished epoch. */
void mb_pace_add(mb_pace *pace, size_t samples, double training, double evaluating);

/* Seconds from `progress` to the end of the run's last evaluation: the samples to come at the mean
 * speed so far, the current epoch's included, and the evaluations to come as long as those before
 * (nothing in the first epoch, which has seen none). NaN before the first sample. */
double mb_pace_left(const mb_pace *pace, const mb_progress *progress);

/* What the line under way tells. A loss, a speed, a time that is NaN is left out. */
typedef struct mb_bar {
    size_t epoch, epochs;
    double share;              /* of the epoch, 0 to 1 */
    double loss;               /* mean over the epoch so far, or the last one's at its start */
    double samples_per_second; /* likewise */
    double left;               /* seconds to the end of the run */
} mb_bar;

/* "epoch 2/5 [########............]  43 %  loss 0.1650  412345 samples/s  0:03 left" into `line`,
 * MB_LINE_BYTES large. Takes at most width - 3 cells: the last column would wrap, and a Ctrl-C
 * that the terminal shows behind it as "^C" must not. Where room is short, the bar shrinks from 30
 * cells to 5 first, and then these go, one after the other: samples/s, loss, time left, the word
 * "epoch", the bar, the epoch. What does not fit then is "". */
void mb_bar_line(const mb_bar *bar, const mb_terminal *terminal, size_t width, char *line);

/* "epoch 2/5  loss 0.1650  train 95.03 %  test 95.79 %  0.083 s  719360 samples/s  326.9 GFLOP/s"
 * into `line`, MB_LINE_BYTES large. Takes at most width - 1 cells; where room is short these go,
 * one after the other: GFLOP/s, samples/s, seconds, train, validation, loss, the word "epoch",
 * test. SIZE_MAX keeps all. */
void mb_epoch_line(const mb_epoch_metrics *metrics, size_t width, char *line);

#endif

/* Progress of training on stdout: one line per epoch, and on a terminal a line that is rewritten in
 * place during the epoch:
 *
 *     epoch 2/5   43 %  [########............]  0:03 left  loss 0.1650  412345 samples/s
 *     epoch 2/5  train 95.03 %, loss 0.1650  test 95.79 %, loss 0.1433  0.083 s  719360 samples/s
 *                326.9 GFLOP/s
 *
 * A narrow terminal shows as many of the first line's figures, from the left, as fit; an epoch goes
 * on in further lines. */
#ifndef MB_TOOLS_PROGRESS_H
#define MB_TOOLS_PROGRESS_H

#include "output.h"
#include "terminal.h"

#include <mnist_blas/training.h>

typedef struct mb_progress_view {
    bool quiet;           /* shows nothing */
    mb_output *output;    /* stdout */
    mb_terminal terminal; /* of stdout; {0} if quiet */
    /* Private. */
    bool drawn;            /* the line of the running epoch is on the screen */
    double drawn_at;       /* mb_seconds() of its last update */
    double started_at;     /* mb_seconds() at which the first epoch shown began; 0: none yet */
    double samples_before; /* of the epochs before that one */
} mb_progress_view;

/* Looks at stdout. Until mb_progress_end, a signal that ends the process erases the line first. */
void mb_progress_begin(mb_progress_view *view);

/* Events of training. */
void mb_progress_show(mb_progress_view *view, const mb_progress *progress);
void mb_progress_show_epoch(mb_progress_view *view, const mb_epoch_metrics *metrics);

/* Erases the line, so that a message on stderr can follow; the next event draws it again. */
void mb_progress_clear(mb_progress_view *view);

/* Erases the line for good. */
void mb_progress_end(mb_progress_view *view);

#endif

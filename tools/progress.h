/* What a training run shows while it runs. */
#ifndef MB_TOOLS_PROGRESS_H
#define MB_TOOLS_PROGRESS_H

#include <mnist_blas/training.h>

#include <stdbool.h>

typedef struct mb_progress_view {
    bool quiet;               /* nothing */
    bool terminal;            /* a bar within the epoch, drawn over by the epoch's line */
    mb_epoch_metrics *epochs; /* (epochs) filled as they come */
} mb_progress_view;

/* Events that show what happens on stdout; `view` is their context. */
mb_training_events mb_progress_events(mb_progress_view *view);

/* Clears a bar that an error left standing. */
void mb_progress_clear(const mb_progress_view *view);

#endif

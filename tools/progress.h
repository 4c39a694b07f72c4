/* What a training run shows while it runs. */
#ifndef MB_TOOLS_PROGRESS_H
#define MB_TOOLS_PROGRESS_H

#include <mnist_blas/training.h>

#include <stdbool.h>

typedef struct mb_progress_view {
    bool quiet;    /* nothing */
    bool terminal; /* a bar within the epoch, drawn over by the epoch's line */
} mb_progress_view;

/* Show on stdout how far an epoch is, and what came of it. */
void mb_progress_show(const mb_progress_view *view, const mb_progress *progress);
void mb_progress_show_epoch(const mb_progress_view *view, const mb_epoch_metrics *metrics);

/* Clears a bar that an error left standing. */
void mb_progress_clear(const mb_progress_view *view);

#endif

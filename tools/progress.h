/* What a training run shows while it runs: a line an epoch, and on a terminal a bar below. */
#ifndef MB_TOOLS_PROGRESS_H
#define MB_TOOLS_PROGRESS_H

#include "progress_line.h"

typedef struct mb_progress_view {
    bool quiet;           /* nothing */
    mb_terminal terminal; /* of stdout; {0} where quiet */
    /* The view's own. */
    mb_pace pace;
    size_t samples;    /* of an epoch */
    double trained_at; /* when the epoch's training was last heard of, on mb_seconds()'s clock */
    double drawn_at;   /* when the bar was drawn last */
    bool standing;     /* a bar is on the screen */
} mb_progress_view;

/* Finds out what stdout is. Where a bar is to be shown, the process cleans the screen before a
 * signal ends it at once (signals.h), until mb_progress_end. */
void mb_progress_begin(mb_progress_view *view);

/* Show on stdout how far an epoch is, and what came of it. */
void mb_progress_show(mb_progress_view *view, const mb_progress *progress);
void mb_progress_show_epoch(mb_progress_view *view, const mb_epoch_metrics *metrics);

/* Clears a bar that stands, for a line on stderr; the next event draws it again. */
void mb_progress_clear(mb_progress_view *view);

/* mb_progress_clear, and no signal cleans the screen any more. */
void mb_progress_end(mb_progress_view *view);

#endif

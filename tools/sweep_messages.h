/* What the ranks of a sweep tell each other. */
#ifndef MB_TOOLS_SWEEP_MESSAGES_H
#define MB_TOOLS_SWEEP_MESSAGES_H

#include "sweep_training.h"

/* Seconds after which a rank tells that it lives, and after which a silent one is given up. */
enum { MB_SWEEP_ALIVE_S = 1, MB_SWEEP_SILENCE_S = 10 };

typedef enum mb_sweep_message_kind {
    /* From any rank. */
    MB_SWEEP_ALIVE,
    /* To rank 0. */
    MB_SWEEP_READY,  /* has read the data, and trains `number` runs at a time */
    MB_SWEEP_ENDED,  /* of run end.job: end, result */
    MB_SWEEP_SIGNAL, /* `signal` has come */
    MB_SWEEP_BROKEN, /* this rank has failed: end.status, end.text */
    MB_SWEEP_LEFT,   /* all work has ended; the last message of a rank */
    /* From rank 0. */
    MB_SWEEP_RUNG,          /* the next rung begins; its configurations follow */
    MB_SWEEP_CONFIGURATION, /* configuration `number` is in the rung */
    MB_SWEEP_RUN,           /* train run `number` */
    MB_SWEEP_STOP,          /* end all work; `signal`: because of that, or 0 */
    MB_SWEEP_LEAVE,         /* the last message; `all_left`: no rank is missing */
} mb_sweep_message_kind;

typedef struct mb_sweep_message {
    mb_sweep_message_kind kind;
    int signal;
    bool all_left;
    size_t number;
    mb_job_end end;
    mb_sweep_run result; /* without what it points to */
} mb_sweep_message;

_Static_assert(sizeof(mb_sweep_message) <= MB_MAX_MESSAGE, "too large for a message");

/* Monotonic, in seconds. */
double mb_sweep_now(void);

#endif

/* Choice of the number of threads that train.
 *
 * With a small network or batch, steps are so short that threads wait for each other longer than
 * they work. This depends on the machine and is measured: an epoch starts with short trials on all
 * threads, half of them, and so on, and continues with the fastest thread count.
 *
 * While other processes use the same CPUs, a thread that lost its CPU holds up all others at the
 * next barrier, and fewer threads may be faster. Short trials do not show that. The threads' CPU
 * time does: from then on, half as many threads and twice as many are tried for a while in turn,
 * until all threads train undisturbed again.
 *
 * The choice does not change a bit of the result. */
#ifndef MB_TRAIN_THREAD_TUNER_H
#define MB_TRAIN_THREAD_TUNER_H

#include <stdbool.h>
#include <stddef.h>

/* Candidates: all threads, half of them, and so on down to one. */
enum { MB_MAX_THREAD_COUNTS = 17 };

/* Steps over which speed and CPU time are measured. */
typedef struct mb_thread_window {
    double steps, seconds;
    double cpu_seconds; /* mean of the threads; below `seconds` if they did not always run */
} mb_thread_window;

/* The search for the fastest thread count on a busy machine. */
typedef struct mb_busy_search {
    bool is_active;
    bool is_probing;    /* the running window tries another candidate than `chosen` */
    bool probes_more;   /* threads than `chosen`, next or now */
    size_t chosen;      /* candidate */
    double chosen_each; /* its seconds per step, of the last windows the most */
    size_t windows;     /* until the next probe */
    size_t wait;        /* windows between probes; grows while they do not help */
} mb_busy_search;

typedef struct mb_thread_tuner {
    size_t threads;     /* for the next steps */
    size_t max_threads; /* the team's */
    size_t candidates;  /* thread counts to try; 1: no trials */
    size_t trials;      /* in this epoch so far */
    bool is_trying;
    double best[MB_MAX_THREAD_COUNTS]; /* seconds per step of each candidate */
    mb_thread_window window;           /* since the last decision */
    mb_busy_search busy;
} mb_thread_tuner;

/* A tuner for up to `max_threads` threads; `is_fixed`: always all of them. */
mb_thread_tuner mb_thread_tuner_init(size_t max_threads, bool is_fixed);

/* Starts an epoch of `steps` steps, with new trials unless those would take a large part of it; an
 * epoch without trials uses all threads. On a busy machine the choice remains. */
void mb_thread_tuner_start_epoch(mb_thread_tuner *tuner, size_t steps);

/* The number of steps to run next; `usual` is the number without trials. */
size_t mb_thread_tuner_steps(const mb_thread_tuner *tuner, size_t usual);

/* Records that `steps` steps took `seconds` and `cpu_seconds` of CPU time of all threads together,
 * and chooses the threads for the next. */
void mb_thread_tuner_record(mb_thread_tuner *tuner, size_t steps, double seconds,
                            double cpu_seconds);

#endif

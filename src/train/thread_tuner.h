/* How many of a team's threads work on the steps of an epoch.
 *
 * Steps of a small network or a small batch are so short that threads wait for each other longer
 * than they work. How short is too short depends on the machine, so it is tried: an epoch begins
 * with a few steps on all threads and on fewer, in turns, and goes on with the fastest. Which it is
 * changes no bit of what is computed. */
#ifndef MB_TRAIN_THREAD_TUNER_H
#define MB_TRAIN_THREAD_TUNER_H

#include <stdbool.h>
#include <stddef.h>

/* Sizes that are tried: all threads, half of them, and so on down to one. */
enum { MB_MAX_THREAD_COUNTS = 17 };

typedef struct mb_thread_tuner {
    size_t threads; /* that are to run the next steps */
    size_t most;    /* the team's */
    size_t sizes;   /* to try; 1: nothing is tried */
    size_t trials;  /* so far in this epoch */
    bool trying;
    double best[MB_MAX_THREAD_COUNTS]; /* seconds a step, of each size */
} mb_thread_tuner;

/* A crew of up to `most` threads; of exactly so many where that number was asked for. */
mb_thread_tuner mb_thread_tuner_init(size_t most, bool asked_for);

/* Begins an epoch of so many steps: all is tried anew, or nothing, with all threads, where trials
 * would be a large part of it. */
void mb_thread_tuner_start_epoch(mb_thread_tuner *tuner, size_t steps);

/* How many steps to run next, where `usual` would be without trials. */
size_t mb_thread_tuner_steps(const mb_thread_tuner *tuner, size_t usual);

/* Notes how long so many steps took, and decides about the next. */
void mb_thread_tuner_record(mb_thread_tuner *tuner, size_t steps, double seconds);

#endif

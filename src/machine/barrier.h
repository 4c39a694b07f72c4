/* A barrier for threads that synchronize every few microseconds. */
#ifndef MB_MACHINE_BARRIER_H
#define MB_MACHINE_BARRIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Counters are on separate cache lines: waiting threads read `round` only. */
typedef struct mb_barrier {
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint round;
    atomic_uint sleepers;
    unsigned count, spins;
} mb_barrier;

/* For `count` threads. `oversubscribed`: there are more threads than CPUs, so waiting threads soon
 * sleep. Must not be called while a thread waits. */
void mb_barrier_set(mb_barrier *barrier, size_t count, bool oversubscribed);

/* Returns when `count` threads have called it. Threads spin for the time of a few steps, so that
 * they return within a cache miss, then sleep, so that a thread without a CPU gets one. */
void mb_barrier_wait(mb_barrier *barrier);

#endif

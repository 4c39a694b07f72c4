/* A barrier for threads that meet every few microseconds. */
#ifndef MB_MACHINE_BARRIER_H
#define MB_MACHINE_BARRIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Each counter on a cache line of its own: those who wait read `round` only. */
typedef struct mb_barrier {
    _Alignas(64) atomic_uint arrived;
    _Alignas(64) atomic_uint round;
    atomic_uint sleepers;
    unsigned count, spins;
} mb_barrier;

/* For `count` threads. `oversubscribed`: there are more of them than CPUs, so waiting soon means
 * sleeping. Not while anyone waits. */
void mb_barrier_set(mb_barrier *barrier, size_t count, bool oversubscribed);

/* Returns when `count` threads have called it. Waits spinning for a few steps' time, so that a
 * thread is back within the time of a cache miss, then asleep, so that one that has no CPU gets
 * one. */
void mb_barrier_wait(mb_barrier *barrier);

#endif

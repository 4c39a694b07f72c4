/* Time that only goes forward. */
#ifndef MB_CORE_CLOCK_H
#define MB_CORE_CLOCK_H

#include <stdint.h>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

/* Seconds since some fixed moment, unaffected by changes of the date. */
double mb_seconds(void);

/* Ticks of the CPU's own counter, read in a few nanoseconds. They come at a constant rate, which a
 * user finds by looking at mb_seconds too; only differences on one thread mean something. */
static inline uint64_t mb_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

#endif

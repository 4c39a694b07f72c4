/* Monotonic time and CPU time. */
#ifndef MB_CORE_CLOCK_H
#define MB_CORE_CLOCK_H

#include <stdint.h>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

/* Seconds since an arbitrary fixed moment. */
double mb_seconds(void);

/* CPU time of the calling thread in seconds: it stands still while the thread sleeps or another
 * process has its CPU. A system call. */
double mb_thread_cpu_seconds(void);

/* Ticks of the CPU's time stamp counter, read in a few nanoseconds. Their rate is constant; measure
 * it with mb_seconds. Only differences on one thread are meaningful. */
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

#include "machine/barrier.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* MAX_SPINS pauses take half a millisecond, five steps of the default network. */
enum { MAX_SPINS = 10000, OVERSUBSCRIBED_SPINS = 50 };

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static void sleep_until_changed(atomic_uint *word, unsigned seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void wake_all(atomic_uint *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void mb_barrier_set(mb_barrier *barrier, size_t count, bool oversubscribed)
{
    barrier->count = (unsigned)count;
    barrier->spins = oversubscribed ? OVERSUBSCRIBED_SPINS : MAX_SPINS;
    atomic_store(&barrier->arrived, 0);
}

/* A sleeper counts itself before it reads `round` for the last time, and the last thread to arrive
 * changes `round` before it reads the sleeper count, both sequentially consistent: either the
 * sleeper sees the change, or the other thread sees the sleeper. */
void mb_barrier_wait(mb_barrier *barrier)
{
    const unsigned round = atomic_load_explicit(&barrier->round, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) + 1 ==
        barrier->count) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store(&barrier->round, round + 1);
        if (atomic_load(&barrier->sleepers) > 0)
            wake_all(&barrier->round);
        return;
    }
    for (unsigned spin = 0; spin < barrier->spins; spin++) {
        if (atomic_load_explicit(&barrier->round, memory_order_acquire) != round)
            return;
        pause_briefly();
    }
    atomic_fetch_add(&barrier->sleepers, 1);
    while (atomic_load(&barrier->round) == round)
        sleep_until_changed(&barrier->round, round);
    atomic_fetch_sub(&barrier->sleepers, 1);
}

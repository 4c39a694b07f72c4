/* Memory: allocations that fail, and the program's blocks that it has not freed at its end. */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct block {
    const void *address, *caller;
    size_t size;
    struct block *next;
} block;

enum { MAX_BLOCKS = 1 << 16, LISTS = 1 << 12 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static block blocks[MAX_BLOCKS], *lists[LISTS], *unused;
static size_t used;

static block **list_of(const void *address) { return &lists[(uintptr_t)address / 16 % LISTS]; }

static void add(const void *address, size_t size, const void *caller)
{
    pthread_mutex_lock(&mutex);
    block *new_block = unused;
    if (new_block != NULL)
        unused = new_block->next;
    else if (used < MAX_BLOCKS)
        new_block = &blocks[used++];
    else
        abort();
    block **list = list_of(address);
    *new_block = (block){address, caller, size, *list};
    *list = new_block;
    pthread_mutex_unlock(&mutex);
}

static void drop(const void *address)
{
    pthread_mutex_lock(&mutex);
    block **next = list_of(address);
    while (*next != NULL && (*next)->address != address)
        next = &(*next)->next;
    if (*next != NULL) {
        block *found = *next;
        *next = found->next;
        found->next = unused;
        unused = found;
    }
    pthread_mutex_unlock(&mutex);
}

void fault_report_leaks(void)
{
    for (size_t i = 0; i < LISTS; i++)
        for (const block *each = lists[i]; each != NULL; each = each->next)
            fault_report("leaked", "block", each->caller, (unsigned long)each->size);
}

/* `call` allocates `size` bytes. */
#define ALLOCATE(name, call, size)                                                                 \
    const void *caller = CALLER;                                                                   \
    const bool by_program = fault_by_program(&caller);                                             \
    FIND_REAL(name);                                                                               \
    void *address = fault_in_allocation(#name, by_program, caller) ? NULL : call;                  \
    if (by_program && address != NULL)                                                             \
        add(address, size, caller);                                                                \
    return address

EXPORT void *malloc(size_t size)
{
    static void *(*real)(size_t);
    ALLOCATE(malloc, real(size), size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    static void *(*real)(size_t, size_t);
    ALLOCATE(calloc, real(count, size), count * size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    static void *(*real)(size_t, size_t);
    ALLOCATE(aligned_alloc, real(alignment, size), size);
}

EXPORT void *realloc(void *old, size_t size)
{
    static void *(*real)(void *, size_t);
    const void *caller = CALLER;
    const bool by_program = fault_by_program(&caller);
    FIND_REAL(realloc);
    if (fault_in_allocation("realloc", by_program, caller))
        return NULL;
    drop(old); /* before another thread can get its address */
    void *address = real(old, size);
    if (by_program && address != NULL)
        add(address, size, caller);
    return address;
}

/* The program does not use it. */
EXPORT int posix_memalign(void **address, size_t alignment, size_t size)
{
    static int (*real)(void **, size_t, size_t);
    FIND_REAL(posix_memalign);
    const bool fails = fault_in_allocation("posix_memalign", false, CALLER);
    return fails ? ENOMEM : real(address, alignment, size);
}

EXPORT void free(void *address)
{
    static void (*real)(void *);
    FIND_REAL(free);
    if (address != NULL)
        drop(address);
    real(address);
}

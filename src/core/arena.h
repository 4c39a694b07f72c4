/* Memory that is taken once, before the first step, and given back all at once. */
#ifndef MB_CORE_ARENA_H
#define MB_CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* Every piece starts on a cache line of its own, so that two threads never share one. */
enum { MB_CACHE_LINE = 64 };

typedef struct mb_arena_block mb_arena_block;

/* {0} is an empty arena. */
typedef struct mb_arena {
    mb_arena_block *blocks;
} mb_arena;

/* `count` elements of `size` bytes, zeroed and cache-line aligned; NULL when count * size
 * overflows or memory is out. A count of 0 gives a valid pointer to nothing. */
void *mb_arena_alloc(mb_arena *arena, size_t count, size_t size);

/* A copy of a string, owned by the arena; NULL when memory is out. */
char *mb_arena_strdup(mb_arena *arena, const char *text);

/* Frees all that was taken; the arena is empty again. */
void mb_arena_free(mb_arena *arena);

/* *product = a * b; false when it does not fit. */
static inline bool mb_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

#endif

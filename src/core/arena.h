/* Memory that is allocated piece by piece before the first step, and freed all at once. */
#ifndef MB_CORE_ARENA_H
#define MB_CORE_ARENA_H

#include "core/status.h"
#include "core/util.h"

#include <stddef.h>

/* Every allocation starts on its own cache line, so that two threads never share one. */
enum { MB_CACHE_LINE = 64 };

typedef struct mb_arena_block mb_arena_block;

/* {0} is an empty arena. */
typedef struct mb_arena {
    mb_arena_block *blocks;
    size_t failed; /* bytes of the first allocation that failed; 0: none did */
} mb_arena;

/* `count` elements of `size` bytes, zeroed and aligned to a cache line; a count of 0 gives a valid
 * pointer. NULL if memory is out or the size overflows; every later allocation then fails, too. A
 * function that only stores the pointers need not check each: mb_arena_status tells at the end. */
void *mb_arena_alloc(mb_arena *arena, size_t count, size_t size);

/* A copy of a string; NULL as for mb_arena_alloc. */
char *mb_arena_strdup(mb_arena *arena, const char *text);

/* MB_ERROR_MEMORY for `what` if an allocation has failed since the arena was empty. */
mb_status mb_arena_status(const mb_arena *arena, const char *what, mb_error *error);

/* Frees all allocations; the arena is empty again. */
void mb_arena_free(mb_arena *arena);

#endif

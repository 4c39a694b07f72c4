#include "core/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A block has at least SMALL_BLOCK bytes; an allocation that does not fit into the newest block
 * gets a new one. From HUGE_PAGE up, blocks are aligned for the kernel's huge pages: every step
 * walks all parameters and activations, which with 4 KiB pages misses the TLB. */
enum { SMALL_BLOCK = 64 << 10, HUGE_PAGE = 2 << 20 };

struct mb_arena_block {
    mb_arena_block *next;
    size_t size, used; /* bytes, including this header */
};

static mb_arena_block *new_block(size_t payload)
{
    const size_t header = mb_round_up(sizeof(mb_arena_block), MB_CACHE_LINE);
    if (payload > SIZE_MAX - header - HUGE_PAGE)
        return NULL;
    size_t size = header + payload;
    size_t alignment = MB_CACHE_LINE;
    if (size < SMALL_BLOCK)
        size = SMALL_BLOCK;
    if (size >= HUGE_PAGE) {
        alignment = HUGE_PAGE;
        size = mb_round_up(size, HUGE_PAGE);
    }
    mb_arena_block *block = aligned_alloc(alignment, mb_round_up(size, alignment));
    if (block == NULL)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (alignment == HUGE_PAGE)
        (void)madvise(block, size, MADV_HUGEPAGE); /* only a hint */
#endif
    block->size = size;
    block->used = header;
    return block;
}

void *mb_arena_alloc(mb_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    mb_arena_block *block = arena->blocks;
    if (arena->failed > 0)
        return NULL;
    if (!mb_multiply(count, size, &bytes) || bytes > SIZE_MAX - MB_CACHE_LINE) {
        arena->failed = SIZE_MAX;
        return NULL;
    }
    bytes = mb_round_up(bytes, MB_CACHE_LINE);
    if (block == NULL || block->size - block->used < bytes) {
        block = new_block(bytes);
        if (block == NULL) {
            arena->failed = mb_max_size(bytes, 1);
            return NULL;
        }
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *piece = (char *)block + block->used;
    block->used += bytes;
    return memset(piece, 0, bytes);
}

char *mb_arena_strdup(mb_arena *arena, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = mb_arena_alloc(arena, bytes, 1);
    return copy != NULL ? memcpy(copy, text, bytes) : NULL;
}

mb_status mb_arena_status(const mb_arena *arena, const char *what, mb_error *error)
{
    return arena->failed > 0 ? mb_fail_memory(error, what, arena->failed) : MB_OK;
}

void mb_arena_free(mb_arena *arena)
{
    while (arena->blocks != NULL) {
        mb_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->failed = 0;
}

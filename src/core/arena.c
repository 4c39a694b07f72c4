#include "core/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks are at least this large; a piece that does not fit in the newest block gets a new one.
 * From 2 MiB up, blocks are aligned for the kernel's huge pages: parameters and activations are
 * walked end to end every step, and with 4 KiB pages the walk misses the TLB. */
enum { SMALL_BLOCK = 64 << 10, HUGE_PAGE = 2 << 20 };

struct mb_arena_block {
    mb_arena_block *next;
    size_t size, used; /* bytes, this header included */
};

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

static mb_arena_block *new_block(size_t payload)
{
    const size_t header = round_up(sizeof(mb_arena_block), MB_CACHE_LINE);
    if (payload > SIZE_MAX - header - HUGE_PAGE)
        return NULL;
    size_t size = header + payload;
    size_t alignment = MB_CACHE_LINE;
    if (size < SMALL_BLOCK)
        size = SMALL_BLOCK;
    if (size >= HUGE_PAGE) {
        alignment = HUGE_PAGE;
        size = round_up(size, HUGE_PAGE);
    }
    mb_arena_block *block = aligned_alloc(alignment, round_up(size, alignment));
    if (block == NULL)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (alignment == HUGE_PAGE)
        (void)madvise(block, size, MADV_HUGEPAGE); /* a hint: without it all is merely slower */
#endif
    block->size = size;
    block->used = header;
    return block;
}

void *mb_arena_alloc(mb_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!mb_multiply(count, size, &bytes) || bytes > SIZE_MAX - MB_CACHE_LINE)
        return NULL;
    bytes = round_up(bytes, MB_CACHE_LINE);
    mb_arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < bytes) {
        block = new_block(bytes);
        if (block == NULL)
            return NULL;
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

void mb_arena_free(mb_arena *arena)
{
    while (arena->blocks != NULL) {
        mb_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}

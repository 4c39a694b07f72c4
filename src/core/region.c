#include "core/region.h"

#include "core/util.h"

#include <stdlib.h>

void mb_region_add(mb_region *region, size_t begin, size_t size)
{
    mb_segment *last = region->count > 0 ? &region->segments[region->count - 1] : NULL;
    if (size == 0)
        return;
    if (last != NULL && last->end == begin) {
        last->end += size;
        return;
    }
    if (region->count == region->capacity) {
        const size_t capacity = region->capacity > 0 ? 2 * region->capacity : 8;
        mb_segment *segments = realloc(region->segments, capacity * sizeof *segments);
        region->out_of_memory |= segments == NULL;
        if (segments == NULL)
            return;
        region->segments = segments;
        region->capacity = capacity;
    }
    region->segments[region->count++] = (mb_segment){begin, begin + size};
}

static int by_begin(const void *a, const void *b)
{
    const size_t x = ((const mb_segment *)a)->begin, y = ((const mb_segment *)b)->begin;
    return (x > y) - (x < y);
}

void mb_region_normalise(mb_region *region)
{
    size_t joined = 0;
    if (region->count > 1)
        qsort(region->segments, region->count, sizeof *region->segments, by_begin);
    for (size_t i = 0; i < region->count; i++) {
        const mb_segment next = region->segments[i];
        if (joined > 0 && region->segments[joined - 1].end >= next.begin)
            region->segments[joined - 1].end =
                mb_max_size(region->segments[joined - 1].end, next.end);
        else
            region->segments[joined++] = next;
    }
    region->count = joined;
}

void mb_region_intersect(const mb_region *a, const mb_region *b, mb_region *common)
{
    common->out_of_memory |= a->out_of_memory || b->out_of_memory;
    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        const mb_segment x = a->segments[i], y = b->segments[j];
        const size_t begin = mb_max_size(x.begin, y.begin), end = mb_min_size(x.end, y.end);
        if (begin < end)
            mb_region_add(common, begin, end - begin);
        i += x.end <= y.end;
        j += y.end <= x.end;
    }
}

void mb_region_clear(mb_region *region) { region->count = 0; }

size_t mb_region_bytes(const mb_region *region)
{
    size_t bytes = 0;
    for (size_t i = 0; i < region->count; i++)
        bytes += region->segments[i].end - region->segments[i].begin;
    return bytes;
}

void mb_region_free(mb_region *region)
{
    free(region->segments);
    *region = (mb_region){0};
}

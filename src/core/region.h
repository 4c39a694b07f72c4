/* Parts of a block of memory: a list of segments, in bytes from its start. */
#ifndef MB_CORE_REGION_H
#define MB_CORE_REGION_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mb_segment {
    size_t begin, end;
} mb_segment;

/* {0} is empty. Functions that take a `const` region expect one that is normalised. */
typedef struct mb_region {
    mb_segment *segments;
    size_t count, capacity;
    bool out_of_memory; /* a segment could not be added */
} mb_region;

/* Adds a segment of `size` bytes; none if it is empty. */
void mb_region_add(mb_region *region, size_t begin, size_t size);

/* Sorts the segments and joins those that touch. */
void mb_region_normalise(mb_region *region);

/* Adds the bytes that a and b have in common to *common. */
void mb_region_intersect(const mb_region *a, const mb_region *b, mb_region *common);

/* Removes all segments. */
void mb_region_clear(mb_region *region);

size_t mb_region_bytes(const mb_region *region);

void mb_region_free(mb_region *region);

#endif

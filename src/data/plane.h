/* A picture as numbers, and making it smaller or larger. */
#ifndef MB_DATA_PLANE_H
#define MB_DATA_PLANE_H

#include <stddef.h>
#include <stdint.h>

/* (rows, columns) values, row-major; the holder frees them. */
typedef struct mb_plane {
    size_t rows, columns;
    float *values;
} mb_plane;

/* A part of a plane: rows top .. top+rows-1, columns left .. left+columns-1. */
typedef struct mb_box {
    size_t top, left, rows, columns;
} mb_box;

/* Takes a zeroed plane of above 0 rows and columns; its values are NULL when memory is out. */
mb_plane mb_plane_take(size_t rows, size_t columns);

/* The gray values (rows, columns) with each side divided by the smallest whole number that brings
 * the longer one to at most `longest`, by the mean of blocks; those at the right and lower edge may
 * be smaller. The values are NULL when memory is out. */
mb_plane mb_plane_reduced(const uint8_t *pixels, size_t rows, size_t columns, size_t longest);

/* The box of `from` in the size of `to`, which it fills. Along an axis that shrinks, a value is the
 * mean of what it covers, parts of pixels counting by their share; along one that grows it lies on
 * the straight line between its neighbours. `between` is scratch (box.rows, to->columns). */
void mb_plane_resize(const mb_plane *from, mb_box box, float *between, mb_plane *to);

#endif

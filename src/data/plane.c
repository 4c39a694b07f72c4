#include "data/plane.h"

#include "core/arena.h"

#include <stdlib.h>

mb_plane mb_plane_take(size_t rows, size_t columns)
{
    size_t count;
    if (!mb_multiply(rows, columns, &count))
        return (mb_plane){rows, columns, NULL};
    return (mb_plane){rows, columns, calloc(count, sizeof(float))};
}

static float block_mean(const uint8_t *pixels, size_t columns, mb_box block)
{
    uint64_t sum = 0;
    for (size_t r = 0; r < block.rows; r++)
        for (size_t c = 0; c < block.columns; c++)
            sum += pixels[(block.top + r) * columns + block.left + c];
    return (float)((double)sum / (double)(block.rows * block.columns));
}

static size_t at_most(size_t value, size_t limit) { return value < limit ? value : limit; }

mb_plane mb_plane_reduced(const uint8_t *pixels, size_t rows, size_t columns, size_t longest)
{
    const size_t longer = rows > columns ? rows : columns;
    const size_t factor = (longer - 1) / longest + 1;
    mb_plane plane = mb_plane_take((rows - 1) / factor + 1, (columns - 1) / factor + 1);
    for (size_t r = 0; plane.values != NULL && r < plane.rows; r++)
        for (size_t c = 0; c < plane.columns; c++) {
            const size_t top = r * factor, left = c * factor;
            const mb_box block = {top, left, at_most(factor, rows - top),
                                  at_most(factor, columns - left)};
            plane.values[r * plane.columns + c] = block_mean(pixels, columns, block);
        }
    return plane;
}

/* The mean of the values from `begin` to `end`, in units of pixels `step` apart. */
static float mean_between(const float *values, size_t count, size_t step, double begin, double end)
{
    double sum = 0.0;
    for (size_t i = (size_t)begin; i < count && (double)i < end; i++) {
        const double from = begin > (double)i ? begin : (double)i;
        const double to = end < (double)(i + 1) ? end : (double)(i + 1);
        sum += (to - from) * (double)values[i * step];
    }
    return (float)(sum / (end - begin));
}

/* The value at `place`, where pixel i has its middle at i + 0.5. */
static float value_at(const float *values, size_t count, size_t step, double place)
{
    const double last = (double)(count - 1);
    double x = place - 0.5;
    x = x < 0.0 ? 0.0 : x > last ? last : x;
    const size_t i = (size_t)x, next = at_most(i + 1, count - 1);
    const double share = x - (double)i;
    return (float)((1.0 - share) * (double)values[i * step] + share * (double)values[next * step]);
}

/* A line of `count` values, `step` apart, into `wanted` values, `to_step` apart. */
static void resize_line(const float *values, size_t count, size_t step, float *to, size_t wanted,
                        size_t to_step)
{
    const double ratio = (double)count / (double)wanted;
    for (size_t i = 0; i < wanted; i++)
        to[i * to_step] =
            wanted <= count
                ? mean_between(values, count, step, (double)i * ratio, (double)(i + 1) * ratio)
                : value_at(values, count, step, ((double)i + 0.5) * ratio);
}

void mb_plane_resize(const mb_plane *from, mb_box box, float *between, mb_plane *to)
{
    const float *corner = from->values + box.top * from->columns + box.left;
    for (size_t r = 0; r < box.rows; r++)
        resize_line(corner + r * from->columns, box.columns, 1, between + r * to->columns,
                    to->columns, 1);
    for (size_t c = 0; c < to->columns; c++)
        resize_line(between + c, box.rows, to->columns, to->values + c, to->rows, to->columns);
}

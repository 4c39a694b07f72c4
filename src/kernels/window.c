/* What windows that slide over images need: their contents gathered and added back, largest and
 * mean numbers. Segments are a few numbers long, so their last line is masked and not looped over.
 */
#include "kernels/level.h"

#include <string.h>

/* Writes a whole line, of which only `left` numbers mean something. */
static inline void copy_tail(size_t left, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (size_t l = 0; l < MB_LINE; l++)
        to[l] = l < left ? from[l] : 0.0f;
}

static inline void copy_line(const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (size_t l = 0; l < MB_LINE; l++)
        to[l] = from[l];
}

/* Each segment is written in whole lines, and the next one overwrites what was too much. */
void MB_AT_LEVEL(expand)(mb_segments s, const float *restrict from, float *restrict to)
{
    for (size_t outer = 0; outer < s.outer; outer++)
        for (size_t inner = 0; inner < s.inner; inner++) {
            const float *segment = from + outer * s.outer_stride + inner * s.inner_stride;
            size_t done = 0;
            for (; done + MB_LINE <= s.length; done += MB_LINE)
                copy_line(segment + done, to + done);
            if (done < s.length)
                copy_tail(s.length - done, segment + done, to + done);
            to += s.length;
        }
}

static inline void add_line(const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (size_t l = 0; l < MB_LINE; l++)
        to[l] += from[l];
}

static inline void add_tail(size_t left, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (size_t l = 0; l < MB_LINE; l++)
        if (l < left)
            to[l] += from[l];
}

void MB_AT_LEVEL(fold)(mb_segments s, const float *restrict from, float *restrict to)
{
    for (size_t outer = 0; outer < s.outer; outer++)
        for (size_t inner = 0; inner < s.inner; inner++) {
            float *segment = to + outer * s.outer_stride + inner * s.inner_stride;
            size_t done = 0;
            for (; done + MB_LINE <= s.length; done += MB_LINE)
                add_line(from + done, segment + done);
            if (done < s.length)
                add_tail(s.length - done, from + done, segment + done);
            from += s.length;
        }
}

/* Sums in MB_LINE lanes, then over the lanes in halves, whatever a level's vectors are. */
void MB_AT_LEVEL(sum_rows)(size_t rows, size_t columns, const float *restrict x, size_t ld,
                           float *restrict sums)
{
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * ld;
        float lane[MB_LINE] = {0};
        size_t done = 0;
        for (; done + MB_LINE <= columns; done += MB_LINE)
            add_line(row + done, lane);
        if (done < columns)
            add_tail(columns - done, row + done, lane);
        for (size_t half = MB_LINE / 2; half > 0; half /= 2)
            for (size_t l = 0; l < half; l++)
                lane[l] += lane[l + half];
        sums[r] += lane[0];
    }
}

/* Up to a line of outputs whose windows begin `step` numbers apart. The comparison keeps the first
 * of equal numbers, and takes a NaN, which then stays. */
static inline void largest_line(const mb_pool *pool, size_t step, size_t left,
                                const float *restrict x, float *restrict out,
                                uint8_t *restrict which)
{
    float most[MB_LINE];
    int32_t at[MB_LINE];
#pragma omp simd
    for (size_t l = 0; l < MB_LINE; l++) {
        most[l] = l < left ? x[l * step] : 0.0f;
        at[l] = 0;
    }
    int32_t number = 0;
    for (size_t row = 0; row < pool->rows; row++)
        for (size_t column = 0; column < pool->columns; column++, number++) {
            const float *other = x + row * pool->row_stride + column * pool->column_stride;
#pragma omp simd
            for (size_t l = 0; l < MB_LINE; l++) {
                const float v = l < left ? other[l * step] : 0.0f;
                const _Bool larger = !(v <= most[l]) && most[l] == most[l];
                most[l] = larger ? v : most[l];
                at[l] = larger ? number : at[l];
            }
        }
#pragma omp simd
    for (size_t l = 0; l < MB_LINE; l++)
        if (l < left)
            out[l] = most[l];
    if (which != NULL)
#pragma omp simd
        for (size_t l = 0; l < MB_LINE; l++)
            if (l < left)
                which[l] = (uint8_t)at[l];
}

void MB_AT_LEVEL(largest)(const mb_pool *pool, const float *restrict x, float *restrict out,
                          uint8_t *restrict which)
{
    for (size_t outer = 0; outer < pool->outer; outer++)
        for (size_t l = 0; l < pool->length; l += MB_LINE) {
            const size_t at = outer * pool->length + l;
            const size_t left = pool->length - l < MB_LINE ? pool->length - l : MB_LINE;
            const float *from = x + outer * pool->outer_stride + l * pool->step;
            uint8_t *to_which = which != NULL ? which + at : NULL;
            if (pool->step == 1)
                largest_line(pool, 1, left, from, out + at, to_which);
            else if (pool->step == 2)
                largest_line(pool, 2, left, from, out + at, to_which);
            else
                largest_line(pool, pool->step, left, from, out + at, to_which);
        }
}

/* One line of gradients back to where the largest numbers were. */
static inline void back_line(const mb_pool *pool, size_t step, size_t left,
                             const uint8_t *restrict which, const float *restrict d_out,
                             float *restrict d)
{
    int32_t number = 0;
    for (size_t row = 0; row < pool->rows; row++)
        for (size_t column = 0; column < pool->columns; column++, number++) {
            float *to = d + row * pool->row_stride + column * pool->column_stride;
#pragma omp simd
            for (size_t l = 0; l < MB_LINE; l++)
                if (l < left)
                    to[l * step] += which[l] == number ? d_out[l] : 0.0f;
        }
}

void MB_AT_LEVEL(largest_back)(const mb_pool *pool, const uint8_t *restrict which,
                               const float *restrict d_out, float *restrict d)
{
    for (size_t outer = 0; outer < pool->outer; outer++)
        for (size_t l = 0; l < pool->length; l += MB_LINE) {
            const size_t at = outer * pool->length + l;
            const size_t left = pool->length - l < MB_LINE ? pool->length - l : MB_LINE;
            float *to = d + outer * pool->outer_stride + l * pool->step;
            if (pool->step == 1)
                back_line(pool, 1, left, which + at, d_out + at, to);
            else if (pool->step == 2)
                back_line(pool, 2, left, which + at, d_out + at, to);
            else
                back_line(pool, pool->step, left, which + at, d_out + at, to);
        }
}

void MB_AT_LEVEL(mean)(const mb_pool *pool, float scale, const float *restrict x,
                       float *restrict out)
{
    for (size_t outer = 0; outer < pool->outer; outer++, out += pool->length) {
        memset(out, 0, pool->length * sizeof *out);
        const float *from = x + outer * pool->outer_stride;
        for (size_t row = 0; row < pool->rows; row++)
            for (size_t column = 0; column < pool->columns; column++) {
                const float *other = from + row * pool->row_stride + column * pool->column_stride;
#pragma omp simd
                for (size_t l = 0; l < pool->length; l++)
                    out[l] += other[l * pool->step];
            }
#pragma omp simd
        for (size_t l = 0; l < pool->length; l++)
            out[l] *= scale;
    }
}

void MB_AT_LEVEL(mean_back)(const mb_pool *pool, float scale, const float *restrict d_out,
                            float *restrict d)
{
    for (size_t outer = 0; outer < pool->outer; outer++, d_out += pool->length) {
        float *to = d + outer * pool->outer_stride;
        for (size_t row = 0; row < pool->rows; row++)
            for (size_t column = 0; column < pool->columns; column++) {
                float *other = to + row * pool->row_stride + column * pool->column_stride;
#pragma omp simd
                for (size_t l = 0; l < pool->length; l++)
                    other[l * pool->step] += scale * d_out[l];
            }
    }
}

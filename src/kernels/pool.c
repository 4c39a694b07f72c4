/* What windows that slide over images need: their contents gathered and added back, largest and
 * mean numbers. Segments are a few numbers long, so their last line is masked and not looped over.
 */
#include "kernels/vector.h"

#include <string.h>

/* Adds the first `left` numbers, and 0 to the rest of the line. All are read: GCC makes of a masked
 * load a detour through memory. */
static inline void add_tail(mb_lane left, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++) {
        const float number = from[l];
        to[l] += l < left ? number : 0.0f;
    }
}

/* Each segment is written in whole lines, and the next one overwrites what was too much. */
static inline void expand_lines(mb_strided_view s, size_t lines, const float *restrict from,
                                float *restrict to)
{
    for (size_t outer = 0; outer < s.outer; outer++) {
        const float *segment = from + outer * s.outer_stride;
        for (size_t inner = 0; inner < s.inner; inner++) {
            for (size_t line = 0; line < lines; line++)
                mb_copy_line(segment + line * MB_LANES, to + line * MB_LANES);
            segment += s.inner_stride;
            to += s.length;
        }
    }
}

/* Short segments are the usual ones, and unrolled. */
void MB_AT_LEVEL(im2col)(mb_strided_view s, const float *restrict from, float *restrict to)
{
    const size_t lines = (s.length + MB_LANES - 1) / MB_LANES;
    if (lines == 1)
        expand_lines(s, 1, from, to);
    else if (lines == 2)
        expand_lines(s, 2, from, to);
    else
        expand_lines(s, lines, from, to);
}

static inline void fold_lines(mb_strided_view s, size_t whole, mb_lane left,
                              const float *restrict from, float *restrict to)
{
    for (size_t outer = 0; outer < s.outer; outer++) {
        float *segment = to + outer * s.outer_stride;
        for (size_t inner = 0; inner < s.inner; inner++) {
            for (size_t line = 0; line < whole; line++)
                mb_add_line(from + line * MB_LANES, segment + line * MB_LANES);
            if (left > 0)
                add_tail(left, from + whole * MB_LANES, segment + whole * MB_LANES);
            from += s.length;
            segment += s.inner_stride;
        }
    }
}

void MB_AT_LEVEL(col2im)(mb_strided_view s, const float *restrict from, float *restrict to)
{
    const size_t whole = s.length / MB_LANES;
    const mb_lane left = (mb_lane)(s.length % MB_LANES);
    if (whole == 0)
        fold_lines(s, 0, left, from, to);
    else if (whole == 1)
        fold_lines(s, 1, left, from, to);
    else
        fold_lines(s, whole, left, from, to);
}

/* Sums in MB_LANES lanes, then over the lanes in halves, whatever a level's vectors are. */
void MB_AT_LEVEL(sum_rows)(size_t rows, size_t columns, const float *restrict x, size_t ld,
                           float *restrict sums)
{
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * ld;
        float sum[MB_LANES] = {0};
        size_t done = 0;
        for (; done + MB_LANES <= columns; done += MB_LANES)
            mb_add_line(row + done, sum);
        for (size_t l = 0; done + l < columns; l++)
            sum[l] += row[done + l];
        for (size_t half = MB_LANES / 2; half > 0; half /= 2)
            for (size_t l = 0; l < half; l++)
                sum[l] += sum[l + half];
        sums[r] += sum[0];
    }
}

/* The comparison keeps the first of equal numbers, and takes a NaN, which then stays. */
static inline bool is_larger(float number, float most)
{
    return !(number <= most) & (most == most);
}

static inline void take_larger(const float *restrict other, int32_t number, float *restrict most,
                               int32_t *restrict at)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++) {
        const bool larger = is_larger(other[l], most[l]);
        most[l] = larger ? other[l] : most[l];
        at[l] = larger ? number : at[l];
    }
}

/* A line of outputs whose windows begin side by side; all of it is read and written. */
static inline void largest_line(const mb_pool *pool, size_t rows, size_t columns,
                                const float *restrict x, float *restrict out,
                                int32_t *restrict which)
{
    float most[MB_LANES];
    int32_t at[MB_LANES] = {0};
    mb_copy_line(x, most);
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++)
            take_larger(x + row * pool->row_stride + column * pool->column_stride,
                        (int32_t)(row * columns + column), most, at);
    mb_copy_line(most, out);
    if (which != NULL)
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++)
            which[l] = at[l];
}

/* One output, where a whole line would read or write too far. */
static inline void largest_one(const mb_pool *pool, const float *x, float *out, int32_t *which)
{
    float most = *x;
    size_t at = 0, number = 0;
    for (size_t row = 0; row < pool->rows; row++)
        for (size_t column = 0; column < pool->columns; column++, number++) {
            const float v = x[row * pool->row_stride + column * pool->column_stride];
            at = is_larger(v, most) ? number : at;
            most = is_larger(v, most) ? v : most;
        }
    *out = most;
    if (which != NULL)
        *which = (int32_t)at;
}

/* Whether a line may go past the end of a row of outputs, into rows that come later: then windows
 * that lie side by side, two columns wide, are worth a line. */
static inline bool may_overrun(const mb_pool *pool, size_t outer)
{
    return pool->stride == 2 && pool->columns == 2 && pool->column_stride == 1 &&
           pool->length * 2 <= pool->row_stride && pool->length >= MB_LANES / 2 &&
           outer + 1 < pool->outer && pool->outer_stride >= 2 * MB_LANES;
}

/* Numbers in even and in odd places. */
static inline void split(const float *restrict x, float *restrict even, float *restrict odd)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++) {
        even[l] = x[2 * l];
        odd[l] = x[2 * l + 1];
    }
}

/* The same where windows two columns wide lie side by side: each load gives both columns. */
static inline void largest_pairs(const mb_pool *pool, const float *restrict x, float *restrict out,
                                 int32_t *restrict which)
{
    float most[MB_LANES], even[MB_LANES], odd[MB_LANES];
    int32_t at[MB_LANES] = {0};
    split(x, most, odd);
    take_larger(odd, 1, most, at);
    for (size_t row = 1; row < pool->rows; row++) {
        split(x + row * pool->row_stride, even, odd);
        take_larger(even, (int32_t)(2 * row), most, at);
        take_larger(odd, (int32_t)(2 * row) + 1, most, at);
    }
    mb_copy_line(most, out);
    if (which != NULL)
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++)
            which[l] = at[l];
}

/* The usual window of 2 x 2 is unrolled. */
static inline void largest_lines(const mb_pool *pool, const float *x, float *out, int32_t *which)
{
    if (pool->rows == 2 && pool->columns == 2)
        largest_line(pool, 2, 2, x, out, which);
    else
        largest_line(pool, pool->rows, pool->columns, x, out, which);
}

void MB_AT_LEVEL(maxpool_forward)(const mb_pool *pool, const float *restrict x, float *restrict out,
                                  int32_t *restrict which)
{
    for (size_t outer = 0; outer < pool->outer; outer++)
        for (size_t l = 0; l < pool->length;) {
            const size_t place = outer * pool->length + l;
            const float *from = x + outer * pool->outer_stride + l * pool->stride;
            int32_t *to_which = which != NULL ? which + place : NULL;
            if (pool->length - l >= MB_LANES && pool->stride == 1) {
                largest_lines(pool, from, out + place, to_which);
                l += MB_LANES;
            } else if (may_overrun(pool, outer)) {
                largest_pairs(pool, from, out + place, to_which);
                l += MB_LANES;
            } else {
                largest_one(pool, from, out + place, to_which);
                l++;
            }
        }
}

/* A line of gradients back to where the largest numbers were. */
static inline void back_line(const mb_pool *pool, size_t rows, size_t columns,
                             const int32_t *restrict which, const float *restrict d_out,
                             float *restrict d)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            float *to = d + row * pool->row_stride + column * pool->column_stride;
            const int32_t number = (int32_t)(row * columns + column);
#pragma omp simd
            for (mb_lane l = 0; l < MB_LANES; l++)
                to[l] += which[l] == number ? d_out[l] : 0.0f;
        }
}

static inline void back_lines(const mb_pool *pool, const int32_t *which, const float *d_out,
                              float *d)
{
    if (pool->rows == 2 && pool->columns == 2)
        back_line(pool, 2, 2, which, d_out, d);
    else
        back_line(pool, pool->rows, pool->columns, which, d_out, d);
}

/* Whether the gradients of a line can be written: each number of the image is in one window, and
 * what goes beyond the end of a row lies where nothing has been written yet, which is not so
 * behind the last of several lines. */
static inline bool can_write(const mb_pool *pool, size_t l)
{
    return pool->row_stride == 2 * pool->length &&
           pool->outer_stride == pool->rows * pool->row_stride &&
           (l == 0 || pool->length - l >= MB_LANES);
}

/* The same of windows side by side; 0 goes beyond the `left` outputs that mean something. To add
 * there would be slow, as each line reads what the last one has just written in part. */
static inline void back_pairs(const mb_pool *pool, bool write, mb_lane left,
                              const int32_t *restrict which, const float *restrict d_out,
                              float *restrict d)
{
    for (size_t row = 0; row < pool->rows; row++) {
        const int32_t number = (int32_t)(2 * row);
        float *to = d + row * pool->row_stride;
        float even[MB_LANES], odd[MB_LANES], pair[2 * MB_LANES];
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++) {
            const float from = d_out[l], kept = l < left ? from : 0.0f;
            const int32_t at = which[l];
            even[l] = at == number ? kept : 0.0f;
            odd[l] = at == number + 1 ? kept : 0.0f;
        }
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++) {
            pair[2 * l] = even[l];
            pair[2 * l + 1] = odd[l];
        }
        if (write) {
            mb_copy_line(pair, to);
            mb_copy_line(pair + MB_LANES, to + MB_LANES);
        } else {
            mb_add_line(pair, to);
            mb_add_line(pair + MB_LANES, to + MB_LANES);
        }
    }
}

void MB_AT_LEVEL(maxpool_backward)(const mb_pool *pool, const int32_t *restrict which,
                                   const float *restrict d_out, float *restrict d)
{
    for (size_t outer = 0; outer < pool->outer; outer++)
        for (size_t l = 0; l < pool->length;) {
            const size_t place = outer * pool->length + l, left = pool->length - l;
            float *to = d + outer * pool->outer_stride + l * pool->stride;
            if (left >= MB_LANES && pool->stride == 1) {
                back_lines(pool, which + place, d_out + place, to);
                l += MB_LANES;
            } else if (may_overrun(pool, outer)) {
                back_pairs(pool, can_write(pool, l), left < MB_LANES ? (mb_lane)left : MB_LANES,
                           which + place, d_out + place, to);
                l += MB_LANES;
            } else {
                const size_t at = (size_t)which[place], row = at / pool->columns,
                             column = at % pool->columns;
                to[row * pool->row_stride + column * pool->column_stride] += d_out[place];
                l++;
            }
        }
}

void MB_AT_LEVEL(avgpool_forward)(const mb_pool *pool, float scale, const float *restrict x,
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
                    out[l] += other[l * pool->stride];
            }
#pragma omp simd
        for (size_t l = 0; l < pool->length; l++)
            out[l] *= scale;
    }
}

void MB_AT_LEVEL(avgpool_backward)(const mb_pool *pool, float scale, const float *restrict d_out,
                                   float *restrict d)
{
    for (size_t outer = 0; outer < pool->outer; outer++, d_out += pool->length) {
        float *to = d + outer * pool->outer_stride;
        for (size_t row = 0; row < pool->rows; row++)
            for (size_t column = 0; column < pool->columns; column++) {
                float *other = to + row * pool->row_stride + column * pool->column_stride;
#pragma omp simd
                for (size_t l = 0; l < pool->length; l++)
                    other[l * pool->stride] += scale * d_out[l];
            }
    }
}

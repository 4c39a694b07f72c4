/* Convolution without im2col: numbers are picked out of an image where they lie. Up to MOST_ROWS
 * rows of results stay in registers while the loops run. */
#include "kernels/vector.h"

#include <string.h>

/* As many lines of sums as a level's registers hold, with some left for what is multiplied. */
#if defined(__AVX512F__)
enum { MOST_ROWS = 12, MOST_UNITS = 3, MOST_SHIFTS = 5 };
#elif defined(__AVX2__)
enum { MOST_ROWS = 6, MOST_UNITS = 2, MOST_SHIFTS = 3 };
#else
enum { MOST_ROWS = 2, MOST_UNITS = 1, MOST_SHIFTS = 3 };
#endif

MB_ALWAYS_INLINE void begin_line(mb_direct_init start, size_t row, size_t line, float *restrict sum)
{
    const float *values = start.values + row * start.row_stride;
    if (start.per_lane)
        mb_copy_line(values + line, sum);
    else
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++)
            sum[l] = *values;
}

/* `rows` and `lines` are constants wherever this is inlined. */
MB_ALWAYS_INLINE void product_rows(const mb_direct_gemm *s, const size_t rows, const size_t lines,
                                   const float *restrict a, const float *restrict b,
                                   mb_direct_init start, float *c, size_t ldc)
{
    float sum[MOST_ROWS][MB_LANES];
    for (size_t r = 0; r < rows; r++)
        for (size_t l = 0; l < lines; l++)
            begin_line(start, r, l * s->vector_stride, sum[r * lines + l]);
    const size_t row = s->row_stride, line = s->vector_stride, a_step = s->a_stride[2],
                 b_step = s->b_stride[2];
    for (size_t i = 0; i < s->count[0]; i++)
        for (size_t j = 0; j < s->count[1]; j++) {
            const float *x = a + i * s->a_stride[0] + j * s->a_stride[1],
                        *y = b + i * s->b_stride[0] + j * s->b_stride[1];
#pragma GCC unroll 2
            for (size_t k = s->count[2]; k > 0; k--, x += a_step, y += b_step)
                for (size_t r = 0; r < rows; r++) {
                    const float *factor = x + r / 3 * 3 * row;
                    for (size_t l = 0; l < lines; l++)
                        mb_add_product(factor[r % 3 * row], y + l * line, sum[r * lines + l]);
                }
        }
    for (size_t r = 0; r < rows; r++)
        for (size_t l = 0; l < lines; l++)
            mb_copy_line(sum[r * lines + l], c + r * ldc + l * s->vector_stride);
}

typedef void rows_fn(const mb_direct_gemm *s, const float *a, const float *b, mb_direct_init start,
                     float *c, size_t ldc);

/* A function for each number of rows and lines: its addresses want all registers there are. */
#define PRODUCT(rows, lines)                                                                       \
    static void product_##rows##_##lines(const mb_direct_gemm *s, const float *a, const float *b,  \
                                         mb_direct_init start, float *c, size_t ldc)               \
    {                                                                                              \
        product_rows(s, (rows) * (lines) <= MOST_ROWS ? (rows) : 1, lines, a, b, start, c, ldc);   \
    }
PRODUCT(1, 1)
PRODUCT(2, 1)
PRODUCT(3, 1)
PRODUCT(4, 1)
PRODUCT(5, 1)
PRODUCT(6, 1)
PRODUCT(7, 1)
PRODUCT(8, 1)
PRODUCT(9, 1)
PRODUCT(10, 1)
PRODUCT(11, 1)
PRODUCT(12, 1)
PRODUCT(1, 2)
PRODUCT(2, 2)
PRODUCT(3, 2)
PRODUCT(4, 2)
PRODUCT(5, 2)
PRODUCT(6, 2)

static size_t blocks_of(size_t n, size_t most) { return (n + most - 1) / most; }

void MB_AT_LEVEL(direct_gemm)(const mb_direct_gemm *s, size_t rows, const float *restrict a,
                              const float *restrict b, mb_direct_init start, float *c, size_t ldc)
{
    static rows_fn *const one_line[] = {product_1_1, product_2_1,  product_3_1,  product_4_1,
                                        product_5_1, product_6_1,  product_7_1,  product_8_1,
                                        product_9_1, product_10_1, product_11_1, product_12_1};
    static rows_fn *const two_lines[] = {product_1_2, product_2_2, product_3_2,
                                         product_4_2, product_5_2, product_6_2};
    rows_fn *const *product = s->vectors == 2 ? two_lines : one_line;
    const size_t block = blocks_of(rows, blocks_of(rows, MOST_ROWS / s->vectors));
    for (size_t rest = rows, now; rest > 0; rest -= now) {
        now = rest < block ? rest : block;
        product[now - 1](s, a, b, start, c, ldc);
        a += now * s->row_stride;
        c += now * ldc;
        start.values += now * start.row_stride;
    }
}

/* The lanes of a line from `first` on, and 0 before them. */
MB_ALWAYS_INLINE void load_from(mb_lane first, const float *restrict from, float *restrict line)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++) {
        const float number = from[l];
        line[l] = l < first ? 0.0f : number;
    }
}

MB_ALWAYS_INLINE void add_half(const mb_lane half, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < half; l++)
        to[l] = from[l] + from[l + half];
}

/* Over the lanes in halves, whatever a level's vectors are. */
MB_ALWAYS_INLINE float sum_of(const float *restrict sum)
{
    float eight[8], four[4], two[2];
    _Static_assert(MB_LANES == 16, "halves from 8 on");
    add_half(8, sum, eight);
    add_half(4, eight, four);
    add_half(2, four, two);
    return two[0] + two[1];
}

/* `units` and `shifts` are constants wherever this is inlined. A row's last line begins so that it
 * ends with the row, and leaves out what the one before it had. */
MB_ALWAYS_INLINE void dots_of(const mb_direct_grad *s, const size_t units, const size_t shifts,
                              const float *restrict d, const float *restrict image,
                              float *restrict sums, size_t ld)
{
    float sum[MOST_UNITS][MOST_SHIFTS][MB_LANES], line[MOST_UNITS][MB_LANES];
    memset(sum, 0, sizeof sum);
    for (size_t row = 0; row < s->rows; row++)
        for (size_t at = 0; at < s->columns; at += MB_LANES) {
            const size_t end = s->columns - MB_LANES, from = at < end ? at : end;
            for (size_t u = 0; u < units; u++)
                load_from((mb_lane)(at - from), d + u * s->plane + row * s->columns + from,
                          line[u]);
            for (size_t k = 0; k < shifts; k++)
                for (size_t u = 0; u < units; u++) {
                    const float *pixels = image + row * s->image_row + from + k;
#pragma omp simd
                    for (mb_lane l = 0; l < MB_LANES; l++)
                        sum[u][k][l] = mb_multiply_add(pixels[l], line[u][l], sum[u][k][l]);
                }
        }
    for (size_t u = 0; u < units; u++)
        for (size_t k = 0; k < shifts; k++)
            sums[u * ld + k] += sum_of(sum[u][k]);
}

#define SHIFTS(n)                                                                                  \
    case n:                                                                                        \
        dots_of(s, units, n <= MOST_SHIFTS ? n : 1, d, image, sums, ld);                           \
        break

MB_ALWAYS_INLINE void dots_of_units(const mb_direct_grad *s, const size_t units, size_t shifts,
                                    const float *restrict d, const float *restrict image,
                                    float *restrict sums, size_t ld)
{
    const size_t block = blocks_of(shifts, blocks_of(shifts, MOST_SHIFTS));
    for (size_t rest = shifts, now; rest > 0; rest -= now, image += now, sums += now) {
        now = rest < block ? rest : block;
        switch (now) {
            SHIFTS(1);
            SHIFTS(2);
            SHIFTS(3);
            SHIFTS(4);
            SHIFTS(5);
        }
    }
}

void MB_AT_LEVEL(direct_grad_weights)(const mb_direct_grad *s, size_t units, size_t shifts,
                                      const float *restrict d, const float *restrict image,
                                      float *restrict sums, size_t ld)
{
    const size_t block = blocks_of(units, blocks_of(units, MOST_UNITS));
    for (size_t rest = units, now; rest > 0; rest -= now, d += now * s->plane, sums += now * ld) {
        now = rest < block ? rest : block;
        if (now == 1)
            dots_of_units(s, 1, shifts, d, image, sums, ld);
        else if (now == 2)
            dots_of_units(s, MOST_UNITS < 2 ? 1 : 2, shifts, d, image, sums, ld);
        else
            dots_of_units(s, MOST_UNITS < 3 ? 1 : 3, shifts, d, image, sums, ld);
    }
}

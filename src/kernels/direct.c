/* Products that read an image in place. The sums of up to MB_ACCUMULATORS vectors stay in registers
 * while the loops run. */
#include "kernels/vector.h"

#include <string.h>

/* With few registers, gemm needs more of them for its operands. */
enum {
    MAX_ROWS = MB_ACCUMULATORS >= 6 ? MB_ACCUMULATORS : 2,
    MAX_UNITS = MB_ACCUMULATORS >= 12  ? 3
                : MB_ACCUMULATORS >= 6 ? 2
                                       : 1,
    MAX_SHIFTS = MB_ACCUMULATORS >= 12 ? 5 : 3
};

MB_ALWAYS_INLINE void init_vector(mb_direct_init init, size_t row, size_t offset,
                                  float *restrict sum)
{
    const float *values = init.values + row * init.row_stride;
    if (init.per_lane)
        mb_copy_vector(values + offset, sum);
    else
#pragma omp simd
        for (mb_lane l = 0; l < MB_LANES; l++)
            sum[l] = *values;
}

/* `rows` and `vectors` are constants wherever this is inlined. */
MB_ALWAYS_INLINE void gemm_rows(const mb_direct_gemm *gemm, const size_t rows, const size_t vectors,
                                const float *restrict a, const float *restrict b,
                                mb_direct_init init, float *c, size_t ldc)
{
    float sum[MAX_ROWS][MB_LANES];
    for (size_t r = 0; r < rows; r++)
        for (size_t l = 0; l < vectors; l++)
            init_vector(init, r, l * gemm->vector_stride, sum[r * vectors + l]);
    const size_t row = gemm->row_stride, vector = gemm->vector_stride, a_step = gemm->a_stride[2],
                 b_step = gemm->b_stride[2];
    for (size_t i = 0; i < gemm->count[0]; i++)
        for (size_t j = 0; j < gemm->count[1]; j++) {
            const float *x = a + i * gemm->a_stride[0] + j * gemm->a_stride[1],
                        *y = b + i * gemm->b_stride[0] + j * gemm->b_stride[1];
#pragma GCC unroll 2
            for (size_t k = gemm->count[2]; k > 0; k--, x += a_step, y += b_step)
                for (size_t r = 0; r < rows; r++) {
                    const float *factor = x + r / 3 * 3 * row;
                    for (size_t l = 0; l < vectors; l++)
                        mb_add_product(factor[r % 3 * row], y + l * vector, sum[r * vectors + l]);
                }
        }
    for (size_t r = 0; r < rows; r++)
        for (size_t l = 0; l < vectors; l++)
            mb_copy_vector(sum[r * vectors + l], c + r * ldc + l * gemm->vector_stride);
}

typedef void rows_fn(const mb_direct_gemm *gemm, const float *a, const float *b,
                     mb_direct_init init, float *c, size_t ldc);

/* A function per number of rows and vectors: its addresses need all general registers. */
#define GEMM(rows, vectors)                                                                        \
    static void gemm_##rows##_##vectors(const mb_direct_gemm *gemm, const float *a,                \
                                        const float *b, mb_direct_init init, float *c, size_t ldc) \
    {                                                                                              \
        gemm_rows(gemm, (rows) * (vectors) <= MAX_ROWS ? (rows) : 1, vectors, a, b, init, c, ldc); \
    }
#define GEMM_NAME(rows, vectors) gemm_##rows##_##vectors,
#define UP_TO_6(X, vectors)                                                                        \
    X(1, vectors) X(2, vectors) X(3, vectors) X(4, vectors) X(5, vectors) X(6, vectors)
#define FROM_7_TO_12(X, vectors)                                                                   \
    X(7, vectors) X(8, vectors) X(9, vectors) X(10, vectors) X(11, vectors) X(12, vectors)
UP_TO_6(GEMM, 1)
FROM_7_TO_12(GEMM, 1)
UP_TO_6(GEMM, 2)

static size_t ceil_div(size_t n, size_t unit) { return (n + unit - 1) / unit; }

void MB_KERNEL_FN(direct_gemm)(const mb_direct_gemm *gemm, size_t rows, const float *restrict a,
                               const float *restrict b, mb_direct_init init, float *c, size_t ldc)
{
    static rows_fn *const one_vector[] = {UP_TO_6(GEMM_NAME, 1) FROM_7_TO_12(GEMM_NAME, 1)};
    static rows_fn *const two_vectors[] = {UP_TO_6(GEMM_NAME, 2)};
    rows_fn *const *function = gemm->vectors == 2 ? two_vectors : one_vector;
    const size_t block = ceil_div(rows, ceil_div(rows, MAX_ROWS / gemm->vectors));
    for (size_t rest = rows, now; rest > 0; rest -= now) {
        now = rest < block ? rest : block;
        function[now - 1](gemm, a, b, init, c, ldc);
        a += now * gemm->row_stride;
        c += now * ldc;
        init.values += now * init.row_stride;
    }
}

/* The lanes of a vector from `first` on, and 0 before them. */
MB_ALWAYS_INLINE void load_from(mb_lane first, const float *restrict from, float *restrict vector)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_LANES; l++) {
        const float value = from[l];
        vector[l] = l < first ? 0.0f : value;
    }
}

MB_ALWAYS_INLINE void add_half(const mb_lane half, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < half; l++)
        to[l] = from[l] + from[l + half];
}

/* Over halves of the lanes, whatever the set's vectors are. */
MB_ALWAYS_INLINE float sum_of(const float *restrict sum)
{
    float eight[8], four[4], two[2];
    _Static_assert(MB_LANES == 16, "halves from 8 on");
    add_half(8, sum, eight);
    add_half(4, eight, four);
    add_half(2, four, two);
    return two[0] + two[1];
}

/* `units` and `shifts` are constants wherever this is inlined. The last vector of a row ends with
 * the row, and masks the lanes of the vector before it. */
MB_ALWAYS_INLINE void grad_block(const mb_direct_grad *grad, const size_t units,
                                 const size_t shifts, const float *restrict d,
                                 const float *restrict image, float *restrict sums, size_t ld)
{
    float sum[MAX_UNITS][MAX_SHIFTS][MB_LANES], d_vector[MAX_UNITS][MB_LANES];
    memset(sum, 0, sizeof sum);
    for (size_t row = 0; row < grad->rows; row++)
        for (size_t at = 0; at < grad->columns; at += MB_LANES) {
            const size_t end = grad->columns - MB_LANES, from = at < end ? at : end;
            for (size_t u = 0; u < units; u++)
                load_from((mb_lane)(at - from),
                          d + u * grad->plane_stride + row * grad->columns + from, d_vector[u]);
            for (size_t k = 0; k < shifts; k++)
                for (size_t u = 0; u < units; u++) {
                    const float *pixels = image + row * grad->image_row + from + k;
#pragma omp simd
                    for (mb_lane l = 0; l < MB_LANES; l++)
                        sum[u][k][l] = mb_multiply_add(pixels[l], d_vector[u][l], sum[u][k][l]);
                }
        }
    for (size_t u = 0; u < units; u++)
        for (size_t k = 0; k < shifts; k++)
            sums[u * ld + k] += sum_of(sum[u][k]);
}

#define SHIFTS(n)                                                                                  \
    case n:                                                                                        \
        grad_block(grad, units, n <= MAX_SHIFTS ? n : 1, d, image, sums, ld);                      \
        break

MB_ALWAYS_INLINE void grad_of_units(const mb_direct_grad *grad, const size_t units, size_t shifts,
                                    const float *restrict d, const float *restrict image,
                                    float *restrict sums, size_t ld)
{
    const size_t block = ceil_div(shifts, ceil_div(shifts, MAX_SHIFTS));
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

void MB_KERNEL_FN(direct_grad_weights)(const mb_direct_grad *grad, size_t units, size_t shifts,
                                       const float *restrict d, const float *restrict image,
                                       float *restrict sums, size_t ld)
{
    const size_t block = ceil_div(units, ceil_div(units, MAX_UNITS));
    for (size_t rest = units, now; rest > 0;
         rest -= now, d += now * grad->plane_stride, sums += now * ld) {
        now = rest < block ? rest : block;
        if (now == 1)
            grad_of_units(grad, 1, shifts, d, image, sums, ld);
        else if (now == 2)
            grad_of_units(grad, MAX_UNITS < 2 ? 1 : 2, shifts, d, image, sums, ld);
        else
            grad_of_units(grad, MAX_UNITS < 3 ? 1 : 3, shifts, d, image, sums, ld);
    }
}

#include "kernels/vector.h"

#include <string.h>

static void add_row(size_t width, const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (size_t i = 0; i < width; i++)
        to[i] += from[i];
}

typedef float four __attribute__((vector_size(16)));

static inline four load_four(const float *from)
{
    four values;
    memcpy(&values, from, sizeof values);
    return values;
}

/* A block of 4 x 4, which fits the registers of any set. */
static inline void transpose_block(const float *restrict in, size_t ld_in, float *restrict out,
                                   size_t ld_out)
{
    const four a = load_four(in), b = load_four(in + ld_in), c = load_four(in + 2 * ld_in),
               d = load_four(in + 3 * ld_in);
    const four ab_left = __builtin_shufflevector(a, b, 0, 4, 1, 5),
               ab_right = __builtin_shufflevector(a, b, 2, 6, 3, 7),
               cd_left = __builtin_shufflevector(c, d, 0, 4, 1, 5),
               cd_right = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const four transposed[4] = {__builtin_shufflevector(ab_left, cd_left, 0, 1, 4, 5),
                                __builtin_shufflevector(ab_left, cd_left, 2, 3, 6, 7),
                                __builtin_shufflevector(ab_right, cd_right, 0, 1, 4, 5),
                                __builtin_shufflevector(ab_right, cd_right, 2, 3, 6, 7)};
    for (size_t i = 0; i < 4; i++)
        memcpy(out + i * ld_out, &transposed[i], sizeof transposed[i]);
}

/* The last blocks end with the rows and columns, and overlap those before them. */
void MB_KERNEL_FN(transpose)(size_t rows, size_t columns, const float *restrict in, size_t ld_in,
                             float *restrict out, size_t ld)
{
    if (rows >= 4 && columns >= 4) {
        for (size_t column = 0; column < columns; column += 4)
            for (size_t row = 0; row < rows; row += 4) {
                const size_t c = column + 4 <= columns ? column : columns - 4,
                             r = row + 4 <= rows ? row : rows - 4;
                transpose_block(in + r * ld_in + c, ld_in, out + c * ld + r, ld);
            }
        return;
    }
    for (size_t c = 0; c < columns; c++)
#pragma omp simd
        for (size_t r = 0; r < rows; r++)
            out[c * ld + r] = in[r * ld_in + c];
}

void MB_KERNEL_FN(fill_rows)(size_t rows, size_t columns, const float *restrict bias,
                             float *restrict z, size_t ld)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(z + r * ld, bias, columns * sizeof *z);
}

void MB_KERNEL_FN(add_rows)(size_t rows, size_t columns, const float *restrict d, size_t ld,
                            float *restrict sums)
{
    for (size_t r = 0; r < rows; r++)
        add_row(columns, d + r * ld, sums);
}

/* Sums in MB_LANES lanes, whatever the set's vectors are, then over halves of the lanes. */
void MB_KERNEL_FN(sum_rows)(size_t rows, size_t columns, const float *restrict x, size_t ld,
                            float *restrict sums)
{
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * ld;
        float sum[MB_LANES] = {0};
        size_t done = 0;
        for (; done + MB_LANES <= columns; done += MB_LANES)
            mb_add_vector(row + done, sum);
        for (size_t l = 0; done + l < columns; l++)
            sum[l] += row[done + l];
        for (size_t half = MB_LANES / 2; half > 0; half /= 2)
            for (size_t l = 0; l < half; l++)
                sum[l] += sum[l + half];
        sums[r] += sum[0];
    }
}

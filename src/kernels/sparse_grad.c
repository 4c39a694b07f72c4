/* Products of a convolution's gradient if most of it is 0, as before a max pool: the non-zeros are
 * listed first, and each is multiplied with a window. Windows consist of half vectors, which waste
 * fewer lanes and cross fewer cache lines than whole ones. */
#include "kernels/vector.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

/* Half vectors that stay in registers beside the operands of a product. */
enum { SUMS = MB_ACCUMULATORS >= 12 ? 25 : 2 * MB_ACCUMULATORS };

/* Without branches, which could not be predicted: each element is written, and the next one
 * overwrites it if it is 0. */
static size_t find(const mb_grad_plane *plane, const uint32_t *restrict offsets,
                   const int32_t *restrict argmax, const float *restrict grads,
                   mb_nonzero_grad *restrict nonzeros)
{
    size_t count = 0;
    for (size_t y = 0; y < plane->rows; y++)
        for (size_t x = 0; x < plane->columns; x++) {
            const size_t i = (y * plane->columns + x) * plane->stride;
            const size_t window = y * plane->row_offset + x * plane->column_offset;
            nonzeros[count] = (mb_nonzero_grad){(uint32_t)window + offsets[argmax[i]], grads[i]};
            count += grads[i] != 0.0f;
        }
    return count;
}

#ifdef __AVX512F__
/* Compresses pairs of `mask`, whose first halves are in `a`, second in `b`. */
static inline size_t store_pairs(__m512i a, __m512i b, __m512i order, __mmask8 mask,
                                 mb_nonzero_grad *nonzeros)
{
    const __m512i pairs = _mm512_permutex2var_epi32(a, order, b);
    _mm512_storeu_si512(nonzeros, _mm512_maskz_compress_epi64(mask, pairs));
    return (size_t)__builtin_popcount(mask);
}

/* Contiguous gradients, a vector of a row at a time: compilers do not find the compression. */
static size_t find_contiguous(const mb_grad_plane *plane, const uint32_t *offsets,
                              const int32_t *argmax, const float *grads, mb_nonzero_grad *nonzeros)
{
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(MB_LANES / 2));
    const __m512i table = _mm512_maskz_loadu_epi32((__mmask16)((1u << plane->window) - 1), offsets);
    const __m512i columns =
        _mm512_mullo_epi32(lane, _mm512_set1_epi32((int32_t)plane->column_offset));
    size_t count = 0;
    for (size_t y = 0; y < plane->rows; y++)
        for (size_t x = 0; x < plane->columns; x += MB_LANES) {
            const size_t left = plane->columns - x, i = y * plane->columns + x;
            const __mmask16 now = (__mmask16)(left < MB_LANES ? (1u << left) - 1 : 0xffff);
            const __m512 grad = _mm512_maskz_loadu_ps(now, grads + i);
            const __m512i at = _mm512_maskz_loadu_epi32(now, argmax + i);
            const size_t window = y * plane->row_offset + x * plane->column_offset;
            const __m512i offset =
                _mm512_add_epi32(_mm512_add_epi32(columns, _mm512_set1_epi32((int32_t)window)),
                                 _mm512_permutexvar_epi32(at, table));
            const __mmask16 found = _mm512_cmp_ps_mask(grad, _mm512_setzero_ps(), _CMP_NEQ_UQ);
            const __m512i value = _mm512_castps_si512(grad);
            count += store_pairs(offset, value, low, (__mmask8)found, nonzeros + count);
            count += store_pairs(offset, value, high, (__mmask8)(found >> 8), nonzeros + count);
        }
    return count;
}
#else
#define find_contiguous find
#endif

size_t MB_KERNEL_FN(find_nonzero_grads)(const mb_grad_plane *plane, const uint32_t *offsets,
                                        const int32_t *argmax, const float *grads,
                                        mb_nonzero_grad *nonzeros)
{
    return (plane->stride == 1 && plane->window < MB_LANES ? find_contiguous : find)(
        plane, offsets, argmax, grads, nonzeros);
}

MB_ALWAYS_INLINE void copy_half(const float *restrict from, float *restrict to)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_HALF; l++)
        to[l] = from[l];
}

/* sum += factor * half */
MB_ALWAYS_INLINE void add_half(float factor, const float *restrict half, float *restrict sum)
{
#pragma omp simd
    for (mb_lane l = 0; l < MB_HALF; l++)
        sum[l] = mb_multiply_add(factor, half[l], sum[l]);
}

/* ---- accumulate_windows: the sums of a block of the window stay in registers ---- */

/* `rows` and `halves` are constants wherever this is inlined. */
MB_ALWAYS_INLINE void accumulate(const size_t rows, const size_t halves, size_t n,
                                 const mb_nonzero_grad *restrict nonzeros,
                                 const float *restrict image, size_t ld, float *restrict sums,
                                 size_t ld_sums)
{
    float sum[5][6][MB_HALF];
    for (size_t r = 0; r < rows; r++)
        for (size_t h = 0; h < halves; h++)
            copy_half(sums + r * ld_sums + h * MB_HALF, sum[r][h]);
    for (size_t p = 0; p < n; p++)
        for (size_t r = 0; r < rows; r++)
            for (size_t h = 0; h < halves; h++)
                add_half(nonzeros[p].value, image + nonzeros[p].offset + r * ld + h * MB_HALF,
                         sum[r][h]);
    for (size_t r = 0; r < rows; r++)
        for (size_t h = 0; h < halves; h++)
            copy_half(sum[r][h], sums + r * ld_sums + h * MB_HALF);
}

typedef void accumulate_fn(size_t n, const mb_nonzero_grad *nonzeros, const float *image, size_t ld,
                           float *sums, size_t ld_sums);

#define BLOCK(rows, halves)                                                                        \
    static void accumulate_##rows##_##halves(size_t n, const mb_nonzero_grad *nonzeros,            \
                                             const float *image, size_t ld, float *sums,           \
                                             size_t ld_sums)                                       \
    {                                                                                              \
        enum { FITS = (rows) * (halves) <= SUMS };                                                 \
        accumulate(FITS ? (rows) : 1, FITS ? (halves) : 1, n, nonzeros, image, ld, sums, ld_sums); \
    }
#define BLOCK_NAME(rows, halves) [rows][halves] = accumulate_##rows##_##halves,
#define UP_TO_5(X, rows) X(rows, 1) X(rows, 2) X(rows, 3) X(rows, 4) X(rows, 5)
#define UP_TO_6(X, rows) UP_TO_5(X, rows) X(rows, 6)
#define BLOCKS(X) UP_TO_6(X, 1) UP_TO_6(X, 2) UP_TO_6(X, 3) UP_TO_5(X, 5)
BLOCKS(BLOCK)

/* The part of a window processed at once; rows is 0 at the end. */
typedef struct block {
    size_t row, rows, half, halves;
} block;

static block block_at(size_t row, size_t half, size_t rows, size_t halves)
{
    static const size_t heights[] = {5, 3, 2, 1};
    const size_t max_width = SUMS < 6 ? SUMS : 6, left = halves - half;
    const size_t times = (halves + max_width - 1) / max_width;
    const size_t width = (halves + times - 1) / times;
    block now = {.row = row, .half = half, .halves = left < width ? left : width};
    for (size_t i = 0; now.rows == 0 && row < rows; i++)
        if (heights[i] <= rows - row && heights[i] * width <= SUMS)
            now.rows = heights[i];
    return now;
}

static block next_block(block last, size_t rows, size_t halves)
{
    const size_t half = last.half + last.halves;
    return half < halves ? block_at(last.row, half, rows, halves)
                         : block_at(last.row + last.rows, 0, rows, halves);
}

void MB_KERNEL_FN(accumulate_windows)(size_t n, const mb_nonzero_grad *restrict nonzeros,
                                      size_t rows, size_t halves, const float *restrict image,
                                      size_t ld, float *restrict sums)
{
    static accumulate_fn *const functions[6][7] = {BLOCKS(BLOCK_NAME)};
    const size_t width = halves * MB_HALF;
    for (block b = block_at(0, 0, rows, halves); b.rows > 0; b = next_block(b, rows, halves))
        functions[b.rows][b.halves](n, nonzeros, image + b.row * ld + b.half * MB_HALF, ld,
                                    sums + b.row * width + b.half * MB_HALF, width);
}

/* ---- scatter_windows: bound by stores, so the window is read from memory ---- */

/* Windows of neighbours overlap, and loads of what was just stored in part are slow: alternates
 * between the first half of the non-zeros and the second. `unrolled` half vectors at a time. */
MB_ALWAYS_INLINE void scatter(const size_t unrolled, size_t n,
                              const mb_nonzero_grad *restrict nonzeros, size_t rows, size_t halves,
                              const float *restrict window, float *restrict image, size_t ld)
{
    const size_t middle = (n + 1) / 2;
    for (size_t i = 0; i < n; i++) {
        const mb_nonzero_grad nonzero = nonzeros[i / 2 + (i % 2 == 0 ? 0 : middle)];
        const float *from = window;
        for (size_t r = 0; r < rows; r++) {
            float *to = image + nonzero.offset + r * ld;
            for (size_t h = 0; h < halves; h += unrolled)
                for (size_t u = 0; u < unrolled; u++, from += MB_HALF, to += MB_HALF)
                    add_half(nonzero.value, from, to);
        }
    }
}

void MB_KERNEL_FN(scatter_windows)(size_t n, const mb_nonzero_grad *restrict nonzeros, size_t rows,
                                   size_t halves, const float *restrict window,
                                   float *restrict image, size_t ld)
{
    if (halves % 6 == 0)
        scatter(6, n, nonzeros, rows, halves, window, image, ld);
    else if (halves == 5)
        scatter(5, n, nonzeros, rows, 5, window, image, ld);
    else if (halves % 4 == 0)
        scatter(4, n, nonzeros, rows, halves, window, image, ld);
    else
        scatter(1, n, nonzeros, rows, halves, window, image, ld);
}

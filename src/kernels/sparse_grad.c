/* Products of a convolution's gradient if most of it is 0, as after a max pool: the non-zeros are
 * listed first, and each is multiplied with a window. A block of the window's vectors stays in
 * registers while the loop over the non-zeros runs: up to MB_ACCUMULATORS for accumulate_windows.
 * For scatter_windows the blocks decide in which order the products are added to an element of the
 * image, because windows overlap: they are the same in all sets with fused multiply-adds. */
#include "kernels/vector.h"

#ifdef MB_FMA
enum { SCATTERED = 12 };
#else
enum { SCATTERED = MB_ACCUMULATORS };
#endif

/* Without branches, which could not be predicted: each element is written, and the next one
 * overwrites it if it is 0. */
size_t MB_KERNEL_FN(find_nonzero_grads)(const mb_grad_plane *plane, const float *restrict grads,
                                        mb_nonzero_grad *restrict nonzeros)
{
    size_t count = 0;
    for (size_t y = 0; y < plane->rows; y++)
        for (size_t x = 0; x < plane->columns; x++) {
            const float grad = grads[(y * plane->columns + x) * plane->stride];
            nonzeros[count] = (mb_nonzero_grad){
                (uint32_t)(y * plane->row_offset + x * plane->column_offset), grad};
            count += grad != 0.0f;
        }
    return count;
}

/* `rows` and `vectors` are constants wherever these are inlined. */
MB_ALWAYS_INLINE void accumulate(const size_t rows, const size_t vectors, size_t n,
                                 const mb_nonzero_grad *restrict nonzeros,
                                 const float *restrict image, size_t ld, float *restrict sums,
                                 size_t ld_sums)
{
    float sum[MB_ACCUMULATORS][MB_LANES];
    for (size_t i = 0; i < rows * vectors; i++)
        mb_copy_vector(sums + i / vectors * ld_sums + i % vectors * MB_LANES, sum[i]);
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < rows * vectors; i++)
            mb_add_product(nonzeros[p].value,
                           image + nonzeros[p].offset + i / vectors * ld + i % vectors * MB_LANES,
                           sum[i]);
    for (size_t i = 0; i < rows * vectors; i++)
        mb_copy_vector(sum[i], sums + i / vectors * ld_sums + i % vectors * MB_LANES);
}

MB_ALWAYS_INLINE void scatter(const size_t rows, const size_t vectors, size_t n,
                              const mb_nonzero_grad *restrict nonzeros, float *restrict image,
                              size_t ld, const float *restrict window, size_t ld_window)
{
    float factor[SCATTERED][MB_LANES];
    for (size_t i = 0; i < rows * vectors; i++)
        mb_copy_vector(window + i / vectors * ld_window + i % vectors * MB_LANES, factor[i]);
    /* Windows of neighbours overlap, and loads of what was just stored in part are slow: alternate
     * between the first half of the non-zeros and the second. */
    const size_t half = (n + 1) / 2;
    for (size_t i = 0; i < n; i++) {
        const mb_nonzero_grad nonzero = nonzeros[i / 2 + (i % 2 == 0 ? 0 : half)];
        for (size_t v = 0; v < rows * vectors; v++)
            mb_add_product(nonzero.value, factor[v],
                           image + nonzero.offset + v / vectors * ld + v % vectors * MB_LANES);
    }
}

typedef void accumulate_fn(size_t n, const mb_nonzero_grad *nonzeros, const float *image, size_t ld,
                           float *sums, size_t ld_sums);
typedef void scatter_fn(size_t n, const mb_nonzero_grad *nonzeros, float *image, size_t ld,
                        const float *window, size_t ld_window);

#define WINDOW(rows, vectors)                                                                      \
    static void accumulate_##rows##_##vectors(size_t n, const mb_nonzero_grad *nonzeros,           \
                                              const float *image, size_t ld, float *sums,          \
                                              size_t ld_sums)                                      \
    {                                                                                              \
        enum { FITS = (rows) * (vectors) <= MB_ACCUMULATORS };                                     \
        accumulate(FITS ? (rows) : 1, FITS ? (vectors) : 1, n, nonzeros, image, ld, sums,          \
                   ld_sums);                                                                       \
    }                                                                                              \
    static void scatter_##rows##_##vectors(size_t n, const mb_nonzero_grad *nonzeros,              \
                                           float *image, size_t ld, const float *window,           \
                                           size_t ld_window)                                       \
    {                                                                                              \
        enum { FITS = (rows) * (vectors) <= SCATTERED };                                           \
        scatter(FITS ? (rows) : 1, FITS ? (vectors) : 1, n, nonzeros, image, ld, window,           \
                ld_window);                                                                        \
    }
#define ACCUMULATE(rows, vectors) [rows][vectors] = accumulate_##rows##_##vectors,
#define SCATTER(rows, vectors) [rows][vectors] = scatter_##rows##_##vectors,
#define UP_TO_6(X, rows) X(rows, 1) X(rows, 2) X(rows, 3) X(rows, 4) X(rows, 5) X(rows, 6)
#define WINDOWS(X)                                                                                 \
    UP_TO_6(X, 1)                                                                                  \
    UP_TO_6(X, 2) X(3, 1) X(3, 2) X(3, 3) X(3, 4) X(5, 1) X(5, 2)
WINDOWS(WINDOW)

/* The part of a window processed at once, `max` vectors at most; rows is 0 at the end. */
typedef struct block {
    size_t row, rows, vector, vectors;
} block;

static block block_at(size_t row, size_t vector, size_t rows, size_t vectors, size_t max)
{
    static const size_t heights[] = {5, 3, 2, 1};
    const size_t max_width = max < 6 ? max : 6, left = vectors - vector;
    const size_t times = (vectors + max_width - 1) / max_width;
    const size_t width = (vectors + times - 1) / times;
    block now = {.row = row, .vector = vector, .vectors = left < width ? left : width};
    for (size_t i = 0; now.rows == 0 && row < rows; i++)
        if (heights[i] <= rows - row && heights[i] * width <= max)
            now.rows = heights[i];
    return now;
}

static block next_block(block last, size_t rows, size_t vectors, size_t max)
{
    const size_t vector = last.vector + last.vectors;
    return vector < vectors ? block_at(last.row, vector, rows, vectors, max)
                            : block_at(last.row + last.rows, 0, rows, vectors, max);
}

void MB_KERNEL_FN(accumulate_windows)(size_t n, const mb_nonzero_grad *restrict nonzeros,
                                      size_t rows, size_t vectors, const float *restrict image,
                                      size_t ld, float *restrict sums)
{
    static accumulate_fn *const functions[6][7] = {WINDOWS(ACCUMULATE)};
    const size_t width = vectors * MB_LANES;
    for (block b = block_at(0, 0, rows, vectors, MB_ACCUMULATORS); b.rows > 0;
         b = next_block(b, rows, vectors, MB_ACCUMULATORS))
        functions[b.rows][b.vectors](n, nonzeros, image + b.row * ld + b.vector * MB_LANES, ld,
                                     sums + b.row * width + b.vector * MB_LANES, width);
}

void MB_KERNEL_FN(scatter_windows)(size_t n, const mb_nonzero_grad *restrict nonzeros, size_t rows,
                                   size_t vectors, const float *restrict window,
                                   float *restrict image, size_t ld)
{
    static scatter_fn *const functions[6][7] = {WINDOWS(SCATTER)};
    const size_t width = vectors * MB_LANES;
    for (block b = block_at(0, 0, rows, vectors, SCATTERED); b.rows > 0;
         b = next_block(b, rows, vectors, SCATTERED))
        functions[b.rows][b.vectors](n, nonzeros, image + b.row * ld + b.vector * MB_LANES, ld,
                                     window + b.row * width + b.vector * MB_LANES, width);
}

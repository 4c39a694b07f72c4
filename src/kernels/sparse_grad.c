/* Products with planes of which most numbers are 0: those that are not are picked first, and each
 * meets a window of an image. A window is some rows of whole lines; as many of them as fit stay in
 * registers while the picks pass. */
#include "kernels/vector.h"

#if defined(__AVX512F__)
enum { MOST_LINES = 12 };
#elif defined(__AVX2__)
enum { MOST_LINES = 6 };
#else
enum { MOST_LINES = 3 };
#endif

/* Without branches, which nobody could foresee: each number is written, and the next one over it
 * unless it counts. */
size_t MB_AT_LEVEL(find_nonzero_grads)(const mb_grad_plane *plane, const float *restrict numbers,
                                       mb_nonzero_grad *restrict picks)
{
    size_t count = 0;
    for (size_t y = 0; y < plane->rows; y++)
        for (size_t x = 0; x < plane->columns; x++) {
            const float number = numbers[(y * plane->columns + x) * plane->stride];
            picks[count] = (mb_nonzero_grad){
                (uint32_t)(y * plane->row_offset + x * plane->column_offset), number};
            count += number != 0.0f;
        }
    return count;
}

/* `rows` and `lines` are constants wherever these are inlined. */
MB_ALWAYS_INLINE void gather(const size_t rows, const size_t lines, size_t n,
                             const mb_nonzero_grad *restrict picks, const float *restrict image,
                             size_t ld, float *restrict sums, size_t ld_sums)
{
    float sum[MOST_LINES][MB_LANES];
    for (size_t i = 0; i < rows * lines; i++)
        mb_copy_line(sums + i / lines * ld_sums + i % lines * MB_LANES, sum[i]);
    for (size_t p = 0; p < n; p++)
        for (size_t i = 0; i < rows * lines; i++)
            mb_add_product(picks[p].value,
                           image + picks[p].at + i / lines * ld + i % lines * MB_LANES, sum[i]);
    for (size_t i = 0; i < rows * lines; i++)
        mb_copy_line(sum[i], sums + i / lines * ld_sums + i % lines * MB_LANES);
}

MB_ALWAYS_INLINE void scatter(const size_t rows, const size_t lines, size_t n,
                              const mb_nonzero_grad *restrict picks, float *restrict image,
                              size_t ld, const float *restrict window, size_t ld_window)
{
    float kept[MOST_LINES][MB_LANES];
    for (size_t i = 0; i < rows * lines; i++)
        mb_copy_line(window + i / lines * ld_window + i % lines * MB_LANES, kept[i]);
    /* Windows of neighbours overlap, and what was just stored in part is slow to load: the first
     * half and the second take turns. */
    const size_t half = (n + 1) / 2;
    for (size_t turn = 0; turn < n; turn++) {
        const mb_nonzero_grad pick = picks[turn / 2 + (turn % 2 == 0 ? 0 : half)];
        for (size_t i = 0; i < rows * lines; i++)
            mb_add_product(pick.value, kept[i],
                           image + pick.at + i / lines * ld + i % lines * MB_LANES);
    }
}

typedef void gather_fn(size_t n, const mb_nonzero_grad *picks, const float *image, size_t ld,
                       float *sums, size_t ld_sums);
typedef void scatter_fn(size_t n, const mb_nonzero_grad *picks, float *image, size_t ld,
                        const float *window, size_t ld_window);

#define WINDOW(rows, lines)                                                                        \
    static void gather_##rows##_##lines(size_t n, const mb_nonzero_grad *picks,                    \
                                        const float *image, size_t ld, float *sums,                \
                                        size_t ld_sums)                                            \
    {                                                                                              \
        gather((rows) * (lines) <= MOST_LINES ? (rows) : 1,                                        \
               (rows) * (lines) <= MOST_LINES ? (lines) : 1, n, picks, image, ld, sums, ld_sums);  \
    }                                                                                              \
    static void scatter_##rows##_##lines(size_t n, const mb_nonzero_grad *picks, float *image,     \
                                         size_t ld, const float *window, size_t ld_window)         \
    {                                                                                              \
        scatter((rows) * (lines) <= MOST_LINES ? (rows) : 1,                                       \
                (rows) * (lines) <= MOST_LINES ? (lines) : 1, n, picks, image, ld, window,         \
                ld_window);                                                                        \
    }
WINDOW(1, 1)
WINDOW(1, 2)
WINDOW(1, 3)
WINDOW(1, 4)
WINDOW(1, 5)
WINDOW(1, 6)
WINDOW(2, 1)
WINDOW(2, 2)
WINDOW(2, 3)
WINDOW(2, 4)
WINDOW(2, 5)
WINDOW(2, 6)
WINDOW(3, 1)
WINDOW(3, 2)
WINDOW(3, 3)
WINDOW(3, 4)
WINDOW(5, 1)
WINDOW(5, 2)

enum { MOST_WIDE = MOST_LINES < 6 ? MOST_LINES : 6 };

/* What of a window is done at once; beyond its end there are no rows. */
typedef struct block {
    size_t row, rows, line, lines;
} block;

static block block_at(size_t row, size_t line, size_t rows, size_t lines)
{
    static const size_t heights[] = {5, 3, 2, 1};
    const size_t times = (lines + MOST_WIDE - 1) / MOST_WIDE, left = lines - line;
    const size_t wide = (lines + times - 1) / times;
    block now = {.row = row, .line = line, .lines = left < wide ? left : wide};
    for (size_t i = 0; now.rows == 0 && row < rows; i++)
        if (heights[i] <= rows - row && heights[i] * wide <= MOST_LINES)
            now.rows = heights[i];
    return now;
}

static block next_block(block last, size_t rows, size_t lines)
{
    const size_t line = last.line + last.lines;
    return line < lines ? block_at(last.row, line, rows, lines)
                        : block_at(last.row + last.rows, 0, rows, lines);
}

void MB_AT_LEVEL(accumulate_windows)(size_t n, const mb_nonzero_grad *restrict picks, size_t rows,
                                     size_t lines, const float *restrict image, size_t ld,
                                     float *restrict sums)
{
    static gather_fn *const of[][6] = {
        [1] = {gather_1_1, gather_1_2, gather_1_3, gather_1_4, gather_1_5, gather_1_6},
        [2] = {gather_2_1, gather_2_2, gather_2_3, gather_2_4, gather_2_5, gather_2_6},
        [3] = {gather_3_1, gather_3_2, gather_3_3, gather_3_4},
        [5] = {gather_5_1, gather_5_2}};
    const size_t width = lines * MB_LANES;
    for (block b = block_at(0, 0, rows, lines); b.rows > 0; b = next_block(b, rows, lines))
        of[b.rows][b.lines - 1](n, picks, image + b.row * ld + b.line * MB_LANES, ld,
                                sums + b.row * width + b.line * MB_LANES, width);
}

void MB_AT_LEVEL(scatter_windows)(size_t n, const mb_nonzero_grad *restrict picks, size_t rows,
                                  size_t lines, const float *restrict window, float *restrict image,
                                  size_t ld)
{
    static scatter_fn *const of[][6] = {
        [1] = {scatter_1_1, scatter_1_2, scatter_1_3, scatter_1_4, scatter_1_5, scatter_1_6},
        [2] = {scatter_2_1, scatter_2_2, scatter_2_3, scatter_2_4, scatter_2_5, scatter_2_6},
        [3] = {scatter_3_1, scatter_3_2, scatter_3_3, scatter_3_4},
        [5] = {scatter_5_1, scatter_5_2}};
    const size_t width = lines * MB_LANES;
    for (block b = block_at(0, 0, rows, lines); b.rows > 0; b = next_block(b, rows, lines))
        of[b.rows][b.lines - 1](n, picks, image + b.row * ld + b.line * MB_LANES, ld,
                                window + b.row * width + b.line * MB_LANES, width);
}

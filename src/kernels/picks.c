/* Products with rows of which most numbers are 0: those that are not are picked first. */
#include "kernels/level.h"

#if defined(__AVX512F__)
enum { MOST_LINES = 12 };
#elif defined(__AVX2__)
enum { MOST_LINES = 6 };
#else
enum { MOST_LINES = 2 };
#endif

typedef int32_t lane;

/* Without branches, which nobody could foresee: each number is written, and the next one over it
 * unless it counts. */
size_t MB_AT_LEVEL(pick)(size_t n, const float *restrict numbers, mb_pick *restrict picks)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        picks[count] = (mb_pick){(uint32_t)i, numbers[i]};
        count += numbers[i] != 0.0f;
    }
    return count;
}

/* `lines` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) void add_up(const size_t lines, size_t n,
                                                         const mb_pick *restrict picks,
                                                         const float *restrict from, size_t ld,
                                                         bool add, float *restrict sums)
{
    float sum[MOST_LINES][MB_LINE];
    for (size_t l = 0; l < lines; l++)
#pragma omp simd
        for (lane i = 0; i < MB_LINE; i++)
            sum[l][i] = add ? sums[l * MB_LINE + (size_t)i] : 0.0f;
    for (size_t p = 0; p < n; p++) {
        const float value = picks[p].value;
        const float *row = from + picks[p].at * ld;
        for (size_t l = 0; l < lines; l++)
#pragma omp simd
            for (lane i = 0; i < MB_LINE; i++)
                sum[l][i] = mb_multiply_add(value, row[l * MB_LINE + (size_t)i], sum[l][i]);
    }
    for (size_t l = 0; l < lines; l++)
#pragma omp simd
        for (lane i = 0; i < MB_LINE; i++)
            sums[l * MB_LINE + (size_t)i] = sum[l][i];
}

typedef void lines_fn(size_t n, const mb_pick *picks, const float *from, size_t ld, bool add,
                      float *sums);

#define LINES(lines)                                                                               \
    static void add_up_##lines(size_t n, const mb_pick *picks, const float *from, size_t ld,       \
                               bool add, float *sums)                                              \
    {                                                                                              \
        add_up((lines) <= MOST_LINES ? (lines) : 1, n, picks, from, ld, add, sums);                \
    }
LINES(1)
LINES(2)
LINES(3)
LINES(4)
LINES(5)
LINES(6)
LINES(7)
LINES(8)
LINES(9)
LINES(10)
LINES(11)
LINES(12)

void MB_AT_LEVEL(pick_product)(size_t n, const mb_pick *restrict picks, size_t lines,
                               const float *restrict from, size_t ld, bool add,
                               float *restrict sums)
{
    static lines_fn *const of[] = {add_up_1, add_up_2, add_up_3, add_up_4,  add_up_5,  add_up_6,
                                   add_up_7, add_up_8, add_up_9, add_up_10, add_up_11, add_up_12};
    const size_t times = (lines + MOST_LINES - 1) / MOST_LINES;
    const size_t block = times > 0 ? (lines + times - 1) / times : 0;
    for (size_t rest = lines, now; rest > 0; rest -= now) {
        now = rest < block ? rest : block;
        of[now - 1](n, picks, from, ld, add, sums);
        from += now * MB_LINE;
        sums += now * MB_LINE;
    }
}

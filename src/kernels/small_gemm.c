/* Products of small matrices that stay in the caches: no packing. A tile of sums is in registers.
 */
#include "kernels/vector.h"

/* With the operands beside them: two registers of b, and one element of a in all lanes. */
enum { MAX_ROWS = MB_ACCUMULATORS >= 12 ? 12 : 6, WIDE = 2 };

/* For each row of a tile: names of variables, which an array would keep in memory. */
#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

#define BEGIN(r)                                                                                   \
    mb_register left##r = zero, right##r = zero;                                                   \
    if (rows > (r) && g->add) {                                                                    \
        left##r = mb_load(c + (r)*g->ldc);                                                         \
        right##r = registers > 1 ? mb_load(c + (r)*g->ldc + MB_REGISTER_LANES) : zero;             \
    }
#define ADD(r)                                                                                     \
    if (rows > (r)) {                                                                              \
        const float factor = a[(r)*row];                                                           \
        left##r = mb_register_add_product(factor, x, left##r);                                     \
        if (registers > 1)                                                                         \
            right##r = mb_register_add_product(factor, y, right##r);                               \
    }
#define END(r)                                                                                     \
    if (rows > (r)) {                                                                              \
        mb_store(left##r, c + (r)*g->ldc);                                                         \
        if (registers > 1)                                                                         \
            mb_store(right##r, c + (r)*g->ldc + MB_REGISTER_LANES);                                \
    }

/* `rows` and `registers` are constants wherever this is inlined. */
MB_ALWAYS_INLINE void multiply_tile(const mb_small_gemm *g, const size_t rows,
                                    const size_t registers, const float *a, const float *b,
                                    float *c)
{
    const size_t row = g->row_stride, step = g->depth_stride, ldb = g->ldb;
    const mb_register zero = {0};
    EACH_ROW(BEGIN)
    for (size_t k = g->depth; k > 0; k--, a += step, b += ldb) {
        const mb_register x = mb_load_once(b);
        const mb_register y = registers > 1 ? mb_load_once(b + MB_REGISTER_LANES) : zero;
        EACH_ROW(ADD)
    }
    EACH_ROW(END)
}

typedef void tile_fn(const mb_small_gemm *g, const float *a, const float *b, float *c);

#define TILE(rows, registers)                                                                      \
    static void tile_##rows##_##registers(const mb_small_gemm *g, const float *a, const float *b,  \
                                          float *c)                                                \
    {                                                                                              \
        multiply_tile(g, (rows) <= MAX_ROWS ? (rows) : 1, registers, a, b, c);                     \
    }
#define NAME(rows, registers) tile_##rows##_##registers,
#define ROWS(X, registers)                                                                         \
    X(1, registers)                                                                                \
    X(2, registers)                                                                                \
    X(3, registers)                                                                                \
    X(4, registers)                                                                                \
    X(5, registers)                                                                                \
    X(6, registers)                                                                                \
    X(7, registers)                                                                                \
    X(8, registers)                                                                                \
    X(9, registers)                                                                                \
    X(10, registers)                                                                               \
    X(11, registers)                                                                               \
    X(12, registers)
ROWS(TILE, 1)
ROWS(TILE, 2)

void MB_KERNEL_FN(small_gemm)(const mb_small_gemm *g, const float *a, const float *b, float *c)
{
    static tile_fn *const tiles[WIDE][12] = {{ROWS(NAME, 1)}, {ROWS(NAME, 2)}};
    const size_t blocks = (g->rows + MAX_ROWS - 1) / MAX_ROWS;
    const size_t block = (g->rows + blocks - 1) / blocks;
    for (size_t done = 0, registers; done < g->columns; done += registers * MB_REGISTER_LANES) {
        registers = g->columns - done < WIDE * MB_REGISTER_LANES ? 1 : WIDE;
        for (size_t r = 0, now; r < g->rows; r += now) {
            now = g->rows - r < block ? g->rows - r : block;
            tiles[registers - 1][now - 1](g, a + r * g->row_stride, b + done,
                                          c + r * g->ldc + done);
        }
    }
}

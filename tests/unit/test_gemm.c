#include "core/rng.h"
#include "nn/gemm.h"
#include "support.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* C (m, n) = op(A) x B + beta * C with A (rows, columns), each matrix with `gap` elements between
 * its rows, filled with NaN: reading the gap spoils the product, writing it is detected. */
typedef struct product {
    size_t m, n, k, gap;
    float *a, *b, *c, *before;
    size_t lda, ldb, ldc;
} product;

static float *draw(size_t rows, size_t columns, size_t ld, mb_rng *rng)
{
    float *matrix = mb_test_alloc(rows * ld + 1, sizeof *matrix);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < ld; c++)
            matrix[r * ld + c] = c < columns ? 2.0f * mb_rng_uniform(rng) - 1.0f : NAN;
    return matrix;
}

/* A is (k, m) if `transposed`, else (m, k). */
static product open_product(size_t m, size_t n, size_t k, size_t gap, int transposed)
{
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, m * n, k + gap);
    product p = {.m = m, .n = n, .k = k, .gap = gap, .ldb = n + gap, .ldc = n + gap};
    p.lda = (transposed ? m : k) + gap;
    p.a = draw(transposed ? k : m, transposed ? m : k, p.lda, &rng);
    p.b = draw(k, n, p.ldb, &rng);
    p.c = draw(m, n, p.ldc, &rng);
    p.before = mb_test_alloc(m * p.ldc + 1, sizeof *p.before);
    memcpy(p.before, p.c, m * p.ldc * sizeof *p.c);
    return p;
}

/* Compares with the sum in double. The bound holds for k+1 terms summed in float in any order:
 * (k + 2) * 2^-24 * sum of |terms|. */
static void check_product(const product *p, int transposed, float beta)
{
    for (size_t row = 0; row < p->m; row++)
        for (size_t column = 0; column < p->ldc; column++) {
            const float found = p->c[row * p->ldc + column];
            if (column >= p->n) {
                assert_true(isnan(found));
                continue;
            }
            double sum = beta != 0.0f ? (double)beta * (double)p->before[row * p->ldc + column] : 0;
            double size = fabs(sum);
            for (size_t i = 0; i < p->k; i++) {
                const double term = (double)p->a[transposed ? i * p->lda + row : row * p->lda + i] *
                                    (double)p->b[i * p->ldb + column];
                sum += term;
                size += fabs(term);
            }
            const double bound = (double)(p->k + 2) * (double)FLT_EPSILON / 2 * size;
            if (!(fabs((double)found - sum) <= bound))
                fail_msg("%zux%zux%zu at (%zu, %zu): %.9g, expected %.9g", p->m, p->n, p->k, row,
                         column, (double)found, sum);
        }
}

static void check(mb_tiling_rules rules, size_t m, size_t n, size_t k, float beta, int transposed)
{
    for (size_t gap = 0; gap <= 3; gap += 3) {
        product p = open_product(m, n, k, gap, transposed);
        if (beta == 0.0f) /* C must not be read */
            for (size_t i = 0; i < m * p.ldc; i++)
                p.c[i] = NAN;
        (transposed ? mb_gemm_at : mb_gemm)(rules, m, n, k, p.a, p.lda, p.b, p.ldb, beta, p.c,
                                            p.ldc);
        check_product(&p, transposed, beta);
    }
}

/* mb_gemm_at(m, n, k) has A (k, m): its outer product runs over k. */
static void check_both(mb_tiling_rules rules, size_t m, size_t n, size_t k)
{
    for (int transposed = 0; transposed <= 1; transposed++) {
        check(rules, m, n, k, 0.0f, transposed);
        check(rules, m, n, k, 1.0f, transposed);
    }
}

TEST(products_equal_the_naive_twin)
{
    static const size_t shapes[][3] = {
        {1, 1, 1},   {1, 16, 784}, {64, 16, 495}, {63, 16, 128}, {17, 10, 64},
        {16, 64, 3}, {5, 7, 11},   {64, 10, 128}, {33, 128, 10}, {784, 16, 64},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        check_both(mb_tiling_rules_for(true), shapes[i][0], shapes[i][1], shapes[i][2]);
        check_both(mb_tiling_rules_for(false), shapes[i][0], shapes[i][1], shapes[i][2]);
    }
}

/* Limits that split a dimension in two, in many, into single steps, and one below any product. */
TEST(products_above_the_limit_are_pieced_together)
{
    static const size_t limits[] = {64 * 16 * 300, 64 * 16 * 7, 64 * 16, 100, 1};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const mb_tiling_rules rules = {.panel = 16, .product_limit = limits[i]};
        check_both(rules, 64, 16, 600);
        check_both(rules, 600, 16, 64);
        check_both(rules, 37, 11, 41);
    }
    check_both(mb_tiling_rules_for(true), 64, 16, 3000);
    check_both(mb_tiling_rules_for(true), 3000, 16, 64);
}

/* A product has the bits of the pieces that it is split into. */
TEST(pieces_are_where_the_limit_puts_them)
{
    const mb_tiling_rules rules = {.panel = 16, .product_limit = 64 * 16 * 100},
                          whole = {.panel = 16};
    product one = open_product(64, 16, 250, 0, 0), other = open_product(64, 16, 250, 0, 0);
    mb_gemm(rules, 64, 16, 250, one.a, 250, one.b, 16, 1.0f, one.c, 16);
    for (size_t done = 0; done < 250; done += 100)
        mb_gemm(whole, 64, 16, done < 200 ? 100 : 50, other.a + done, 250, other.b + done * 16, 16,
                1.0f, other.c, 16);
    assert_memory_equal(one.c, other.c, 64 * 16 * sizeof *one.c);
}

/* A batch of blank images: a sum without terms. */
TEST(no_terms_make_zero)
{
    check_both(mb_tiling_rules_for(true), 64, 16, 0);
    check_both(mb_tiling_rules_for(false), 64, 16, 0);
    check_both(mb_tiling_rules_for(true), 1, 1, 0);
}

TEST(no_cells_are_nothing_to_do)
{
    const mb_tiling_rules rules = mb_tiling_rules_for(true);
    float cell = 7.0f;
    const float ones[4] = {1, 1, 1, 1};
    mb_gemm(rules, 0, 1, 4, ones, 4, ones, 1, 0.0f, &cell, 1);
    mb_gemm(rules, 1, 0, 4, ones, 4, ones, 1, 0.0f, &cell, 1);
    mb_gemm_at(rules, 0, 1, 4, ones, 1, ones, 1, 0.0f, &cell, 1);
    mb_gemm_at(rules, 1, 0, 4, ones, 1, ones, 1, 0.0f, &cell, 1);
    mb_gemm(rules, 0, 0, 0, ones, 1, ones, 1, 0.0f, &cell, 1);
    assert_true(cell == 7.0f);
}

#include "nn/gemm.h"

#include <cblas.h>
#include <string.h>

/* The length of the parts into which the divided dimension goes: M, N and K that are not divided
 * multiply to `area`. */
static size_t part_length(mb_tiling_rules rules, size_t area, size_t whole)
{
    const size_t max = rules.product_limit / area;
    return rules.product_limit == 0 || max == 0 || whole <= max ? whole : max;
}

static void clear(size_t m, size_t n, float *c, size_t ldc)
{
    for (size_t row = 0; row < m; row++)
        memset(c + row * ldc, 0, n * sizeof *c);
}

void mb_gemm(mb_tiling_rules rules, size_t m, size_t n, size_t k, const float *a, size_t lda,
             const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    if (m == 0 || n == 0)
        return;
    if (k == 0 && beta == 0.0f)
        clear(m, n, c, ldc);
    const size_t part = part_length(rules, m * n, k);
    for (size_t done = 0; done < k; done += part) {
        const size_t now = k - done < part ? k - done : part;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)now, 1.0f,
                    a + done, (int)lda, b + done * ldb, (int)ldb, done > 0 ? 1.0f : beta, c,
                    (int)ldc);
    }
}

void mb_gemm_at(mb_tiling_rules rules, size_t m, size_t n, size_t k, const float *a, size_t lda,
                const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    if (m == 0 || n == 0)
        return;
    if (k == 0 && beta == 0.0f)
        clear(m, n, c, ldc);
    const size_t part = part_length(rules, n * k > 0 ? n * k : 1, m);
    for (size_t done = 0; k > 0 && done < m; done += part) {
        const size_t now = m - done < part ? m - done : part;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)now, (int)n, (int)k, 1.0f,
                    a + done, (int)lda, b, (int)ldb, beta, c + done * ldc, (int)ldc);
    }
}

void mb_gemm_bt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                size_t ldb, float beta, float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1.0f, a, (int)lda,
                b, (int)ldb, beta, c, (int)ldc);
}

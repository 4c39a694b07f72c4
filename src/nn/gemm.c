#include "nn/gemm.h"

#include <cblas.h>
#include <string.h>

/* The longest piece of the dimension that is tiling: the other two multiply to `plane`. */
static size_t piece(mb_tiling_rules rules, size_t plane, size_t whole)
{
    const size_t most = rules.product_limit / plane;
    return rules.product_limit == 0 || most == 0 || whole <= most ? whole : most;
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
    const size_t step = piece(rules, m * n, k);
    for (size_t done = 0; done < k; done += step) {
        const size_t now = k - done < step ? k - done : step;
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
    const size_t step = piece(rules, n * k > 0 ? n * k : 1, m);
    for (size_t done = 0; k > 0 && done < m; done += step) {
        const size_t now = m - done < step ? m - done : step;
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

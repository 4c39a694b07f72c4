/* Matrix products: the only place that calls BLAS. */
#ifndef MB_NN_GEMM_H
#define MB_NN_GEMM_H

#include "nn/tiling.h"

/* C (M, N) = A (M, K) x B (K, N) + beta * C, all row-major with leading dimensions lda, ldb, ldc.
 * Runs on the calling thread when called inside a team. A product above the rules' limit is divided
 * along K at fixed points. beta is 0 or 1; with 0, C is not read. K may be 0. */
void mb_gemm(mb_tiling_rules rules, size_t m, size_t n, size_t k, const float *a, size_t lda,
             const float *b, size_t ldb, float beta, float *c, size_t ldc);

/* C (M, N) = A^T x B + beta * C with A (K, M): as mb_gemm, divided along M. */
void mb_gemm_at(mb_tiling_rules rules, size_t m, size_t n, size_t k, const float *a, size_t lda,
                const float *b, size_t ldb, float beta, float *c, size_t ldc);

/* C (M, N) = A x B^T + beta * C with B (N, K), in one call; M, N and K are not 0. */
void mb_gemm_bt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b,
                size_t ldb, float beta, float *c, size_t ldc);

#endif

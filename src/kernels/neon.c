/* Hand-written kernels for aarch64's Advanced SIMD, over the compiled set: the products, whose sums
 * stay in the 32 registers of four floats, ReLU and Adam. The bits are those of the compiled set.
 */
#include "kernels/kernel_set.h"

#include <arm_neon.h>
#include <string.h>

enum { QUADS = MB_LANES / 4 };

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* ---- direct_gemm ---- */

/* Rows times vectors that are computed at once: 24 registers of sums. */
enum { MAX_VECTORS = 6 };

/* `rows` and `vectors` are constants wherever this is inlined. */
ALWAYS_INLINE void gemm_rows(const size_t rows, const size_t vectors, const mb_direct_gemm *gemm,
                             const float *a, const float *b, mb_direct_init init, float *c,
                             size_t ldc)
{
    float32x4_t sum[MAX_VECTORS][QUADS];
    const size_t row = gemm->row_stride, next = gemm->vector_stride;
    for (size_t i = 0; i < rows * vectors; i++) {
        const float *from = init.values + i / vectors * init.row_stride;
        for (size_t q = 0; q < QUADS; q++)
            sum[i][q] =
                init.per_lane ? vld1q_f32(from + i % vectors * next + 4 * q) : vdupq_n_f32(*from);
    }
    for (size_t i = 0; i < gemm->count[0]; i++)
        for (size_t j = 0; j < gemm->count[1]; j++) {
            const float *x = a + i * gemm->a_stride[0] + j * gemm->a_stride[1];
            const float *y = b + i * gemm->b_stride[0] + j * gemm->b_stride[1];
            for (size_t k = 0; k < gemm->count[2]; k++) {
                for (size_t v = 0; v < vectors; v++)
                    for (size_t q = 0; q < QUADS; q++) {
                        const float32x4_t quad = vld1q_f32(y + v * next + 4 * q);
                        for (size_t r = 0; r < rows; r++)
                            sum[r * vectors + v][q] =
                                vfmaq_n_f32(sum[r * vectors + v][q], quad, x[r * row]);
                    }
                x += gemm->a_stride[2];
                y += gemm->b_stride[2];
            }
        }
    for (size_t i = 0; i < rows * vectors; i++)
        for (size_t q = 0; q < QUADS; q++)
            vst1q_f32(c + i / vectors * ldc + i % vectors * next + 4 * q, sum[i][q]);
}

void MB_KERNEL_FN(direct_gemm)(const mb_direct_gemm *gemm, size_t rows, const float *restrict a,
                               const float *restrict b, mb_direct_init init, float *c, size_t ldc)
{
    const size_t max = MAX_VECTORS / gemm->vectors, blocks = (rows + max - 1) / max;
    const size_t block = (rows + blocks - 1) / blocks;
    for (size_t rest = rows, now; rest > 0; rest -= now) {
        now = rest < block ? rest : block;
        switch (now + MAX_VECTORS * (gemm->vectors - 1)) {
#define GEMM(rows, vectors)                                                                        \
    case (rows) + MAX_VECTORS *((vectors)-1):                                                      \
        gemm_rows(rows, vectors, gemm, a, b, init, c, ldc);                                        \
        break;
            GEMM(1, 1)
            GEMM(2, 1)
            GEMM(3, 1)
            GEMM(4, 1)
            GEMM(5, 1)
            GEMM(6, 1)
            GEMM(1, 2)
            GEMM(2, 2)
            GEMM(3, 2)
        }
        a += now * gemm->row_stride;
        c += now * ldc;
        init.values += now * init.row_stride;
    }
}

/* ---- ReLU ---- */

void MB_KERNEL_FN(relu_forward)(size_t rows, size_t columns, float *restrict z, size_t ld)
{
    const float32x4_t zero = vdupq_n_f32(0.0f);
    for (size_t r = 0; r < rows; r++, z += ld) {
        size_t c = 0;
        for (; c + 4 <= columns; c += 4) {
            const float32x4_t x = vld1q_f32(z + c);
            vst1q_f32(z + c, vbslq_f32(vcltq_f32(x, zero), zero, x));
        }
        for (; c < columns; c++)
            z[c] = z[c] < 0.0f ? 0.0f : z[c];
    }
}

void MB_KERNEL_FN(relu_backward)(size_t rows, size_t columns, const float *restrict a,
                                 float *restrict d, size_t ld)
{
    const float32x4_t zero = vdupq_n_f32(0.0f);
    for (size_t r = 0; r < rows; r++, a += ld, d += ld) {
        size_t c = 0;
        for (; c + 4 <= columns; c += 4) {
            const uint32x4_t stopped = vcleq_f32(vld1q_f32(a + c), zero);
            vst1q_f32(d + c, vbslq_f32(stopped, zero, vld1q_f32(d + c)));
        }
        for (; c < columns; c++)
            d[c] = a[c] <= 0.0f ? 0.0f : d[c];
    }
}

/* ---- Adam ---- */

/* One step of four parameters. */
ALWAYS_INLINE void adam_quad(const mb_update *u, bool decay, const float *gradient, float *w,
                             float *m, float *v)
{
    const float32x4_t old = vld1q_f32(w);
    const float32x4_t g = vaddq_f32(vld1q_f32(gradient), vmulq_n_f32(old, decay ? u->l2 : 0.0f));
    const float32x4_t m_now =
        vaddq_f32(vmulq_n_f32(vld1q_f32(m), u->beta1), vmulq_n_f32(g, u->one_minus_beta1));
    const float32x4_t v_now = vaddq_f32(vmulq_n_f32(vld1q_f32(v), u->beta2),
                                        vmulq_f32(vmulq_n_f32(g, u->one_minus_beta2), g));
    const float32x4_t root = vmulq_n_f32(vsqrtq_f32(v_now), u->inv_sqrt_correction2);
    const float32x4_t step =
        vdivq_f32(vmulq_n_f32(m_now, u->lr), vaddq_f32(root, vdupq_n_f32(u->epsilon)));
    vst1q_f32(m, m_now);
    vst1q_f32(v, v_now);
    vst1q_f32(w, vsubq_f32(vmulq_n_f32(old, decay ? u->decay_factor : 1.0f), step));
}

void MB_KERNEL_FN(adam)(const mb_update *update, bool decay, size_t n,
                        const float *restrict gradient, float *restrict w, float *restrict m,
                        float *restrict v)
{
    const mb_update u = *update;
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        adam_quad(&u, decay, gradient + i, w + i, m + i, v + i);
    if (i < n) {
        const size_t bytes = (n - i) * sizeof *w;
        float last[4][4] = {{0}};
        float *from[] = {w + i, m + i, v + i};
        memcpy(last[3], gradient + i, bytes);
        for (size_t p = 0; p < 3; p++)
            memcpy(last[p], from[p], bytes);
        adam_quad(&u, decay, last[3], last[0], last[1], last[2]);
        for (size_t p = 0; p < 3; p++)
            memcpy(from[p], last[p], bytes);
    }
}

void MB_KERNEL_FN(kernels_init)(mb_kernels *kernels)
{
    kernels->direct_gemm = MB_KERNEL_FN(direct_gemm);
    kernels->relu_forward = MB_KERNEL_FN(relu_forward);
    kernels->relu_backward = MB_KERNEL_FN(relu_backward);
    kernels->adam = MB_KERNEL_FN(adam);
}

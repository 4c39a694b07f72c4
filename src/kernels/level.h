/* Names for what is compiled once per instruction set: MB_AT_LEVEL(relu_forward) is mb_relu_v4
 * where MB_LEVEL is v4. */
#ifndef MB_KERNELS_LEVEL_H
#define MB_KERNELS_LEVEL_H

#include "kernels/kernels.h"

#include <math.h>

#define MB_PASTE(name, level) mb_##name##_##level
#define MB_PASTE_EXPANDED(name, level) MB_PASTE(name, level)
#define MB_AT_LEVEL(name) MB_PASTE_EXPANDED(name, MB_LEVEL)

/* One rounding where the level can, which is also what OpenBLAS does there. */
static inline float mb_multiply_add(float a, float b, float c)
{
#ifdef FP_FAST_FMAF
    return fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

void MB_AT_LEVEL(bytes_to_float)(size_t n, const uint8_t *bytes, float *out);
void MB_AT_LEVEL(sparse_product)(size_t rows, const mb_sparse_row *x, const float *gray,
                                 mb_weight_strides lines, const float *w, float *z, size_t ldz);
void MB_AT_LEVEL(sparse_gradient)(size_t pixels, const uint64_t *mask, const uint8_t *value,
                                  const float *gray, const float *d, size_t ldd,
                                  mb_weight_strides lines, bool add, float *g);
void MB_AT_LEVEL(transpose)(size_t rows, size_t columns, const float *in, float *out, size_t ld);
void MB_AT_LEVEL(fill_rows)(size_t rows, size_t columns, const float *bias, float *z, size_t ld);
void MB_AT_LEVEL(add_rows)(size_t rows, size_t columns, const float *d, size_t ld, float *sums);
void MB_AT_LEVEL(relu_forward)(size_t rows, size_t columns, float *z, size_t ld);
void MB_AT_LEVEL(relu_backward)(size_t rows, size_t columns, const float *a, float *d, size_t ld);
void MB_AT_LEVEL(softmax_cross_entropy)(size_t rows, size_t classes, const float *logits,
                                        const uint8_t *labels, float scale, float smoothing,
                                        float *gradient, float *losses, uint8_t *guess);
void MB_AT_LEVEL(exp)(size_t n, const float *x, float *y);
void MB_AT_LEVEL(bilinear_taps)(size_t n, size_t stride, const uint8_t *plane, uint32_t *taps);
void MB_AT_LEVEL(warp)(size_t n, const mb_warp *warp, const float *x, const float *y,
                       const float *dx, const float *dy, const uint32_t *taps, uint8_t *out);
size_t MB_AT_LEVEL(find_nonzero_pixels)(size_t n, const uint8_t *bytes, mb_nonzero *dots);
void MB_AT_LEVEL(noise)(uint64_t state, size_t n, float most, float *a, float *b);
void MB_AT_LEVEL(smooth_columns)(size_t rows, size_t columns, size_t radius, const float *weights,
                                 const float *in, float *out, size_t ld);
void MB_AT_LEVEL(smooth_rows)(size_t rows, size_t columns, size_t radius, const float *weights,
                              const float *in, size_t ld, float *out);
void MB_AT_LEVEL(im2col)(mb_strided_view s, const float *from, float *to);
void MB_AT_LEVEL(col2im)(mb_strided_view s, const float *from, float *to);
void MB_AT_LEVEL(direct_gemm)(const mb_direct_gemm *sweep, size_t rows, const float *a,
                              const float *b, mb_direct_init start, float *c, size_t ldc);
void MB_AT_LEVEL(direct_grad_weights)(const mb_direct_grad *dots, size_t units, size_t shifts,
                                      const float *d, const float *image, float *sums, size_t ld);
size_t MB_AT_LEVEL(find_nonzero_grads)(const mb_grad_plane *plane, const float *numbers,
                                       mb_nonzero_grad *picks);
void MB_AT_LEVEL(accumulate_windows)(size_t n, const mb_nonzero_grad *picks, size_t rows,
                                     size_t lines, const float *image, size_t ld, float *sums);
void MB_AT_LEVEL(scatter_windows)(size_t n, const mb_nonzero_grad *picks, size_t rows, size_t lines,
                                  const float *window, float *image, size_t ld);
void MB_AT_LEVEL(sum_rows)(size_t rows, size_t columns, const float *x, size_t ld, float *sums);
void MB_AT_LEVEL(maxpool_forward)(const mb_pool *pool, const float *x, float *out, int32_t *which);
void MB_AT_LEVEL(maxpool_backward)(const mb_pool *pool, const int32_t *which, const float *d_out,
                                   float *d);
void MB_AT_LEVEL(avgpool_forward)(const mb_pool *pool, float scale, const float *x, float *out);
void MB_AT_LEVEL(avgpool_backward)(const mb_pool *pool, float scale, const float *d_out, float *d);
void MB_AT_LEVEL(dropout)(size_t n, uint64_t key, size_t first, uint32_t dropped, float scale,
                          float *x);
void MB_AT_LEVEL(batchnorm_reduce)(bool planes, size_t rows, size_t columns, const float *a,
                                   const float *b, double *sums, double *products);
void MB_AT_LEVEL(batchnorm_forward)(bool planes, size_t rows, size_t columns, const float *scale,
                                    const float *shift, const float *x, float *out);
void MB_AT_LEVEL(batchnorm_backward)(bool planes, size_t rows, size_t columns, const float *by_d,
                                     const float *by_x, const float *shift, const float *d,
                                     const float *x, float *out);
void MB_AT_LEVEL(ema_update)(size_t n, float share, const float *from, float *to);
mb_update_fn MB_AT_LEVEL(sgd), MB_AT_LEVEL(adam);

extern const mb_kernels MB_AT_LEVEL(kernels);

#endif

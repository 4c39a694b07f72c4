/* Our own inner loops, one table of them per instruction set.
 *
 * Every level gives the same bits: no contraction, no reassociation, sums in a fixed order. Only
 * the products (sparse, of sweeps, of picks), which stand where OpenBLAS would multiply otherwise,
 * use fused multiply-adds where the level has them; and which level is taken depends on OpenBLAS's
 * kernel set in the same way, so a model still depends on nothing but that. Matrices are row-major;
 * `ld` is the distance between rows in elements. No pointer may overlap another of the same call.
 */
#ifndef MB_KERNELS_KERNELS_H
#define MB_KERNELS_KERNELS_H

#include "machine/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most classes a network can tell apart. */
enum { MB_MAX_CLASSES = 256 };

/* Order of an image's elements in memory: (rows, columns, channels), or (channels, rows, columns).
 */
typedef enum mb_layout { MB_LAYOUT_NHWC, MB_LAYOUT_NCHW } mb_layout;

/* What one update does to a parameter; worked out once a step from options and schedule. */
typedef struct mb_update {
    float lr;           /* learning rate; adam, adamw: learning rate / (1 - beta1^t) */
    float decay_factor; /* decoupled decay: weights are multiplied by this first */
    float l2;           /* L2 decay: this times the weight is added to the gradient */
    float momentum;     /* sgd */
    bool nesterov;      /* sgd */
    float beta1, beta2, one_minus_beta1, one_minus_beta2;
    float inv_sqrt_correction2; /* 1 / sqrt(1 - beta2^t) */
    float epsilon;
    float ema_rate; /* how far the running average moves to the new parameters */
} mb_update;

/* Updates n parameters w and their moments in one pass. Biases are given without decay. */
typedef void mb_update_fn(const mb_update *update, bool decay, size_t n, const float *gradient,
                          float *w, float *first_moment, float *second_moment);

/* A pixel that is not zero: `step` pixels after the one before it. */
typedef struct mb_nonzero {
    uint8_t delta, value;
} mb_nonzero;

/* A stretch of an image; the first dot's step is from the stretch's first pixel. */
typedef struct mb_sparse_row {
    const mb_nonzero *nonzeros;
    size_t count;
} mb_sparse_row;

/* Rows of a batch that are turned together: those in which a pixel is not zero are the bits of a
 * number. */
enum { MB_BLOCK_ROWS = 64 };

/* Numbers for each of some pixels and `columns` units, up to MB_MAX_SPARSE_COLUMNS: unit c of pixel
 * p is at p * pixel_stride + c / MB_LANES * vector_stride + c % MB_LANES. */
enum { MB_LANES = 16, MB_MAX_SPARSE_COLUMNS = 4 * MB_LANES };
static inline size_t mb_pad_to_lanes(size_t n) { return (n + MB_LANES - 1) / MB_LANES * MB_LANES; }
typedef struct mb_weight_strides {
    size_t columns, pixel_stride, vector_stride;
} mb_weight_strides;

/* Where each pixel of an image comes from, in 256ths of a pixel of a framed one, which has a border
 * of zeros, a pixel wide: from column xx * x + xy * y + x0 and row yx * x + yy * y + y0, cut off at
 * max_x and max_y, (columns + 1) * 256 and (rows + 1) * 256. `stride`: columns + 2. */
typedef struct mb_warp {
    float xx, xy, x0, yx, yy, y0;
    float max_x, max_y;
    size_t stride;
} mb_warp;

/* outer x inner segments of `length` numbers: segment (o, i) begins o * outer_stride + i *
 * inner_stride numbers into an image. */
typedef struct mb_strided_view {
    size_t outer, outer_stride, inner, inner_stride, length;
} mb_strided_view;

/* What a product adds up: three loops, the first outermost. Each goes so far on in a and in b; from
 * one row of a to the next it is `row`. Of b, c and what they begin with there are one or two
 * lines, `line` numbers apart. */
typedef struct mb_direct_gemm {
    size_t count[3], a_stride[3], b_stride[3], row_stride;
    size_t vectors, vector_stride;
} mb_direct_gemm;

/* What the sums of row r begin with: a line of numbers from values[r * row] on, or that one number
 * in all lanes. */
typedef struct mb_direct_init {
    const float *values;
    size_t row_stride;
    bool per_lane;
} mb_direct_init;

/* Planes (rows, columns) without gaps, `plane` numbers apart, over an image of rows image_row
 * apart; at least a line of columns. */
typedef struct mb_direct_grad {
    size_t rows, columns, plane, image_row;
} mb_direct_grad;

/* (rows, columns) numbers, `step` apart, and where each is in an image: `down` further by row,
 * `across` by column. */
typedef struct mb_grad_plane {
    size_t rows, columns, stride, row_offset, column_offset;
} mb_grad_plane;

/* A number that is not 0, and where in an image it is. */
typedef struct mb_nonzero_grad {
    uint32_t at;
    float value;
} mb_nonzero_grad;

/* (outer, length) windows of rows x columns numbers: window (o, l) begins o * outer_stride + l *
 * step numbers into an image, and its rows and columns are row_stride and column_stride apart. */
typedef struct mb_pool {
    size_t outer, outer_stride, length, stride;
    size_t rows, row_stride, columns, column_stride;
} mb_pool;

typedef struct mb_kernels {
    /* out[i] = bytes[i] / 255 */
    void (*bytes_to_float)(size_t n, const uint8_t *bytes, float *out);

    /* z (rows, columns) += x (rows, pixels) times w, laid out as `lines` says and beginning with
     * the stretch's first pixel. x is given by its
     * rows' pixels; gray[v] is what the byte v stands for. Sums run over ascending pixels. */
    void (*sparse_product)(size_t rows, const mb_sparse_row *x, const float *gray,
                           mb_weight_strides lines, const float *w, float *z, size_t ldz);

    /* g, laid out as `lines` says, = transpose of x (rows, pixels) times d (rows, columns); or,
     * with `add`, added to what is there. x is given by its columns: pixel p is gray[value[p *
     * MB_BLOCK_ROWS + r]] in those rows r whose bit is set in mask[p]. */
    void (*sparse_gradient)(size_t pixels, const uint64_t *mask, const uint8_t *value,
                            const float *gray, const float *d, size_t ldd, mb_weight_strides lines,
                            bool add, float *g);

    /* out (columns, ld >= rows) = transpose of in (rows, columns), both without gaps but for ld. */
    void (*transpose)(size_t rows, size_t columns, const float *in, float *out, size_t ld);

    /* Each row of z (rows, columns) = bias (columns). */
    void (*fill_rows)(size_t rows, size_t columns, const float *bias, float *z, size_t ld);

    /* sums (columns) += the rows of d (rows, columns), first row first. */
    void (*add_rows)(size_t rows, size_t columns, const float *d, size_t ld, float *sums);

    /* z = max(z, 0); NaN stays. */
    void (*relu_forward)(size_t rows, size_t columns, float *z, size_t ld);

    /* d = 0 where a <= 0: the gradient through relu, whose output is a. NaN stays. */
    void (*relu_backward)(size_t rows, size_t columns, const float *a, float *d, size_t ld);

    /* Softmax cross-entropy of logits (rows, classes) against labels: losses (rows) in nats,
     * guess (rows) the likeliest class, and gradient (rows, classes) of scale * loss, or NULL.
     * `smoothing` of the target is spread over all classes: Szegedy and others, 2016. */
    void (*softmax_cross_entropy)(size_t rows, size_t classes, const float *logits,
                                  const uint8_t *labels, float scale, float smoothing,
                                  float *gradient, float *losses, uint8_t *guess);

    /* y = e^x for x <= 0 (0 below -87.3, NaN stays), within 2 ulp. */
    void (*exp)(size_t n, const float *x, float *y);

    /* taps[i] = the bytes i, i + 1, i + stride and i + stride + 1 of a plane of that row length,
     * from the lowest bits up: what lies around a point between them, in one word. */
    void (*bilinear_taps)(size_t n, size_t stride, const uint8_t *plane, uint32_t *taps);

    /* out (n) = the bytes, rounded, to which `warp` leads the points x, y (n), moved by dx, dy (n)
     * 256ths unless these are NULL; bilinear between the four of each tap. */
    void (*warp)(size_t n, const mb_warp *warp, const float *x, const float *y, const float *dx,
                 const float *dy, const uint32_t *taps, uint8_t *out);

    /* The dots of n bytes, at most 256. Returns how many. */
    size_t (*find_nonzero_pixels)(size_t n, const uint8_t *bytes, mb_nonzero *dots);

    /* a (n) and b (n), uniform in -most .. most: functions of `state` and the place alone. */
    void (*noise)(uint64_t state, size_t n, float most, float *a, float *b);

    /* Sums of neighbours, up to `radius` away, that k further on times weights[radius + k]; beyond
     * the edges all is 0. Along columns: in (rows, columns in whole lines), out (rows, ld), of
     * which whole lines are written, with zeros behind the columns. Along rows: in (rows, ld), of
     * which each has `radius` zeros, the columns, and zeros up to ld, which is at least whole lines
     * and twice the radius; out (rows, columns) without gaps, and MB_LANES more that may be
     * written.
     */
    void (*smooth_columns)(size_t rows, size_t columns, size_t radius, const float *weights,
                           const float *in, float *out, size_t ld);
    void (*smooth_rows)(size_t rows, size_t columns, size_t radius, const float *weights,
                        const float *in, size_t ld, float *out);

    /* The segments of an image, one after another: im2col. Up to MB_LANES - 1 numbers after a
     * segment are read, and after the last are written, too. */
    void (*im2col)(mb_strided_view segments, const float *image, float *to);

    /* The reverse: adds them, one after another, to their places in the image, and 0 to up to
     * MB_LANES - 1 numbers after a segment. As many numbers after the last of `from` are read. */
    void (*col2im)(mb_strided_view segments, const float *from, float *image);

    /* c (rows, lines) = start + the sum, over the three loops, of numbers of a, one for each row,
     * times lines of b. `start` may be c. */
    void (*direct_gemm)(const mb_direct_gemm *sweep, size_t rows, const float *a, const float *b,
                        mb_direct_init start, float *c, size_t ldc);

    /* sums (units, shifts) += for each the sum of its unit's plane of d times the image, which is
     * read from `shift` numbers on. */
    void (*direct_grad_weights)(const mb_direct_grad *dots, size_t units, size_t shifts,
                                const float *d, const float *image, float *sums, size_t ld);

    /* Lists the numbers of a plane that are not 0 (a NaN is not), in room for one more. Returns how
     * many. */
    size_t (*find_nonzero_grads)(const mb_grad_plane *plane, const float *numbers,
                                 mb_nonzero_grad *picks);

    /* A window is `rows` of `lines`, `ld` apart in an image and without gaps elsewhere. sums +=
     * each pick's value times the window where it is; or those windows, in turn, += value * window.
     */
    void (*accumulate_windows)(size_t n, const mb_nonzero_grad *picks, size_t rows, size_t lines,
                               const float *image, size_t ld, float *sums);
    void (*scatter_windows)(size_t n, const mb_nonzero_grad *picks, size_t rows, size_t lines,
                            const float *window, float *image, size_t ld);

    /* sums (rows) += sums over the columns of x (rows, columns). */
    void (*sum_rows)(size_t rows, size_t columns, const float *x, size_t ld, float *sums);

    /* out (outer, length) = the largest number of each window, and which (NULL: not wanted) its
     * number in the window, row-major; the first of equal ones, or the first NaN. */
    void (*maxpool_forward)(const mb_pool *pool, const float *x, float *out, int32_t *which);

    /* d, an image, += d_out where `which` says. Where the windows cover the image without gaps and
     * overlaps, d must be 0 at first: then it may be written instead. */
    void (*maxpool_backward)(const mb_pool *pool, const int32_t *which, const float *d_out,
                             float *d);

    /* out (outer, length) = scale times the sum of each window; d += scale * d_out all over it. */
    void (*avgpool_forward)(const mb_pool *pool, float scale, const float *x, float *out);
    void (*avgpool_backward)(const mb_pool *pool, float scale, const float *d_out, float *d);

    /* x[i] = 0 where hash(key, first + i) < dropped, of 2^32; else x[i] * scale. */
    void (*dropout)(size_t n, uint64_t key, size_t first, uint32_t dropped, float scale, float *x);

    /* Of matrices (rows, columns) without gaps whose columns are channels, or whose rows are with
     * `planes`; all vectors are (channels). sums += sums of a, products += those of a * b. */
    void (*batchnorm_reduce)(bool planes, size_t rows, size_t columns, const float *a,
                             const float *b, double *sums, double *products);
    /* out = x * scale + shift. */
    void (*batchnorm_forward)(bool planes, size_t rows, size_t columns, const float *scale,
                              const float *shift, const float *x, float *out);
    /* out = d * by_d + x * by_x + shift. */
    void (*batchnorm_backward)(bool planes, size_t rows, size_t columns, const float *by_d,
                               const float *by_x, const float *shift, const float *d,
                               const float *x, float *out);

    /* to += share * (from - to) */
    void (*ema_update)(size_t n, float share, const float *from, float *to);

    mb_update_fn *sgd, *adam; /* adam: adamw too, `keep` and `l2` tell them apart */
} mb_kernels;

/* The kernels of a level. A level that this build lacks gives the next lower one. */
const mb_kernels *mb_kernels_at(mb_cpu_level level);

/* The best that this CPU can run; and the best that agrees with a kernel set of OpenBLAS: the
 * baseline for a set without fused multiply-adds. */
const mb_kernels *mb_kernels_best(void);
const mb_kernels *mb_kernels_for_blas(const char *blas_core);

#endif

/* Inner loops that OpenBLAS does not have, as tables of functions: a table (set) per instruction
 * set. kernels.inc describes each kernel.
 *
 * Every set gives the same bits: no contraction, no reassociation, sums in a fixed order. Only the
 * products, which replace OpenBLAS's, use fused multiply-adds if the set has them. The set that a
 * network uses depends on OpenBLAS's kernel set, so a model's bits depend on nothing else.
 *
 * Matrices are row-major; `ld` is the distance between rows in elements. Pointers of one call must
 * not overlap, except where a kernel says so.
 */
#ifndef MB_KERNELS_KERNELS_H
#define MB_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Maximum number of classes of a network. */
enum { MB_MAX_CLASSES = 256 };

/* Order of an image's elements in memory: (rows, columns, channels), or (channels, rows, columns).
 */
typedef enum mb_layout { MB_LAYOUT_NHWC, MB_LAYOUT_NCHW } mb_layout;

/* Kernels work on vectors of 16 floats, a cache line; some on half vectors. */
enum { MB_LANES = 16 };
enum { MB_HALF = MB_LANES / 2 };
static inline size_t mb_pad_to_lanes(size_t n) { return (n + MB_LANES - 1) / MB_LANES * MB_LANES; }

/* ---- optimizers ---- */

/* The coefficients of one optimizer step; computed once per step from options and schedule. */
typedef struct mb_update {
    float lr;           /* learning rate; adam, adamw: learning rate / (1 - beta1^t) */
    float decay_factor; /* decoupled weight decay: weights are multiplied by this first */
    float l2;           /* L2 weight decay: this times the weight is added to the gradient */
    float momentum;     /* sgd */
    bool nesterov;      /* sgd */
    float beta1, beta2, one_minus_beta1, one_minus_beta2;
    float inv_sqrt_correction2; /* 1 / sqrt(1 - beta2^t) */
    float epsilon;
    float ema_rate; /* 1 - decay of the moving average of the parameters */
} mb_update;

/* Parameters of an optimizer kernel. gradient, w (parameters) and m, v (moments): (n). `decay` is
 * false for biases: neither l2 nor decay_factor applies. */
#define MB_UPDATE_PARAMETERS                                                                       \
    (const mb_update *update, bool decay, size_t n, const float *gradient, float *w, float *m,     \
     float *v)
typedef void mb_update_fn MB_UPDATE_PARAMETERS;

/* ---- sparse images ---- */

/* Rows of a batch that are transposed together; for each pixel, a bit mask of the non-zero rows. */
enum { MB_BLOCK_ROWS = 64 };

/* Layout of a matrix (pixels, columns <= MB_MAX_SPARSE_COLUMNS): column c of pixel p is at
 * p * pixel_stride + c / MB_LANES * vector_stride + c % MB_LANES. */
enum { MB_MAX_SPARSE_COLUMNS = 4 * MB_LANES };
typedef struct mb_weight_strides {
    size_t columns, pixel_stride, vector_stride;
} mb_weight_strides;

/* ---- augmentation ---- */

/* An affine map from pixels of an image to points of a framed one (a border one pixel wide), in
 * 256ths of a pixel: column xx * x + xy * y + x0 and row yx * x + yy * y + y0, clamped to 0..max_x
 * and 0..max_y, which are (columns + 1) * 256 and (rows + 1) * 256, or with `reflect` mirrored at
 * the outermost pixels until they are in the image. `stride`: row length of the framed image,
 * columns + 2. */
typedef struct mb_warp {
    float xx, xy, x0, yx, yy, y0;
    float max_x, max_y;
    size_t stride;
    bool reflect;
} mb_warp;

/* A channel (rows, columns), mirrored left to right if `flip`, then moved by whole pixels to the
 * right and down. Pixels from beyond its border are `fill`, or with `reflect` those of its mirror
 * image at the outermost pixels. */
typedef struct mb_shift {
    size_t rows, columns;
    ptrdiff_t right, down;
    bool flip, reflect;
    uint8_t fill;
} mb_shift;

/* ---- convolution ---- */

/* A view (outer, inner, length) of an image; the last dimension is contiguous. */
typedef struct mb_strided_view {
    size_t outer, outer_stride, inner, inner_stride, length;
} mb_strided_view;

/* The sum of a product: three nested loops, the first outermost, with the strides of a and b in
 * each; row_stride is that of the rows of a. Rows of b, c and the initial sums are one or two
 * vectors, vector_stride elements apart (the vectors may overlap). */
typedef struct mb_direct_gemm {
    size_t count[3], a_stride[3], b_stride[3], row_stride;
    size_t vectors, vector_stride;
} mb_direct_gemm;

/* Initial sums: row r starts from the vectors at values + r * row_stride, or, unless per_lane, from
 * the single element there, in all lanes. */
typedef struct mb_direct_init {
    const float *values;
    size_t row_stride;
    bool per_lane;
} mb_direct_init;

/* c (rows, columns), ldc apart, = a (rows, depth) x b (depth, columns), ldb apart, or with `add` +=
 * . The strides are those of a. columns is a multiple of MB_LANES. */
typedef struct mb_small_gemm {
    size_t rows, depth, columns, row_stride, depth_stride, ldb, ldc;
    bool add;
} mb_small_gemm;

/* Points of a tile in Winograd's algorithm. */
enum { MB_WINOGRAD_POINTS = 36 };

/* Two rows of outputs of a convolution with kernels of (channels, rows, columns), weight_stride
 * apart, of which the rows from `first` to `end` are multiplied: the others meet blank rows of the
 * image. `outputs` of the pool, in each row of a unit. */
typedef struct mb_direct_maxpool {
    size_t channels, channel_stride, rows, columns, weight_stride;
    size_t image_row, first, end, outputs, unit_stride;
} mb_direct_maxpool;

/* Contiguous planes (rows, columns >= MB_LANES), plane_stride elements apart, and the row length
 * of the image that they are multiplied with. */
typedef struct mb_direct_grad {
    size_t rows, columns, plane_stride, image_row;
} mb_direct_grad;

/* A plane (rows, columns) of a max pool's outputs, `stride` apart, whose windows have `window`
 * elements. The element (r, c) belongs to a window that starts r * row_offset + c * column_offset
 * elements or more into an image. */
typedef struct mb_grad_plane {
    size_t rows, columns, window, stride, row_offset, column_offset;
} mb_grad_plane;

/* A non-zero gradient and the offset of its window in the image. */
typedef struct mb_nonzero_grad {
    uint32_t offset;
    float value;
} mb_nonzero_grad;

/* ---- pooling ---- */

/* (outer, length) windows of (rows, columns) elements: window (o, l) starts o * outer_stride + l *
 * stride elements into an image; its rows and columns are row_stride and column_stride apart. */
typedef struct mb_pool {
    size_t outer, outer_stride, length, stride;
    size_t rows, row_stride, columns, column_stride;
} mb_pool;

/* ---- sets ---- */

typedef struct mb_kernels {
    bool fma; /* products use fused multiply-adds */
#define MB_KERNEL(result, name, parameters) result(*name) parameters;
#include "kernels/kernels.inc"
} mb_kernels;

typedef struct mb_kernel_set {
    const char *name; /* of the instruction set, as in machine/cpu.h */
    mb_kernels kernels;
} mb_kernel_set;

/* The sets that this build has and this CPU supports, lowest first; at least one. */
const mb_kernel_set *mb_kernel_sets(size_t *count);

/* The highest of these; and the highest that agrees with OpenBLAS's kernel set `blas_core` in using
 * fused multiply-adds. */
const mb_kernels *mb_kernels_best(void);
const mb_kernels *mb_kernels_for_blas(const char *blas_core);

#endif

/* Convolution with a kernel of 3 x 3 and stride 1 in NHWC, in training, by Winograd's algorithm:
 * the image and the weights are transformed, 36 products of matrices give the transformed
 * outputs, 4 times fewer than the windows would take, and gradients pass back through the same
 * products. The gradient of the weights is added up transformed, until a chunk's samples are done.
 *
 * Images are cut into tiles of 4 x 4 outputs; some tiles of a chunk's samples are multiplied at
 * once, the more the better, because each product reads its part of the weights: v (POINTS, tiles,
 * channels) x u (POINTS, channels, units) = m (POINTS, tiles, units). */
#include "nn/conv2d.h"

#include <string.h>

/* BLOCK_TILES: a multiple of the rows that small_gemm multiplies at once. */
enum { POINTS = MB_WINOGRAD_POINTS, OUT = 4, IN = 6, KERNEL = 3 * 3, BLOCK_TILES = 36 };

/* ---- sizes ---- */

typedef struct sizes {
    size_t channels, padded, units; /* padded: channels in whole vectors */
    size_t across, down;            /* tiles of an image */
} sizes;

static sizes sizes_of(const mb_layer *layer)
{
    const size_t channels = layer->in.channels, units = layer->out.channels;
    return (sizes){channels, mb_pad_to_lanes(channels), units, (layer->out.columns + OUT - 1) / OUT,
                   (layer->out.rows + OUT - 1) / OUT};
}

/* The tiles of the smallest images are mostly outside of them. */
static bool has_fewer_products(const mb_layer *layer)
{
    const sizes s = sizes_of(layer);
    return POINTS * s.across * s.down < KERNEL * layer->out.rows * layer->out.columns;
}

static bool applies(const mb_layer *layer)
{
    const mb_window *window = mb_layer_window(layer);
    return layer->out_format.layout == MB_LAYOUT_NHWC && !mb_conv2d_transposes(layer) &&
           window->groups == 1 && window->rows == 3 && window->columns == 3 &&
           window->stride == 1 && !layer->input_is_batch && layer->in.channels >= MB_LANES &&
           layer->in.channels % MB_HALF == 0 && layer->out.channels % MB_LANES == 0 &&
           has_fewer_products(layer);
}

/* ---- transformed weights: u, and u of the gradients (POINTS, units, padded channels) ---- */

static size_t weights_of(const sizes *s) { return POINTS * s->channels * s->units; }

static size_t transposed_size(const mb_layer *layer)
{
    const sizes s = sizes_of(layer);
    return weights_of(&s) + POINTS * s.units * s.padded;
}

static void transpose(const mb_layer *layer, const mb_kernels *kernels, size_t group, float *u)
{
    const sizes s = sizes_of(layer);
    float *back = u + weights_of(&s);
    (void)group; /* the only one */
    kernels->winograd_weights(s.channels * s.units, layer->parameters, u);
    memset(back, 0, POINTS * s.units * s.padded * sizeof *back);
    for (size_t k = 0; k < POINTS; k++)
        kernels->transpose(s.channels, s.units, u + k * s.channels * s.units, s.units,
                           back + k * s.units * s.padded, s.padded);
}

/* ---- blocks ---- */

typedef struct block {
    sizes s;
    size_t first, tiles, all; /* tiles: from the first on, of the pass's */
    float *v, *m, *d_v;
    size_t v_stride, m_stride, d_v_stride; /* from one point to the next */
    float *zeros, *unused; /* for pixels outside the image: read, and written (a tile of them) */
} block;

/* Of a matrix (BLOCK_TILES, columns) of each point. A line more than it takes, because the points
 * of a tile are written one after the other: a power of 2 apart they would share the sets of the
 * cache. */
static size_t stride_of(size_t columns) { return BLOCK_TILES * columns + MB_LANES; }

static size_t divide(const sizes *s, float *memory, block *b)
{
    const size_t widest = mb_pad_to_lanes(s->channels > s->units ? s->channels : s->units);
    *b = (block){.s = *s,
                 .v_stride = stride_of(s->channels),
                 .m_stride = stride_of(s->units),
                 .d_v_stride = stride_of(s->padded)};
    const size_t parts[] = {POINTS * b->v_stride, POINTS * b->m_stride, POINTS * b->d_v_stride,
                            widest, POINTS * widest};
    float **const at[] = {&b->v, &b->m, &b->d_v, &b->zeros, &b->unused};
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; used += mb_pad_to_lanes(parts[i++]))
        *at[i] = memory != NULL ? memory + used : NULL;
    return used;
}

static size_t scratch_size(const mb_layer *layer)
{
    const sizes s = sizes_of(layer);
    block unused;
    return divide(&s, NULL, &unused);
}

static block begin(const mb_conv2d_pass *pass)
{
    const sizes s = sizes_of(pass->layer);
    block b;
    divide(&s, pass->scratch, &b);
    b.all = pass->samples * s.down * s.across;
    memset(b.zeros, 0, (s.padded > s.units ? s.padded : s.units) * sizeof *b.zeros);
    return b;
}

/* The next block; false: there is none. */
static bool next(block *b)
{
    b->first += b->tiles;
    b->tiles = b->all - b->first < BLOCK_TILES ? b->all - b->first : BLOCK_TILES;
    return b->tiles > 0;
}

/* Offsets of the side x side pixels of a tile in the images, with `padding` on each side of one, or
 * SIZE_MAX outside of the image. */
static void locate(const block *b, size_t tile, size_t side, mb_shape image, size_t padding,
                   size_t offsets[POINTS])
{
    const size_t of_image = b->s.across * b->s.down, sample = (b->first + tile) / of_image;
    const size_t at = (b->first + tile) % of_image;
    const size_t y = at / b->s.across * OUT - padding; /* wraps around below 0 */
    const size_t x = at % b->s.across * OUT - padding;
    for (size_t i = 0; i < side; i++) {
        const size_t row = ((sample * image.rows + y + i) * image.columns + x) * image.channels;
        for (size_t j = 0; j < side; j++)
            offsets[i * side + j] =
                y + i < image.rows && x + j < image.columns ? row + j * image.channels : SIZE_MAX;
    }
}

static void transform_image(const mb_conv2d_pass *pass, const block *b)
{
    const sizes *s = &b->s;
    for (size_t t = 0; t < b->tiles; t++) {
        size_t offsets[POINTS];
        const float *pixels[POINTS];
        locate(b, t, IN, pass->layer->in, mb_layer_window(pass->layer)->padding, offsets);
        for (size_t k = 0; k < POINTS; k++)
            pixels[k] = offsets[k] != SIZE_MAX ? pass->image + offsets[k] : b->zeros;
        pass->kernels->winograd_input(s->channels, pixels, b->v + t * s->channels, b->v_stride);
    }
}

static void store_outputs(const mb_conv2d_pass *pass, const block *b)
{
    const sizes *s = &b->s;
    for (size_t t = 0; t < b->tiles; t++) {
        size_t offsets[POINTS];
        float *out[OUT * OUT];
        locate(b, t, OUT, pass->layer->out, 0, offsets);
        for (size_t k = 0; k < OUT * OUT; k++)
            out[k] = offsets[k] != SIZE_MAX ? pass->out + offsets[k] : b->unused + k * s->units;
        pass->kernels->winograd_output(s->units, b->m + t * s->units, b->m_stride, pass->bias, out);
    }
}

static void forward(const mb_conv2d_pass *pass)
{
    block b = begin(pass);
    const sizes *s = &b.s;
    while (next(&b)) {
        transform_image(pass, &b);
        const mb_small_gemm gemm = {.rows = b.tiles,
                                    .depth = s->channels,
                                    .columns = s->units,
                                    .row_stride = s->channels,
                                    .depth_stride = 1,
                                    .ldb = s->units,
                                    .ldc = s->units};
        for (size_t k = 0; k < POINTS; k++)
            pass->kernels->small_gemm(&gemm, b.v + k * b.v_stride,
                                      pass->transposed + k * s->channels * s->units,
                                      b.m + k * b.m_stride);
        store_outputs(pass, &b);
    }
}

/* ---- backward ---- */

static void transform_gradient(const mb_conv2d_pass *pass, const block *b)
{
    const sizes *s = &b->s;
    for (size_t t = 0; t < b->tiles; t++) {
        size_t offsets[POINTS];
        const float *d_out[OUT * OUT];
        locate(b, t, OUT, pass->layer->out, 0, offsets);
        for (size_t k = 0; k < OUT * OUT; k++)
            d_out[k] = offsets[k] != SIZE_MAX ? pass->d_out + offsets[k] : b->zeros;
        pass->kernels->winograd_output_grad(s->units, d_out, b->m + t * s->units, b->m_stride);
    }
}

static void add_to_image(const mb_conv2d_pass *pass, const block *b)
{
    const sizes *s = &b->s;
    for (size_t t = 0; t < b->tiles; t++) {
        size_t offsets[POINTS];
        float *pixels[POINTS];
        locate(b, t, IN, pass->layer->in, mb_layer_window(pass->layer)->padding, offsets);
        for (size_t k = 0; k < POINTS; k++)
            pixels[k] =
                offsets[k] != SIZE_MAX ? pass->d_image + offsets[k] : b->unused + k * s->channels;
        pass->kernels->winograd_input_grad(s->channels, b->d_v + t * s->padded, b->d_v_stride,
                                           pixels);
    }
}

/* Products of one point: the gradients of u, added up over the chunk, and of v. */
static void grad_point(const mb_conv2d_pass *pass, const block *b, size_t k)
{
    const sizes *s = &b->s;
    const float *v = b->v + k * b->v_stride, *m = b->m + k * b->m_stride;
    const mb_small_gemm weights = {.rows = s->channels,
                                   .depth = b->tiles,
                                   .columns = s->units,
                                   .row_stride = 1,
                                   .depth_stride = s->channels,
                                   .ldb = s->units,
                                   .ldc = s->units,
                                   .add = b->first > 0};
    const mb_small_gemm image = {.rows = b->tiles,
                                 .depth = s->units,
                                 .columns = s->padded,
                                 .row_stride = s->units,
                                 .depth_stride = 1,
                                 .ldb = s->padded,
                                 .ldc = s->padded};
    pass->kernels->small_gemm(&weights, v, m, pass->chunk_sums + k * s->channels * s->units);
    if (pass->d_image != NULL)
        pass->kernels->small_gemm(&image, m,
                                  pass->transposed + weights_of(s) + k * s->units * s->padded,
                                  b->d_v + k * b->d_v_stride);
}

static void backward(const mb_conv2d_pass *pass)
{
    block b = begin(pass);
    memset(b.unused, 0, POINTS * b.s.padded * sizeof *b.unused);
    mb_conv2d_nhwc_grad_bias(pass);
    while (next(&b)) {
        transform_image(pass, &b);
        transform_gradient(pass, &b);
        for (size_t k = 0; k < POINTS; k++)
            grad_point(pass, &b, k);
        if (pass->d_image != NULL)
            add_to_image(pass, &b);
    }
    pass->kernels->winograd_weights_grad(b.s.channels * b.s.units, pass->chunk_sums,
                                         pass->gradient);
}

static size_t chunk_size(const mb_layer *layer)
{
    const sizes s = sizes_of(layer);
    return mb_pad_to_lanes(weights_of(&s));
}

const mb_conv2d_impl mb_conv2d_winograd = {.name = "winograd",
                                           .in_training = true,
                                           .whole_chunks = true,
                                           .applies = applies,
                                           .forward = forward,
                                           .backward = backward,
                                           .transposed_size = transposed_size,
                                           .transpose = transpose,
                                           .chunk_size = chunk_size,
                                           .scratch_size = scratch_size};

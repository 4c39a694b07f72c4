/* Convolution with a kernel of 3 x 3 and stride 1 in NHWC, in training, by Winograd's algorithm:
 * the image and the weights are transformed, 16 products of matrices give the transformed
 * outputs, 2.25 times fewer than the windows would take, and gradients pass back through the same
 * products. The gradient of the weights is added up transformed, until the last sample of a chunk;
 * of small images, v and m of several samples are multiplied at once, because all sums are read and
 * written each time.
 *
 * An image is cut into tiles of 2 x 2 outputs; those of some rows of tiles are multiplied at once:
 * v (POINTS, tiles, channels) x u (POINTS, channels, units) = m (POINTS, tiles, units). */
#include "nn/conv2d.h"

#include <string.h>

enum { POINTS = MB_WINOGRAD_POINTS, OUT = 2, IN = 4, BLOCK_ELEMENTS = 65536, MIN_DEPTH = 64 };

/* ---- sizes ---- */

typedef struct sizes {
    size_t channels, padded, units; /* padded: channels in whole vectors */
    size_t across, down;            /* tiles of the image */
    size_t rows;                    /* of tiles of a block */
    size_t together;                /* samples whose gradient of the weights is computed at once */
} sizes;

static sizes sizes_of(const mb_layer *layer)
{
    const size_t channels = layer->in.channels, units = layer->out.channels;
    sizes s = {channels,
               mb_pad_to_lanes(channels),
               units,
               (layer->out.columns + 1) / OUT,
               (layer->out.rows + 1) / OUT,
               0,
               1};
    const size_t rows = BLOCK_ELEMENTS / (POINTS * (channels + units) * s.across);
    s.rows = mb_equal_blocks(s.down, rows > 0 ? rows : 1);
    if (s.rows == s.down && s.down * s.across < MIN_DEPTH)
        s.together = MIN_DEPTH / (s.down * s.across);
    return s;
}

static bool applies(const mb_layer *layer)
{
    const mb_window *window = mb_layer_window(layer);
    return layer->out_format.layout == MB_LAYOUT_NHWC && window->groups == 1 && window->rows == 3 &&
           window->columns == 3 && window->stride == 1 && !layer->input_is_batch &&
           layer->in.channels >= MB_LANES && layer->in.channels % MB_HALF == 0 &&
           layer->out.channels % MB_LANES == 0;
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
    size_t first, tiles; /* the first row of tiles */
    float *v, *m, *d_v;
    size_t v_stride, m_stride, d_v_stride; /* from one point to the next */
    float *zeros, *unused; /* for pixels outside the image: read, and written (a tile of them) */
} block;

/* Of a matrix (tiles, columns) of each point. A line more than it takes, because the points of a
 * tile are written one after the other: a power of 2 apart they would share the sets of the cache.
 */
static size_t stride_of(size_t tiles, size_t columns) { return tiles * columns + MB_LANES; }

static size_t divide(const sizes *s, float *memory, block *b)
{
    const size_t tiles = s->rows * s->across,
                 widest = mb_pad_to_lanes(s->channels > s->units ? s->channels : s->units);
    const size_t parts[] = {POINTS * stride_of(tiles, s->channels),
                            POINTS * stride_of(tiles, s->units),
                            POINTS * stride_of(tiles, s->padded), widest, POINTS * widest};
    float *at[5];
    size_t used = 0;
    for (size_t i = 0; i < 5; used += mb_pad_to_lanes(parts[i++]))
        at[i] = memory != NULL ? memory + used : NULL;
    *b = (block){.s = *s, .v = at[0], .m = at[1], .d_v = at[2], .zeros = at[3], .unused = at[4]};
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
    memset(b.zeros, 0, s.padded > s.units ? s.padded * sizeof(float) : s.units * sizeof(float));
    return b;
}

static void next(block *b)
{
    const size_t left = b->s.down - b->first;
    b->tiles = (left < b->s.rows ? left : b->s.rows) * b->s.across;
    b->v_stride = stride_of(b->tiles, b->s.channels);
    b->m_stride = stride_of(b->tiles, b->s.units);
    b->d_v_stride = stride_of(b->tiles, b->s.padded);
}

/* Offsets of a tile's side x side pixels in an image with `padding` on each side, or SIZE_MAX
 * outside of the image. */
static void locate(const block *b, size_t tile, size_t side, mb_shape image, size_t padding,
                   size_t offsets[POINTS])
{
    const size_t y = (b->first + tile / b->s.across) * OUT - padding; /* wraps around below 0 */
    const size_t x = tile % b->s.across * OUT - padding;
    for (size_t i = 0; i < side; i++)
        for (size_t j = 0; j < side; j++)
            offsets[i * side + j] = y + i < image.rows && x + j < image.columns
                                        ? ((y + i) * image.columns + x + j) * image.channels
                                        : SIZE_MAX;
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
    for (; b.first < s->down; b.first += s->rows) {
        next(&b);
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

/* The chunk's v and m of the samples that are multiplied at once, after its sums. */
static size_t together_size(const sizes *s, size_t columns)
{
    return s->together > 1 ? POINTS * stride_of(s->together * s->down * s->across, columns) : 0;
}

static void place_in_chunk(const mb_conv2d_pass *pass, block *b)
{
    const sizes *s = &b->s;
    const size_t before = pass->index % s->together * b->tiles;
    float *v = pass->chunk_sums + weights_of(s), *m = v + together_size(s, s->channels);
    b->v = v + before * s->channels;
    b->m = m + before * s->units;
    b->v_stride = stride_of(s->together * b->tiles, s->channels);
    b->m_stride = stride_of(s->together * b->tiles, s->units);
}

/* Products of one point: the gradient of v, and that of u of the last `samples` samples. */
static void grad_point(const mb_conv2d_pass *pass, const block *b, size_t k, size_t samples)
{
    const sizes *s = &b->s;
    const float *v = b->v + k * b->v_stride, *m = b->m + k * b->m_stride;
    const size_t before = samples > 0 ? (samples - 1) * b->tiles : 0;
    const float *u = pass->transposed + weights_of(s) + k * s->units * s->padded;
    float *sums = pass->chunk_sums + k * s->channels * s->units;
    const mb_small_gemm weights = {.rows = s->channels,
                                   .depth = before + b->tiles,
                                   .columns = s->units,
                                   .row_stride = 1,
                                   .depth_stride = s->channels,
                                   .ldb = s->units,
                                   .ldc = s->units,
                                   .add = pass->index >= s->together || b->first > 0};
    const mb_small_gemm image = {.rows = b->tiles,
                                 .depth = s->units,
                                 .columns = s->padded,
                                 .row_stride = s->units,
                                 .depth_stride = 1,
                                 .ldb = s->padded,
                                 .ldc = s->padded};
    if (samples > 0)
        pass->kernels->small_gemm(&weights, v - before * s->channels, m - before * s->units, sums);
    if (pass->d_image != NULL)
        pass->kernels->small_gemm(&image, m, u, b->d_v + k * b->d_v_stride);
}

static void backward(const mb_conv2d_pass *pass)
{
    block b = begin(pass);
    const sizes *s = &b.s;
    const size_t samples = pass->index % s->together + 1; /* whose products are due, if they are */
    const bool due = samples == s->together || pass->last;
    memset(b.unused, 0, POINTS * s->padded * sizeof *b.unused);
    mb_conv2d_nhwc_grad_bias(pass);
    for (; b.first < s->down; b.first += s->rows) {
        next(&b);
        if (s->together > 1)
            place_in_chunk(pass, &b);
        transform_image(pass, &b);
        transform_gradient(pass, &b);
        for (size_t k = 0; k < POINTS; k++)
            grad_point(pass, &b, k, due ? samples : 0);
        if (pass->d_image != NULL)
            add_to_image(pass, &b);
    }
    if (pass->last)
        pass->kernels->winograd_weights_grad(s->channels * s->units, pass->chunk_sums,
                                             pass->gradient);
}

static size_t chunk_size(const mb_layer *layer)
{
    const sizes s = sizes_of(layer);
    return mb_pad_to_lanes(weights_of(&s) + together_size(&s, s.channels) +
                           together_size(&s, s.units));
}

const mb_conv2d_impl mb_conv2d_winograd = {.name = "winograd",
                                           .in_training = true,
                                           .pads = true,
                                           .applies = applies,
                                           .forward = forward,
                                           .backward = backward,
                                           .transposed_size = transposed_size,
                                           .transpose = transpose,
                                           .chunk_size = chunk_size,
                                           .scratch_size = scratch_size};

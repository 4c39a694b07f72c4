/* The phases of a convolution: how it gets its workspace and scratch, and how a sample's image
 * comes in and its gradient goes out, padded and in the layer's layout. */
#include "nn/conv2d.h"
#include "nn/partial.h"
#include "nn/rewrite.h"
#include "nn/window.h"

#include "core/util.h"

#include <string.h>

/* ---- workspace in training: transposed weights, partial gradients, sums of the implementation */

static size_t transposed_size(const mb_layer *layer)
{
    const mb_conv2d_impl *impl = mb_conv2d_backward_impl(layer);
    return layer->input_is_batch || impl->transposed_size == NULL
               ? 0
               : mb_pad_to_lanes(impl->transposed_size(layer));
}

/* The implementation of the forward pass in training if it needs transposed weights of its own. */
static const mb_conv2d_impl *other_impl(const mb_layer *layer)
{
    const mb_conv2d_impl *impl = mb_conv2d_forward_impl(layer, true);
    return impl->in_training && impl != mb_conv2d_backward_impl(layer) ? impl : NULL;
}

static size_t other_transposed_size(const mb_layer *layer)
{
    const mb_conv2d_impl *impl = other_impl(layer);
    return impl != NULL ? mb_pad_to_lanes(impl->transposed_size(layer)) : 0;
}

static size_t chunk_size(const mb_layer *layer)
{
    const mb_conv2d_impl *impl = mb_conv2d_backward_impl(layer);
    return impl->chunk_size != NULL ? impl->chunk_size(layer) : 0;
}

size_t mb_conv2d_workspace_size(const mb_layer *layer, size_t max_rows, bool training)
{
    return training
               ? transposed_size(layer) + other_transposed_size(layer) +
                     mb_partial_size(layer, max_rows) + mb_max_chunks(max_rows) * chunk_size(layer)
               : mb_fold_batchnorm_size(layer);
}

/* ---- scratch of a thread ---- */

enum { SLACK = 2 * MB_LANES }; /* kernels read and write whole vectors */

typedef struct scratch {
    float *windows, *d_windows, *image, *d_image, *transposed;
    mb_nonzero_grad *nonzeros;
    uint32_t *pixels, *marks, *offsets;
    float *own; /* of the implementation */
} scratch;

static size_t padded_size(const mb_layer *layer, const mb_conv2d_size *size)
{
    return mb_conv2d_pixel_stride(layer) * size->rows * size->columns + SLACK;
}

/* Of the implementations of both passes, which never run at once. */
static size_t own_size(const mb_layer *layer)
{
    const mb_conv2d_impl *const both[] = {mb_conv2d_forward_impl(layer, true),
                                          mb_conv2d_backward_impl(layer)};
    size_t max = 0;
    for (size_t i = 0; i < MB_COUNT_OF(both); i++)
        if (both[i]->scratch_size != NULL)
            max = mb_max_size(max, both[i]->scratch_size(layer));
    return max;
}

/* Divides `memory` into the parts of the scratch; returns its size in bytes. */
static size_t divide_scratch(const mb_layer *layer, const mb_conv2d_size *size, float *memory,
                             scratch *s)
{
    const size_t windows = size->block_rows * size->out_columns * size->window + SLACK;
    const size_t padded = padded_size(layer, size), image = mb_shape_size(layer->in);
    const mb_layer *pool = mb_conv2d_pool(layer);
    const mb_window *pooled = pool != NULL ? mb_layer_window(pool) : NULL;
    /* In floats. Gradients that are NaN, of a run that diverges, may be everywhere. */
    const size_t nonzeros = pool != NULL ? 2 * (pool->out.rows * pool->out.columns + MB_HALF) : 0;
    const size_t sizes[] = {
        windows,          windows,       padded,
        padded,           image,         nonzeros,
        size->out_pixels, size->columns, pool != NULL ? pooled->rows * pooled->columns : 0,
        own_size(layer)};
    enum { PARTS = sizeof sizes / sizeof *sizes };
    void *parts[PARTS];
    size_t used = 0;
    for (size_t i = 0; i < PARTS; used += mb_pad_to_lanes(sizes[i++]))
        parts[i] = memory != NULL ? memory + used : NULL;
    *s = (scratch){parts[0], parts[1], parts[2], parts[3], parts[4],
                   parts[5], parts[6], parts[7], parts[8], parts[9]};
    return used * sizeof *memory;
}

static size_t scratch_bytes(const mb_layer *layer)
{
    const mb_conv2d_size size = mb_conv2d_size_of(layer);
    scratch unused;
    return divide_scratch(layer, &size, NULL, &unused);
}

/* ---- images in and out ---- */

/* True if the image can be used in place: windows are read and written in whole vectors, which
 * must not reach into the next sample. */
static bool is_usable_in_place(const mb_layer *layer, const mb_conv2d_impl *impl)
{
    const mb_window *window = mb_layer_window(layer);
    return !mb_conv2d_transposes(layer) &&
           (impl->whole_chunks ||
            (window->padding == 0 && layer->out_format.layout == MB_LAYOUT_NHWC &&
             window->groups == 1 && window->columns * layer->in.channels % MB_LANES == 0));
}

/* Changes the layout of an unpadded image; `stride`: of pixels in NHWC. */
static void transpose_image(const mb_layer *layer, const mb_kernels *kernels, mb_layout from,
                            size_t stride, const float *image, float *transposed)
{
    const size_t pixels = layer->in.rows * layer->in.columns, channels = layer->in.channels;
    if (from == MB_LAYOUT_NCHW)
        kernels->transpose(channels, pixels, image, pixels, transposed, stride);
    else
        kernels->transpose(pixels, channels, image, stride, transposed, pixels);
}

/* Elements of the pass's images, without slack. */
static size_t image_size(const mb_conv2d_pass *pass)
{
    const mb_shape in = pass->layer->in;
    return pass->samples * pass->pixel_stride * (in.rows + 2 * pass->padding) *
           (in.columns + 2 * pass->padding);
}

/* The sample's image in the layer's layout with pass->padding: in the scratch, or in place. */
static const float *load_image(const mb_conv2d_pass *pass, const float *image, const scratch *s)
{
    const mb_layer *layer = pass->layer;
    const size_t padding = pass->padding, size = image_size(pass);
    const bool gaps = padding > 0 || pass->pixel_stride > layer->in.channels;
    const size_t first = gaps ? 0 : size; /* of what is not part of the image */
    if (pass->in_place)
        return image;
    memset(s->image + first, 0, (size + SLACK - first) * sizeof *s->image);
    if (mb_conv2d_transposes(layer)) {
        float *transposed = padding > 0 ? s->transposed : s->image;
        transpose_image(layer, pass->kernels, layer->in_format.layout, pass->pixel_stride, image,
                        transposed);
        if (padding == 0)
            return transposed;
        image = transposed;
    }
    mb_window_pad(layer, layer->out_format.layout, image, s->image);
    return s->image;
}

/* Memory, set to 0, for the gradient of the padded image. */
static float *begin_gradient(const mb_conv2d_pass *pass, float *d_in, const scratch *s)
{
    float *d = pass->in_place ? d_in : s->d_image;
    memset(d, 0, image_size(pass) * sizeof *d);
    return d;
}

/* Brings the gradient of the padded image to d_in. */
static void store_gradient(const mb_conv2d_pass *pass, float *d_in, const scratch *s)
{
    const mb_layer *layer = pass->layer;
    const float *d = pass->d_image;
    if (pass->in_place)
        return;
    if (!mb_conv2d_transposes(layer)) {
        mb_window_unpad(layer, layer->out_format.layout, d, d_in);
        return;
    }
    if (pass->padding > 0) {
        mb_window_unpad(layer, layer->out_format.layout, d, s->transposed);
        d = s->transposed;
    }
    transpose_image(layer, pass->kernels, layer->out_format.layout, pass->pixel_stride, d, d_in);
}

/* ---- tiles: a sample each, or the samples of a chunk ---- */

typedef struct conv2d_data {
    mb_conv2d_size size;
    const mb_conv2d_impl *impl;
    const float *weights; /* then biases */
    const float *transposed;
    float *partials, *chunk_sums; /* in training */
    size_t chunk_size;
} conv2d_data;

/* The tile's first row of a matrix. */
static float *rows_of(const mb_matrix *matrix, const mb_tile_args *args)
{
    return mb_matrix_row(matrix, args->step, args->part.row);
}

static mb_conv2d_pass begin_pass(const mb_tile_args *args, scratch *s)
{
    const mb_layer_op *op = args->op;
    const conv2d_data *data = op->data;
    int32_t *argmax = (int32_t *)(void *)op->ctx.argmax;
    divide_scratch(op->layer, &data->size, args->scratch, s);
    mb_conv2d_pass pass = {
        .layer = op->layer,
        .kernels = op->ctx.kernels,
        .size = &data->size,
        .weights = data->weights,
        .bias = data->weights + data->size.weights,
        .transposed = data->transposed,
        .samples = args->part.rows,
        .argmax = argmax != NULL ? argmax + args->tile * op->ctx.pool_out.columns : NULL,
        .windows = s->windows,
        .d_windows = s->d_windows,
        .pixel_stride =
            data->impl->pads_pixels ? mb_conv2d_pixel_stride(op->layer) : op->layer->in.channels,
        .padding = data->impl->whole_chunks ? 0 : mb_layer_window(op->layer)->padding,
        .in_place = is_usable_in_place(op->layer, data->impl),
        .nonzeros = s->nonzeros,
        .offsets = s->offsets,
        .pixels = s->pixels,
        .marks = s->marks,
        .scratch = s->own};
    pass.image = load_image(&pass, rows_of(&op->ctx.in, args), s);
    return pass;
}

static void run_forward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    scratch s;
    mb_conv2d_pass pass = begin_pass(args, &s);
    pass.out = rows_of(&op->ctx.out, args);
    ((const conv2d_data *)op->data)->impl->forward(&pass);
}

static void run_forward_pooled(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    scratch s;
    mb_conv2d_pass pass = begin_pass(args, &s);
    pass.out = mb_matrix_row(&op->ctx.pool_out, args->step, args->tile);
    ((const conv2d_data *)op->data)->impl->forward_pooled(&pass);
}

static void run_backward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const conv2d_data *data = op->data;
    const size_t tile = args->tile, chunk = op->tiling.chunk_tiles;
    float *d_in = op->ctx.d_in.data != NULL ? rows_of(&op->ctx.d_in, args) : NULL;
    scratch s;
    mb_conv2d_pass pass = begin_pass(args, &s);
    pass.d_out = rows_of(&op->ctx.d_out, args);
    pass.d_image = d_in != NULL ? begin_gradient(&pass, d_in, &s) : NULL;
    pass.gradient = mb_partial_gradient(op->layer, op->tiling, tile, data->partials);
    pass.chunk_sums = data->chunk_sums + tile / chunk * data->chunk_size;
    pass.first = tile % chunk == 0;
    pass.last = (tile + 1) % chunk == 0 || tile + 1 == op->ctx.rows;
    data->impl->backward(&pass);
    if (d_in != NULL)
        store_gradient(&pass, d_in, &s);
}

typedef struct transposition {
    const mb_conv2d_impl *impl;
    float *to;
} transposition;

static void run_transpose(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const transposition *data = op->data;
    data->impl->transpose(op->layer, op->ctx.kernels, args->tile, data->to);
}

/* ---- phases ---- */

static float *partials_of(const mb_layer *layer, const mb_layer_context *ctx)
{
    return ctx->workspace + transposed_size(layer) + other_transposed_size(layer);
}

static void add_phase(const mb_layer *layer, const mb_layer_context *ctx, const char *name,
                      mb_tile_fn *run, mb_uses uses, conv2d_data data)
{
    conv2d_data *own = mb_arena_alloc(ctx->arena, 1, sizeof *own);
    if (own == NULL)
        return;
    *own = data;
    own->size = mb_conv2d_size_of(layer);
    const mb_tiling tiling =
        own->impl->whole_chunks ? mb_tiling_whole_chunks(ctx->rows) : mb_tiling_samples(ctx->rows);
    mb_layer_add_phase(layer, ctx, name, run, tiling, uses, scratch_bytes(layer), own);
}

static void add_transpose(const mb_layer *layer, const mb_layer_context *ctx,
                          const mb_conv2d_impl *impl, float *to)
{
    transposition *data = mb_arena_alloc(ctx->arena, 1, sizeof *data);
    if (data == NULL)
        return;
    *data = (transposition){impl, to};
    mb_layer_add_phase_on_each_rank(layer, ctx, "transpose weights", run_transpose,
                                    mb_tiling_rows(mb_layer_window(layer)->groups, 1),
                                    MB_USES(mb_reads(layer->parameters), mb_writes(ctx->workspace)),
                                    0, data);
}

void mb_conv2d_prepare(const mb_layer *layer, const mb_layer_context *ctx)
{
    const mb_conv2d_impl *other = other_impl(layer);
    if (ctx->batchnorm != NULL)
        mb_fold_batchnorm_plan(layer, ctx);
    if (ctx->trainable != NULL && transposed_size(layer) > 0)
        add_transpose(layer, ctx, mb_conv2d_backward_impl(layer), ctx->workspace);
    if (ctx->trainable != NULL && other != NULL)
        add_transpose(layer, ctx, other, ctx->workspace + transposed_size(layer));
}

void mb_conv2d_forward(const mb_layer *layer, const mb_layer_context *ctx)
{
    const float *weights = ctx->batchnorm != NULL ? ctx->workspace : layer->parameters;
    const size_t offset = other_impl(layer) != NULL ? transposed_size(layer) : 0;
    const conv2d_data data = {.impl = mb_conv2d_forward_impl(layer, ctx->trainable != NULL),
                              .weights = weights,
                              .transposed = ctx->workspace + offset};
    if (ctx->pool != NULL && mb_conv2d_pools(layer)) {
        add_phase(layer, ctx, "forward", run_forward_pooled,
                  MB_USES(mb_reads_rows(&ctx->in), mb_reads(weights), mb_writes_own(ctx->argmax),
                          mb_writes_rows(&ctx->pool_out)),
                  data);
        return;
    }
    add_phase(layer, ctx, "forward", run_forward,
              MB_USES(mb_reads_rows(&ctx->in), mb_reads(weights),
                      mb_reads(data.impl->in_training ? ctx->workspace : NULL),
                      mb_writes_rows(&ctx->out)),
              data);
    if (ctx->pool != NULL) {
        mb_layer_context pool = *ctx;
        pool.in = ctx->out;
        pool.out = ctx->pool_out;
        pool.workspace = ctx->argmax;
        ctx->pool->ops->forward(ctx->pool, &pool);
    }
}

void mb_conv2d_backward(const mb_layer *layer, const mb_layer_context *ctx)
{
    const mb_conv2d_impl *impl = mb_conv2d_backward_impl(layer);
    const bool reads_weights = ctx->d_in.data != NULL && impl->transpose == NULL;
    float *partials = partials_of(layer, ctx);
    add_phase(layer, ctx, "backward", run_backward,
              MB_USES(mb_reads_rows(&ctx->d_out), mb_reads_rows(&ctx->in),
                      mb_reads_own(ctx->argmax), mb_reads(reads_weights ? layer->parameters : NULL),
                      mb_partial_use(layer, ctx, partials), mb_writes_rows(&ctx->d_in)),
              (conv2d_data){.impl = impl,
                            .weights = layer->parameters,
                            .transposed = ctx->workspace,
                            .partials = partials,
                            .chunk_sums = partials + mb_partial_size(layer, ctx->rows),
                            .chunk_size = chunk_size(layer)});
}

void mb_conv2d_update(const mb_layer *layer, const mb_layer_context *ctx)
{
    mb_partial_update(layer, ctx, partials_of(layer, ctx), layer->out.channels);
}

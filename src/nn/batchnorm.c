/* Batch normalisation: out = (in - mean) / sqrt(variance + epsilon) * gamma + beta, channel by
 * channel, with the batch's mean and variance in training and running ones in evaluation: Ioffe and
 * Szegedy, "Batch normalization", 2015. Constants are PyTorch's: epsilon 1e-5, momentum 0.1 of the
 * running statistics, unbiased running variance.
 *
 * Parameters: gamma, beta (trained, without decay), running mean, running variance, and the number
 * of batches. */
#include "nn/batchnorm.h"

#include <math.h>
#include <string.h>

static const double epsilon = MB_BATCHNORM_EPSILON, momentum = 0.1;

enum { TILE_CHANNELS = 64 }; /* of a tile that works channel by channel */
enum { GAMMA, BETA, MEAN, VARIANCE, BATCHES, TENSORS };

static size_t channels_of(const mb_layer *layer) { return layer->in.channels; }

static float *parameter(const mb_layer *layer, size_t tensor)
{
    return layer->parameters + tensor * channels_of(layer);
}

static mb_status configure(mb_layer *layer, const char *argument, mb_arena *arena, mb_error *error)
{
    (void)arena;
    layer->out = layer->in;
    layer->parameter_count = 2 * channels_of(layer);
    layer->state_count = 2 * channels_of(layer) + 1;
    return mb_layer_check_no_argument(layer, argument, error);
}

/* ---- the workspace ---- */

/* Two sums per chunk over its samples, and per-channel results. */
typedef struct workspace {
    double *sums;                                                       /* (chunks, 2, channels) */
    float *mean, *inverse_root, *scale, *shift, *by_d, *by_x, *d_shift; /* (channels) */
    float *gradient; /* (2, channels): of gamma and beta */
} workspace;

enum { VECTORS = 9 };

static size_t sums_floats(const mb_layer *layer, size_t max_rows)
{
    return mb_max_chunks(max_rows) * 2 * channels_of(layer) * (sizeof(double) / sizeof(float));
}

static size_t workspace_size(const mb_layer *layer, size_t max_rows, bool training)
{
    return (training ? sums_floats(layer, max_rows) : 0) + VECTORS * channels_of(layer);
}

static workspace workspace_of(const mb_layer_op *op)
{
    const size_t channels = channels_of(op->layer);
    const bool training = op->ctx.trainable != NULL;
    workspace w = {.sums = (double *)(void *)op->ctx.workspace};
    float **vectors[] = {&w.mean, &w.inverse_root, &w.scale,   &w.shift,
                         &w.by_d, &w.by_x,         &w.d_shift, &w.gradient};
    float *vector = op->ctx.workspace + (training ? sums_floats(op->layer, op->ctx.rows) : 0);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++, vector += channels)
        *vectors[i] = vector;
    return w;
}

/* ---- tiles ---- */

static bool is_nchw(const mb_layer *layer) { return layer->in_format.layout == MB_LAYOUT_NCHW; }

/* A sample as the kernels take it: channels are the rows of a matrix, or its columns. */
static size_t rows_of(const mb_layer *layer)
{
    return is_nchw(layer) ? channels_of(layer) : layer->in.rows * layer->in.columns;
}

static size_t columns_of(const mb_layer *layer)
{
    return mb_shape_size(layer->in) / rows_of(layer);
}

static void add_sums(const mb_layer_op *op, size_t sample, const float *a, const float *b)
{
    const mb_layer *layer = op->layer;
    const size_t channels = channels_of(layer), chunk = op->tiling.chunk_tiles;
    double *sums = workspace_of(op).sums + sample / chunk * 2 * channels;
    if (sample % chunk == 0)
        memset(sums, 0, 2 * channels * sizeof *sums);
    op->ctx.kernels->batchnorm_reduce(is_nchw(layer), rows_of(layer), columns_of(layer), a, b, sums,
                                      sums + channels);
}

static void run_sums(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const float *x = mb_tile_in(args);
    add_sums(op, args->tile, x, x);
}

static void run_backward_sums(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    add_sums(op, args->tile, mb_tile_d_out(args), mb_tile_in(args));
}

/* Both sums of a channel, over the chunks in their order. */
static void total(const mb_layer_op *op, size_t channel, double *sum, double *product)
{
    const size_t channels = channels_of(op->layer);
    const size_t chunks = mb_tiling_chunks(mb_tiling_samples(op->ctx.rows));
    const double *sums = workspace_of(op).sums;
    *sum = *product = 0.0;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        *sum += sums[2 * chunk * channels + channel];
        *product += sums[(2 * chunk + 1) * channels + channel];
    }
}

/* Elements of a channel in the batch. */
static double elements_of(const mb_layer_op *op)
{
    return (double)(op->ctx.rows * op->layer->in.rows * op->layer->in.columns);
}

static void move(float *running, double to)
{
    if (isfinite(to))
        *running = (float)((1.0 - momentum) * (double)*running + momentum * to);
}

static void run_statistics(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const workspace w = workspace_of(op);
    const double n = elements_of(op);
    const mb_tile part = args->part;
    for (size_t c = part.column; c < part.column + part.columns; c++) {
        double sum, squares;
        total(op, c, &sum, &squares);
        const double mean = sum / n, around = squares / n - mean * mean;
        const double variance = around < 0.0 ? 0.0 : around;
        const double inverse_root = 1.0 / sqrt(variance + epsilon);
        const double gamma = (double)parameter(layer, GAMMA)[c];
        w.mean[c] = (float)mean;
        w.inverse_root[c] = (float)inverse_root;
        w.scale[c] = (float)(gamma * inverse_root);
        w.shift[c] = (float)((double)parameter(layer, BETA)[c] - mean * gamma * inverse_root);
        move(&parameter(layer, MEAN)[c], mean);
        move(&parameter(layer, VARIANCE)[c], n > 1.0 ? variance * n / (n - 1.0) : variance);
    }
    if (part.column == 0)
        *parameter(layer, BATCHES) += 1.0f;
}

void mb_batchnorm_affine(const mb_layer *layer, float *scale, float *shift)
{
    for (size_t c = 0; c < channels_of(layer); c++) {
        const double by = (double)parameter(layer, GAMMA)[c] /
                          sqrt((double)parameter(layer, VARIANCE)[c] + epsilon);
        scale[c] = (float)by;
        shift[c] =
            (float)((double)parameter(layer, BETA)[c] - by * (double)parameter(layer, MEAN)[c]);
    }
}

static void run_affine(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const workspace w = workspace_of(op);
    mb_batchnorm_affine(op->layer, w.scale, w.shift);
}

static void run_forward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const workspace w = workspace_of(op);
    op->ctx.kernels->batchnorm_forward(is_nchw(layer), rows_of(layer), columns_of(layer), w.scale,
                                       w.shift, mb_tile_in(args), mb_tile_out(args));
}

/* With x^ = (x - mean) / root and sums over the channel's n elements in the batch:
 * d_in = gamma / root * (d - sum(d) / n - x^ * sum(d x^) / n). */
static void run_gradient(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const workspace w = workspace_of(op);
    const double n = elements_of(op);
    const mb_tile part = args->part;
    for (size_t c = part.column; c < part.column + part.columns; c++) {
        double sum, product;
        total(op, c, &sum, &product);
        const double mean = (double)w.mean[c], inverse_root = (double)w.inverse_root[c];
        const double scale = (double)w.scale[c];
        const double d_gamma = (product - mean * sum) * inverse_root;
        w.gradient[c] = (float)d_gamma;
        w.gradient[channels_of(op->layer) + c] = (float)sum;
        w.by_d[c] = w.scale[c];
        w.by_x[c] = (float)(-scale * inverse_root * d_gamma / n);
        w.d_shift[c] = (float)(scale * (mean * inverse_root * d_gamma - sum) / n);
    }
}

static void run_backward(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const workspace w = workspace_of(op);
    op->ctx.kernels->batchnorm_backward(is_nchw(layer), rows_of(layer), columns_of(layer), w.by_d,
                                        w.by_x, w.d_shift, mb_tile_d_out(args), mb_tile_in(args),
                                        mb_tile_d_in(args));
}

static void run_update(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    mb_layer_update_parameters(op, args->step->update, false, 0, op->layer->parameter_count,
                               workspace_of(op).gradient);
}

/* ---- phases ---- */

static mb_tiling by_channel(const mb_layer *layer)
{
    return mb_tiling_matrix(1, channels_of(layer), 1, TILE_CHANNELS);
}

/* The sums of the tile's chunk. */
static mb_use writes_sums(const mb_layer *layer, const mb_layer_context *ctx)
{
    mb_use use = mb_writes_own(ctx->workspace);
    use.part.chunk_bytes = 2 * channels_of(layer) * sizeof(double);
    return use;
}

/* In training the statistics are the batch's, in evaluation the running ones. */
static void forward(const mb_layer *layer, const mb_layer_context *ctx)
{
    const bool training = ctx->trainable != NULL;
    if (training)
        mb_layer_add_phase(layer, ctx, "sums", run_sums, mb_tiling_samples(ctx->rows),
                           MB_USES(mb_reads_rows(&ctx->in), writes_sums(layer, ctx)), 0, NULL);
    mb_layer_add_phase_on_each_rank(
        layer, ctx, "statistics", training ? run_statistics : run_affine,
        training ? by_channel(layer) : mb_tiling_one(),
        MB_USES(mb_writes(ctx->workspace),
                (mb_use){.buffer = layer->parameters, .writes = training}),
        0, NULL);
    mb_layer_add_phase(
        layer, ctx, "forward", run_forward, mb_tiling_samples(ctx->rows),
        MB_USES(mb_reads_rows(&ctx->in), mb_reads(ctx->workspace), mb_writes_rows(&ctx->out)), 0,
        NULL);
}

static void backward(const mb_layer *layer, const mb_layer_context *ctx)
{
    mb_layer_add_phase(
        layer, ctx, "backward sums", run_backward_sums, mb_tiling_samples(ctx->rows),
        MB_USES(mb_reads_rows(&ctx->d_out), mb_reads_rows(&ctx->in), writes_sums(layer, ctx)), 0,
        NULL);
    mb_layer_add_phase_on_each_rank(layer, ctx, "gradient", run_gradient, by_channel(layer),
                                    MB_USES(mb_writes(ctx->workspace)), 0, NULL);
    if (ctx->d_in.data != NULL)
        mb_layer_add_phase(layer, ctx, "backward", run_backward, mb_tiling_samples(ctx->rows),
                           MB_USES(mb_reads_rows(&ctx->d_out), mb_reads_rows(&ctx->in),
                                   mb_reads(ctx->workspace), mb_writes_rows(&ctx->d_in)),
                           0, NULL);
}

static void update(const mb_layer *layer, const mb_layer_context *ctx)
{
    mb_layer_add_phase_on_each_rank(layer, ctx, "update", run_update, mb_tiling_one(),
                                    MB_USES(mb_reads(ctx->workspace),
                                            mb_reads(ctx->trainable->finite),
                                            mb_writes(layer->parameters)),
                                    0, NULL);
}

/* ---- parameters ---- */

static void initialise(mb_layer *layer, uint64_t seed)
{
    (void)seed;
    for (size_t c = 0; c < channels_of(layer); c++) {
        parameter(layer, GAMMA)[c] = parameter(layer, VARIANCE)[c] = 1.0f;
        parameter(layer, BETA)[c] = parameter(layer, MEAN)[c] = 0.0f;
    }
    *parameter(layer, BATCHES) = 0.0f;
}

static mb_tensor_info tensor(const mb_layer *layer, size_t index)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var",
                                        "num_batches_tracked"};
    const bool scalar = index == BATCHES;
    mb_tensor_info info = {.dimensions = scalar ? 0 : 1,
                           .shape = {channels_of(layer)},
                           .elements = scalar ? 1 : channels_of(layer)};
    memcpy(info.name, names[index], strlen(names[index]) + 1);
    return info;
}

static void get(const mb_layer *layer, size_t index, float *values)
{
    memcpy(values, parameter(layer, index), tensor(layer, index).elements * sizeof *values);
}

static void set(mb_layer *layer, size_t index, const float *values)
{
    memcpy(parameter(layer, index), values, tensor(layer, index).elements * sizeof *values);
}

/* The root of a negative variance would be NaN, or, above -epsilon, that of no variance at all. */
static mb_status check(const mb_layer *layer, size_t index, const float *values, mb_error *error)
{
    const bool may_be_negative = index != VARIANCE && index != BATCHES;
    for (size_t i = 0; i < tensor(layer, index).elements; i++)
        if (values[i] < 0.0f && !may_be_negative)
            return mb_fail(error, MB_ERROR_INVALID, "element %zu is negative: %g", i,
                           (double)values[i]);
    return MB_OK;
}

const mb_layer_ops mb_batchnorm2d_ops = {
    .name = "batchnorm2d",
    .syntax = "",
    .help = "batch normalisation with PyTorch's constants",
    .needs_image_input = true,
    .writes_per_sample = true,
    .backward_needs_input = true,
    .tensors = TENSORS,
    .configure = configure,
    .workspace_size = workspace_size,
    .forward = forward,
    .backward = backward,
    .update = update,
    .initialise = initialise,
    .tensor = tensor,
    .get = get,
    .set = set,
    .check = check,
};

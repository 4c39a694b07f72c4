/* Batch normalisation: out = (in - mean) / sqrt(variance + epsilon) * gamma + beta, channel by
 * channel, with the batch's mean and variance in training and running ones in evaluation: Ioffe and
 * Szegedy, "Batch normalization", 2015. Numbers as in PyTorch: epsilon 1e-5, running statistics
 * move by a tenth, the running variance is the unbiased one.
 *
 * Parameters: gamma, beta (those learn, without decay), running mean, running variance, and the
 * number of batches. */
#include "nn/batchnorm.h"

#include "nn/trainable.h"

#include <math.h>
#include <string.h>

static const double epsilon = MB_BATCHNORM_EPSILON, momentum = 0.1;

enum { CHANNELS = 64 }; /* of a tile that works channel by channel */
enum { GAMMA, BETA, MEAN, VARIANCE, BATCHES, TENSORS };

typedef struct batchnorm_op {
    const mb_layer *layer;
    mb_layer_context ctx;
    mb_tiling tiling;
} batchnorm_op;

static size_t channels_of(const mb_layer *layer) { return layer->in.channels; }

static float *parameter(const mb_layer *layer, size_t tensor)
{
    return layer->parameters + tensor * channels_of(layer);
}

static mb_status configure(mb_layer *layer, const char *argument, mb_error *error)
{
    if (argument != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "batchnorm2d takes no argument");
    layer->out = layer->in;
    layer->out_format = layer->in_format;
    layer->parameter_count = 2 * channels_of(layer);
    layer->state_count = 2 * channels_of(layer) + 1;
    return MB_OK;
}

/* ---- what is kept ---- */

/* By chunk the sums over its samples of two things; and by channel what follows from them. */
typedef struct kept {
    double *sums; /* (chunks, 2, channels) */
    float *mean, *inverse_root, *scale, *shift, *by_d, *by_x, *d_shift;
    float *gradient; /* (2, channels): of gamma and beta */
} kept;

enum { VECTORS = 9 };

static size_t sums_floats(const mb_layer *layer, size_t max_rows)
{
    return mb_max_chunks(max_rows) * 2 * channels_of(layer) * (sizeof(double) / sizeof(float));
}

static size_t keeps(const mb_layer *layer, size_t max_rows, bool training)
{
    return (training ? sums_floats(layer, max_rows) : 0) + VECTORS * channels_of(layer);
}

static kept kept_of(const batchnorm_op *op)
{
    const size_t channels = channels_of(op->layer);
    const bool training = op->ctx.trainable != NULL;
    kept k = {.sums = (double *)(void *)op->ctx.workspace};
    float **vectors[] = {&k.mean, &k.inverse_root, &k.scale,   &k.shift,
                         &k.by_d, &k.by_x,         &k.d_shift, &k.gradient};
    float *vector = op->ctx.workspace + (training ? sums_floats(op->layer, op->ctx.rows) : 0);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++, vector += channels)
        *vectors[i] = vector;
    return k;
}

/* ---- tiles ---- */

static void add_sums(const batchnorm_op *op, size_t sample, const float *a, const float *b)
{
    const mb_layer *layer = op->layer;
    const size_t channels = channels_of(layer), pixels = layer->in.rows * layer->in.columns;
    const bool planes = layer->in_format.planes;
    double *sums = kept_of(op).sums + sample / op->tiling.chunk_tiles * 2 * channels;
    if (sample % op->tiling.chunk_tiles == 0)
        memset(sums, 0, 2 * channels * sizeof *sums);
    op->ctx.kernels->batchnorm_reduce(planes, planes ? channels : pixels,
                                      planes ? pixels : channels, a, b, sums, sums + channels);
}

static void run_sums(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const batchnorm_op *op = context;
    const float *x = mb_layer_input_row(&op->ctx, step, tile);
    add_sums(op, tile, x, x);
}

static void run_sums_back(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const batchnorm_op *op = context;
    add_sums(op, tile, mb_matrix_row(&op->ctx.d_out, step, tile),
             mb_layer_input_row(&op->ctx, step, tile));
}

/* Both sums of a channel, over the chunks in their order. */
static void total(const batchnorm_op *op, const kept *k, size_t channel, double *sum,
                  double *product)
{
    const size_t channels = channels_of(op->layer);
    const size_t chunks = mb_tiling_chunks(mb_tiling_samples(op->ctx.rows));
    *sum = *product = 0.0;
    for (size_t chunk = 0; chunk < chunks; chunk++) {
        *sum += k->sums[2 * chunk * channels + channel];
        *product += k->sums[(2 * chunk + 1) * channels + channel];
    }
}

static double numbers_of(const batchnorm_op *op)
{
    return (double)(op->ctx.rows * op->layer->in.rows * op->layer->in.columns);
}

static void move(float *running, double to)
{
    if (isfinite(to))
        *running = (float)((1.0 - momentum) * (double)*running + momentum * to);
}

static void run_statistics(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)step, (void)scratch;
    const batchnorm_op *op = context;
    const mb_layer *layer = op->layer;
    const kept k = kept_of(op);
    const double n = numbers_of(op);
    const mb_tile part = mb_tiling_tile(op->tiling, tile);
    for (size_t c = part.column; c < part.column + part.columns; c++) {
        double sum, squares;
        total(op, &k, c, &sum, &squares);
        const double mean = sum / n, around = squares / n - mean * mean;
        const double variance = around < 0.0 ? 0.0 : around;
        const double inverse_root = 1.0 / sqrt(variance + epsilon);
        k.mean[c] = (float)mean;
        k.inverse_root[c] = (float)inverse_root;
        k.scale[c] = (float)((double)parameter(layer, GAMMA)[c] * inverse_root);
        k.shift[c] = (float)((double)parameter(layer, BETA)[c] -
                             mean * (double)parameter(layer, GAMMA)[c] * inverse_root);
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

static void run_affine(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)step, (void)tile, (void)scratch;
    const batchnorm_op *op = context;
    const kept k = kept_of(op);
    mb_batchnorm_affine(op->layer, k.scale, k.shift);
}

static void run_forward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const batchnorm_op *op = context;
    const mb_layer *layer = op->layer;
    const kept k = kept_of(op);
    const bool planes = layer->in_format.planes;
    const size_t channels = channels_of(layer), pixels = layer->in.rows * layer->in.columns;
    op->ctx.kernels->batchnorm_forward(
        planes, planes ? channels : pixels, planes ? pixels : channels, k.scale, k.shift,
        mb_layer_input_row(&op->ctx, step, tile), mb_matrix_row(&op->ctx.out, step, tile));
}

/* With x^ = (x - mean) / root and sums over the batch's n numbers of the channel:
 * d_in = gamma / root * (d - sum(d) / n - x^ * sum(d x^) / n). */
static void run_gradient(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)step, (void)scratch;
    const batchnorm_op *op = context;
    const kept k = kept_of(op);
    const double n = numbers_of(op);
    const mb_tile part = mb_tiling_tile(op->tiling, tile);
    for (size_t c = part.column; c < part.column + part.columns; c++) {
        double sum, product;
        total(op, &k, c, &sum, &product);
        const double mean = (double)k.mean[c], inverse_root = (double)k.inverse_root[c];
        const double scale = (double)k.scale[c];
        const double d_gamma = (product - mean * sum) * inverse_root;
        k.gradient[c] = (float)d_gamma;
        k.gradient[channels_of(op->layer) + c] = (float)sum;
        k.by_d[c] = k.scale[c];
        k.by_x[c] = (float)(-scale * inverse_root * d_gamma / n);
        k.d_shift[c] = (float)(scale * (mean * inverse_root * d_gamma - sum) / n);
    }
}

static void run_backward(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const batchnorm_op *op = context;
    const mb_layer *layer = op->layer;
    const kept k = kept_of(op);
    const bool planes = layer->in_format.planes;
    const size_t channels = channels_of(layer), pixels = layer->in.rows * layer->in.columns;
    op->ctx.kernels->batchnorm_backward(
        planes, planes ? channels : pixels, planes ? pixels : channels, k.by_d, k.by_x, k.d_shift,
        mb_matrix_row(&op->ctx.d_out, step, tile), mb_layer_input_row(&op->ctx, step, tile),
        mb_matrix_row(&op->ctx.d_in, step, tile));
}

static void run_update(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)tile, (void)scratch;
    const batchnorm_op *op = context;
    if (*op->ctx.trainable->finite)
        mb_trainable_update(op->ctx.trainable, op->layer, step->update, false, 0,
                            op->layer->parameter_count, kept_of(op).gradient);
}

/* ---- phases ---- */

static mb_status add_phase(const mb_layer *layer, const mb_layer_context *ctx, mb_phase phase,
                           mb_error *error)
{
    batchnorm_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "batchnorm2d", sizeof *op);
    *op = (batchnorm_op){layer, *ctx, phase.tiling};
    phase.op = op;
    return mb_layer_add_phase(layer, ctx, &phase, error);
}

static mb_phase by_sample(const mb_layer_context *ctx, const char *name, mb_tile_fn *run)
{
    return (mb_phase){.name = name, .run = run, .tiling = mb_tiling_samples(ctx->rows)};
}

static mb_phase by_channel(const mb_layer *layer, const mb_layer_context *ctx, const char *name,
                           mb_tile_fn *run)
{
    return (mb_phase){
        .name = name,
        .run = run,
        .tiling = {1, channels_of(layer), 1, CHANNELS, 1},
        .uses = {{ctx->workspace, .writes = true}, {layer->parameters, .writes = true}}};
}

static mb_status forward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    mb_status status = MB_OK;
    if (ctx->trainable != NULL) {
        mb_phase sums = by_sample(ctx, "sums", run_sums);
        sums.uses[0] = (mb_use){mb_layer_input(ctx), .own = true};
        sums.uses[1] = (mb_use){ctx->workspace, .writes = true, .own = true};
        status = add_phase(layer, ctx, sums, error);
    }
    mb_phase statistics = ctx->trainable != NULL
                              ? by_channel(layer, ctx, "statistics", run_statistics)
                              : by_channel(layer, ctx, "statistics", run_affine);
    if (ctx->trainable == NULL)
        statistics.tiling = (mb_tiling){1, 1, 1, 1, 1};
    if (status == MB_OK)
        status = add_phase(layer, ctx, statistics, error);
    mb_phase normalise = by_sample(ctx, "forward", run_forward);
    normalise.uses[0] = (mb_use){mb_layer_input(ctx), .own = true};
    normalise.uses[1] = (mb_use){.what = ctx->workspace};
    normalise.uses[2] = (mb_use){ctx->out.data, .writes = true, .own = true};
    return status == MB_OK ? add_phase(layer, ctx, normalise, error) : status;
}

static mb_status backward(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    mb_phase sums = by_sample(ctx, "backward sums", run_sums_back);
    sums.uses[0] = (mb_use){ctx->d_out.data, .own = true};
    sums.uses[1] = (mb_use){mb_layer_input(ctx), .own = true};
    sums.uses[2] = (mb_use){ctx->workspace, .writes = true, .own = true};
    mb_status status = add_phase(layer, ctx, sums, error);
    if (status == MB_OK)
        status = add_phase(layer, ctx, by_channel(layer, ctx, "gradient", run_gradient), error);
    if (status != MB_OK || ctx->d_in.data == NULL)
        return status;
    mb_phase back = by_sample(ctx, "backward", run_backward);
    back.uses[0] = (mb_use){ctx->d_out.data, .own = true};
    back.uses[1] = (mb_use){mb_layer_input(ctx), .own = true};
    back.uses[2] = (mb_use){.what = ctx->workspace};
    back.uses[3] = (mb_use){ctx->d_in.data, .writes = true, .own = true};
    return add_phase(layer, ctx, back, error);
}

static mb_status update(const mb_layer *layer, const mb_layer_context *ctx, mb_error *error)
{
    return add_phase(layer, ctx,
                     (mb_phase){.name = "update",
                                .run = run_update,
                                .tiling = {1, 1, 1, 1, 1},
                                .uses = {{ctx->workspace},
                                         {ctx->trainable->finite},
                                         {layer->parameters, .writes = true}}},
                     error);
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

/* The root of a negative variance would be NaN, or, above -epsilon, stand for no data at all. */
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
    .needs_image_input = true,
    .writes_per_sample = true,
    .backward_needs_input = true,
    .tensors = TENSORS,
    .configure = configure,
    .workspace_size = keeps,
    .forward = forward,
    .backward = backward,
    .update = update,
    .initialise = initialise,
    .tensor = tensor,
    .get = get,
    .set = set,
    .check = check,
};

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
    mb_site site;
    mb_cut cut;
} batchnorm_op;

static size_t channels_of(const mb_layer *layer) { return layer->in.channels; }

static float *parameter(const mb_layer *layer, size_t tensor)
{
    return layer->parameters + tensor * channels_of(layer);
}

static mb_status configure(mb_layer *layer, const char *argument, mb_error *error)
{
    if (argument != NULL)
        return mb_fail(error, MB_INVALID, "batchnorm2d takes no argument");
    layer->out = layer->in;
    layer->placed_out = layer->placed_in;
    layer->parameter_count = 2 * channels_of(layer);
    layer->state_count = 2 * channels_of(layer) + 1;
    return MB_OK;
}

/* ---- what is kept ---- */

/* By bundle the sums over its samples of two things; and by channel what follows from them. */
typedef struct kept {
    double *sums; /* (bundles, 2, channels) */
    float *mean, *inverse_root, *scale, *shift, *by_d, *by_x, *d_shift;
    float *gradient; /* (2, channels): of gamma and beta */
} kept;

enum { VECTORS = 9 };

static size_t sums_floats(const mb_layer *layer, size_t max_rows)
{
    return mb_most_bundles(max_rows) * 2 * channels_of(layer) * (sizeof(double) / sizeof(float));
}

static size_t keeps(const mb_layer *layer, size_t max_rows, bool training)
{
    return (training ? sums_floats(layer, max_rows) : 0) + VECTORS * channels_of(layer);
}

static kept kept_of(const batchnorm_op *op)
{
    const size_t channels = channels_of(op->layer);
    const bool training = op->site.trainable != NULL;
    kept k = {.sums = (double *)(void *)op->site.kept};
    float **vectors[] = {&k.mean, &k.inverse_root, &k.scale,   &k.shift,
                         &k.by_d, &k.by_x,         &k.d_shift, &k.gradient};
    float *vector = op->site.kept + (training ? sums_floats(op->layer, op->site.rows) : 0);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++, vector += channels)
        *vectors[i] = vector;
    return k;
}

/* ---- tiles ---- */

static void add_sums(const batchnorm_op *op, size_t sample, const float *a, const float *b)
{
    const mb_layer *layer = op->layer;
    const size_t channels = channels_of(layer), pixels = layer->in.rows * layer->in.columns;
    const bool planes = layer->placed_in.planes;
    double *sums = kept_of(op).sums + sample / op->cut.bundle * 2 * channels;
    if (sample % op->cut.bundle == 0)
        memset(sums, 0, 2 * channels * sizeof *sums);
    op->site.kernels->sum_products(planes, planes ? channels : pixels, planes ? pixels : channels,
                                   a, b, sums, sums + channels);
}

static void run_sums(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const batchnorm_op *op = context;
    const float *x = mb_site_input_row(&op->site, step, tile);
    add_sums(op, tile, x, x);
}

static void run_sums_back(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const batchnorm_op *op = context;
    add_sums(op, tile, mb_matrix_row(&op->site.d_out, step, tile),
             mb_site_input_row(&op->site, step, tile));
}

/* Both sums of a channel, over the bundles in their order. */
static void total(const batchnorm_op *op, const kept *k, size_t channel, double *sum,
                  double *product)
{
    const size_t channels = channels_of(op->layer);
    const size_t bundles = mb_cut_bundles(mb_cut_samples(op->site.rows));
    *sum = *product = 0.0;
    for (size_t bundle = 0; bundle < bundles; bundle++) {
        *sum += k->sums[2 * bundle * channels + channel];
        *product += k->sums[(2 * bundle + 1) * channels + channel];
    }
}

static double numbers_of(const batchnorm_op *op)
{
    return (double)(op->site.rows * op->layer->in.rows * op->layer->in.columns);
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
    const mb_tile part = mb_cut_tile(op->cut, tile);
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
    const bool planes = layer->placed_in.planes;
    const size_t channels = channels_of(layer), pixels = layer->in.rows * layer->in.columns;
    op->site.kernels->scale_shift(planes, planes ? channels : pixels, planes ? pixels : channels,
                                  k.scale, k.shift, mb_site_input_row(&op->site, step, tile),
                                  mb_matrix_row(&op->site.out, step, tile));
}

/* With x^ = (x - mean) / root and sums over the batch's n numbers of the channel:
 * d_in = gamma / root * (d - sum(d) / n - x^ * sum(d x^) / n). */
static void run_gradient(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)step, (void)scratch;
    const batchnorm_op *op = context;
    const kept k = kept_of(op);
    const double n = numbers_of(op);
    const mb_tile part = mb_cut_tile(op->cut, tile);
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
    const bool planes = layer->placed_in.planes;
    const size_t channels = channels_of(layer), pixels = layer->in.rows * layer->in.columns;
    op->site.kernels->scale_two_shift(
        planes, planes ? channels : pixels, planes ? pixels : channels, k.by_d, k.by_x, k.d_shift,
        mb_matrix_row(&op->site.d_out, step, tile), mb_site_input_row(&op->site, step, tile),
        mb_matrix_row(&op->site.d_in, step, tile));
}

static void run_update(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)tile, (void)scratch;
    const batchnorm_op *op = context;
    if (*op->site.trainable->healthy)
        mb_trainable_update(op->site.trainable, op->layer, step->update, false, 0,
                            op->layer->parameter_count, kept_of(op).gradient);
}

/* ---- phases ---- */

static mb_status add_phase(const mb_layer *layer, const mb_site *site, mb_phase phase,
                           mb_error *error)
{
    batchnorm_op *op = mb_arena_take(site->arena, 1, sizeof *op);
    if (op == NULL)
        return mb_fail_memory(error, "batchnorm2d", sizeof *op);
    *op = (batchnorm_op){layer, *site, phase.cut};
    phase.op = op;
    return mb_layer_add_phase(layer, site, &phase, error);
}

static mb_phase by_sample(const mb_site *site, const char *name, mb_tile_fn *run)
{
    return (mb_phase){.name = name, .run = run, .cut = mb_cut_samples(site->rows)};
}

static mb_phase by_channel(const mb_layer *layer, const mb_site *site, const char *name,
                           mb_tile_fn *run)
{
    return (mb_phase){.name = name,
                      .run = run,
                      .cut = {1, channels_of(layer), 1, CHANNELS, 1},
                      .uses = {{site->kept, .writes = true}, {layer->parameters, .writes = true}}};
}

static mb_status forward(const mb_layer *layer, const mb_site *site, mb_error *error)
{
    mb_status status = MB_OK;
    if (site->trainable != NULL) {
        mb_phase sums = by_sample(site, "sums", run_sums);
        sums.uses[0] = (mb_use){mb_site_input(site), .own = true};
        sums.uses[1] = (mb_use){site->kept, .writes = true, .own = true};
        status = add_phase(layer, site, sums, error);
    }
    mb_phase statistics = site->trainable != NULL
                              ? by_channel(layer, site, "statistics", run_statistics)
                              : by_channel(layer, site, "statistics", run_affine);
    if (site->trainable == NULL)
        statistics.cut = (mb_cut){1, 1, 1, 1, 1};
    if (status == MB_OK)
        status = add_phase(layer, site, statistics, error);
    mb_phase normalise = by_sample(site, "forward", run_forward);
    normalise.uses[0] = (mb_use){mb_site_input(site), .own = true};
    normalise.uses[1] = (mb_use){.what = site->kept};
    normalise.uses[2] = (mb_use){site->out.data, .writes = true, .own = true};
    return status == MB_OK ? add_phase(layer, site, normalise, error) : status;
}

static mb_status backward(const mb_layer *layer, const mb_site *site, mb_error *error)
{
    mb_phase sums = by_sample(site, "backward sums", run_sums_back);
    sums.uses[0] = (mb_use){site->d_out.data, .own = true};
    sums.uses[1] = (mb_use){mb_site_input(site), .own = true};
    sums.uses[2] = (mb_use){site->kept, .writes = true, .own = true};
    mb_status status = add_phase(layer, site, sums, error);
    if (status == MB_OK)
        status = add_phase(layer, site, by_channel(layer, site, "gradient", run_gradient), error);
    if (status != MB_OK || site->d_in.data == NULL)
        return status;
    mb_phase back = by_sample(site, "backward", run_backward);
    back.uses[0] = (mb_use){site->d_out.data, .own = true};
    back.uses[1] = (mb_use){mb_site_input(site), .own = true};
    back.uses[2] = (mb_use){.what = site->kept};
    back.uses[3] = (mb_use){site->d_in.data, .writes = true, .own = true};
    return add_phase(layer, site, back, error);
}

static mb_status update(const mb_layer *layer, const mb_site *site, mb_error *error)
{
    return add_phase(layer, site,
                     (mb_phase){.name = "update",
                                .run = run_update,
                                .cut = {1, 1, 1, 1, 1},
                                .uses = {{site->kept},
                                         {site->trainable->healthy},
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

const mb_layer_ops mb_batchnorm2d_ops = {
    .name = "batchnorm2d",
    .takes_images = true,
    .writes_by_sample = true,
    .keeps_in = true,
    .tensors = TENSORS,
    .configure = configure,
    .keeps = keeps,
    .forward = forward,
    .backward = backward,
    .update = update,
    .initialise = initialise,
    .tensor = tensor,
    .get = get,
    .set = set,
};

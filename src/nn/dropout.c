/* Dropout: in training each element is set to 0 with the layer's rate, and the others are scaled by
 * 1 / (1 - rate): Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, 2014. In place, in
 * the tiles of the phase that wrote the matrix. The mask depends on seed, epoch, sample and layer.
 */
#include "core/parse.h"
#include "core/rng.h"
#include "nn/layer.h"
#include "nn/spec.h"

#include <ctype.h>

typedef struct dropout_config {
    double rate;
} dropout_config;

static mb_status configure(mb_layer *layer, const char *argument, mb_arena *arena, mb_error *error)
{
    dropout_config *config = mb_arena_alloc(arena, 1, sizeof *config);
    if (config == NULL)
        return mb_fail_memory(error, "dropout", sizeof *config);
    if (argument == NULL || !isdigit((unsigned char)*argument) ||
        !mb_parse_real(argument, &config->rate) || !(config->rate >= 0.0 && config->rate < 1.0))
        return mb_fail(error, MB_ERROR_INVALID,
                       "dropout takes its rate, at least 0 and below 1, as in dropout:0.25");
    layer->config = config;
    layer->out = layer->in;
    return mb_layer_check_not_first(layer, error);
}

/* Masks a matrix: activations or their gradients. */
static void run(const mb_tile_args *args)
{
    const mb_layer_op *op = args->op;
    const mb_layer *layer = op->layer;
    const double rate = ((const dropout_config *)layer->config)->rate;
    const mb_matrix *x = op->data;
    const mb_tile part = mb_tile_part_in(args, x->columns);
    for (size_t row = part.row; row < part.row + part.rows; row++) {
        const uint64_t index =
            (uint64_t)args->step->dataset_samples.index[row] * MB_MAX_LAYERS + layer->position;
        mb_rng rng = mb_rng_at(op->ctx.trainable->seed, MB_RNG_DROPOUT, args->step->epoch, index);
        op->ctx.kernels->dropout(part.columns, mb_rng_next(&rng), part.column,
                                 (uint32_t)(rate * 0x1p32), (float)(1.0 / (1.0 - rate)),
                                 mb_matrix_row(x, args->step, row) + part.column);
    }
}

static void add_phase(const mb_layer *layer, const mb_layer_context *ctx, const char *name,
                      mb_matrix changed)
{
    mb_matrix *x = ctx->trainable != NULL ? mb_arena_alloc(ctx->arena, 1, sizeof *x) : NULL;
    if (x == NULL)
        return;
    *x = changed;
    mb_layer_add_phase(layer, ctx, name, run, mb_plan_writer(ctx->plan, x->data),
                       MB_USES(mb_writes_rows(x)), 0, x);
}

static void forward(const mb_layer *layer, const mb_layer_context *ctx)
{
    add_phase(layer, ctx, "forward", ctx->out);
}

static void backward(const mb_layer *layer, const mb_layer_context *ctx)
{
    add_phase(layer, ctx, "backward", ctx->d_out);
}

const mb_layer_ops mb_dropout_ops = {
    .name = "dropout",
    .syntax = "RATE",
    .help = "in training sets elements to 0 with this probability",
    .in_place = true,
    .configure = configure,
    .forward = forward,
    .backward = backward,
};

#include "nn/layer.h"

#include "core/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_phase(const mb_layer *layer, const mb_layer_context *ctx, const char *name,
                      mb_uses uses, const void *data, mb_phase phase)
{
    mb_layer_op *op = mb_arena_alloc(ctx->arena, 1, sizeof *op);
    char whole[64];
    if (layer != NULL) {
        snprintf(whole, sizeof whole, "%s%zu %s", layer->ops->name, layer->ordinal, name);
        name = mb_arena_strdup(ctx->arena, whole);
    }
    if (op == NULL || name == NULL)
        return;
    *op = (mb_layer_op){layer, *ctx, phase.tiling, data};
    phase.name = name;
    phase.op = op;
    memcpy(phase.uses, uses.list, sizeof phase.uses);
    mb_plan_add(ctx->plan, &phase);
}

void mb_layer_add_phase(const mb_layer *layer, const mb_layer_context *ctx, const char *name,
                        mb_tile_fn *run, mb_tiling tiling, mb_uses uses, size_t scratch,
                        const void *data)
{
    add_phase(layer, ctx, name, uses, data,
              (mb_phase){.run = run, .tiling = tiling, .scratch = scratch});
}

void mb_layer_add_phase_on_each_rank(const mb_layer *layer, const mb_layer_context *ctx,
                                     const char *name, mb_tile_fn *run, mb_tiling tiling,
                                     mb_uses uses, size_t scratch, const void *data)
{
    add_phase(layer, ctx, name, uses, data,
              (mb_phase){.run = run, .tiling = tiling, .scratch = scratch, .each_rank = true});
}

void mb_layer_update_parameters(const mb_layer_op *op, const mb_update *update, bool decay,
                                size_t first, size_t count, const float *gradient)
{
    const mb_trainable *trainable = op->ctx.trainable;
    if (count == 0 || !*trainable->finite)
        return;
    const size_t offset = op->layer->parameter_offset + first;
    float *parameters = op->layer->parameters + first;
    trainable->optimizer_kernel(update, decay, count, gradient, parameters, trainable->m + offset,
                                trainable->v + offset);
    if (trainable->ema != NULL)
        trainable->ema_update(count, update->ema_rate, parameters, trainable->ema + offset);
}

/* ---- weights and biases ---- */

static size_t units_of(const mb_layer *layer) { return layer->ops->tensor(layer, 1).elements; }

static size_t inputs_of(const mb_layer *layer)
{
    return layer->ops->tensor(layer, 0).elements / units_of(layer);
}

static float *biases_of(const mb_layer *layer)
{
    return layer->parameters + layer->ops->tensor(layer, 0).elements;
}

void mb_weights_initialise(mb_layer *layer, uint64_t seed)
{
    const size_t inputs = inputs_of(layer), units = units_of(layer);
    const float bound = sqrtf(6.0f / (float)inputs);
    for (size_t unit = 0; unit < units; unit++) {
        mb_rng rng = mb_rng_at(seed, MB_RNG_WEIGHTS, layer->position, unit);
        for (size_t i = 0; i < inputs; i++)
            *layer->ops->weight_at(layer, unit, i) = bound * (2.0f * mb_rng_uniform(&rng) - 1.0f);
        biases_of(layer)[unit] = 0.0f;
    }
}

void mb_weights_get(const mb_layer *layer, size_t index, float *values)
{
    const size_t inputs = inputs_of(layer), units = units_of(layer);
    if (index == 1)
        memcpy(values, biases_of(layer), units * sizeof *values);
    else
        for (size_t unit = 0; unit < units; unit++)
            for (size_t i = 0; i < inputs; i++)
                values[unit * inputs + i] = *layer->ops->weight_at(layer, unit, i);
}

void mb_weights_set(mb_layer *layer, size_t index, const float *values)
{
    const size_t inputs = inputs_of(layer), units = units_of(layer);
    if (index == 1)
        memcpy(biases_of(layer), values, units * sizeof *values);
    else
        for (size_t unit = 0; unit < units; unit++)
            for (size_t i = 0; i < inputs; i++)
                *layer->ops->weight_at(layer, unit, i) = values[unit * inputs + i];
}

/* ---- checks of a spec ---- */

mb_status mb_layer_check_not_first(const mb_layer *layer, mb_error *error)
{
    return layer->input_is_batch
               ? mb_fail(error, MB_ERROR_INVALID,
                         "%s must follow a layer that computes, not the input or flatten",
                         layer->ops->name)
               : MB_OK;
}

mb_status mb_layer_check_no_argument(const mb_layer *layer, const char *argument, mb_error *error)
{
    return argument != NULL
               ? mb_fail(error, MB_ERROR_INVALID, "%s takes no argument", layer->ops->name)
               : MB_OK;
}

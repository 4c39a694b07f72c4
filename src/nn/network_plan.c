#include "nn/network.h"

#include "nn/spec.h"

#include <stdint.h>
#include <stdio.h>

mb_status mb_layer_add_phase(const mb_layer *layer, const mb_layer_context *ctx, mb_phase *phase,
                             mb_error *error)
{
    char name[64];
    snprintf(name, sizeof name, "%s%zu %s", layer->ops->name, layer->ordinal, phase->name);
    phase->name = mb_arena_strdup(ctx->arena, name);
    if (phase->name == NULL)
        return mb_fail_memory(error, "plan", sizeof name);
    return mb_plan_add(ctx->plan, phase, error);
}

/* ---- what is kept of a batch, and what passes ---- */

/* The largest of a window and then ReLU is the same as ReLU first, and less to do. */
static bool pools_before_relu(const mb_network *network, size_t relu)
{
    return network->layers[relu].ops == &mb_relu_ops && relu + 1 < network->count &&
           network->layers[relu + 1].ops == &mb_maxpool2d_ops;
}

/* Whether layer i and the one behind it are one product where nothing is trained. */
static bool folds_next(const mb_network *network, size_t i)
{
    return network->layers[i].ops == &mb_conv2d_ops &&
           network->layers[i + 1].ops == &mb_batchnorm2d_ops;
}

/* The layer that takes what layer i gives, over those that change it in place. *kept: one of them
 * must find it again on the way back. */
static const mb_layer *taker_of(const mb_network *network, size_t i, bool *kept)
{
    *kept = false;
    for (i++; i < network->count && network->layers[i].ops->in_place; i++)
        *kept |= network->layers[i].ops->backward_needs_output && !pools_before_relu(network, i);
    return i < network->count ? &network->layers[i] : NULL;
}

/* Whether what layer i gives is only handed on, tile by tile; and whether its gradient is. */
static bool passes_out(const mb_network *network, size_t i, bool training)
{
    bool kept;
    const mb_layer *taker = taker_of(network, i, &kept);
    return taker != NULL && network->layers[i].ops->writes_per_sample &&
           taker->ops->reads_per_sample &&
           !(training && (kept || taker->ops->backward_needs_input));
}

static bool passes_gradient(const mb_network *network, size_t i)
{
    bool kept;
    const mb_layer *taker = taker_of(network, i, &kept);
    return taker != NULL && network->layers[i].ops->reads_per_sample &&
           taker->ops->writes_per_sample;
}

/* Numbers of a matrix, and of what layer i keeps of each batch; false: too many to count. */
static bool count_matrix(size_t columns, bool per_thread, size_t max_rows, size_t threads,
                         size_t *numbers)
{
    return per_thread ? mb_multiply(threads, mb_per_thread_stride(columns), numbers)
                      : mb_multiply(max_rows, columns, numbers);
}

static size_t kept_numbers(const mb_layer *layer, size_t max_rows, bool training)
{
    return layer->ops->workspace_size != NULL
               ? layer->ops->workspace_size(layer, max_rows, training)
               : 0;
}

size_t mb_activations_bytes(const mb_network *network, size_t max_rows, size_t threads,
                            bool training)
{
    size_t numbers = 0, out = 0, d_out = 0;
    for (size_t i = 0; i < network->count; i++) {
        const mb_layer *layer = &network->layers[i];
        const size_t columns = mb_shape_size(layer->out);
        if (layer->ops->in_place)
            continue;
        if (!count_matrix(columns, passes_out(network, i, training), max_rows, threads, &out) ||
            (training &&
             !count_matrix(columns, passes_gradient(network, i), max_rows, threads, &d_out)) ||
            __builtin_add_overflow(numbers, out, &numbers) ||
            __builtin_add_overflow(numbers, d_out, &numbers) ||
            __builtin_add_overflow(numbers, kept_numbers(layer, max_rows, training), &numbers))
            return SIZE_MAX;
    }
    size_t bytes;
    return mb_multiply(numbers, sizeof(float), &bytes) ? bytes : SIZE_MAX;
}

static mb_matrix take_matrix(mb_arena *arena, size_t columns, bool per_thread, size_t max_rows,
                             size_t threads)
{
    size_t numbers;
    mb_matrix matrix = {NULL, columns, per_thread};
    if (count_matrix(columns, per_thread, max_rows, threads, &numbers))
        matrix.data = mb_arena_alloc(arena, numbers, sizeof(float));
    return matrix;
}

mb_status mb_activations_open(const mb_network *network, size_t max_rows, size_t threads,
                              bool training, mb_arena *arena, mb_activations *activations,
                              mb_error *error)
{
    const size_t count = network->count;
    activations->out = mb_arena_alloc(arena, count, sizeof *activations->out);
    activations->d_out = mb_arena_alloc(arena, count, sizeof *activations->d_out);
    activations->workspace = mb_arena_alloc(arena, count, sizeof *activations->workspace);
    if (activations->out == NULL || activations->d_out == NULL || activations->workspace == NULL)
        return mb_fail_memory(error, "activations", 2 * count * sizeof *activations->out);
    for (size_t i = 0; i < count; i++) {
        const mb_layer *layer = &network->layers[i];
        const size_t columns = mb_shape_size(layer->out);
        if (layer->ops->in_place) {
            const mb_matrix samples = {.columns = columns};
            activations->out[i] = i > 0 ? activations->out[i - 1] : samples;
            activations->d_out[i] = i > 0 ? activations->d_out[i - 1] : samples;
            continue;
        }
        const size_t kept = kept_numbers(layer, max_rows, training);
        activations->workspace[i] = mb_arena_alloc(arena, kept, sizeof(float));
        if (activations->workspace[i] == NULL)
            return mb_fail_memory(error, layer->ops->name, kept * sizeof(float));
        activations->out[i] =
            take_matrix(arena, columns, passes_out(network, i, training), max_rows, threads);
        if (training)
            activations->d_out[i] =
                take_matrix(arena, columns, passes_gradient(network, i), max_rows, threads);
        if (activations->out[i].data == NULL || (training && activations->d_out[i].data == NULL))
            return mb_fail_memory(error, "activations", max_rows * columns * sizeof(float));
    }
    return MB_OK;
}

/* ---- phases ---- */

static mb_layer_context site_of(const mb_network *network, const mb_activations *activations,
                                size_t i, mb_layer_context ctx)
{
    const mb_matrix samples = {.columns = mb_shape_size(network->layers[i].in)};
    ctx.in = i > 0 ? activations->out[i - 1] : samples;
    ctx.d_in = i > 0 ? activations->d_out[i - 1] : samples;
    ctx.out = activations->out[i];
    ctx.d_out = activations->d_out[i];
    ctx.workspace = activations->workspace[i];
    return ctx;
}

mb_layer_context mb_network_output_context(const mb_network *network,
                                           const mb_activations *activations, mb_layer_context ctx)
{
    return site_of(network, activations, network->count - 1, ctx);
}

/* One place in the order in which layers run. */
typedef struct turn {
    const mb_layer *layer;
    mb_layer_context ctx;
} turn;

/* Lists the layers as they run forward; those that are folded into others are left out, and a ReLU
 * that comes after its pool works on what that gives. Returns how many. */
static size_t list_turns(const mb_network *network, const mb_activations *activations,
                         mb_layer_context ctx, turn *turns)
{
    size_t count = 0;
    for (size_t i = 0; i < network->count; i++) {
        turn *next = &turns[count++];
        *next = (turn){&network->layers[i], site_of(network, activations, i, ctx)};
        if (ctx.trainable == NULL && folds_next(network, i)) {
            next->ctx.folded = &network->layers[++i];
            next->ctx.out = activations->out[i];
        } else if (pools_before_relu(network, i)) {
            const mb_layer_context pooled = site_of(network, activations, i + 1, ctx);
            turns[count++] = (turn){next->layer, pooled};
            *next = (turn){&network->layers[++i], pooled};
        }
    }
    return count;
}

mb_status mb_network_forward(const mb_network *network, const mb_activations *activations,
                             mb_layer_context ctx, mb_error *error)
{
    turn turns[MB_MAX_LAYERS];
    mb_status status = MB_OK;
    const size_t count = list_turns(network, activations, ctx, turns);
    for (size_t i = 0; i < count && status == MB_OK; i++)
        if (turns[i].layer->ops->prepare != NULL)
            status = turns[i].layer->ops->prepare(turns[i].layer, &turns[i].ctx, error);
    for (size_t i = 0; i < count && status == MB_OK; i++)
        status = turns[i].layer->ops->forward(turns[i].layer, &turns[i].ctx, error);
    return status;
}

mb_status mb_network_backward(const mb_network *network, const mb_activations *activations,
                              mb_layer_context ctx, mb_error *error)
{
    turn turns[MB_MAX_LAYERS];
    mb_status status = MB_OK;
    for (size_t i = list_turns(network, activations, ctx, turns); i-- > 0 && status == MB_OK;)
        status = turns[i].layer->ops->backward(turns[i].layer, &turns[i].ctx, error);
    return status;
}

mb_status mb_network_update(const mb_network *network, const mb_activations *activations,
                            mb_layer_context ctx, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < network->count && status == MB_OK; i++) {
        const mb_layer *layer = &network->layers[i];
        const mb_layer_context here = site_of(network, activations, i, ctx);
        if (layer->ops->update != NULL)
            status = layer->ops->update(layer, &here, error);
    }
    return status;
}

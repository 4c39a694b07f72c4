/* Memory and phases of a network. */
#include "nn/conv2d.h"
#include "nn/network.h"
#include "nn/rewrite.h"
#include "nn/spec.h"

#include <stdint.h>

/* ---- matrices of a batch: stored or per thread ---- */

/* Convolutions that take whole chunks of samples do not work sample by sample. */
static bool is_per_sample(const mb_layer *layer, bool training)
{
    return layer->ops != &mb_conv2d_ops || !mb_conv2d_forward_impl(layer, training)->whole_chunks;
}

static bool is_backward_per_sample(const mb_layer *layer)
{
    return layer->ops != &mb_conv2d_ops || !mb_conv2d_backward_impl(layer)->whole_chunks;
}

/* The layer that reads the output of layer `index`, after layers that change it in place; the
 * number of layers if there is none. *needed: the backward pass of one of those reads it. */
static size_t reader_of(const mb_network *network, size_t index, bool *needed)
{
    *needed = network->layers[index].ops->backward_needs_output;
    for (index++; index < network->count && network->layers[index].ops->in_place; index++)
        *needed |= network->layers[index].ops->backward_needs_output &&
                   !mb_rewrite_pools_first(network, index);
    return index;
}

/* True if layer `index` writes its output sample by sample. Element-wise layers, and those in
 * place, have the tiles of the layer before them. */
static bool writes_out_per_sample(const mb_network *network, size_t index, bool training)
{
    const mb_layer *layer = &network->layers[index];
    if (layer->ops->in_place || layer->ops->elementwise_forward != NULL)
        return index > 0 && writes_out_per_sample(network, index - 1, training);
    return layer->ops->writes_per_sample && is_per_sample(layer, training);
}

/* True if layer `index` writes the gradient of its input sample by sample. */
static bool writes_gradient_per_sample(const mb_network *network, size_t index)
{
    bool needed;
    while (index < network->count && network->layers[index].ops->elementwise_backward != NULL)
        index = reader_of(network, index, &needed);
    return index < network->count && network->layers[index].ops->writes_per_sample &&
           is_backward_per_sample(&network->layers[index]);
}

/* True if the output of layer `index` is per thread: passed on tile by tile, never stored. */
static bool streams_out(const mb_network *network, size_t index, bool training)
{
    bool needed;
    const size_t reader = reader_of(network, index, &needed);
    if (reader == network->count || !writes_out_per_sample(network, index, training))
        return false;
    const mb_layer *layer = &network->layers[reader];
    return layer->ops->reads_per_sample && is_per_sample(layer, training) &&
           !(training && (needed || layer->ops->backward_needs_input));
}

/* The same of its gradient. */
static bool streams_gradient(const mb_network *network, size_t index)
{
    bool needed;
    return network->layers[index].ops->reads_per_sample &&
           is_backward_per_sample(&network->layers[index]) &&
           writes_gradient_per_sample(network, reader_of(network, index, &needed));
}

/* ---- activations ---- */

/* Columns of the output of layer `index`: none if only that of a pool is computed. */
static size_t output_columns(const mb_network *network, size_t index)
{
    const mb_layer *layer = &network->layers[index];
    return mb_rewrite_attached_pool(network, index) > 0 && mb_conv2d_pools(layer)
               ? 0
               : mb_shape_size(layer->out);
}

/* Columns of the gradient of layer `index`: none if it gets that of a pool. */
static size_t gradient_columns(const mb_network *network, size_t index)
{
    return mb_rewrite_attached_pool(network, index) > 0 ? 0
                                                        : mb_shape_size(network->layers[index].out);
}

/* *elements of a matrix; false: too many to count. */
static bool count_matrix(size_t columns, bool per_thread, size_t max_rows, size_t threads,
                         size_t *elements)
{
    return per_thread && columns > 0 ? mb_multiply(threads, mb_per_thread_stride(columns), elements)
                                     : mb_multiply(max_rows, columns, elements);
}

static size_t workspace_size(const mb_layer *layer, size_t max_rows, bool training)
{
    return layer->ops->workspace_size != NULL
               ? layer->ops->workspace_size(layer, max_rows, training)
               : 0;
}

size_t mb_activations_bytes(const mb_network *network, size_t max_rows, size_t threads,
                            bool training)
{
    size_t elements = 0, out = 0, d_out = 0, bytes;
    for (size_t i = 0; i < network->count; i++) {
        const mb_layer *layer = &network->layers[i];
        const size_t columns = output_columns(network, i);
        if (layer->ops->in_place)
            continue;
        if (!count_matrix(columns, streams_out(network, i, training), max_rows, threads, &out) ||
            (training && !count_matrix(gradient_columns(network, i), streams_gradient(network, i),
                                       max_rows, threads, &d_out)) ||
            __builtin_add_overflow(elements, out, &elements) ||
            __builtin_add_overflow(elements, d_out, &elements) ||
            __builtin_add_overflow(elements, workspace_size(layer, max_rows, training), &elements))
            return SIZE_MAX;
    }
    return mb_multiply(elements, sizeof(float), &bytes) ? bytes : SIZE_MAX;
}

double mb_network_training_bytes(const mb_network *network, size_t batch_size, size_t threads)
{
    return 3.0 * (double)network->parameter_elements * sizeof(float) +
           (double)mb_activations_bytes(network, batch_size, threads, true);
}

static mb_matrix alloc_matrix(mb_arena *arena, size_t columns, bool per_thread, size_t max_rows,
                              size_t threads)
{
    size_t elements;
    if (columns == 0)
        return (mb_matrix){0};
    if (!count_matrix(columns, per_thread, max_rows, threads, &elements))
        elements = SIZE_MAX; /* the arena reports the failure */
    return (mb_matrix){mb_arena_alloc(arena, elements, sizeof(float)), columns, per_thread};
}

mb_status mb_activations_open(const mb_network *network, size_t max_rows, size_t threads,
                              bool training, mb_arena *arena, mb_activations *activations,
                              mb_error *error)
{
    const size_t count = network->count;
    *activations =
        (mb_activations){.out = mb_arena_alloc(arena, count, sizeof *activations->out),
                         .d_out = mb_arena_alloc(arena, count, sizeof *activations->d_out),
                         .workspace = mb_arena_alloc(arena, count, sizeof *activations->workspace)};
    for (size_t i = 0; i < count && arena->failed == 0; i++) {
        const mb_layer *layer = &network->layers[i];
        const size_t columns = output_columns(network, i);
        if (layer->ops->in_place) {
            activations->out[i] = i > 0 ? activations->out[i - 1] : (mb_matrix){0};
            activations->d_out[i] = i > 0 ? activations->d_out[i - 1] : (mb_matrix){0};
            continue;
        }
        activations->workspace[i] =
            mb_arena_alloc(arena, workspace_size(layer, max_rows, training), sizeof(float));
        activations->out[i] =
            alloc_matrix(arena, columns, streams_out(network, i, training), max_rows, threads);
        if (training)
            activations->d_out[i] = alloc_matrix(arena, gradient_columns(network, i),
                                                 streams_gradient(network, i), max_rows, threads);
    }
    return mb_arena_status(arena, "activations", error);
}

/* ---- phases ---- */

static mb_layer_context context_of(const mb_network *network, const mb_activations *activations,
                                   size_t index, mb_layer_context ctx)
{
    const mb_layer *layer = &network->layers[index];
    if (layer->input_is_batch) {
        ctx.in = (mb_matrix){.data = ctx.batch->x, .columns = mb_shape_size(layer->in)};
        ctx.d_in = (mb_matrix){.columns = ctx.in.columns};
    } else {
        ctx.in = activations->out[index - 1];
        ctx.d_in = activations->d_out[index - 1];
    }
    ctx.out = activations->out[index];
    ctx.d_out = activations->d_out[index];
    ctx.workspace = activations->workspace[index];
    return ctx;
}

mb_layer_context mb_network_output_context(const mb_network *network,
                                           const mb_activations *activations, mb_layer_context ctx)
{
    return context_of(network, activations, network->count - 1, ctx);
}

typedef struct planned_layer {
    const mb_layer *layer;
    mb_layer_context ctx;
} planned_layer;

/* A layer that works in place, on the output of the max pool after it. */
static planned_layer after_pool(planned_layer layer, const mb_layer_context *pool)
{
    layer.ctx.in = layer.ctx.out = pool->out;
    layer.ctx.d_in = layer.ctx.d_out = pool->d_out;
    return layer;
}

static void attach_pool(const planned_layer *pool, mb_layer_context *ctx)
{
    ctx->pool = pool->layer;
    ctx->pool_out = pool->ctx.out;
    ctx->d_out = pool->ctx.d_out;
    ctx->argmax = pool->ctx.trainable != NULL ? pool->ctx.workspace : NULL;
}

/* Lists the layers in the order in which they run forward: without those that others compute, too,
 * and with max pools before the ReLU that a spec has before them, which then works in place on the
 * pool's output. Returns their number. */
static size_t list_layers(const mb_network *network, const mb_activations *activations,
                          mb_layer_context ctx, planned_layer *list)
{
    size_t count = 0;
    for (size_t i = 0; i < network->count; i++) {
        planned_layer *next = &list[count++];
        const size_t attached = mb_rewrite_attached_pool(network, i);
        *next = (planned_layer){&network->layers[i], context_of(network, activations, i, ctx)};
        if (ctx.trainable == NULL && mb_rewrite_folds_batchnorm(network, i)) {
            next->ctx.batchnorm = &network->layers[++i];
            next->ctx.out = activations->out[i];
        } else if (attached > 0 || mb_rewrite_pools_first(network, i)) {
            const size_t end = attached > 0 ? attached : i + 1;
            const planned_layer pool = {&network->layers[end],
                                        context_of(network, activations, end, ctx)};
            if (attached > 0)
                attach_pool(&pool, &next->ctx);
            else
                *next = pool;
            for (size_t between = attached > 0 ? i + 1 : i; between < end; between++)
                list[count++] =
                    after_pool((planned_layer){&network->layers[between],
                                               context_of(network, activations, between, ctx)},
                               &pool.ctx);
            i = end;
        }
    }
    return count;
}

void mb_network_forward(const mb_network *network, const mb_activations *activations,
                        mb_layer_context ctx)
{
    planned_layer list[MB_MAX_LAYERS];
    const size_t count = list_layers(network, activations, ctx, list);
    for (size_t i = 0; i < count; i++)
        if (list[i].layer->ops->prepare != NULL)
            list[i].layer->ops->prepare(list[i].layer, &list[i].ctx);
    for (size_t i = 0; i < count; i++)
        list[i].layer->ops->forward(list[i].layer, &list[i].ctx);
}

static void update_layer(const mb_network *network, const mb_activations *activations,
                         size_t index, mb_layer_context ctx)
{
    const mb_layer *layer = &network->layers[index];
    const mb_layer_context here = context_of(network, activations, index, ctx);
    if (layer->ops->update != NULL)
        layer->ops->update(layer, &here);
}

void mb_network_backward(const mb_network *network, const mb_activations *activations,
                         mb_layer_context ctx, bool updates)
{
    planned_layer list[MB_MAX_LAYERS];
    const size_t count = list_layers(network, activations, ctx, list);
    for (size_t i = count, updated = count; i-- > 0;) {
        list[i].layer->ops->backward(list[i].layer, &list[i].ctx);
        /* A gradient that is passed on tile by tile leaves no place for other phases. */
        while (updates && !list[i].ctx.d_in.per_thread && updated > i)
            update_layer(network, activations, list[--updated].layer->position, ctx);
    }
}

void mb_network_update(const mb_network *network, const mb_activations *activations,
                       mb_layer_context ctx)
{
    for (size_t i = 0; i < network->count; i++)
        update_layer(network, activations, i, ctx);
}

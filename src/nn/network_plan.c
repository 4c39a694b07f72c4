#include "nn/network.h"

#include <stdint.h>
#include <stdio.h>

mb_status mb_layer_add_phase(const mb_layer *layer, const mb_site *site, mb_phase *phase,
                             mb_error *error)
{
    char name[64];
    snprintf(name, sizeof name, "%s%zu %s", layer->ops->name, layer->ordinal, phase->name);
    phase->name = mb_arena_string(site->arena, name);
    if (phase->name == NULL)
        return mb_fail_memory(error, "plan", sizeof name);
    return mb_plan_add(site->plan, phase, error);
}

static mb_matrix take_matrix(mb_arena *arena, size_t rows, size_t columns)
{
    size_t elements;
    if (!mb_multiply(rows, columns, &elements))
        return (mb_matrix){NULL, columns};
    return (mb_matrix){mb_arena_take(arena, elements, sizeof(float)), columns};
}

/* Numbers that layer i keeps of each batch, and bytes of all matrices and these. */
static size_t kept_numbers(const mb_layer *layer, size_t max_rows, bool training)
{
    return layer->ops->keeps != NULL ? layer->ops->keeps(layer, max_rows, training) : 0;
}

size_t mb_workspace_bytes(const mb_network *network, size_t max_rows, bool training)
{
    size_t numbers = 0, matrix;
    for (size_t i = 0; i < network->count; i++) {
        const mb_layer *layer = &network->layers[i];
        if (layer->ops->in_place)
            continue;
        if (!mb_multiply(max_rows, (training ? 2 : 1) * mb_shape_size(layer->out), &matrix) ||
            __builtin_add_overflow(numbers, matrix, &numbers) ||
            __builtin_add_overflow(numbers, kept_numbers(layer, max_rows, training), &numbers))
            return SIZE_MAX;
    }
    size_t bytes;
    return mb_multiply(numbers, sizeof(float), &bytes) ? bytes : SIZE_MAX;
}

mb_status mb_workspace_open(const mb_network *network, size_t max_rows, bool training,
                            mb_arena *arena, mb_workspace *workspace, mb_error *error)
{
    const size_t count = network->count;
    workspace->out = mb_arena_take(arena, count, sizeof *workspace->out);
    workspace->d_out = mb_arena_take(arena, count, sizeof *workspace->d_out);
    workspace->kept = mb_arena_take(arena, count, sizeof *workspace->kept);
    if (workspace->out == NULL || workspace->d_out == NULL || workspace->kept == NULL)
        return mb_fail_memory(error, "activations", 2 * count * sizeof *workspace->out);
    for (size_t i = 0; i < count; i++) {
        const mb_layer *layer = &network->layers[i];
        const size_t columns = mb_shape_size(layer->out);
        if (layer->ops->in_place) {
            const mb_matrix samples = {NULL, columns};
            workspace->out[i] = i > 0 ? workspace->out[i - 1] : samples;
            workspace->d_out[i] = i > 0 ? workspace->d_out[i - 1] : samples;
            continue;
        }
        const size_t kept = kept_numbers(layer, max_rows, training);
        workspace->kept[i] = mb_arena_take(arena, kept, sizeof(float));
        if (workspace->kept[i] == NULL)
            return mb_fail_memory(error, layer->ops->name, kept * sizeof(float));
        workspace->out[i] = take_matrix(arena, max_rows, columns);
        if (training)
            workspace->d_out[i] = take_matrix(arena, max_rows, columns);
        if (workspace->out[i].data == NULL || (training && workspace->d_out[i].data == NULL))
            return mb_fail_memory(error, "activations", max_rows * columns * sizeof(float));
    }
    return MB_OK;
}

static mb_site site_of(const mb_network *network, const mb_workspace *workspace, size_t i,
                       mb_site site)
{
    const size_t inputs = mb_shape_size(network->layers[i].in);
    site.in = i > 0 ? workspace->out[i - 1] : (mb_matrix){NULL, inputs};
    site.d_in = i > 0 ? workspace->d_out[i - 1] : (mb_matrix){NULL, inputs};
    site.out = workspace->out[i];
    site.d_out = workspace->d_out[i];
    site.kept = workspace->kept[i];
    return site;
}

mb_site mb_network_output(const mb_network *network, const mb_workspace *workspace, mb_site site)
{
    return site_of(network, workspace, network->count - 1, site);
}

/* Whether layer i and the one behind it are one product where nothing is trained. */
static bool folds_next(const mb_network *network, size_t i)
{
    return network->layers[i].ops == &mb_conv2d_ops &&
           network->layers[i + 1].ops == &mb_batchnorm2d_ops;
}

mb_status mb_network_forward(const mb_network *network, const mb_workspace *workspace, mb_site site,
                             mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < network->count && status == MB_OK; i++) {
        const mb_layer *layer = &network->layers[i];
        mb_site here = site_of(network, workspace, i, site);
        if (site.trainable == NULL && folds_next(network, i)) {
            here.folded = &network->layers[++i];
            here.out = workspace->out[i];
        }
        status = layer->ops->forward(layer, &here, error);
    }
    return status;
}

mb_status mb_network_backward(const mb_network *network, const mb_workspace *workspace,
                              mb_site site, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = network->count; i-- > 0 && status == MB_OK;) {
        const mb_layer *layer = &network->layers[i];
        const mb_site here = site_of(network, workspace, i, site);
        status = layer->ops->backward(layer, &here, error);
    }
    return status;
}

mb_status mb_network_update(const mb_network *network, const mb_workspace *workspace, mb_site site,
                            mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < network->count && status == MB_OK; i++) {
        const mb_layer *layer = &network->layers[i];
        const mb_site here = site_of(network, workspace, i, site);
        if (layer->ops->update != NULL)
            status = layer->ops->update(layer, &here, error);
    }
    return status;
}

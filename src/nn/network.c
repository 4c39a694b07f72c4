#include "nn/network.h"

#include "data/class_names.h"
#include "machine/blas.h"
#include "machine/memory.h"
#include "nn/kinds.h"
#include "nn/rewrite.h"
#include "nn/spec.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_kind(const mb_network *network, const mb_layer_ops *kind)
{
    size_t count = 0;
    for (size_t i = 0; i < network->count; i++)
        count += network->layers[i].ops == kind;
    return count;
}

static mb_status unknown_kind(const char *name, size_t position, mb_error *error)
{
    char kinds[256], networks[64];
    mb_layer_list_kinds(kinds, sizeof kinds);
    return mb_fail(error, MB_ERROR_INVALID,
                   "network: layer %zu: no layer is called '%s'; layers: %s; whole networks: %s",
                   position + 1, name, kinds,
                   mb_network_list_names(", ", networks, sizeof networks));
}

static mb_status configure(mb_layer *layer, mb_arena *arena, mb_error *error)
{
    if (layer->ops->needs_image_input && layer->in_format.flat)
        return mb_fail(error, MB_ERROR_INVALID, "%s needs image input, got %zu flat features",
                       layer->ops->name, mb_shape_size(layer->in));
    return layer->ops->configure(layer, layer->argument, arena, error);
}

/* Gives the layer its place among the parameters of all. */
static mb_status add_elements(mb_network *network, const mb_layer *layer, mb_error *error)
{
    const size_t line = MB_CACHE_LINE / sizeof(float);
    size_t elements, bytes;
    if (__builtin_add_overflow(layer->parameter_count, layer->state_count + line, &elements) ||
        __builtin_add_overflow(network->parameter_elements, mb_round_up(elements - line, line),
                               &network->parameter_elements) ||
        !mb_multiply(network->parameter_elements, sizeof(float), &bytes))
        return mb_fail(error, MB_ERROR_INVALID,
                       "network: layers 1 to %zu have too many parameters to count",
                       layer->position + 1);
    return MB_OK;
}

static mb_status configure_layer(mb_network *network, const mb_spec_layer *spec,
                                 mb_tiling_rules rules, mb_error *error)
{
    const size_t position = network->count;
    mb_layer *layer = &network->layers[position];
    *layer = (mb_layer){.ops = mb_layer_find_kind(spec->name),
                        .argument = spec->argument,
                        .position = position,
                        .input_is_batch =
                            position == 0 || (layer[-1].input_is_batch && layer[-1].ops->in_place),
                        .in = position > 0 ? layer[-1].out : network->input,
                        .in_format = position > 0 ? layer[-1].out_format
                                                  : (mb_memory_format){.image = network->input,
                                                                       .layout = MB_LAYOUT_NCHW},
                        .rules = rules,
                        .parameter_offset = network->parameter_elements};
    if (layer->ops == NULL)
        return unknown_kind(spec->name, position, error);
    layer->ordinal = count_kind(network, layer->ops) + 1;
    layer->out_format = layer->in_format;
    mb_error reason = {0};
    const mb_status status = configure(layer, &network->arena, &reason);
    if (status != MB_OK)
        return mb_fail(error, status, "network: layer %zu '%s%s%s': %s", position + 1, spec->name,
                       spec->argument != NULL ? ":" : "",
                       spec->argument != NULL ? spec->argument : "", reason.text);
    if (!layer->out_format.flat)
        layer->out_format.image = layer->out;
    network->count++;
    return add_elements(network, layer, error);
}

static mb_status check_output(const mb_network *network, mb_error *error)
{
    const mb_layer *last = &network->layers[network->count - 1];
    if (!last->ops->gives_logits || last->out.columns != network->classes)
        return mb_fail(error, MB_ERROR_INVALID,
                       "network: '%s' must end in dense:%zu, one unit for each of the %zu classes",
                       network->spec, network->classes, network->classes);
    return MB_OK;
}

static mb_status alloc_parameters(mb_network *network, size_t max, mb_error *error)
{
    const size_t count = mb_network_parameter_count(network);
    if (count > max)
        return mb_fail(error, MB_ERROR_INVALID,
                       "network: '%s' has %zu parameters, expected at most %zu", network->spec,
                       count, max);
    const mb_status status = mb_memory_check((double)network->parameter_elements * sizeof(float), 0,
                                             "network", "take smaller layers", error);
    if (status != MB_OK)
        return status;
    network->parameters =
        mb_arena_alloc(&network->arena, network->parameter_elements, sizeof *network->parameters);
    if (network->parameters == NULL)
        return mb_fail_memory(error, "network", network->parameter_elements * sizeof(float));
    for (size_t i = 0; i < network->count; i++)
        network->layers[i].parameters = network->parameters + network->layers[i].parameter_offset;
    return MB_OK;
}

/* All but the parameters. */
static mb_status build(mb_network *network, const char *text, mb_tiling_rules rules,
                       mb_error *error)
{
    mb_spec spec;
    mb_status status = mb_spec_parse(text, network->classes, &network->arena, &spec, error);
    if (status != MB_OK)
        return status;
    network->spec = spec.text;
    network->layers = mb_arena_alloc(&network->arena, spec.count, sizeof *network->layers);
    if (network->layers == NULL)
        return mb_fail_memory(error, "network", spec.count * sizeof *network->layers);
    for (size_t i = 0; i < spec.count && status == MB_OK; i++)
        status = configure_layer(network, &spec.layers[i], rules, error);
    if (status == MB_OK)
        status = check_output(network, error);
    if (status == MB_OK)
        mb_rewrite_attach_pools(network);
    return status;
}

static mb_status open_without_parameters(const mb_machine *machine, const char *spec,
                                         mb_shape input, size_t classes, mb_network **network,
                                         mb_error *error)
{
    size_t pixels;
    if (!mb_multiply(input.channels, input.rows, &pixels) ||
        !mb_multiply(pixels, input.columns, &pixels) || pixels == 0 || pixels > INT_MAX)
        return mb_fail(error, MB_ERROR_INVALID,
                       "network: input of %zux%zux%zu (channels, rows, columns) is out of range",
                       input.channels, input.rows, input.columns);
    if (classes < 2 || classes > MB_MAX_CLASSES)
        return mb_fail(error, MB_ERROR_INVALID, "network: classes: must be 2 to %d, got %zu",
                       MB_MAX_CLASSES, classes);
    mb_network *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "network", sizeof *opened);
    opened->input = input;
    opened->classes = classes;
    opened->temperature = 1.0;
    const char *blas_core = mb_machine_describe(machine)->blas_core;
    opened->kernels = mb_kernels_for_blas(blas_core);
    const mb_status status =
        build(opened, spec, mb_tiling_rules_for(mb_blas_is_avx512(blas_core)), error);
    if (status == MB_OK)
        *network = opened;
    else
        mb_network_close(opened);
    return status;
}

mb_status mb_network_open_within(const mb_machine *machine, const char *spec, mb_shape input,
                                 size_t classes, size_t max_parameters, mb_network **network,
                                 mb_error *error)
{
    mb_network *opened = NULL;
    mb_status status = open_without_parameters(machine, spec, input, classes, &opened, error);
    if (status == MB_OK)
        status = alloc_parameters(opened, max_parameters, error);
    if (status == MB_OK)
        *network = opened;
    else
        mb_network_close(opened);
    return status;
}

mb_status mb_network_check_memory(const mb_machine *machine, const char *spec, mb_shape input,
                                  size_t classes, size_t batch_size, mb_error *error)
{
    const size_t threads = mb_machine_describe(machine)->threads;
    mb_network *network = NULL;
    char what[64];
    mb_status status = open_without_parameters(machine, spec, input, classes, &network, error);
    if (status != MB_OK)
        return status;
    snprintf(what, sizeof what, "training in batches of %zu", batch_size);
    status = mb_memory_check(mb_network_training_bytes(network, batch_size, threads), threads, what,
                             "take smaller layers or batches", error);
    mb_network_close(network);
    return status;
}

mb_status mb_network_open(const mb_machine *machine, const char *spec, mb_shape input,
                          size_t classes, mb_network **network, mb_error *error)
{
    return mb_network_open_within(machine, spec, input, classes, SIZE_MAX, network, error);
}

void mb_network_close(mb_network *network)
{
    if (network == NULL)
        return;
    mb_arena_free(&network->arena);
    free(network);
}

double mb_network_temperature(const mb_network *network) { return network->temperature; }

double mb_network_threshold(const mb_network *network) { return network->threshold; }

size_t mb_network_layer_count(const mb_network *network) { return network->count; }

mb_layer_info mb_network_layer_info(const mb_network *network, size_t index)
{
    const mb_layer *layer = &network->layers[index];
    return (mb_layer_info){.name = layer->ops->name,
                           .argument = layer->argument,
                           .in = layer->in,
                           .out = layer->out,
                           .parameters = layer->parameter_count,
                           .flops = layer->ops->flops != NULL ? layer->ops->flops(layer) : 0.0};
}

mb_network *mb_network_with_parameters(const mb_network *network, float *parameters,
                                       mb_arena *arena)
{
    mb_network *other = mb_arena_alloc(arena, 1, sizeof *other);
    mb_layer *layers = mb_arena_alloc(arena, network->count, sizeof *layers);
    if (other == NULL || layers == NULL)
        return NULL;
    *other = *network;
    other->layers = layers;
    other->parameters = parameters;
    for (size_t i = 0; i < network->count; i++) {
        layers[i] = network->layers[i];
        layers[i].parameters = parameters + layers[i].parameter_offset;
    }
    return other;
}

void mb_network_copy_state(const mb_network *network, float *parameters)
{
    for (size_t i = 0; i < network->count; i++) {
        const mb_layer *layer = &network->layers[i];
        memcpy(parameters + layer->parameter_offset + layer->parameter_count,
               layer->parameters + layer->parameter_count, layer->state_count * sizeof *parameters);
    }
}

static bool accepts_sparse_input(const mb_network *network)
{
    const mb_layer *first = network->layers;
    while (first->ops->in_place)
        first++;
    return first->ops->accepts_sparse_input;
}

mb_status mb_network_source(const mb_network *network, const mb_split *split, mb_arena *arena,
                            mb_sample_source *source, mb_error *error)
{
    return mb_sample_source_open(split, &network->form.standardization,
                                 accepts_sparse_input(network), arena, source, error);
}

mb_status mb_network_reserve_source(const mb_network *network, size_t count, mb_arena *arena,
                                    mb_sample_source *source, mb_error *error)
{
    const mb_shape input = network->input;
    const mb_split split = {{NULL, count, input.channels, input.rows, input.columns}, NULL};
    return mb_network_source(network, &split, arena, source, error);
}

void mb_network_initialise(mb_network *network, uint64_t seed)
{
    for (size_t i = 0; i < network->count; i++)
        if (network->layers[i].ops->initialise != NULL)
            network->layers[i].ops->initialise(&network->layers[i], seed);
}

const char *mb_network_spec(const mb_network *network) { return network->spec; }

mb_shape mb_network_input(const mb_network *network) { return network->input; }

size_t mb_network_classes(const mb_network *network) { return network->classes; }

const char *const *mb_network_class_names(const mb_network *network)
{
    return network->class_names;
}

mb_status mb_network_set_class_names(mb_network *network, const char *const *names, mb_error *error)
{
    const char **copy = NULL;
    if (names != NULL) {
        const mb_status checked = mb_class_names_check(names, network->classes, error);
        if (checked != MB_OK)
            return checked;
        copy = mb_arena_alloc(&network->arena, network->classes, sizeof *copy);
        for (size_t i = 0; copy != NULL && i < network->classes; i++)
            copy[i] = mb_arena_strdup(&network->arena, names[i]);
    }
    const mb_status status = mb_arena_status(&network->arena, "class names", error);
    if (status == MB_OK)
        network->class_names = copy;
    return status;
}

mb_image_form mb_network_form(const mb_network *network) { return network->form; }

void mb_network_set_form(mb_network *network, mb_image_form form) { network->form = form; }

void mb_network_count_trained(const mb_network *network, const mb_images *images, size_t *sampled,
                              size_t *trained)
{
    mb_image_sketch_compare(&network->trained, images, sampled, trained);
}

size_t mb_network_parameter_count(const mb_network *network)
{
    size_t parameters = 0;
    for (size_t i = 0; i < network->count; i++)
        parameters += network->layers[i].parameter_count;
    return parameters;
}

/* Forward, gradient of the parameters, and gradient of the input, which the first layer does not
 * compute, are products of the same size. */
double mb_network_training_flops(const mb_network *network)
{
    double flops = 0.0;
    for (size_t i = 0; i < network->count; i++)
        if (network->layers[i].ops->flops != NULL)
            flops += (flops > 0.0 ? 3.0 : 2.0) * network->layers[i].ops->flops(&network->layers[i]);
    return flops;
}

size_t mb_network_tensor_count(const mb_network *network)
{
    size_t tensors = 0;
    for (size_t i = 0; i < network->count; i++)
        tensors += network->layers[i].ops->tensors;
    return tensors;
}

/* The layer of tensor *index of the network; *index becomes that in the layer. */
static mb_layer *layer_of(const mb_network *network, size_t *index)
{
    mb_layer *layer = network->layers;
    for (; *index >= layer->ops->tensors; layer++)
        *index -= layer->ops->tensors;
    return layer;
}

mb_tensor_info mb_network_tensor_info(const mb_network *network, size_t index)
{
    const mb_layer *layer = layer_of(network, &index);
    mb_tensor_info info = layer->ops->tensor(layer, index);
    char name[sizeof info.name];
    memcpy(name, info.name, sizeof name);
    snprintf(info.name, sizeof info.name, "%u.%.20s", (unsigned)layer->position, name);
    return info;
}

void mb_network_get_tensor(const mb_network *network, size_t index, float *values)
{
    const mb_layer *layer = layer_of(network, &index);
    layer->ops->get(layer, index, values);
}

void mb_network_set_tensor(mb_network *network, size_t index, const float *values)
{
    mb_layer *layer = layer_of(network, &index);
    layer->ops->set(layer, index, values);
}

mb_status mb_network_check(const mb_network *network, size_t index, const float *values,
                           mb_error *error)
{
    const size_t elements = mb_network_tensor_info(network, index).elements;
    const mb_layer *layer = layer_of(network, &index);
    for (size_t i = 0; i < elements; i++)
        if (!isfinite(values[i]))
            return mb_fail(error, MB_ERROR_INVALID, "element %zu is not finite: %g", i,
                           (double)values[i]);
    return layer->ops->check != NULL ? layer->ops->check(layer, index, values, error) : MB_OK;
}

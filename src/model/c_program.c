#include "model/c_program.h"

#include "core/util.h"
#include "nn/batchnorm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct kind {
    const char *layer;
    mb_c_operation operation;
    const char *function;
    bool in_place, folds_batchnorm;
} kinds[] = {
    {"dense", MB_C_DENSE, "dense", false, true},
    {"conv2d", MB_C_CONV2D, "conv2d", false, true},
    {"maxpool2d", MB_C_MAXPOOL2D, "maxpool2d", false, false},
    {"avgpool2d", MB_C_AVGPOOL2D, "avgpool2d", false, false},
    {"globalavgpool", MB_C_AVGPOOL2D, "avgpool2d", false, false},
    {"batchnorm2d", MB_C_BATCHNORM2D, "batchnorm2d", true, false},
    {"relu", MB_C_RELU, "relu", true, false},
    {"gelu", MB_C_GELU, "gelu", true, false},
    {"dropout", MB_C_NOTHING, NULL, true, false},
    {"flatten", MB_C_NOTHING, NULL, true, false},
};

static const struct kind *kind_of(const mb_layer *layer)
{
    for (size_t i = 0; i < MB_COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].layer, layer->ops->name) == 0)
            return &kinds[i];
    return NULL;
}

static const mb_layer *folded_after(const mb_network *network, size_t index)
{
    const mb_layer *next = index + 1 < network->count ? &network->layers[index + 1] : NULL;
    return next != NULL && next->ops == &mb_batchnorm2d_ops ? next : NULL;
}

static bool is_pool(const mb_c_call *call)
{
    return call->operation == MB_C_MAXPOOL2D || call->operation == MB_C_AVGPOOL2D;
}

static void set_sizes(mb_c_call *call)
{
    mb_shape in = call->in, out = call->out;
    mb_window w = {.rows = 1, .columns = 1, .stride = 1, .groups = 1};
    if (call->operation == MB_C_CONV2D || is_pool(call)) {
        w = *mb_layer_window(call->layer);
    } else if (call->operation == MB_C_DENSE) {
        in = (mb_shape){mb_shape_size(in), 1, 1};
        out = (mb_shape){out.columns, 1, 1};
    } else if (call->operation == MB_C_BATCHNORM2D) {
        w.groups = in.channels;
    } else {
        return;
    }
    const size_t convolution[] = {in.rows,     in.columns,   in.channels, out.rows,
                                  out.columns, out.channels, w.rows,      w.columns,
                                  w.stride,    w.padding,    w.groups};
    const size_t pool[] = {in.rows, in.columns, in.channels, out.rows, out.columns,
                           w.rows,  w.columns,  w.stride,    w.padding};
    call->window = w;
    call->size_count = is_pool(call) ? MB_C_POOL_SIZES : MB_C_CONVOLUTION_SIZES;
    for (size_t i = 0; i < call->size_count; i++)
        call->sizes[i] = (int)(is_pool(call) ? pool[i] : convolution[i]);
}

mb_status mb_c_program_open(const mb_network *network, bool folds, mb_c_program *program,
                            mb_error *error)
{
    mb_shape shape = network->input;
    size_t buffer = 0;
    *program = (mb_c_program){.network = network, .scratch = {mb_shape_size(shape)}};
    for (size_t i = 0; i < network->count; i++) {
        const mb_layer *layer = &network->layers[i];
        const struct kind *kind = kind_of(layer);
        if (kind == NULL)
            return mb_fail(error, MB_ERROR_UNAVAILABLE, "C: layer %zu (%s) cannot be exported",
                           layer->position + 1, layer->ops->name);
        if (kind->operation == MB_C_NOTHING)
            continue;
        mb_c_call *call = &program->calls[program->count++];
        *call = (mb_c_call){.operation = kind->operation,
                            .function = kind->function,
                            .in_place = kind->in_place,
                            .layer = layer,
                            .batchnorm =
                                folds && kind->folds_batchnorm ? folded_after(network, i) : NULL,
                            .in = shape,
                            .out = layer->out};
        snprintf(call->name, sizeof call->name, "%s%zu", layer->ops->name, layer->ordinal);
        set_sizes(call);
        shape = layer->out;
        i += call->batchnorm != NULL;
        if (!kind->in_place)
            buffer = 1 - buffer;
        program->scratch[buffer] = mb_max_size(program->scratch[buffer], mb_shape_size(shape));
    }
    return MB_OK;
}

/* ---- parameters ---- */

mb_c_parameters mb_c_parameters_count(const mb_c_call *call)
{
    const mb_layer *layer = call->layer;
    switch (call->operation) {
    case MB_C_DENSE:
    case MB_C_CONV2D:
        return (mb_c_parameters){.weight_count = layer->ops->tensor(layer, 0).elements,
                                 .bias_count = layer->ops->tensor(layer, 1).elements};
    case MB_C_BATCHNORM2D:
        return (mb_c_parameters){.weight_count = call->out.channels,
                                 .bias_count = call->out.channels};
    default:
        return (mb_c_parameters){0};
    }
}

/* weights (units, elements) and biases (units), times and plus what the batch normalisation does;
 * scale and shift: room for (units). */
static void fold(const mb_layer *batchnorm, size_t units, size_t elements, float *weights,
                 float *biases, float *scale, float *shift)
{
    mb_batchnorm_affine(batchnorm, scale, shift);
    for (size_t i = 0; i < units * elements; i++)
        weights[i] *= scale[i / elements];
    for (size_t unit = 0; unit < units; unit++)
        biases[unit] = biases[unit] * scale[unit] + shift[unit];
}

size_t mb_c_torch_index(const mb_c_call *call, size_t index)
{
    const mb_shape in = call->in;
    if (call->operation == MB_C_BATCHNORM2D)
        return index;
    if (call->operation == MB_C_DENSE) {
        const size_t units = call->layer->out.columns, input = index / units;
        const size_t pixels = in.rows * in.columns;
        return index % units * mb_shape_size(in) + input % in.channels * pixels +
               input / in.channels;
    }
    const mb_window *window = mb_layer_window(call->layer);
    const size_t channels = in.channels / window->groups, elements = window->rows * window->columns;
    const size_t units = call->out.channels / window->groups;
    const size_t channel = index / (elements * units), element = index / units % elements;
    const size_t unit = channel / channels * units + index % units;
    return (unit * channels + channel % channels) * elements + element;
}

size_t mb_c_unit_of(const mb_c_call *call, size_t index)
{
    const mb_c_parameters p = mb_c_parameters_count(call);
    return mb_c_torch_index(call, index) / (p.weight_count / p.bias_count);
}

bool mb_c_parameters_open(const mb_c_call *call, mb_c_parameters *parameters)
{
    mb_c_parameters p = mb_c_parameters_count(call);
    const mb_layer *layer = call->layer;
    float *torch = calloc(p.weight_count + 2 * p.bias_count + 1, sizeof *torch);
    float *values = calloc(p.weight_count + p.bias_count + 1, sizeof *values);
    p.weights = values;
    p.biases = values != NULL ? values + p.weight_count : NULL;
    *parameters = p;
    const bool allocated = torch != NULL && values != NULL;
    if (allocated && call->operation == MB_C_BATCHNORM2D) {
        mb_batchnorm_affine(layer, p.weights, p.biases);
    } else if (allocated && p.weight_count > 0) {
        layer->ops->get(layer, 0, torch);
        layer->ops->get(layer, 1, p.biases);
        if (call->batchnorm != NULL)
            fold(call->batchnorm, p.bias_count, p.weight_count / p.bias_count, torch, p.biases,
                 torch + p.weight_count, torch + p.weight_count + p.bias_count);
        for (size_t i = 0; i < p.weight_count; i++)
            p.weights[i] = torch[mb_c_torch_index(call, i)];
    }
    free(torch);
    if (!allocated) {
        free(values);
        *parameters = (mb_c_parameters){0};
    }
    return allocated;
}

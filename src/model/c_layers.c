#include "model/c_layers.h"

#include "core/util.h"
#include "nn/batchnorm.h"

#include <stdlib.h>
#include <string.h>

enum { PER_LINE = 8 };

/* ---- numbers ---- */

/* A constant of C that is exactly this float, whatever the locale. */
static void write_float(FILE *out, float value)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)value);
    char *comma = strchr(text, ',');
    if (comma != NULL)
        *comma = '.';
    fprintf(out, "%s%sf,", text, strpbrk(text, ".e") != NULL ? "" : ".0");
}

/* An array of which the caller writes the elements. */
static void begin_array(FILE *out, const char *name, const char *part)
{
    fprintf(out, "static const float %s%s[] = {", name, part);
}

static void write_element(FILE *out, size_t index, float value)
{
    fputs(index % PER_LINE == 0 ? "\n    " : " ", out);
    write_float(out, value);
}

static void end_array(FILE *out) { fputs("\n};\n", out); }

static void write_array(FILE *out, const char *name, const char *part, size_t count,
                        const float *values)
{
    begin_array(out, name, part);
    for (size_t i = 0; i < count; i++)
        write_element(out, i, values[i]);
    end_array(out);
}

void mb_c_write_array(FILE *out, const char *name, size_t count, const float *values)
{
    write_array(out, name, "", count, values);
}

/* ---- weights ---- */

/* A layer's weights and biases as PyTorch has them, with the batch normalisation after it folded
 * in; the caller frees weights. */
typedef struct parameters {
    float *weights, *biases;
} parameters;

static parameters read_parameters(const mb_c_layer *call)
{
    const mb_layer *layer = call->layer;
    const size_t weights = layer->ops->tensor(layer, 0).elements;
    const size_t units = layer->ops->tensor(layer, 1).elements;
    float *memory = calloc(weights + 3 * units, sizeof *memory);
    const parameters p = {memory, memory != NULL ? memory + weights : NULL};
    if (memory == NULL)
        return p;
    layer->ops->get(layer, 0, p.weights);
    layer->ops->get(layer, 1, p.biases);
    if (call->batchnorm == NULL)
        return p;
    float *scale = p.biases + units, *shift = scale + units;
    mb_batchnorm_affine(call->batchnorm, scale, shift);
    for (size_t i = 0; i < weights; i++)
        p.weights[i] *= scale[i / (weights / units)];
    for (size_t unit = 0; unit < units; unit++)
        p.biases[unit] = p.biases[unit] * scale[unit] + shift[unit];
    return p;
}

/* (inputs, units), where inputs are in the order (rows, columns, channels). */
static bool define_dense(FILE *out, const mb_c_layer *call, const char *name)
{
    const mb_shape image = call->image;
    const size_t inputs = mb_shape_size(image), units = call->layer->out.columns;
    const size_t pixels = image.rows * image.columns;
    const parameters p = read_parameters(call);
    if (p.weights == NULL)
        return false;
    begin_array(out, name, "_weight");
    for (size_t i = 0; i < inputs; i++) {
        const size_t from = i % image.channels * pixels + i / image.channels;
        for (size_t unit = 0; unit < units; unit++)
            write_element(out, i * units + unit, p.weights[unit * inputs + from]);
    }
    end_array(out);
    write_array(out, name, "_bias", units, p.biases);
    free(p.weights);
    return true;
}

/* (channels, rows, columns, units of a group) */
static bool define_conv2d(FILE *out, const mb_c_layer *call, const char *name)
{
    const mb_layer *layer = call->layer;
    const mb_window *window = mb_layer_window(layer);
    const size_t channels = layer->in.channels / window->groups;
    const size_t units = layer->out.channels / window->groups;
    const size_t elements = window->rows * window->columns;
    const parameters p = read_parameters(call);
    if (p.weights == NULL)
        return false;
    fprintf(out,
            "static const struct convolution %s = {%zu, %zu, %zu, %zu, %zu, %zu, %zu, %zu, %zu, "
            "%zu, %zu};\n",
            name, layer->in.rows, layer->in.columns, layer->in.channels, layer->out.rows,
            layer->out.columns, layer->out.channels, window->rows, window->columns, window->stride,
            window->padding, window->groups);
    begin_array(out, name, "_weight");
    for (size_t i = 0; i < layer->in.channels * elements * units; i++) {
        const size_t channel = i / (elements * units), element = i / units % elements;
        const size_t unit = channel / channels * units + i % units;
        write_element(out, i,
                      p.weights[(unit * channels + channel % channels) * elements + element]);
    }
    end_array(out);
    write_array(out, name, "_bias", layer->out.channels, p.biases);
    free(p.weights);
    return true;
}

static bool define_batchnorm2d(FILE *out, const mb_c_layer *call, const char *name)
{
    const size_t channels = call->layer->out.channels;
    float *scale = calloc(2 * channels, sizeof *scale);
    if (scale == NULL)
        return false;
    mb_batchnorm_affine(call->layer, scale, scale + channels);
    write_array(out, name, "_scale", channels, scale);
    write_array(out, name, "_shift", channels, scale + channels);
    free(scale);
    return true;
}

static bool define_pool(FILE *out, const mb_c_layer *call, const char *name)
{
    const mb_layer *layer = call->layer;
    const mb_window *w = mb_layer_window(layer);
    fprintf(out, "static const struct pool %s = {%zu, %zu, %zu, %zu, %zu, %zu, %zu, %zu, %zu};\n",
            name, layer->in.rows, layer->in.columns, layer->in.channels, layer->out.rows,
            layer->out.columns, w->rows, w->columns, w->stride, w->padding);
    return true;
}

/* ---- arguments ---- */

static void dense_arguments(FILE *out, const mb_c_layer *call, const char *name)
{
    fprintf(out, ", %zu, %s_weight, %s_bias, %zu", mb_shape_size(call->image), name, name,
            call->layer->out.columns);
}

static void conv2d_arguments(FILE *out, const mb_c_layer *call, const char *name)
{
    fprintf(out, ", &%s, %s_weight, %s_bias", name, name, name);
    (void)call;
}

static void pool_arguments(FILE *out, const mb_c_layer *call, const char *name)
{
    fprintf(out, ", &%s", name);
    (void)call;
}

static void batchnorm2d_arguments(FILE *out, const mb_c_layer *call, const char *name)
{
    const mb_shape shape = call->layer->out;
    fprintf(out, ", %zu, %zu, %s_scale, %s_shift", shape.rows * shape.columns, shape.channels, name,
            name);
}

static void elementwise_arguments(FILE *out, const mb_c_layer *call, const char *name)
{
    fprintf(out, ", %zu", mb_shape_size(call->layer->out));
    (void)name;
}

/* ---- the kinds ---- */

static const mb_c_kind kinds[] = {
    {"dense", "dense", false, true, {"dense"}, define_dense, dense_arguments},
    {"conv2d", "conv2d", false, true, {"conv2d"}, define_conv2d, conv2d_arguments},
    {"maxpool2d", "maxpool2d", false, false, {"pool", "maxpool2d"}, define_pool, pool_arguments},
    {"avgpool2d", "avgpool2d", false, false, {"pool", "avgpool2d"}, define_pool, pool_arguments},
    {"globalavgpool",
     "avgpool2d",
     false,
     false,
     {"pool", "avgpool2d"},
     define_pool,
     pool_arguments},
    {"batchnorm2d",
     "batchnorm2d",
     true,
     false,
     {"batchnorm2d"},
     define_batchnorm2d,
     batchnorm2d_arguments},
    {"relu", "relu", true, false, {"relu"}, NULL, elementwise_arguments},
    {"gelu", "gelu", true, false, {"exponential", "gelu"}, NULL, elementwise_arguments},
    {"dropout", "dropout", true, false, {NULL}, NULL, NULL},
    {"flatten", "flatten", true, false, {NULL}, NULL, NULL},
};

const mb_c_kind *mb_c_kind_of(const mb_layer *layer)
{
    for (size_t i = 0; i < MB_COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].layer, layer->ops->name) == 0)
            return &kinds[i];
    return NULL;
}

size_t mb_c_weight_count(const mb_c_layer *call)
{
    const mb_layer *layer = call->layer;
    if (layer->ops == &mb_batchnorm2d_ops)
        return 2 * layer->out.channels;
    size_t count = 0;
    for (size_t i = 0; i < layer->ops->tensors; i++)
        count += layer->ops->tensor(layer, i).elements;
    return count;
}

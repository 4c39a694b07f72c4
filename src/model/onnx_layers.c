#include "model/onnx_layers.h"

#include "nn/batchnorm.h"

#include <stdio.h>
#include <string.h>

/* The node's next input: the layer's own tensor of this name. */
static void take_own(mb_onnx_graph *graph, mb_onnx_node *node, const mb_layer *layer,
                     const char *tensor)
{
    char name[40];
    snprintf(name, sizeof name, "%zu.%s", layer->position, tensor);
    mb_onnx_add_node_input(graph, node, name);
}

void mb_onnx_add_flatten(mb_onnx_graph *graph, const char *output)
{
    mb_onnx_node *node = mb_onnx_add_node(graph, "Flatten", output);
    mb_onnx_set_int(graph, node, "axis", 1);
    graph->image = false;
}

static void add_dense(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    char flat[40];
    snprintf(flat, sizeof flat, "%s_in", output);
    if (graph->image)
        mb_onnx_add_flatten(graph, flat);
    mb_onnx_node *node = mb_onnx_add_node(graph, "Gemm", output);
    take_own(graph, node, layer, "weight");
    take_own(graph, node, layer, "bias");
    mb_onnx_set_int(graph, node, "transB", 1); /* the weight is (out, in) */
}

static void add_relu(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    (void)layer;
    mb_onnx_add_node(graph, "Relu", output);
}

/* x / 2 * (1 + erf(x / sqrt(2))): opset 17 has no Gelu. */
static void add_gelu(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    (void)layer;
    static const struct {
        const char *operation, *name;
        float scalar; /* second input; 0: none */
    } nodes[] = {{"Mul", "scaled", 0x1.6a09e6p-1f}, {"Erf", "erf", 0}, {"Add", "plus1", 1}};
    const char *x = graph->value;
    char name[40];
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        snprintf(name, sizeof name, "%s_%s", output, nodes[i].name);
        mb_onnx_node *node = mb_onnx_add_node(graph, nodes[i].operation, name);
        if (nodes[i].scalar > 0.0f)
            mb_onnx_add_scalar_input(graph, node, nodes[i].scalar);
    }
    snprintf(name, sizeof name, "%s_doubled", output);
    mb_onnx_add_node_input(graph, mb_onnx_add_node(graph, "Mul", name), x);
    mb_onnx_add_scalar_input(graph, mb_onnx_add_node(graph, "Mul", output), 0.5f);
}

static void set_window(mb_onnx_graph *graph, mb_onnx_node *node, const mb_window *window)
{
    const int64_t kernel[] = {(int64_t)window->rows, (int64_t)window->columns};
    const int64_t stride = (int64_t)window->stride, pad = (int64_t)window->padding;
    mb_onnx_set_ints(graph, node, "kernel_shape", kernel, 2);
    mb_onnx_set_ints(graph, node, "strides", (int64_t[]){stride, stride}, 2);
    mb_onnx_set_ints(graph, node, "pads", (int64_t[]){pad, pad, pad, pad}, 4);
}

void mb_onnx_add_conv2d(mb_onnx_graph *graph, const mb_layer *layer, const mb_window *window,
                        const char *output)
{
    mb_onnx_node *node = mb_onnx_add_node(graph, "Conv", output);
    take_own(graph, node, layer, "weight");
    take_own(graph, node, layer, "bias");
    set_window(graph, node, window);
    mb_onnx_set_int(graph, node, "group", (int64_t)window->groups);
}

static void add_conv2d(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    mb_onnx_add_conv2d(graph, layer, mb_layer_window(layer), output);
}

static void add_maxpool2d(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    set_window(graph, mb_onnx_add_node(graph, "MaxPool", output), mb_layer_window(layer));
}

static void add_avgpool2d(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    mb_onnx_node *node = mb_onnx_add_node(graph, "AveragePool", output);
    set_window(graph, node, mb_layer_window(layer));
    mb_onnx_set_int(graph, node, "count_include_pad", 1);
}

static void add_globalavgpool(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    (void)layer;
    mb_onnx_add_node(graph, "GlobalAveragePool", output);
}

static void add_batchnorm2d(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    static const char *const tensors[] = {"weight", "bias", "running_mean", "running_var"};
    mb_onnx_node *node = mb_onnx_add_node(graph, "BatchNormalization", output);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        take_own(graph, node, layer, tensors[i]);
    mb_onnx_set_float(graph, node, "epsilon", (float)MB_BATCHNORM_EPSILON);
}

/* Dropout has no effect in an exported network. */
static void add_dropout(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    (void)graph, (void)layer, (void)output;
}

static void add_flatten(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    (void)layer;
    if (graph->image)
        mb_onnx_add_flatten(graph, output);
}

static const struct {
    const char *layer;
    void (*add)(mb_onnx_graph *graph, const mb_layer *layer, const char *output);
    bool of_images; /* takes (batch, channels, rows, columns) only */
} kinds[] = {
    {"dense", add_dense, false},
    {"relu", add_relu, false},
    {"gelu", add_gelu, false},
    {"dropout", add_dropout, false},
    {"flatten", add_flatten, false},
    {"conv2d", add_conv2d, true},
    {"maxpool2d", add_maxpool2d, true},
    {"avgpool2d", add_avgpool2d, true},
    {"globalavgpool", add_globalavgpool, true},
    {"batchnorm2d", add_batchnorm2d, true},
};

mb_status mb_onnx_add_layer(mb_onnx_graph *graph, const mb_layer *layer, const char *output,
                            mb_error *error)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].layer, layer->ops->name) == 0 &&
            (graph->image || !kinds[i].of_images)) {
            kinds[i].add(graph, layer, output);
            return MB_OK;
        }
    return mb_fail(error, MB_ERROR_UNAVAILABLE, "ONNX: layer %zu (%s) cannot be exported",
                   layer->position + 1, layer->ops->name);
}

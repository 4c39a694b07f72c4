#include "model/onnx_layers.h"

#include <stdio.h>
#include <string.h>

/* The node's next input: the layer's own tensor of this name. */
static void take_own(mb_onnx_graph *graph, mb_onnx_node *node, const mb_layer *layer,
                     const char *tensor)
{
    char name[40];
    snprintf(name, sizeof name, "%zu.%s", layer->position, tensor);
    mb_onnx_take(graph, node, name);
}

/* Behind this, the value is (batch, features). */
static void flatten(mb_onnx_graph *graph, const char *output)
{
    mb_onnx_node *node = mb_onnx_graph_add(graph, "Flatten", output);
    mb_onnx_set_int(graph, node, "axis", 1);
    graph->image = false;
}

static void add_dense(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    char flat[40];
    snprintf(flat, sizeof flat, "%s_in", output);
    if (graph->image)
        flatten(graph, flat);
    mb_onnx_node *node = mb_onnx_graph_add(graph, "Gemm", output);
    take_own(graph, node, layer, "weight");
    take_own(graph, node, layer, "bias");
    mb_onnx_set_int(graph, node, "transB", 1); /* the weight is (out, in) */
}

static void add_relu(mb_onnx_graph *graph, const mb_layer *layer, const char *output)
{
    (void)layer;
    mb_onnx_graph_add(graph, "Relu", output);
}

static const struct {
    const char *layer;
    void (*add)(mb_onnx_graph *graph, const mb_layer *layer, const char *output);
} kinds[] = {{"dense", add_dense}, {"relu", add_relu}};

mb_status mb_onnx_add_layer(mb_onnx_graph *graph, const mb_layer *layer, const char *output,
                            mb_error *error)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].layer, layer->ops->name) == 0) {
            kinds[i].add(graph, layer, output);
            return MB_OK;
        }
    return mb_fail(error, MB_UNAVAILABLE, "ONNX: a layer '%s' cannot be written", layer->ops->name);
}

/* Values between layers are 8-bit integers: a layer, as it is in the graph with floats, takes its
 * input and its parameters through DequantizeLinear and gives its output to QuantizeLinear. A
 * runtime that knows the pattern computes the layer with integers. */
#include "model/onnx_int8.h"

#include "model/onnx_layers.h"

#include <stdio.h>

enum { NAME_SIZE = sizeof(((mb_tensor_info *)0)->name) };

/* NAME_WHAT */
static void join(char joined[NAME_SIZE], const char *name, const char *what)
{
    snprintf(joined, NAME_SIZE, "%.20s_%s", name, what); /* names of layers are shorter */
}

/* Adds a tensor NAME_WHAT. */
static void add_tensor(mb_onnx_graph *graph, const char *name, const char *what,
                       mb_tensor_info info, mb_onnx_type type, const void *values)
{
    join(info.name, name, what);
    mb_onnx_add_tensor(graph, &info, type, values);
}

/* QuantizeLinear or DequantizeLinear with the tensors NAME_scale and NAME_zero_point. */
static mb_onnx_node *add_linear(mb_onnx_graph *graph, const char *operation, const char *name,
                                const char *output)
{
    static const char *const tensors[] = {"scale", "zero_point"};
    mb_onnx_node *node = mb_onnx_add_node(graph, operation, output);
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        char tensor[NAME_SIZE];
        join(tensor, name, tensors[i]);
        mb_onnx_add_node_input(graph, node, tensor);
    }
    return node;
}

/* After this, the value is integers. */
static void quantize(mb_onnx_graph *graph, const char *name, mb_quantization quantization)
{
    const mb_tensor_info scalar = {.elements = 1};
    const int8_t zero = (int8_t)quantization.zero;
    char output[NAME_SIZE];
    join(output, name, "quantized");
    add_tensor(graph, name, "scale", scalar, MB_ONNX_FLOAT, &quantization.scale);
    add_tensor(graph, name, "zero_point", scalar, MB_ONNX_INT8, &zero);
    add_linear(graph, "QuantizeLinear", name, output);
}

/* After this, the value, which has the scale of `name`, is floats: the input of `layer`. */
static void dequantize(mb_onnx_graph *graph, const char *name, const char *layer)
{
    char output[NAME_SIZE];
    join(output, layer, "in");
    add_linear(graph, "DequantizeLinear", name, output);
}

/* Flatten with DequantizeLinear and QuantizeLinear, too, without which runtimes do not recognize
 * the layers around it. */
static void flatten(mb_onnx_graph *graph, const char *name, const char *layer, mb_quantization q)
{
    dequantize(graph, name, layer);
    mb_onnx_add_flatten(graph, layer);
    quantize(graph, layer, q);
}

/* A tensor of a layer: integers with a scale per unit, which is its first dimension. */
static void add_parameter(mb_onnx_graph *graph, mb_tensor_info info, mb_onnx_type type,
                          const void *values, const float *scales)
{
    const mb_tensor_info per_unit = {
        .elements = info.shape[0], .dimensions = 1, .shape = {info.shape[0]}};
    const int32_t *zeros = mb_arena_alloc(&graph->arena, info.shape[0], sizeof *zeros);
    const char *value = graph->value;
    char quantized[NAME_SIZE];
    if (zeros == NULL)
        return;
    join(quantized, info.name, "quantized");
    add_tensor(graph, info.name, "quantized", info, type, values);
    add_tensor(graph, info.name, "scale", per_unit, MB_ONNX_FLOAT, scales);
    add_tensor(graph, info.name, "zero_point", per_unit, type, zeros);
    graph->value = quantized;
    mb_onnx_set_int(graph, add_linear(graph, "DequantizeLinear", info.name, info.name), "axis", 0);
    graph->value = value;
}

/* The weight, in PyTorch's order, and the bias. */
static void add_parameters(mb_onnx_graph *graph, const mb_quantized_call *q)
{
    const mb_window *window = &q->call->window;
    const size_t position = q->call->layer->position;
    mb_tensor_info weight = {.dimensions = q->call->operation == MB_C_DENSE ? 2 : 4,
                             .shape = {q->units,
                                       q->weights / (q->units * window->rows * window->columns),
                                       window->rows, window->columns},
                             .elements = q->weights};
    mb_tensor_info bias = {.dimensions = 1, .shape = {q->units}, .elements = q->units};
    int8_t *values = mb_arena_alloc(&graph->arena, q->weights, sizeof *values);
    float *scales = mb_arena_alloc(&graph->arena, q->units, sizeof *scales);
    if (graph->arena.failed > 0)
        return;
    for (size_t i = 0; i < q->weights; i++)
        values[mb_c_torch_index(q->call, i)] = q->weight[i];
    for (size_t unit = 0; unit < q->units; unit++)
        scales[unit] = q->in.scale * q->scale[unit];
    snprintf(weight.name, sizeof weight.name, "%zu.weight", position);
    snprintf(bias.name, sizeof bias.name, "%zu.bias", position);
    add_parameter(graph, weight, MB_ONNX_INT8, values, q->scale);
    add_parameter(graph, bias, MB_ONNX_INT32, q->bias, scales);
}

mb_status mb_onnx_add_int8(mb_onnx_graph *graph, const mb_quantized *quantized, const char *input,
                           const char *logits, mb_error *error)
{
    static const char flattened[] = "flatten";
    const char *scaled = input; /* whose scale the value has */
    mb_status status = MB_OK;
    quantize(graph, input, quantized->calls[0].in);
    for (size_t i = 0; i < quantized->program.count && status == MB_OK; i++) {
        const mb_quantized_call *q = &quantized->calls[i];
        const char *name = q->is_last ? logits : q->call->name;
        if (graph->image && q->call->operation == MB_C_DENSE) {
            flatten(graph, scaled, flattened, q->in);
            scaled = flattened;
        }
        if (!q->nothing)
            dequantize(graph, scaled, name);
        if (q->units > 0)
            add_parameters(graph, q);
        if (q->call->operation == MB_C_BATCHNORM2D)
            mb_onnx_add_conv2d(graph, q->call->layer, &q->call->window, name);
        else
            status = mb_onnx_add_layer(graph, q->call->layer, name, error);
        if (!q->is_last && !q[1].nothing)
            quantize(graph, scaled = name, q->out);
    }
    return status;
}

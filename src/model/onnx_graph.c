#include "model/onnx_graph.h"

#include "core/endian.h"

#include <stdio.h>
#include <string.h>

void mb_onnx_graph_init(mb_onnx_graph *graph, size_t nodes, size_t tensors, const char *input)
{
    *graph = (mb_onnx_graph){.node_capacity = nodes, .value = input, .image = true};
    mb__onnx__graph_proto__init(&graph->proto);
    graph->proto.node = mb_arena_alloc(&graph->arena, nodes, sizeof *graph->proto.node);
    graph->proto.initializer =
        mb_arena_alloc(&graph->arena, tensors + nodes, sizeof *graph->proto.initializer);
    graph->proto.input = mb_arena_alloc(&graph->arena, 1, sizeof *graph->proto.input);
    graph->proto.output = mb_arena_alloc(&graph->arena, 2, sizeof *graph->proto.output);
}

mb_onnx_node *mb_onnx_add_node(mb_onnx_graph *graph, const char *operation, const char *name)
{
    mb_arena *arena = &graph->arena;
    mb_onnx_node *node = mb_arena_alloc(arena, 1, sizeof *node);
    char *own_name = mb_arena_strdup(arena, name), *type = mb_arena_strdup(arena, operation);
    char **input = mb_arena_alloc(arena, MB_ONNX_MAX_INPUTS, sizeof *input);
    char **output = mb_arena_alloc(arena, 1, sizeof *output);
    Mb__Onnx__AttributeProto **attribute =
        mb_arena_alloc(arena, MB_ONNX_MAX_ATTRIBUTES, sizeof *attribute);
    if (arena->failed > 0 || graph->proto.n_node == graph->node_capacity) {
        arena->failed = mb_max_size(arena->failed, 1);
        mb__onnx__node_proto__init(&graph->spare);
        return &graph->spare;
    }
    mb__onnx__node_proto__init(node);
    node->name = own_name;
    node->op_type = type;
    node->input = input;
    node->output = output;
    node->attribute = attribute;
    mb_onnx_add_node_input(graph, node, graph->value);
    node->output[node->n_output++] = node->name;
    graph->value = node->name;
    graph->proto.node[graph->proto.n_node++] = node;
    return node;
}

void mb_onnx_add_node_input(mb_onnx_graph *graph, mb_onnx_node *node, const char *tensor)
{
    char *name = mb_arena_strdup(&graph->arena, tensor);
    if (graph->arena.failed == 0 && node->n_input < MB_ONNX_MAX_INPUTS)
        node->input[node->n_input++] = name;
}

/* An attribute to fill; NULL if memory is out. */
static Mb__Onnx__AttributeProto *add_attribute(mb_onnx_graph *graph, mb_onnx_node *node,
                                               const char *name,
                                               Mb__Onnx__AttributeProto__AttributeType type)
{
    Mb__Onnx__AttributeProto *attribute = mb_arena_alloc(&graph->arena, 1, sizeof *attribute);
    char *own_name = mb_arena_strdup(&graph->arena, name);
    if (graph->arena.failed > 0 || node->n_attribute == MB_ONNX_MAX_ATTRIBUTES)
        return NULL;
    mb__onnx__attribute_proto__init(attribute);
    attribute->name = own_name;
    attribute->type = type;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void mb_onnx_set_int(mb_onnx_graph *graph, mb_onnx_node *node, const char *name, int64_t value)
{
    Mb__Onnx__AttributeProto *attribute =
        add_attribute(graph, node, name, MB__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (attribute == NULL)
        return;
    attribute->value_case = MB__ONNX__ATTRIBUTE_PROTO__VALUE_I;
    attribute->i = value;
}

void mb_onnx_set_float(mb_onnx_graph *graph, mb_onnx_node *node, const char *name, float value)
{
    Mb__Onnx__AttributeProto *attribute =
        add_attribute(graph, node, name, MB__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (attribute == NULL)
        return;
    attribute->value_case = MB__ONNX__ATTRIBUTE_PROTO__VALUE_F;
    attribute->f = value;
}

void mb_onnx_set_ints(mb_onnx_graph *graph, mb_onnx_node *node, const char *name,
                      const int64_t *values, size_t count)
{
    int64_t *copy = mb_arena_alloc(&graph->arena, count, sizeof *copy);
    Mb__Onnx__AttributeProto *attribute =
        add_attribute(graph, node, name, MB__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    if (attribute == NULL)
        return;
    memcpy(copy, values, count * sizeof *copy);
    attribute->ints = copy;
    attribute->n_ints = count;
}

void mb_onnx_add_tensor(mb_onnx_graph *graph, const mb_tensor_info *info, mb_onnx_type type,
                        const void *values)
{
    const size_t size = type == MB_ONNX_INT8 ? sizeof(int8_t) : sizeof(int32_t);
    mb_arena *arena = &graph->arena;
    Mb__Onnx__TensorProto *tensor = mb_arena_alloc(arena, 1, sizeof *tensor);
    int64_t *sizes = mb_arena_alloc(arena, info->dimensions, sizeof *sizes);
    uint8_t *bytes = mb_arena_alloc(arena, info->elements, size);
    char *name = mb_arena_strdup(arena, info->name);
    if (arena->failed > 0)
        return;
    mb__onnx__tensor_proto__init(tensor);
    tensor->name = name;
    tensor->data_type = (int32_t)type;
    for (size_t i = 0; i < info->dimensions; i++)
        sizes[i] = (int64_t)info->shape[i];
    tensor->dims = sizes;
    tensor->n_dims = info->dimensions;
    mb_copy_le(bytes, values, info->elements, size);
    tensor->raw_data = (ProtobufCBinaryData){info->elements * size, bytes};
    graph->proto.initializer[graph->proto.n_initializer++] = tensor;
}

static void add_constant(mb_onnx_graph *graph, mb_onnx_node *node, mb_tensor_info info,
                         const char *what, const float *values)
{
    snprintf(info.name, sizeof info.name, "%s.%s", node->name, what);
    mb_onnx_add_tensor(graph, &info, MB_ONNX_FLOAT, values);
    mb_onnx_add_node_input(graph, node, info.name);
}

void mb_onnx_add_scalar_input(mb_onnx_graph *graph, mb_onnx_node *node, float value)
{
    add_constant(graph, node, (mb_tensor_info){.elements = 1}, "scalar", &value);
}

void mb_onnx_add_channels_input(mb_onnx_graph *graph, mb_onnx_node *node, const float *values,
                                size_t channels)
{
    const mb_tensor_info info = {.elements = channels, .dimensions = 3, .shape = {channels, 1, 1}};
    add_constant(graph, node, info, "channels", values);
}

/* (batch, sizes...); NULL if memory is out. */
static Mb__Onnx__TypeProto *make_type(mb_arena *arena, const size_t *sizes, size_t count)
{
    Mb__Onnx__TypeProto *type = mb_arena_alloc(arena, 1, sizeof *type);
    Mb__Onnx__TypeProto__Tensor *tensor = mb_arena_alloc(arena, 1, sizeof *tensor);
    Mb__Onnx__TensorShapeProto *shape = mb_arena_alloc(arena, 1, sizeof *shape);
    Mb__Onnx__TensorShapeProto__Dimension **list = mb_arena_alloc(arena, count + 1, sizeof *list),
                                          *each = mb_arena_alloc(arena, count + 1, sizeof *each);
    char *batch = mb_arena_strdup(arena, "batch");
    if (arena->failed > 0)
        return NULL;
    for (size_t i = 0; i <= count; i++) {
        list[i] = &each[i];
        mb__onnx__tensor_shape_proto__dimension__init(list[i]);
        list[i]->value_case = i == 0 ? MB__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                                     : MB__ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        if (i == 0)
            list[i]->dim_param = batch;
        else
            list[i]->dim_value = (int64_t)sizes[i - 1];
    }
    mb__onnx__tensor_shape_proto__init(shape);
    shape->dim = list;
    shape->n_dim = count + 1;
    mb__onnx__type_proto__tensor__init(tensor);
    tensor->elem_type = MB_ONNX_FLOAT;
    tensor->shape = shape;
    mb__onnx__type_proto__init(type);
    type->value_case = MB__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    return type;
}

/* Appends a value of the graph to its inputs or outputs. */
static void add_value(mb_arena *arena, const char *name, const char *text, const size_t *sizes,
                      size_t count, Mb__Onnx__ValueInfoProto **list, size_t *list_count)
{
    Mb__Onnx__ValueInfoProto *value = mb_arena_alloc(arena, 1, sizeof *value);
    Mb__Onnx__TypeProto *type = make_type(arena, sizes, count);
    char *own_name = mb_arena_strdup(arena, name), *own_text = mb_arena_strdup(arena, text);
    if (arena->failed > 0)
        return;
    mb__onnx__value_info_proto__init(value);
    value->name = own_name;
    value->doc_string = own_text;
    value->type = type;
    list[(*list_count)++] = value;
}

void mb_onnx_add_input(mb_onnx_graph *graph, const char *name, const char *text,
                       const size_t *sizes, size_t count)
{
    add_value(&graph->arena, name, text, sizes, count, graph->proto.input, &graph->proto.n_input);
}

void mb_onnx_add_output(mb_onnx_graph *graph, const char *name, const char *text,
                        const size_t *sizes, size_t count)
{
    add_value(&graph->arena, name, text, sizes, count, graph->proto.output, &graph->proto.n_output);
}

#include "model/onnx_graph.h"

#include "core/endian.h"

#include <string.h>

/* The most dimensions behind the batch's. */
enum { MOST_SIZES = 3 };

static void *take(mb_onnx_graph *graph, size_t count, size_t size)
{
    void *piece = mb_arena_alloc(&graph->arena, count, size);
    graph->complete = graph->complete && piece != NULL;
    return piece;
}

/* protobuf-c's strings are not const, though it only reads them. */
static char *copy(mb_onnx_graph *graph, const char *text)
{
    char *string = mb_arena_strdup(&graph->arena, text);
    graph->complete = graph->complete && string != NULL;
    return string;
}

void mb_onnx_graph_init(mb_onnx_graph *graph, size_t nodes, size_t tensors, const char *input)
{
    *graph = (mb_onnx_graph){.node_capacity = nodes,
                             .tensor_capacity = tensors,
                             .value = input,
                             .image = true,
                             .complete = true};
    mb__onnx__graph_proto__init(&graph->proto);
    graph->proto.node = take(graph, nodes, sizeof *graph->proto.node);
    graph->proto.initializer = take(graph, tensors, sizeof *graph->proto.initializer);
    graph->proto.input = take(graph, 1, sizeof *graph->proto.input);
    graph->proto.output = take(graph, 2, sizeof *graph->proto.output);
}

static mb_onnx_node *spare_node(mb_onnx_graph *graph)
{
    graph->complete = false;
    mb__onnx__node_proto__init(&graph->spare);
    return &graph->spare;
}

mb_onnx_node *mb_onnx_add_node(mb_onnx_graph *graph, const char *operation, const char *name)
{
    mb_onnx_node *node = take(graph, 1, sizeof *node);
    if (!graph->complete || graph->proto.n_node == graph->node_capacity)
        return spare_node(graph);
    mb__onnx__node_proto__init(node);
    node->name = copy(graph, name);
    node->op_type = copy(graph, operation);
    node->input = take(graph, MB_ONNX_MAX_INPUTS, sizeof *node->input);
    node->output = take(graph, 1, sizeof *node->output);
    node->attribute = take(graph, MB_ONNX_MAX_ATTRIBUTES, sizeof *node->attribute);
    if (!graph->complete)
        return spare_node(graph);
    mb_onnx_add_node_input(graph, node, graph->value);
    node->output[node->n_output++] = node->name;
    graph->value = node->name;
    graph->proto.node[graph->proto.n_node++] = node;
    return node;
}

void mb_onnx_add_node_input(mb_onnx_graph *graph, mb_onnx_node *node, const char *tensor)
{
    char *name = copy(graph, tensor);
    graph->complete = graph->complete && node->n_input < MB_ONNX_MAX_INPUTS;
    if (graph->complete)
        node->input[node->n_input++] = name;
}

/* An attribute to be filled, NULL where memory is out. */
static Mb__Onnx__AttributeProto *add_attribute(mb_onnx_graph *graph, mb_onnx_node *node,
                                               const char *name)
{
    Mb__Onnx__AttributeProto *attribute = take(graph, 1, sizeof *attribute);
    char *named = copy(graph, name);
    graph->complete = graph->complete && node->n_attribute < MB_ONNX_MAX_ATTRIBUTES;
    if (!graph->complete)
        return NULL;
    mb__onnx__attribute_proto__init(attribute);
    attribute->name = named;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

void mb_onnx_set_int(mb_onnx_graph *graph, mb_onnx_node *node, const char *name, int64_t number)
{
    Mb__Onnx__AttributeProto *attribute = add_attribute(graph, node, name);
    if (attribute == NULL)
        return;
    attribute->type = MB__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    attribute->i = number;
}

void mb_onnx_set_float(mb_onnx_graph *graph, mb_onnx_node *node, const char *name, float real)
{
    Mb__Onnx__AttributeProto *attribute = add_attribute(graph, node, name);
    if (attribute == NULL)
        return;
    attribute->type = MB__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
    attribute->f = real;
}

void mb_onnx_set_ints(mb_onnx_graph *graph, mb_onnx_node *node, const char *name,
                      const int64_t *numbers, size_t count)
{
    int64_t *kept = take(graph, count, sizeof *kept);
    Mb__Onnx__AttributeProto *attribute = add_attribute(graph, node, name);
    if (attribute == NULL)
        return;
    memcpy(kept, numbers, count * sizeof *kept);
    attribute->type = MB__ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    attribute->ints = kept;
    attribute->n_ints = count;
}

void mb_onnx_add_tensor(mb_onnx_graph *graph, const mb_tensor_info *info, const float *values)
{
    Mb__Onnx__TensorProto *tensor = take(graph, 1, sizeof *tensor);
    int64_t *sizes = take(graph, info->dimensions, sizeof *sizes);
    uint8_t *bytes = take(graph, info->elements, sizeof *values);
    char *name = copy(graph, info->name);
    graph->complete = graph->complete && graph->proto.n_initializer < graph->tensor_capacity;
    if (!graph->complete)
        return;
    mb__onnx__tensor_proto__init(tensor);
    tensor->name = name;
    tensor->data_type = MB__ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    for (size_t i = 0; i < info->dimensions; i++)
        sizes[i] = (int64_t)info->shape[i];
    tensor->dims = sizes;
    tensor->n_dims = info->dimensions;
    mb_copy_le(bytes, values, info->elements, sizeof *values);
    tensor->raw_data = (ProtobufCBinaryData){info->elements * sizeof *values, bytes};
    graph->proto.initializer[graph->proto.n_initializer++] = tensor;
}

/* (batch, sizes...), NULL where memory is out. */
static Mb__Onnx__TypeProto *make_type(mb_onnx_graph *graph, const size_t *sizes, size_t count)
{
    Mb__Onnx__TypeProto *type = take(graph, 1, sizeof *type);
    Mb__Onnx__TypeProto__Tensor *tensor = take(graph, 1, sizeof *tensor);
    Mb__Onnx__TensorShapeProto *shape = take(graph, 1, sizeof *shape);
    Mb__Onnx__TensorShapeProto__Dimension **list = take(graph, MOST_SIZES + 1, sizeof *list),
                                          *each = take(graph, MOST_SIZES + 1, sizeof *each);
    char *batch = copy(graph, "batch");
    graph->complete = graph->complete && count <= MOST_SIZES;
    if (!graph->complete)
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
    tensor->elem_type = MB__ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    mb__onnx__type_proto__init(type);
    type->value_case = MB__ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    return type;
}

static Mb__Onnx__ValueInfoProto *describe(mb_onnx_graph *graph, const char *name, const char *text,
                                          const size_t *sizes, size_t count)
{
    Mb__Onnx__ValueInfoProto *value = take(graph, 1, sizeof *value);
    Mb__Onnx__TypeProto *type = make_type(graph, sizes, count);
    char *named = copy(graph, name), *described = copy(graph, text);
    if (!graph->complete)
        return NULL;
    mb__onnx__value_info_proto__init(value);
    value->name = named;
    value->doc_string = described;
    value->type = type;
    return value;
}

void mb_onnx_add_input(mb_onnx_graph *graph, const char *name, const char *text,
                       const size_t *sizes, size_t count)
{
    Mb__Onnx__ValueInfoProto *value = describe(graph, name, text, sizes, count);
    if (value != NULL)
        graph->proto.input[graph->proto.n_input++] = value;
}

void mb_onnx_add_output(mb_onnx_graph *graph, const char *name, const char *text,
                        const size_t *sizes, size_t count)
{
    Mb__Onnx__ValueInfoProto *value = describe(graph, name, text, sizes, count);
    if (value != NULL)
        graph->proto.output[graph->proto.n_output++] = value;
}

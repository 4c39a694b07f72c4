#include <mnist_blas/model.h>

#include "core/features.h"

#if MB_WITH_ONNX

#include "core/file.h"
#include "model/class_names.h"
#include "model/onnx_int8.h"
#include "model/onnx_layers.h"
#include "nn/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The size limit of protobuf messages, which readers enforce. */
#define MAX_BYTES ((size_t)INT32_MAX)

enum {
    IR_VERSION = 8,
    OPSET = 17,
    OTHER_NODES = 6, /* of the form, the input's QuantizeLinear, Softmax */
    MAX_METADATA = 1 + MB_CLASS_NAMES_ENTRIES
};

/* protobuf-c's strings are not const, though it only reads them. */
static char producer[] = "mnist_blas", input_name[] = "input", logits_name[] = "logits",
            probabilities_name[] = "probabilities";

/* From the user's images to the input of the first layer. */
static void add_form(mb_onnx_graph *graph, const mb_image_form *form, size_t channels)
{
    const mb_standardization *standard = &form->standardization;
    if (form->ground == MB_GROUND_LIGHT) {
        mb_onnx_add_node(graph, "Neg", "negated");
        mb_onnx_add_scalar_input(graph, mb_onnx_add_node(graph, "Add", "inverted"), 1.0f);
    }
    if (mb_form_is_standardized(form)) {
        mb_onnx_add_channels_input(graph, mb_onnx_add_node(graph, "Sub", "centered"),
                                   standard->mean, channels);
        mb_onnx_add_channels_input(graph, mb_onnx_add_node(graph, "Div", "standardized"),
                                   standard->std, channels);
    }
}

static void add_tensors(mb_onnx_graph *graph, const mb_network *network)
{
    for (size_t i = 0; i < mb_network_tensor_count(network); i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        if (strstr(info.name, ".num_batches_tracked") != NULL)
            continue; /* no node takes this count */
        float *values = mb_arena_alloc(&graph->arena, info.elements, sizeof *values);
        if (values == NULL)
            return;
        mb_network_get_tensor(network, i, values);
        mb_onnx_add_tensor(graph, &info, MB_ONNX_FLOAT, values);
    }
}

static mb_status add_layers(mb_onnx_graph *graph, const mb_network *network, mb_error *error)
{
    mb_status status = MB_OK;
    add_tensors(graph, network);
    for (size_t i = 0; i < network->count && status == MB_OK; i++) {
        const mb_layer *layer = &network->layers[i];
        char name[40];
        snprintf(name, sizeof name, "%s%zu", layer->ops->name, layer->ordinal);
        status =
            mb_onnx_add_layer(graph, layer, i + 1 < network->count ? name : logits_name, error);
    }
    return status;
}

/* Packs the graph as a model and writes the file. */
static mb_status write_model(const char *path, mb_onnx_graph *graph, const mb_key_value *metadata,
                             size_t metadata_count, mb_error *error)
{
    Mb__Onnx__OperatorSetIdProto opset, *opsets[] = {&opset};
    Mb__Onnx__StringStringEntryProto pair[MAX_METADATA], *pairs[MAX_METADATA];
    Mb__Onnx__ModelProto model;
    mb__onnx__operator_set_id_proto__init(&opset);
    mb__onnx__model_proto__init(&model);
    opset.version = OPSET;
    for (size_t i = 0; i < metadata_count; i++) {
        mb__onnx__string_string_entry_proto__init(&pair[i]);
        pair[i].key = (char *)(uintptr_t)metadata[i].key;
        pair[i].value = (char *)(uintptr_t)metadata[i].value;
        pairs[i] = &pair[i];
    }
    model.ir_version = IR_VERSION;
    model.producer_name = producer;
    model.graph = &graph->proto;
    model.opset_import = opsets;
    model.n_opset_import = 1;
    model.metadata_props = pairs;
    model.n_metadata_props = metadata_count;
    const size_t size = mb__onnx__model_proto__get_packed_size(&model);
    if (size > MAX_BYTES)
        return mb_fail(error, MB_ERROR_IO,
                       "%s: cannot be written: too large: %zu bytes, at most %zu", path, size,
                       MAX_BYTES);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        return mb_fail_memory(error, path, size);
    mb__onnx__model_proto__pack(&model, bytes);
    const mb_status status = mb_file_write_named(path, bytes, size, error);
    free(bytes);
    return status;
}

static const char *values_of(const mb_image_form *form)
{
    if (form->ground == MB_GROUND_LIGHT)
        return "values of pixels from 0 to 1, the background";
    return mb_form_is_standardized(form) ? "values of pixels from 0 to 1"
                                         : "values of pixels from 0, the background, to 1";
}

/* quantized: NULL, or those integers instead of floats. */
static mb_status export(const mb_network *network, const mb_quantized *quantized, const char *path,
                        mb_error *error)
{
    const mb_shape in = network->input;
    mb_onnx_graph graph;
    mb_onnx_graph_init(&graph, network->count * MB_ONNX_MAX_LAYER_NODES + OTHER_NODES,
                       network->count * MB_ONNX_MAX_LAYER_TENSORS, input_name);
    graph.proto.name = producer;
    mb_onnx_add_input(&graph, input_name, values_of(&network->form),
                      (size_t[]){in.channels, in.rows, in.columns}, 3);
    add_form(&graph, &network->form, in.channels);
    mb_status status = quantized != NULL
                           ? mb_onnx_add_int8(&graph, quantized, input_name, logits_name, error)
                           : add_layers(&graph, network, error);
    mb_onnx_set_int(&graph, mb_onnx_add_node(&graph, "Softmax", probabilities_name), "axis", 1);
    mb_onnx_add_output(&graph, logits_name, "before softmax", &network->classes, 1);
    mb_onnx_add_output(&graph, probabilities_name, "softmax of the logits", &network->classes, 1);
    mb_key_value metadata[MAX_METADATA] = {{"network", network->spec}};
    const size_t metadata_count = 1 + mb_class_names_metadata(network, &graph.arena, metadata + 1);
    if (status == MB_OK)
        status = mb_arena_status(&graph.arena, path, error);
    if (status == MB_OK)
        status = write_model(path, &graph, metadata, metadata_count, error);
    mb_arena_free(&graph.arena);
    return status;
}

mb_status mb_model_export_onnx(const mb_network *network, const char *path, mb_error *error)
{
    return export(network, NULL, path, error);
}

mb_status mb_quantized_export_onnx(const mb_quantized *quantized, const char *path, mb_error *error)
{
    return export(quantized->program.network, quantized, path, error);
}

#else

mb_status mb_model_export_onnx(const mb_network *network, const char *path, mb_error *error)
{
    (void)network;
    return mb_fail_feature(error, path, MB_FEATURE_ONNX);
}

mb_status mb_quantized_export_onnx(const mb_quantized *quantized, const char *path, mb_error *error)
{
    (void)quantized;
    return mb_fail_feature(error, path, MB_FEATURE_ONNX);
}

#endif

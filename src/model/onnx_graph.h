/* Builder of an ONNX graph in which each node takes the value of the node before. */
#ifndef MB_MODEL_ONNX_GRAPH_H
#define MB_MODEL_ONNX_GRAPH_H

#include "core/arena.h"
#include "model/onnx.pb-c.h"

#include <mnist_blas/network.h>
#include <stdbool.h>

/* Limits of a node. */
enum { MB_ONNX_MAX_INPUTS = 5, MB_ONNX_MAX_ATTRIBUTES = 8 };

typedef Mb__Onnx__NodeProto mb_onnx_node;

typedef enum mb_onnx_type {
    MB_ONNX_FLOAT = MB__ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
    MB_ONNX_INT8 = MB__ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
    MB_ONNX_INT32 = MB__ONNX__TENSOR_PROTO__DATA_TYPE__INT32,
} mb_onnx_type;

/* The arena owns everything. After a failure, nothing more is added. */
typedef struct mb_onnx_graph {
    mb_arena arena;
    Mb__Onnx__GraphProto proto;
    size_t node_capacity;
    const char *value;  /* name of the last node's output */
    bool image;         /* it is (batch, channels, rows, columns); else (batch, features) */
    mb_onnx_node spare; /* written and thrown away if the arena has failed */
} mb_onnx_graph;

/* An empty graph for at most `nodes` nodes, each with a scalar or not, and `tensors` other tensors;
 * its first value is `input`. */
void mb_onnx_graph_init(mb_onnx_graph *graph, size_t nodes, size_t tensors, const char *input);

/* Adds a node that takes the current value; its output, `name`, becomes the current value.
 * Attributes and further inputs are added to the result, which is never NULL. */
mb_onnx_node *mb_onnx_add_node(mb_onnx_graph *graph, const char *operation, const char *name);

/* Adds an input to a node: the tensor of this name. */
void mb_onnx_add_node_input(mb_onnx_graph *graph, mb_onnx_node *node, const char *tensor);

/* Adds an input to a node: a scalar of this value, or (channels, 1, 1) values for an image. At most
 * one per node. */
void mb_onnx_add_scalar_input(mb_onnx_graph *graph, mb_onnx_node *node, float value);
void mb_onnx_add_channels_input(mb_onnx_graph *graph, mb_onnx_node *node, const float *values,
                                size_t channels);

/* Attributes of a node. */
void mb_onnx_set_int(mb_onnx_graph *graph, mb_onnx_node *node, const char *name, int64_t value);
void mb_onnx_set_float(mb_onnx_graph *graph, mb_onnx_node *node, const char *name, float value);
void mb_onnx_set_ints(mb_onnx_graph *graph, mb_onnx_node *node, const char *name,
                      const int64_t *values, size_t count);

/* Adds a tensor; values (info->elements) are copied. */
void mb_onnx_add_tensor(mb_onnx_graph *graph, const mb_tensor_info *info, mb_onnx_type type,
                        const void *values);

/* The inputs (at most 1) and outputs (at most 2) of the graph: floats of shape (batch, sizes...)
 * for a batch of any size. */
void mb_onnx_add_input(mb_onnx_graph *graph, const char *name, const char *text,
                       const size_t *sizes, size_t count);
void mb_onnx_add_output(mb_onnx_graph *graph, const char *name, const char *text,
                        const size_t *sizes, size_t count);

#endif

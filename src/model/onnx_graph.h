/* A graph of ONNX while it is put together: one value goes in, each node makes the next of it. */
#ifndef MB_MODEL_ONNX_GRAPH_H
#define MB_MODEL_ONNX_GRAPH_H

#include "core/arena.h"
#include "model/onnx.pb-c.h"

#include <mnist_blas/network.h>
#include <stdbool.h>

/* The most of each that a node has. */
enum { MB_ONNX_MAX_INPUTS = 5, MB_ONNX_MAX_ATTRIBUTES = 8 };

typedef Mb__Onnx__NodeProto mb_onnx_node;

/* Everything in it belongs to the arena. Once memory is out, `complete` is false, and what is
 * added from then on is left out. */
typedef struct mb_onnx_graph {
    mb_arena arena;
    Mb__Onnx__GraphProto proto;
    size_t node_capacity, tensor_capacity;
    const char *value; /* name of what the next node takes */
    bool image; /* whether that is (batch, channels, rows, columns), else (batch, features) */
    bool complete;
    mb_onnx_node spare; /* to be written to and thrown away, where memory is out */
} mb_onnx_graph;

/* An empty graph for up to `nodes` nodes and `tensors` tensors, whose first value is `input`. */
void mb_onnx_graph_init(mb_onnx_graph *graph, size_t nodes, size_t tensors, const char *input);

/* A node that takes the current value and makes the one of this name, which becomes the current
 * one. Its attributes and further inputs are added to what is returned, which is never NULL. */
mb_onnx_node *mb_onnx_add_node(mb_onnx_graph *graph, const char *operation, const char *name);

/* The node's next input: the tensor of this name. */
void mb_onnx_add_node_input(mb_onnx_graph *graph, mb_onnx_node *node, const char *tensor);

/* Attributes; `number` and `real` must not be 0, which the format does not tell from none. */
void mb_onnx_set_int(mb_onnx_graph *graph, mb_onnx_node *node, const char *name, int64_t number);
void mb_onnx_set_float(mb_onnx_graph *graph, mb_onnx_node *node, const char *name, float real);
void mb_onnx_set_ints(mb_onnx_graph *graph, mb_onnx_node *node, const char *name,
                      const int64_t *numbers, size_t count);

/* Adds a tensor of the network, its numbers as float. */
void mb_onnx_add_tensor(mb_onnx_graph *graph, const mb_tensor_info *info, const float *values);

/* What the graph takes in, and what it gives out: (batch, sizes...) of floats, with as many in the
 * batch as the caller likes. */
void mb_onnx_add_input(mb_onnx_graph *graph, const char *name, const char *text,
                       const size_t *sizes, size_t count);
void mb_onnx_add_output(mb_onnx_graph *graph, const char *name, const char *text,
                        const size_t *sizes, size_t count);

#endif

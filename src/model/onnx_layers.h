/* The layers of a network as nodes of ONNX. */
#ifndef MB_MODEL_ONNX_LAYERS_H
#define MB_MODEL_ONNX_LAYERS_H

#include "core/status.h"
#include "model/onnx_graph.h"
#include "nn/layer.h"

/* The most nodes that one layer becomes. */
enum { MB_ONNX_MAX_LAYER_NODES = 2 };

/* Adds the layer to the graph; the value that it makes is called `output`. MB_ERROR_UNAVAILABLE: a
 * kind of layer that has no form in ONNX here. That memory is out, the graph says. */
mb_status mb_onnx_add_layer(mb_onnx_graph *graph, const mb_layer *layer, const char *output,
                            mb_error *error);

#endif

/* The layers of a network as nodes of ONNX. */
#ifndef MB_MODEL_ONNX_LAYERS_H
#define MB_MODEL_ONNX_LAYERS_H

#include "core/status.h"
#include "model/onnx_graph.h"
#include "nn/layer.h"

/* Maximum numbers per layer; tensors: besides the scalars of nodes. */
enum { MB_ONNX_MAX_LAYER_NODES = 8, MB_ONNX_MAX_LAYER_TENSORS = 10 };

/* Adds the layer to the graph, with an output named `output`. MB_ERROR_UNAVAILABLE: this kind of
 * layer cannot be exported. Running out of memory is recorded in the graph. */
mb_status mb_onnx_add_layer(mb_onnx_graph *graph, const mb_layer *layer, const char *output,
                            mb_error *error);

/* Adds a convolution with the tensors "weight" and "bias" of the layer. */
void mb_onnx_add_conv2d(mb_onnx_graph *graph, const mb_layer *layer, const mb_window *window,
                        const char *output);

/* Makes an image (batch, features). */
void mb_onnx_add_flatten(mb_onnx_graph *graph, const char *output);

#endif

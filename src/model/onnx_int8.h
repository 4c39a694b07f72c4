/* A network in 8-bit integers as nodes of ONNX in QDQ form
 * (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). */
#ifndef MB_MODEL_ONNX_INT8_H
#define MB_MODEL_ONNX_INT8_H

#include "core/status.h"
#include "model/onnx_graph.h"
#include "model/quantize.h"

/* Adds nodes and tensors from the input of the network, as the value of the graph, to an output
 * named `logits`. `input` names the quantized input. MB_ERROR_UNAVAILABLE: this kind of layer
 * cannot be exported. Running out of memory is recorded in the graph. */
mb_status mb_onnx_add_int8(mb_onnx_graph *graph, const mb_quantized *quantized, const char *input,
                           const char *logits, mb_error *error);

#endif

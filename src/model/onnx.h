/* Networks as ONNX, which mb_model_export_onnx of <mnist_blas/model.h> writes. */
#ifndef MB_MODEL_ONNX_H
#define MB_MODEL_ONNX_H

#include "core/status.h"

#include <mnist_blas/model.h>
#include <stdbool.h>

/* Whether this build can: Meson's feature `onnx`, which needs protobuf-c. */
bool mb_onnx_built(void);

#endif

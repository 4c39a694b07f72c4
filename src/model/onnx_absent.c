/* A build without protobuf-c. */
#include "model/onnx.h"

bool mb_onnx_built(void) { return false; }

mb_status mb_model_export_onnx(const mb_network *network, const char *path, mb_error *error)
{
    (void)network;
    return mb_fail(error, MB_ERROR_UNAVAILABLE, "%s: no ONNX: this build has no protobuf-c", path);
}

#include "core/features.h"

static const struct {
    bool built;
    const char *name, *library;
} features[] = {
    [MB_FEATURE_REPORT] = {MB_WITH_REPORT, "report", "cairo"},
    [MB_FEATURE_ONNX] = {MB_WITH_ONNX, "ONNX", "protobuf-c"},
    [MB_FEATURE_TENSORBOARD] = {MB_WITH_TENSORBOARD, "TensorBoard", "protobuf-c"},
    [MB_FEATURE_MPI] = {MB_WITH_MPI, "training by several processes", "MPI"},
    [MB_FEATURE_NPZ] = {MB_WITH_NPZ, "NPZ", "libzip"},
};

bool mb_has_feature(mb_feature feature) { return features[feature].built; }

mb_status mb_fail_feature(mb_error *error, const char *path, mb_feature feature)
{
    return mb_fail(error, MB_ERROR_UNAVAILABLE, "%s: no %s: this build has no %s", path,
                   features[feature].name, features[feature].library);
}

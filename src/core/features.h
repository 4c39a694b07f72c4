/* Errors of features that the build lacks. The files that need a library are compiled only if Meson
 * found it; MB_WITH_REPORT, MB_WITH_ONNX, MB_WITH_TENSORBOARD and MB_WITH_NPZ are 0 or
 * 1. */
#ifndef MB_CORE_FEATURES_H
#define MB_CORE_FEATURES_H

#include "core/status.h"

#include <mnist_blas/features.h>

/* MB_ERROR_UNAVAILABLE: "PATH: no FEATURE: this build has no LIBRARY". */
mb_status mb_fail_feature(mb_error *error, const char *path, mb_feature feature);

#endif

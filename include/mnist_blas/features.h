/* Parts of the library that a build may lack. */
#ifndef MNIST_BLAS_FEATURES_H
#define MNIST_BLAS_FEATURES_H

#include <mnist_blas/status.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mb_feature {
    MB_FEATURE_REPORT,      /* pictures and page of a run; needs cairo */
    MB_FEATURE_ONNX,        /* models as ONNX files; needs protobuf-c */
    MB_FEATURE_TENSORBOARD, /* event files for TensorBoard; needs protobuf-c */
    MB_FEATURE_NPZ,         /* data in NumPy archives; needs libzip */
    MB_FEATURE_MPI          /* training by several processes; needs MPI */
} mb_feature;

/* True if this build has the feature. Functions of one that is missing return
 * MB_ERROR_UNAVAILABLE. */
MB_API bool mb_has_feature(mb_feature feature);

#ifdef __cplusplus
}
#endif
#endif

/* Models in memory. */
#ifndef MB_MODEL_MODEL_H
#define MB_MODEL_MODEL_H

#include "core/file.h"

#include <mnist_blas/model.h>

/* The content of the file that mb_model_save writes to `path`, the caller's to free.
 * MB_ERROR_IO: above the limits of safetensors; MB_ERROR_MEMORY. */
mb_status mb_model_serialize(const mb_network *network, const char *path, mb_bytes *bytes,
                             mb_error *error);

#endif

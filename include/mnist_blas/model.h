/* Networks to files and back. */
#ifndef MNIST_BLAS_MODEL_H
#define MNIST_BLAS_MODEL_H

#include <mnist_blas/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the parameters as a safetensors file, with the spec, the input shape and the class count
 * in its metadata. Equal networks give equal bytes. The file appears whole or not at all, and
 * what was at `path` stays when anything fails.
 * MB_IO: cannot be written; MB_MEMORY. */
MB_API mb_status mb_model_save(const mb_network *network, const char *path, mb_error *error);

/* Reads such a file; *network is the caller's, for mb_network_close.
 * MB_IO: missing or unreadable; MB_FORMAT: not a safetensors file, without our metadata, tensors
 * missing, of other names or shapes than the spec's, or with numbers that are not finite;
 * MB_MEMORY. */
MB_API mb_status mb_model_load(const mb_machine *machine, const char *path, mb_network **network,
                               mb_error *error);

#ifdef __cplusplus
}
#endif
#endif

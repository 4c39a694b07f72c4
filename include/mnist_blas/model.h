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
 * MB_ERROR_IO: cannot be written; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_save(const mb_network *network, const char *path, mb_error *error);

/* Reads such a file; *network is the caller's, for mb_network_close.
 * MB_ERROR_IO: missing or unreadable; MB_ERROR_FORMAT: not a safetensors file, without our
 * metadata, tensors missing, of other names or shapes than the spec's, or with numbers that are not
 * finite, or negative variances; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_load(const mb_machine *machine, const char *path, mb_network **network,
                               mb_error *error);

/* Reads a safetensors file as PyTorch saves one, whose metadata say nothing of the network: the
 * state of the nn.Sequential whose modules are the layers of `spec`, in their order, for samples of
 * shape `input`. There are as many classes as the last two-dimensional weight has rows. *network
 * is the caller's, for mb_network_close.
 * MB_ERROR_INVALID: the spec is not one, or does not fit input and classes; MB_ERROR_IO: missing or
 * unreadable; MB_ERROR_FORMAT: not a safetensors file, tensors missing, of other names or shapes
 * than the spec's, or with numbers that are not finite, or negative variances; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_load_as(const mb_machine *machine, const char *path, const char *spec,
                                  mb_shape input, mb_network **network, mb_error *error);

/* Writes the network for ONNX Runtime and others, opset 17: "input" is (batch, channels, rows,
 * columns) of gray values from 0, the background, to 1; "logits" and "probabilities" are (batch,
 * classes). Equal networks give equal bytes. The file appears whole or not at all.
 * MB_ERROR_UNAVAILABLE: the library is built without, or a layer has no form in ONNX; MB_ERROR_IO:
 * cannot be written; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_export_onnx(const mb_network *network, const char *path, mb_error *error);

#ifdef __cplusplus
}
#endif
#endif

/* Networks to files and back. */
#ifndef MNIST_BLAS_MODEL_H
#define MNIST_BLAS_MODEL_H

#include <mnist_blas/dataset.h>
#include <mnist_blas/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the parameters as a safetensors file, with the spec, the input shape, the class count, the
 * form of the images, the names of the classes, if they have any ("class_names", a JSON array), the
 * temperature and the threshold of mb_calibrate, if it has any ("temperature", by which the logits
 * are divided already, and "confidence_threshold"), and 64 hashes of training images as metadata.
 * Equal networks give equal bytes. The file appears whole or not at all; after a failure the old
 * file at `path` is untouched. MB_ERROR_IO: cannot be written; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_save(const mb_network *network, const char *path, mb_error *error);

/* Reads such a file; the caller closes *network.
 * MB_ERROR_IO: missing or unreadable; MB_ERROR_FORMAT: not a safetensors file, our metadata
 * missing or invalid, tensors missing or of other names or shapes than the spec's, values that are
 * not finite, or negative variances; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_load(const mb_machine *machine, const char *path, mb_network **network,
                               mb_error *error);

/* Reads a safetensors file with the state_dict of a PyTorch nn.Sequential whose modules are the
 * layers of `spec` in order, for samples of shape `input`. The class count is the number of rows of
 * the last two-dimensional weight. Metadata may say the form of the images and the names of the
 * classes, as those of mb_model_save do. The caller closes *network.
 * MB_ERROR_INVALID: an invalid spec, one that does not fit input and classes, or a model of
 * mb_model_save that has another network or input; MB_ERROR_IO: missing or unreadable;
 * MB_ERROR_FORMAT: not a safetensors file, tensors missing or of other names or shapes than the
 * spec's, values that are not finite, or negative variances; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_load_as(const mb_machine *machine, const char *path, const char *spec,
                                  mb_shape input, mb_network **network, mb_error *error);

/* Writes the network as ONNX, opset 17: input "input" (batch, channels, rows, columns), values of
 * pixels from 0 to 1 as in the images' files: the graph inverts and standardizes them as their form
 * says; outputs "logits" and "probabilities" (batch, classes). Metadata have the spec as "network"
 * and, as a JSON array, the names of the classes, if they have any, as "class_names". Equal
 * networks give equal bytes. The file appears whole or not at all. MB_ERROR_UNAVAILABLE: the build
 * has no ONNX, or a layer has no ONNX form; MB_ERROR_IO: cannot be written; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_export_onnx(const mb_network *network, const char *path, mb_error *error);

enum { MB_C_NAME_SIZE = 64 };

/* What mb_model_export_c has written. */
typedef struct mb_c_source {
    char name[MB_C_NAME_SIZE]; /* of the functions: NAME_classify, NAME_class_name */
    size_t weight_bytes;       /* of its constants */
    size_t scratch_bytes;      /* of its static memory */
} mb_c_source;

/* Writes the network as a file of C99 (and C++) that needs no library and allocates nothing:
 * int NAME_classify(const uint8_t *image, float *probabilities) and
 * const char *NAME_class_name(int index), NAME from the file's name. Images are (rows, columns,
 * channels), values as in the images' files. Batch normalisation after a convolution is in its
 * weights, and products with 0 are left out. Equal networks give equal bytes, if the name is equal.
 * The file appears whole or not at all. *description may be NULL. MB_ERROR_UNAVAILABLE: a layer has
 * no C form; MB_ERROR_IO: cannot be written; MB_ERROR_MEMORY. */
MB_API mb_status mb_model_export_c(const mb_network *network, const char *path,
                                   mb_c_source *description, mb_error *error);

/* A network in 8-bit integers. */
typedef struct mb_quantized mb_quantized;

/* Quantizes the network: weights to -64 .. 64 with a scale per unit, activations to 8 bits with a
 * scale and a zero per layer, from their ranges over up to 1,000 of the images, at equal distances.
 * The images have the network's input shape and, as those of a dataset, a dark ground. The network
 * must outlive *quantized, which the caller closes. MB_ERROR_INVALID: no images, or images of
 * another shape; MB_ERROR_UNAVAILABLE: a layer cannot be quantized; MB_ERROR_DIVERGED: an output is
 * not finite; MB_ERROR_MEMORY. */
MB_API mb_status mb_quantize(const mb_network *network, const mb_images *images,
                             mb_quantized **quantized, mb_error *error);
MB_API void mb_quantized_close(mb_quantized *quantized);

/* *accuracy = the share of the images of `split`, as those of mb_quantize, that the functions of
 * mb_quantized_export_c's file give their label. MB_ERROR_INVALID: as mb_quantize; MB_ERROR_MEMORY.
 */
MB_API mb_status mb_quantized_accuracy(const mb_quantized *quantized, const mb_split *split,
                                       double *accuracy, mb_error *error);

/* mb_model_export_c with 8-bit integers: the arithmetic is that of integers only, but for
 * probabilities, if they are wanted. */
MB_API mb_status mb_quantized_export_c(const mb_quantized *quantized, const char *path,
                                       mb_c_source *description, mb_error *error);

/* mb_model_export_onnx with 8-bit integers, in QDQ form: input and outputs are the same, and each
 * layer has DequantizeLinear before it and QuantizeLinear after it. Weights are int8 with a scale
 * per unit, biases int32, activations int8 with a scale and a zero point per tensor: the integers
 * of mb_quantized_export_c's file. Batch normalisation after a convolution is in its weights;
 * elsewhere it is a convolution of 1x1. Statuses are those of mb_model_export_onnx. */
MB_API mb_status mb_quantized_export_onnx(const mb_quantized *quantized, const char *path,
                                          mb_error *error);

#ifdef __cplusplus
}
#endif
#endif

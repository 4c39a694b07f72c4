/* A network: layers built from a spec, and their parameters. */
#ifndef MNIST_BLAS_NETWORK_H
#define MNIST_BLAS_NETWORK_H

#include <mnist_blas/images.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/status.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mb_network mb_network;

/* The most dimensions that a parameter tensor has. */
enum { MB_MAX_DIMENSIONS = 4 };

/* One parameter tensor as PyTorch's nn.Sequential would name and shape it: "0.weight" of a dense
 * layer is (out, in), "0.bias" is (out). */
typedef struct mb_tensor_info {
    char name[32];
    size_t dimensions;
    size_t shape[MB_MAX_DIMENSIONS];
    size_t elements;
} mb_tensor_info;

/* Builds the network that `spec` names, for samples of shape `input` and `classes` classes:
 * "mlp" for 784-128-64-10, or layers in order, "dense:128,relu,dense:64,relu,dense:10". The last
 * layer must be dense with one unit a class; mlp adapts. Parameters are zero. The network keeps
 * its parameters in the order that the machine's kernel set likes, and is for that machine.
 * MB_ERROR_INVALID: the spec is not one, or does not fit input and classes; MB_ERROR_MEMORY. */
MB_API mb_status mb_network_open(const mb_machine *machine, const char *spec, mb_shape input,
                                 size_t classes, mb_network **network, mb_error *error);

/* Weights uniform in +-sqrt(6 / inputs), biases 0: He, Zhang, Ren and Sun, "Delving deep into
 * rectifiers", 2015. The same seed gives the same network. */
MB_API void mb_network_initialise(mb_network *network, uint64_t seed);

/* The layers as a spec, names such as "mlp" written out. Valid until the network is closed. */
MB_API const char *mb_network_spec(const mb_network *network);
MB_API mb_shape mb_network_input(const mb_network *network);
MB_API size_t mb_network_classes(const mb_network *network);
/* Trainable numbers. */
MB_API size_t mb_network_parameter_count(const mb_network *network);
/* Dense arithmetic of a training step, 2 a multiply-add, per sample. */
MB_API double mb_network_training_flops(const mb_network *network);

/* Parameter tensors, numbered 0 .. mb_network_tensor_count()-1 in the order of the layers, weight
 * before bias. */
MB_API size_t mb_network_tensor_count(const mb_network *network);
MB_API mb_tensor_info mb_network_tensor_info(const mb_network *network, size_t index);
/* Copies a tensor out of or into the network; `values` has mb_tensor_info's elements, row-major. */
MB_API void mb_network_get_tensor(const mb_network *network, size_t index, float *values);
MB_API void mb_network_set_tensor(mb_network *network, size_t index, const float *values);

/* Frees; NULL is fine. The machine stays open. */
MB_API void mb_network_close(mb_network *network);

#ifdef __cplusplus
}
#endif
#endif

/* A network: layers built from a spec, and their parameters. */
#ifndef MNIST_BLAS_NETWORK_H
#define MNIST_BLAS_NETWORK_H

#include <mnist_blas/images.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mb_network mb_network;

/* Maximum of a parameter tensor's dimensions. */
enum { MB_MAX_DIMENSIONS = 4 };

/* One parameter tensor, named and shaped as PyTorch's nn.Sequential does: "0.weight" of a dense
 * layer is (out, in), "0.bias" is (out). */
typedef struct mb_tensor_info {
    char name[32];
    size_t dimensions;
    size_t shape[MB_MAX_DIMENSIONS];
    size_t elements;
} mb_tensor_info;

/* One layer of a network. */
typedef struct mb_layer_info {
    const char *name, *argument; /* as in the spec; NULL: no argument */
    mb_shape in, out;            /* of one sample */
    size_t parameters;           /* trainable elements */
    double flops;                /* of one sample's forward pass, 2 per multiply-add */
} mb_layer_info;

/* One kind of layer that a spec may name: {"dropout", "RATE", ...} is written dropout:0.25. */
typedef struct mb_layer_kind {
    const char *name;
    const char *syntax; /* of its argument; "": none */
    const char *help;   /* one line */
} mb_layer_kind;

/* Several threads may read a network at a time; a call that changes it must be the only one. */

/* Builds the network that `spec` names, for samples of shape `input` and `classes` classes (2 to
 * 256): "mlp" for 784-128-64-10, or layers in order, "dense:128,relu,dense:64,relu,dense:10". The
 * last layer must be dense with one unit per class; mlp adapts. Parameters are zero. The network
 * stores its parameters in the order that suits the machine's kernel set, and is for that machine,
 * which must outlive it. MB_ERROR_INVALID: the spec is not valid, or does not fit input and
 * classes; MB_ERROR_MEMORY. */
MB_API mb_status mb_network_open(const mb_machine *machine, const char *spec, mb_shape input,
                                 size_t classes, mb_network **network, mb_error *error);

/* Weights uniform in +-sqrt(6 / inputs), biases 0: He, Zhang, Ren and Sun, "Delving deep into
 * rectifiers", 2015. The same seed gives the same network. */
MB_API void mb_network_initialise(mb_network *network, uint64_t seed);

/* MB_ERROR_MEMORY if the memory of training such a network (mb_network_training_bytes) is not
 * available: to be asked before it is opened, which takes only a part of that. Allocates none of
 * it. Other errors are those of mb_network_open. */
MB_API mb_status mb_network_check_memory(const mb_machine *machine, const char *spec,
                                         mb_shape input, size_t classes, size_t batch_size,
                                         mb_error *error);

/* The names that stand for whole networks, "mlp" first, with `separator` between them, cut off at
 * `size`. Returns `text`. */
MB_API char *mb_network_list_names(const char *separator, char *text, size_t size);

/* The layers as a spec, with those of a name such as "mlp" written out. Valid until the network is
 * closed. */
MB_API const char *mb_network_spec(const mb_network *network);
MB_API mb_shape mb_network_input(const mb_network *network);
MB_API size_t mb_network_classes(const mb_network *network);
/* The names of the classes, (classes), of the dataset that it was trained on, valid until the
 * network is closed; NULL: they have no names but their numbers. Model files and checkpoints keep
 * them. Setting copies them. MB_ERROR_INVALID: not 1 to 100 bytes of UTF-8 without control
 * characters each, all different; MB_ERROR_MEMORY. */
MB_API const char *const *mb_network_class_names(const mb_network *network);
MB_API mb_status mb_network_set_class_names(mb_network *network, const char *const *names,
                                            mb_error *error);
/* The form of the images that the network was trained on: that of the dataset, {0} for a network
 * that is not trained. Model files and checkpoints keep it. */
MB_API mb_image_form mb_network_form(const mb_network *network);
MB_API void mb_network_set_form(mb_network *network, mb_image_form form);
/* What mb_calibrate (mnist_blas/calibration.h) found: the temperature by which the logits are
 * divided already, 1 without one, and the probability of the predicted class at which few images
 * are wrong, 0 without one. Model files keep them; training forgets them. */
MB_API double mb_network_temperature(const mb_network *network);
MB_API double mb_network_threshold(const mb_network *network);
/* Of `images`, in the form of a dataset's in memory, counts a random sample (about 64 of as many
 * images as the network was trained on; none of a network that is not trained or of an earlier
 * version), and how many of it the network was trained on. */
MB_API void mb_network_count_trained(const mb_network *network, const mb_images *images,
                                     size_t *sampled, size_t *trained);
/* Trainable elements. */
MB_API size_t mb_network_parameter_count(const mb_network *network);
/* Dense arithmetic of a training step per sample, 2 per multiply-add. */
MB_API double mb_network_training_flops(const mb_network *network);
/* Memory of training in bytes: parameters, two moments, and the activations and gradients of a
 * batch. */
MB_API double mb_network_training_bytes(const mb_network *network, size_t batch_size,
                                        size_t threads);

/* Layers, numbered from 0 in the order of the spec. Texts are valid until the network is closed. */
MB_API size_t mb_network_layer_count(const mb_network *network);
MB_API mb_layer_info mb_network_layer_info(const mb_network *network, size_t index);

/* Kind `index` (from 0) of the layers that a spec may name; false after the last. */
MB_API bool mb_network_layer_kind(size_t index, mb_layer_kind *kind);

/* Parameter tensors, numbered from 0 in the order of the layers, weight before bias. */
MB_API size_t mb_network_tensor_count(const mb_network *network);
MB_API mb_tensor_info mb_network_tensor_info(const mb_network *network, size_t index);
/* Copies a tensor out of or into the network; `values` has mb_tensor_info's elements, row-major. */
MB_API void mb_network_get_tensor(const mb_network *network, size_t index, float *values);
MB_API void mb_network_set_tensor(mb_network *network, size_t index, const float *values);

/* Frees the network; NULL is allowed. The machine stays open. */
MB_API void mb_network_close(mb_network *network);

#ifdef __cplusplus
}
#endif
#endif

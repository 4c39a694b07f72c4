/* A network from the inside: its layers, and their phases. */
#ifndef MB_NN_NETWORK_H
#define MB_NN_NETWORK_H

#include "data/image_sketch.h"
#include "nn/layer.h"

struct mb_network {
    mb_arena arena;
    const mb_kernels *kernels;
    const char *spec;
    mb_layer *layers;
    size_t count;
    mb_shape input;
    size_t classes;
    const char *const *class_names; /* (classes) in the arena; NULL: their numbers */
    mb_image_form form;             /* of the images that it was trained on */
    mb_image_sketch trained;        /* of these images */
    double temperature, threshold;  /* mb_network_temperature, mb_network_threshold */
    float *parameters;              /* of all layers */
    size_t parameter_elements;      /* in `parameters`, padding between layers included */
};

/* mb_network_open for a spec from an untrusted file: MB_ERROR_INVALID, before memory is allocated,
 * if the network has more than max_parameters parameters. */
mb_status mb_network_open_within(const mb_machine *machine, const char *spec, mb_shape input,
                                 size_t classes, size_t max_parameters, mb_network **network,
                                 mb_error *error);

/* Prepares `split` as mb_sample_source_open does, in the form that the first layer takes.
 * MB_ERROR_MEMORY. */
mb_status mb_network_source(const mb_network *network, const mb_split *split, mb_arena *arena,
                            mb_sample_source *source, mb_error *error);

/* A source of up to `count` images of the network's input shape, in the form that the first layer
 * takes: they are set later, in source->split.images. MB_ERROR_MEMORY. */
mb_status mb_network_reserve_source(const mb_network *network, size_t count, mb_arena *arena,
                                    mb_sample_source *source, mb_error *error);

/* The same network with other parameters, (parameter_elements): it belongs to the arena and must
 * not be closed, and `network` must outlive it. NULL if memory is out. */
mb_network *mb_network_with_parameters(const mb_network *network, float *parameters,
                                       mb_arena *arena);

/* Copies the state of layers that is not trained, such as running statistics, into `parameters`. */
void mb_network_copy_state(const mb_network *network, float *parameters);

/* Checks values of tensor `index` that come from a file. MB_ERROR_INVALID, with the reason alone as
 * text: one is not finite, or not valid for its layer (a negative variance). */
mb_status mb_network_check(const mb_network *network, size_t index, const float *values,
                           mb_error *error);

/* Activations and gradients of a batch, for one plan's use at a time. */
typedef struct mb_activations {
    mb_matrix *out;    /* (layers); unused of layers in place on the batch */
    mb_matrix *d_out;  /* (layers); .data NULL in evaluation */
    float **workspace; /* (layers) mb_layer_ops.workspace_size elements each */
} mb_activations;

/* Bytes of the activations of up to max_rows samples on `threads` threads; SIZE_MAX if they are too
 * many to count. */
size_t mb_activations_bytes(const mb_network *network, size_t max_rows, size_t threads,
                            bool training);

/* Allocates the activations of up to max_rows samples from the arena. MB_ERROR_MEMORY. */
mb_status mb_activations_open(const mb_network *network, size_t max_rows, size_t threads,
                              bool training, mb_arena *arena, mb_activations *activations,
                              mb_error *error);

/* The context of the phase after the last layer: out are the logits. `ctx` gives plan, arena,
 * kernels, batch, rows and trainable; the rest is set here. */
mb_layer_context mb_network_output_context(const mb_network *network,
                                           const mb_activations *activations, mb_layer_context ctx);

/* Append the layers' phases to ctx.plan: from the batch to the logits; from the gradient of the
 * logits to those of all layers' outputs; from those to new parameters. */
void mb_network_forward(const mb_network *network, const mb_activations *activations,
                        mb_layer_context ctx);
/* With `updates` each layer's update follows its backward phases: ranks then exchange its
 * parameters while they compute the gradients of the layers before it. */
void mb_network_backward(const mb_network *network, const mb_activations *activations,
                         mb_layer_context ctx, bool updates);
void mb_network_update(const mb_network *network, const mb_activations *activations,
                       mb_layer_context ctx);

#endif

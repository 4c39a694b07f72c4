/* A network from the inside: its layers, and their phases. */
#ifndef MB_NN_NETWORK_H
#define MB_NN_NETWORK_H

#include "nn/layer.h"

struct mb_network {
    mb_arena arena;
    const mb_kernels *kernels;
    const char *spec;
    mb_layer *layers;
    size_t count;
    mb_shape input;
    size_t classes;
    float *parameters;         /* all layers' */
    size_t parameter_elements; /* numbers in `parameters`, gaps between layers included */
};

/* mb_network_open for a spec from a file that is not trusted: MB_ERROR_INVALID, before memory is
 * taken, where the network would have more parameters than that. */
mb_status mb_network_open_within(const mb_machine *machine, const char *spec, mb_shape input,
                                 size_t classes, size_t max_parameters, mb_network **network,
                                 mb_error *error);

/* Prepares `split` as mb_sample_source_open does, in the form that the
 * first layer takes. MB_ERROR_MEMORY. */
mb_status mb_network_source(const mb_network *network, const mb_split *split, mb_arena *arena,
                            mb_sample_source *source, mb_error *error);

/* The same network with other parameters, (parameter_elements): it belongs to the arena and must
 * not be closed, and `network` must outlive it. NULL when memory is out. */
mb_network *mb_network_with_parameters(const mb_network *network, float *parameters,
                                       mb_arena *arena);

/* Copies what layers know besides what they learn, such as running statistics, into `parameters`.
 */
void mb_network_copy_state(const mb_network *network, float *parameters);

/* Whether tensor `index` can have these values, for those that come from a file. MB_ERROR_INVALID,
 * with the reason alone as text: one is not finite, or not what its layer works with (a negative
 * variance). */
mb_status mb_network_check(const mb_network *network, size_t index, const float *values,
                           mb_error *error);

/* Activations and gradients of a batch, for one plan's use at a time. */
typedef struct mb_activations {
    mb_matrix *out;    /* (layers) */
    mb_matrix *d_out;  /* (layers); .data NULL where nothing is trained */
    float **workspace; /* (layers) mb_layer_ops.workspace_size numbers each */
} mb_activations;

/* What a layer of a network is. */
typedef struct mb_layer_info {
    const char *name, *argument; /* as in the spec; NULL: none */
    mb_shape in, out;
    size_t parameters;
    double flops; /* of one sample's forward pass, 2 a multiply-add */
} mb_layer_info;

size_t mb_network_layer_count(const mb_network *network);
mb_layer_info mb_network_layer_info(const mb_network *network, size_t number);

/* Bytes of a activations for that many samples on that many threads; SIZE_MAX where there are too
 * many to count. */
size_t mb_activations_bytes(const mb_network *network, size_t max_rows, size_t threads,
                            bool training);

/* Room for up to max_rows samples, from the arena. MB_ERROR_MEMORY. */
mb_status mb_activations_open(const mb_network *network, size_t max_rows, size_t threads,
                              bool training, mb_arena *arena, mb_activations *activations,
                              mb_error *error);

/* The logits' place: like a layer after the last. `ctx` gives plan, arena, kernels, rows and
 * trainable; the matrices are set here. */
mb_layer_context mb_network_output_context(const mb_network *network,
                                           const mb_activations *activations, mb_layer_context ctx);

/* Append the layers' phases to ctx.plan: from the batch to the logits; from the gradient of the
 * logits to those of all layers' outputs; from those to new parameters. MB_ERROR_MEMORY. */
mb_status mb_network_forward(const mb_network *network, const mb_activations *activations,
                             mb_layer_context ctx, mb_error *error);
mb_status mb_network_backward(const mb_network *network, const mb_activations *activations,
                              mb_layer_context ctx, mb_error *error);
mb_status mb_network_update(const mb_network *network, const mb_activations *activations,
                            mb_layer_context ctx, mb_error *error);

#endif

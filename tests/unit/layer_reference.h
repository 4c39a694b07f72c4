/* Naive reference of a network of any layers: the outputs of each, the loss and its gradients,
 * element by element in double precision, all images channels first. The gradients of batchnorm2d
 * are those of Ioffe and Szegedy's paper; the dropout mask is computed from its hash. A step that
 * fails (no memory) ends the test through cmocka. */
#ifndef MB_TESTS_LAYER_REFERENCE_H
#define MB_TESTS_LAYER_REFERENCE_H

#include "nn/network.h"

/* Images (.., pixels), their labels, and the indices of those in the batch. */
typedef struct mb_reference_batch {
    const uint8_t *images, *labels;
    const uint32_t *number; /* (rows) */
    size_t rows;
} mb_reference_batch;

enum { MB_REFERENCE_LAYERS = 24, MB_REFERENCE_TENSORS = 2 * MB_REFERENCE_LAYERS };

typedef struct mb_layer_reference {
    const mb_network *network; /* only its layers' kinds and shapes are read */
    size_t layers, tensors, max_rows;
    size_t first_tensor[MB_REFERENCE_LAYERS]; /* of each layer */
    size_t elements[MB_REFERENCE_TENSORS];
    double *tensor[MB_REFERENCE_TENSORS];
    double *gradient[MB_REFERENCE_TENSORS]; /* 0 for tensors that are not trained */
    double *out[MB_REFERENCE_LAYERS + 1];   /* (max_rows, layer's out); out[0] are the pixels */
    double *d[MB_REFERENCE_LAYERS + 1];     /* gradient of the mean loss with respect to out */
    size_t *largest[MB_REFERENCE_LAYERS];   /* of maxpool2d: where each output is from */
    bool evaluates;                         /* running statistics, no dropout */
    uint64_t seed;                          /* of dropout, in epoch 0 */
    double nearest; /* to a kink: a ReLU's input to 0, a window's largest to its second largest */
} mb_layer_reference;

/* A reference of `network` with its parameters, for batches of up to max_rows samples. The network
 * must outlive it; for mb_layer_reference_close. */
void mb_layer_reference_open(const mb_network *network, size_t max_rows, mb_layer_reference *ref);

/* Mean loss of the batch, in nats; sets `out`, the last being the softmax, and
 * `nearest`. */
double mb_layer_reference_loss(mb_layer_reference *ref, const mb_reference_batch *batch);

/* The same, and sets `gradient` and `d`. */
double mb_layer_reference_gradient(mb_layer_reference *ref, const mb_reference_batch *batch);

void mb_layer_reference_close(mb_layer_reference *ref);

#endif

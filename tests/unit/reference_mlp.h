/* The naive twin of a network: dense layers with or without ReLU behind them, softmax
 * cross-entropy, and their gradients, one sample and one number at a time in double precision.
 * A step that fails (no memory) ends the test through cmocka. */
#ifndef MB_TESTS_REFERENCE_MLP_H
#define MB_TESTS_REFERENCE_MLP_H

#include "nn/network.h"

enum { MB_REFERENCE_LAYERS = 3, MB_REFERENCE_TENSORS = 2 * MB_REFERENCE_LAYERS };

typedef struct mb_reference_mlp {
    size_t count, width[MB_REFERENCE_LAYERS + 1]; /* layer l: width[l] inputs, width[l + 1] units */
    bool relu[MB_REFERENCE_LAYERS];
    size_t elements[MB_REFERENCE_TENSORS];
    double *tensor[MB_REFERENCE_TENSORS]; /* weight (out, in) and bias (out) of each layer */
    double *gradient[MB_REFERENCE_TENSORS];
    double *out[MB_REFERENCE_LAYERS + 1]; /* of one sample; out[0] is its pixels */
    double *d[MB_REFERENCE_LAYERS + 1];   /* gradient of the loss by those */
    double nearest;                       /* |pre-activation| nearest to the kink of a ReLU */
} mb_reference_mlp;

/* Images (.., pixels), their labels, and which of them make up the batch. */
typedef struct mb_reference_batch {
    const uint8_t *images, *labels;
    const uint32_t *number; /* (rows) */
    size_t rows;
} mb_reference_batch;

/* A twin of `network`, of at most MB_REFERENCE_LAYERS dense layers, with its parameters; for
 * mb_reference_mlp_close. */
void mb_reference_mlp_open(const mb_network *network, mb_reference_mlp *twin);

/* Mean loss of the batch, in nats; sets `nearest` to what it is in this batch. */
double mb_reference_mlp_loss(mb_reference_mlp *twin, const mb_reference_batch *batch);

/* The same, and sets `gradient` to that of the mean loss by the parameters. */
double mb_reference_mlp_gradient(mb_reference_mlp *twin, const mb_reference_batch *batch);

void mb_reference_mlp_close(mb_reference_mlp *twin);

#endif

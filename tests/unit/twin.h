/* The naive twin of a network: dense layers with or without ReLU behind them, softmax
 * cross-entropy, and their gradients, one sample and one number at a time in double precision.
 * A step that fails (no memory) ends the test through cmocka. */
#ifndef MB_TESTS_TWIN_H
#define MB_TESTS_TWIN_H

#include "nn/network.h"

enum { MB_TWIN_LAYERS = 3, MB_TWIN_TENSORS = 2 * MB_TWIN_LAYERS };

typedef struct mb_twin {
    size_t count, width[MB_TWIN_LAYERS + 1]; /* layer l: width[l] inputs, width[l + 1] units */
    bool relu[MB_TWIN_LAYERS];
    size_t elements[MB_TWIN_TENSORS];
    double *tensor[MB_TWIN_TENSORS]; /* weight (out, in) and bias (out) of each layer */
    double *gradient[MB_TWIN_TENSORS];
    double *out[MB_TWIN_LAYERS + 1]; /* of one sample; out[0] is its pixels */
    double *d[MB_TWIN_LAYERS + 1];   /* gradient of the loss by those */
    double nearest;                  /* |pre-activation| nearest to the kink of a ReLU */
} mb_twin;

/* Images (.., pixels), their labels, and which of them make up the batch. */
typedef struct mb_twin_batch {
    const uint8_t *images, *labels;
    const uint32_t *number; /* (rows) */
    size_t rows;
} mb_twin_batch;

/* A twin of `network`, of at most MB_TWIN_LAYERS dense layers, with its parameters; for
 * mb_twin_close. */
void mb_twin_open(const mb_network *network, mb_twin *twin);

/* Mean loss of the batch, in nats; sets `nearest` to what it is in this batch. */
double mb_twin_loss(mb_twin *twin, const mb_twin_batch *batch);

/* The same, and sets `gradient` to that of the mean loss by the parameters. */
double mb_twin_gradient(mb_twin *twin, const mb_twin_batch *batch);

void mb_twin_close(mb_twin *twin);

#endif

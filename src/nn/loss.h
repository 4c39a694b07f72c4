/* Softmax cross-entropy of a batch, and the statistics of an epoch. */
#ifndef MB_NN_LOSS_H
#define MB_NN_LOSS_H

#include "nn/layer.h"

#include <mnist_blas/evaluation.h>

/* Results of one batch. */
typedef struct mb_loss {
    float *losses;      /* (rows) nats, times the class weights of the loss */
    uint8_t *predicted; /* (rows) most probable class */
} mb_loss;

/* Samples by the probability of their predicted class. */
typedef struct mb_confidence_stats {
    mb_confidence_bin bins[MB_CONFIDENCE_BINS];
    float threshold;                   /* 0: none */
    size_t accepted, accepted_correct; /* of at least this probability */
} mb_confidence_stats;

/* Sums over the steps of an epoch; the arrays are filled unless they are NULL. */
typedef struct mb_epoch_stats {
    double loss; /* of all samples, nats, times their class weights */
    size_t steps, samples, correct;
    bool finite;       /* every batch's loss was finite; one that is not is left out of the sums */
    size_t *confusion; /* (classes, classes) counts, true class by predicted class */
    float *step_loss;  /* (steps of the epoch) mean loss of each step's batch */
    mb_confidence_stats *confidence;
} mb_epoch_stats;

/* Allocates the results of max_rows samples from the arena. MB_ERROR_MEMORY. */
mb_status mb_loss_open(size_t max_rows, mb_arena *arena, mb_loss *loss, mb_error *error);

/* The least mean loss of samples of which each class has as many as its weight says, or equally
 * many without weights (NULL): the entropy of a smoothed label. class_weights: (classes). */
double mb_loss_min(double label_smoothing, size_t classes, const float *class_weights);

/* The probability of the predicted class, in double; as a float, that of mb_softmax. */
double mb_confidence(const float *logits, size_t classes, size_t predicted);

void mb_confidence_stats_add(mb_confidence_stats *stats, double confidence, bool correct);

/* Appends the phase that computes losses and predicted classes from the logits ctx->out
 * (rows, classes) and, in training, ctx->d_out, the gradient of the batch's mean loss. */
void mb_loss_plan(const mb_loss *loss, const mb_layer_context *ctx);

/* Appends the phase that adds the batch's results to *stats. */
void mb_epoch_stats_plan(const mb_loss *loss, mb_epoch_stats *stats, const mb_layer_context *ctx);

#endif

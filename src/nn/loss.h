/* Softmax cross-entropy over a batch, and what an epoch adds up. */
#ifndef MB_NN_LOSS_H
#define MB_NN_LOSS_H

#include "nn/layer.h"

/* Room for one batch's results. */
typedef struct mb_loss {
    float *losses;      /* (rows) nats */
    uint8_t *predicted; /* (rows) likeliest class */
} mb_loss;

/* Sums over the steps of a pass; the arrays are filled where they are not NULL. */
typedef struct mb_epoch_stats {
    double loss; /* of all samples, nats */
    size_t steps, samples, correct;
    bool finite;       /* every batch's loss was finite; one that is not is left out of the sums */
    size_t *confusion; /* (classes, classes) counts, true class by predicted */
    float *step_loss;  /* (steps of the pass) mean loss of each step's batch */
    float *logits;     /* (samples of the pass, classes) */
} mb_epoch_stats;

/* Room for `max_rows` samples, from the arena. MB_ERROR_MEMORY. */
mb_status mb_loss_open(size_t max_rows, mb_arena *arena, mb_loss *loss, mb_error *error);

/* Appends the phase that turns the logits ctx->out (rows, classes) into losses and guesses, and,
 * where something is trained, into ctx->d_out, the gradient of the batch's mean loss. */
mb_status mb_loss_plan(const mb_loss *loss, const mb_layer_context *ctx, mb_error *error);

/* Appends the phase that adds the batch's results, from the logits ctx->out on, to *stats. */
mb_status mb_epoch_stats_plan(const mb_loss *loss, mb_epoch_stats *stats,
                              const mb_layer_context *ctx, mb_error *error);

#endif

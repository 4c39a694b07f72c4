/* Evaluation that is prepared once and run often. */
#ifndef MB_TRAIN_EVALUATOR_H
#define MB_TRAIN_EVALUATOR_H

#include "train/epoch.h"

#include <mnist_blas/evaluation.h>
#include <mnist_blas/training.h>

typedef struct mb_evaluator {
    mb_arena arena;
    mb_sample_source source;
    mb_epoch epoch;
    uint32_t *order;
} mb_evaluator;

/* Prepares `network` to classify `split`; both must
 * outlive the evaluator, and mb_evaluator_close frees it. MB_ERROR_INVALID: images of another size
 * than the network's input, a label above its classes, an empty split; MB_ERROR_MEMORY. */
mb_status mb_evaluator_open(const mb_network *network, const mb_split *split, size_t threads,
                            mb_evaluator *evaluator, mb_error *error);

/* Classifies all of it; the stats is the evaluator's. A loss that is not finite ends it early.
 * events->stop is asked about 20 times a second (events may be NULL); NULL: it asked for an end. */
const mb_epoch_stats *mb_evaluator_run(mb_evaluator *evaluator, mb_team *team,
                                       const mb_training_events *events);

void mb_evaluator_close(mb_evaluator *evaluator);

#endif

/* An evaluation that is prepared once and run after every epoch. */
#ifndef MB_TRAIN_EVALUATOR_H
#define MB_TRAIN_EVALUATOR_H

#include "data/distort.h"
#include "train/epoch.h"

#include <mnist_blas/evaluation.h>
#include <mnist_blas/training.h>

/* Large enough that weights are read rarely, small enough that a batch stays in cache. */
enum { MB_EVALUATION_BATCH = 256 };

typedef struct mb_evaluator {
    mb_arena arena;
    mb_sample_source source;
    mb_augmenter distorter;
    mb_epoch epoch;
    uint32_t *order;
} mb_evaluator;

/* Prepares the evaluation of `network` on `split`, whose images are distorted as `distortion` says
 * at the time of a run (NULL: as they are). These must outlive the evaluator, which
 * mb_evaluator_close frees. MB_ERROR_INVALID: images of another shape than the network's input, a
 * label that is not one of its classes, an empty split; MB_ERROR_MEMORY. */
mb_status mb_evaluator_open(const mb_network *network, const mb_split *split,
                            const mb_distortion *distortion, size_t threads, const mb_ranks *ranks,
                            mb_evaluator *evaluator, mb_error *error);

/* Classifies all of the split; the statistics are the evaluator's. A loss that is not finite ends
 * it early. Calls events->stop about 20 times per second (events may be NULL); NULL if it returned
 * true. */
const mb_epoch_stats *mb_evaluator_run(mb_evaluator *evaluator, mb_team *team,
                                       const mb_training_events *events);

/* As in mb_evaluation, of `samples` images in bins (MB_CONFIDENCE_BINS). */
double mb_calibration_error(const mb_confidence_bin *bins, size_t samples);

void mb_evaluator_close(mb_evaluator *evaluator);

#endif

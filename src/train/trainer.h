/* A training run, epoch by epoch: mb_train for those who want to look in between. */
#ifndef MB_TRAIN_TRAINER_H
#define MB_TRAIN_TRAINER_H

#include "train/crew.h"
#include "train/evaluator.h"

#include <mnist_blas/training.h>

typedef struct mb_trainer {
    mb_team *team;
    const mb_training_options *options;
    const mb_training_events *events;
    mb_arena arena;
    mb_source source;
    mb_augmenter augmenter;
    mb_trainable trainable;
    const mb_network *evaluated; /* the network in training, or its running average */
    mb_pass pass;
    mb_evaluator test, validation;
    uint32_t *order;
    size_t steps;       /* in an epoch */
    size_t epoch;       /* from 0 */
    size_t chunk_steps; /* of the next chunk, by the time the last one took */
    mb_crew crew;       /* how many threads run it */
} mb_trainer;

/* Prepares what mb_train does with these arguments; all of them must outlive the trainer, which
 * stays where it is until mb_trainer_close. MB_INVALID and MB_MEMORY as mb_train. */
mb_status mb_trainer_open(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                          const mb_training_options *options, const mb_training_events *events,
                          mb_trainer *trainer, mb_error *error);

/* Trains one of options->epochs epochs, evaluates, and sends the events. MB_DIVERGED where a loss
 * is not finite. */
mb_status mb_trainer_epoch(mb_trainer *trainer, mb_error *error);

void mb_trainer_close(mb_trainer *trainer);

#endif

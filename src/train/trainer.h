/* A training run, epoch by epoch: mb_train for those who want to look in between. */
#ifndef MB_TRAIN_TRAINER_H
#define MB_TRAIN_TRAINER_H

#include "train/evaluator.h"
#include "train/history.h"
#include "train/thread_tuner.h"

#include <mnist_blas/training.h>

typedef struct mb_trainer {
    mb_team *team;
    const mb_training_options *options;
    const mb_training_events *events;
    mb_arena arena;
    mb_sample_source source;
    mb_augmenter augmenter;
    mb_trainable trainable;
    const mb_network *evaluated; /* the network in training, or its running average */
    float
        *best; /* (parameter_elements) what was evaluated after the best epoch; NULL: no patience */
    mb_epoch training;
    mb_evaluator test, validation;
    uint32_t *order;
    size_t steps;      /* in an epoch */
    size_t epoch;      /* from 0: the running one, or the next */
    size_t step;       /* steps of that epoch that are done */
    double seconds;    /* that they took */
    size_t meet_every; /* a chunk ends where the run's steps are a multiple of it; 0: anywhere */
    size_t interval_steps; /* of the next chunk, by the time the last one took; 0: none was */
    mb_thread_tuner thread_tuner; /* how many threads run it */
    mb_history history;           /* of the epochs that are finished */
    bool stopped;                 /* by events->stop */
} mb_trainer;

/* Prepares what mb_train does with these arguments; all of them must outlive the trainer, which
 * stays where it is until mb_trainer_close. MB_ERROR_INVALID and MB_ERROR_MEMORY as mb_train. */
mb_status mb_trainer_open(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                          const mb_training_options *options, const mb_training_events *events,
                          mb_trainer *trainer, mb_error *error);

/* Trains one of options->epochs epochs from the step on where it is, evaluates, and sends the
 * events. Within these, epoch, step, sums and record tell of all that is done, and nothing else is
 * running. Where events->stop asks for it, ends before the next chunk of steps or of the
 * evaluation, with `stopped` set. MB_ERROR_DIVERGED where a loss is not finite. */
mb_status mb_trainer_epoch(mb_trainer *trainer, mb_error *error);

/* Whether all epochs are trained, or so many that patience is at its end. */
bool mb_trainer_is_done(const mb_trainer *trainer);

/* All epochs that are left, as mb_train does. */
mb_status mb_trainer_run(mb_trainer *trainer, mb_error *error);

/* The index of the finished epoch whose parameters training leaves: the best, or the last. There
 * must be one. */
size_t mb_trainer_selected_epoch(const mb_trainer *trainer);

/* After the last step: leaves in the network what training is to leave there, which may be the best
 * epoch's parameters or the running average. */
void mb_trainer_finalize(mb_trainer *trainer);

void mb_trainer_close(mb_trainer *trainer);

#endif

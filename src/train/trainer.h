/* A training run from the inside. */
#ifndef MB_TRAIN_TRAINER_H
#define MB_TRAIN_TRAINER_H

#include "train/checkpoint_writer.h"
#include "train/evaluator.h"
#include "train/history.h"
#include "train/thread_tuner.h"

#include <mnist_blas/training.h>

struct mb_trainer {
    mb_machine *machine;
    const mb_ranks *ranks; /* the machine's */
    mb_network *network;
    const mb_dataset *dataset;
    const mb_training_options *options;
    const mb_training_events *events;

    mb_arena arena;
    mb_sample_source source;
    mb_augmenter augmenter;
    mb_trainable trainable;
    mb_epoch training;
    mb_evaluator test, validation; /* validation.order NULL: no images are held out */
    const mb_network *evaluated;   /* the network in training, or its moving average */
    float *best; /* (parameter_elements) `evaluated` after the best epoch; NULL: no patience */
    /* (training images) mb_validation_order; NULL: their own order */
    uint32_t *split;
    uint32_t *order; /* (trained images) of the running epoch */

    /* Position: `epoch` epochs are finished, and `step` of the `steps` steps of the next one, which
     * took `seconds`. */
    size_t epoch, step, steps;
    size_t decay_from; /* schedule plateau: epochs before the decay, as far as the history tells */
    double seconds;
    mb_history history; /* of the finished epochs */

    size_t interval_steps;    /* next interval, by the time that the last one took; 0: none was */
    size_t interval_multiple; /* the run's steps at which an interval ends; 0: anywhere */
    mb_thread_tuner thread_tuner;
    mb_checkpoint_writer checkpoints;
    mb_calibration calibration; /* samples 0: none */
    bool stopped;               /* by events->stop */
};

/* Shuffles the samples of epoch trainer->epoch and clears its statistics, except for those of the
 * steps that a resumed epoch has done. */
void mb_trainer_start_epoch(mb_trainer *trainer);

/* Trains one epoch, from the step on where it is, evaluates, writes checkpoints and sends the
 * events. If events->stop returns true, ends before the next interval of steps or of the
 * evaluation, with `stopped` set. MB_ERROR_DIVERGED: a loss is not finite. */
mb_status mb_trainer_run_epoch(mb_trainer *trainer, mb_error *error);

/* True after all epochs, and when patience has run out. */
bool mb_trainer_is_done(const mb_trainer *trainer);

/* True if events->stop of any rank requests a stop. */
bool mb_trainer_must_stop(const mb_trainer *trainer);

/* Gives all ranks all of the optimizer's state, of which each has what it updates. */
void mb_trainer_share_state(const mb_trainer *trainer);

/* The learning rate of a step of the running epoch. */
double mb_trainer_lr(const mb_trainer *trainer, size_t step);

/* Steps since the beginning of the run. */
size_t mb_trainer_total_steps(const mb_trainer *trainer);

#endif

/* Training a network. */
#ifndef MNIST_BLAS_TRAINING_H
#define MNIST_BLAS_TRAINING_H

#include <mnist_blas/augmentation.h>
#include <mnist_blas/dataset.h>
#include <mnist_blas/network.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mb_optimizer_kind {
    MB_OPTIMIZER_SGD,  /* with momentum, also Nesterov's */
    MB_OPTIMIZER_ADAM, /* Kingma and Ba, "Adam: a method for stochastic optimization", 2015 */
    MB_OPTIMIZER_ADAMW /* Loshchilov and Hutter, "Decoupled weight decay regularization", 2019 */
} mb_optimizer_kind;

typedef enum mb_schedule_kind {
    MB_SCHEDULE_CONSTANT,
    MB_SCHEDULE_COSINE,  /* from lr down to 0 along half a cosine over the whole run */
    MB_SCHEDULE_ONECYCLE /* lr/25 up to lr in the first 30 % of the steps, down to lr/250000, along
                          * cosines: Smith and Topin, "Super-convergence", 2018, as PyTorch's
                          * OneCycleLR has it */
} mb_schedule_kind;

/* Start from mb_training_defaults() and change what is to differ. */
typedef struct mb_training_options {
    size_t epochs, batch_size;
    mb_optimizer_kind optimizer;
    double lr;       /* the schedule's peak */
    double momentum; /* sgd's; ignored by adam and adamw */
    bool nesterov;   /* sgd's */
    double
        weight_decay; /* sgd, adam: added to the gradient (L2); adamw: decoupled. Never biases. */
    double beta1, beta2, epsilon; /* adam's and adamw's */
    mb_schedule_kind schedule;
    mb_augmentation augmentation; /* of what is trained on; evaluation sees images as they are */
    double
        label_smoothing; /* share of the target that is spread over all classes, 0 .. 1 (excl.) */
    double ema; /* decay a step of a running average of the parameters, 0: none. The average is what
                 * is evaluated and what training leaves in the network. Its first steps decay
                 * faster: min(ema, (1 + step) / (10 + step)). */
    size_t validation; /* images held out from the end of the training set; 0: none */
    size_t patience;   /* after so many epochs without a better validation accuracy training ends;
                        * what it leaves in the network is then, and where it came to its last epoch
                        * too, what the best epoch had: the first of those that are alike. 0: it
                        * takes all epochs, and leaves what the last one had. */
    uint64_t seed;
} mb_training_options;

/* What plain training uses with this optimizer. */
MB_API mb_training_options mb_training_defaults(mb_optimizer_kind optimizer);

/* How far an epoch is; sent about 20 times a second, and at its end. */
typedef struct mb_progress {
    size_t epoch, epochs; /* 1 .. epochs */
    size_t samples_done, samples;
    double seconds; /* in this epoch's training phase so far */
    double loss;    /* mean over the epoch so far */
    size_t steps_done, steps;
    const float *step_loss; /* (steps_done) mean loss of each step's batch; valid during the call */
} mb_progress;

/* One finished epoch. Fractions, seconds of the training phase, and what follows from them. */
typedef struct mb_epoch_metrics {
    size_t epoch, epochs;
    double train_loss, train_accuracy; /* running: each batch before its own update */
    double test_accuracy;
    double validation_accuracy; /* NaN without a validation split */
    double lr;                  /* of the epoch's last step */
    size_t threads; /* that trained: fewer than the machine's where those were not asked for and
                     * would have been slower */
    double seconds, samples_per_second, gflops;
} mb_epoch_metrics;

/* Called on the caller's thread, between steps; each may be NULL. */
typedef struct mb_training_events {
    void *context;
    void (*progress)(void *context, const mb_progress *progress);
    void (*epoch)(void *context, const mb_epoch_metrics *metrics);
    bool (*stop)(void *context); /* asked about 20 times a second: true ends the training there */
} mb_training_events;

/* Trains `network` on dataset->train, from the parameters that it has, and evaluates it on
 * dataset->test after each epoch (nothing is chosen by that). The result depends on the options,
 * the data, the parameters and OpenBLAS's kernel set, and not on threads or pins. Where
 * events->stop ends it early, the parameters are those after the last step that was done, or with
 * patience the best epoch's, once there is one.
 * MB_ERROR_INVALID: options out of range (the error names the option), images of another size or
 * classes than the network's; MB_ERROR_MEMORY; MB_ERROR_DIVERGED: a loss that is not finite, the
 * error says at which step and learning rate, and the parameters are those that the step began
 * with; MB_ERROR_DIVERGED too where the run's last step leaves some that are not finite. */
MB_API mb_status mb_train(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                          const mb_training_options *options, const mb_training_events *events,
                          mb_error *error);

#ifdef __cplusplus
}
#endif
#endif

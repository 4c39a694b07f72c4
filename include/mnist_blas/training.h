/* Training a network.
 *
 * mb_train does it in one call. A program that wants to watch, stop, save or resume a run opens a
 * trainer: mb_trainer_open, then mb_trainer_set_checkpoints and mb_trainer_restore
 * (mnist_blas/checkpoint.h) as needed, mb_trainer_run, mb_trainer_finalize, mb_trainer_close.
 *
 * Thread safety: a trainer, its machine and its network are used by one thread at a time; while a
 * trainer runs, no other thread may use that machine or network. The dataset is only read and may
 * be shared. Trainers on different machines are independent. */
#ifndef MNIST_BLAS_TRAINING_H
#define MNIST_BLAS_TRAINING_H

#include <mnist_blas/augmentation.h>
#include <mnist_blas/calibration.h>
#include <mnist_blas/dataset.h>
#include <mnist_blas/history.h>
#include <mnist_blas/network.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mb_optimizer_kind {
    MB_OPTIMIZER_SGD,   /* with momentum, also Nesterov's */
    MB_OPTIMIZER_ADAM,  /* Kingma and Ba, "Adam: a method for stochastic optimization", 2015 */
    MB_OPTIMIZER_ADAMW, /* Loshchilov and Hutter, "Decoupled weight decay regularization", 2019 */
    MB_OPTIMIZER_LION   /* Chen et al., "Symbolic discovery of optimization algorithms", 2023 */
} mb_optimizer_kind;

typedef enum mb_schedule_kind {
    MB_SCHEDULE_CONSTANT,
    /* From lr to min_lr along half a cosine over the whole run. */
    MB_SCHEDULE_COSINE,
    /* From lr/25 to lr in the first 30 % of the steps, then to lr/250000, along cosines: Smith and
     * Topin, "Super-convergence", 2018, as PyTorch's OneCycleLR computes it. */
    MB_SCHEDULE_ONECYCLE,
    /* With patience: lr until the validation accuracy has not improved for `patience` epochs, at
     * the latest until `patience` epochs before the last, then to 0 along a line over `patience`
     * more epochs: the shape of Hu et al., "MiniCPM", 2024 (warmup-stable-decay). */
    MB_SCHEDULE_PLATEAU
} mb_schedule_kind;

typedef enum mb_class_weights {
    MB_CLASS_WEIGHTS_NONE,
    /* Each class has the same weight in all: images / (classes * images of the class), over the
     * images that are trained and the classes that have some; 0 for a class without any. */
    MB_CLASS_WEIGHTS_BALANCED
} mb_class_weights;

/* Start from mb_training_defaults() and change members. */
typedef struct mb_training_options {
    size_t epochs;     /* 1 .. 1000000 */
    size_t batch_size; /* samples per step, 1 .. number of training images */
    mb_optimizer_kind optimizer;
    /* Learning rate, the peak of the schedule: above 0, at most 1e6. */
    double lr;
    /* cosine: the rate that the schedule falls towards, 0 <= min_lr <= lr; default 0. */
    double min_lr;
    /* sgd: momentum, 0 <= momentum < 1. The other optimizers ignore it. */
    double momentum;
    /* sgd: Nesterov's momentum. */
    bool nesterov;
    /* sgd, adam: L2 penalty, added to the gradient; adamw, lion: decoupled decay. 0 .. 1e6. Never
     * applied to biases. */
    double weight_decay;
    /* adam, adamw: decay rates of the first and second moment, 0 <= beta < 1, and the constant
     * added to the denominator, above 0. lion: beta2 is the decay rate of the only moment, and
     * beta1 that moment's weight in the update. */
    double beta1, beta2, epsilon;
    mb_schedule_kind schedule;
    /* Augmentation of the training images; evaluation uses the original images. */
    mb_augmentation augmentation;
    /* Fraction of the target that is spread over all classes, 0 <= fraction < 1. */
    double label_smoothing;
    /* Weights w of the classes in the training loss, which is that of PyTorch's
     * CrossEntropyLoss(weight=w, label_smoothing=s): with K classes, the loss of an image of class
     * y is (1 - s) w[y] (-log p[y]) + s / K * sum over c of w[c] (-log p[c]), and that of a batch
     * the sum of these, divided by the sum of w[y]. Losses of validation and test have no weights.
     */
    mb_class_weights class_weights;
    /* Exponential moving average of the parameters, with this decay per step, 0 <= ema < 1;
     * 0: none. The average is what is evaluated and what training leaves in the network. Its first
     * steps decay faster: min(ema, (1 + step) / (10 + step)). */
    double ema;
    /* Images held out from the training set, a random sample by the seed in which each class has
     * its proportion of all: a number, or a percentage, at least 0 and below 100. 0 and 0: none.
     * Data with a validation split of their own (dataset->validation) hold that out instead; then
     * it must be 0 or that split's size. */
    size_t validation;
    double validation_percent;
    /* Stop after this many epochs without improvement of the validation accuracy (schedule plateau:
     * after the decay that follows them), and restore the best epoch's parameters (the earliest on
     * ties), also if all epochs were trained; 0: train all epochs, keep the last. */
    size_t patience;
    /* Fit a temperature on the held-out images, with the network that training leaves: mb_calibrate
     * (mnist_blas/calibration.h). Needs such images. */
    bool temperature;
    uint64_t seed;
} mb_training_options;

/* The defaults with this optimizer. */
MB_API mb_training_options mb_training_defaults(mb_optimizer_kind optimizer);

/* Progress within an epoch, sent about 20 times per second and at the end of the epoch. */
typedef struct mb_progress {
    size_t epoch, epochs; /* 1 .. epochs */
    size_t samples_done, samples;
    double seconds; /* wall time of this epoch's training phase so far */
    double loss;    /* mean over the epoch so far */
    size_t steps_done, steps;
    const float *step_loss; /* (steps_done) mean loss of each step's batch; valid during the call */
} mb_progress;

/* Callbacks. Each is called on the caller's thread, between steps, and may be NULL. */
typedef struct mb_training_events {
    void *context;
    void (*progress)(void *context, const mb_progress *progress);
    void (*epoch)(void *context, const mb_epoch_metrics *metrics);
    /* Called about 20 times per second; true stops training. */
    bool (*stop)(void *context);
    /* A checkpoint could not be written (mnist_blas/checkpoint.h); training continues. */
    void (*checkpoint_failed)(void *context, const mb_error *error);
} mb_training_events;

/* Trains `network`, whose form becomes dataset->form, on dataset->train, starting from its current
 * parameters, and evaluates it on dataset->test after each epoch (for information only). The result
 * depends on options, data, initial parameters and OpenBLAS's kernel set; it does not depend on
 * threads or pins. If events->stop ends training early, the network has the parameters after the
 * last completed step, or with patience those of the best epoch, if one is finished, and is not
 * calibrated. events may be NULL. MB_ERROR_INVALID: an option out of range (the error names it), or
 * images or classes that do not match the network; MB_ERROR_MEMORY; MB_ERROR_DIVERGED: the loss is
 * not finite (the error names step and learning rate; the network has the parameters before that
 * step), or the last step left a parameter that is not finite, or as mb_calibrate. */
MB_API mb_status mb_train(mb_machine *machine, mb_network *network, const mb_dataset *dataset,
                          const mb_training_options *options, const mb_training_events *events,
                          mb_error *error);

/* A run in progress. */
typedef struct mb_trainer mb_trainer;

/* Position of a run. */
typedef struct mb_training_position {
    size_t epoch; /* finished epochs, 0 .. options->epochs */
    size_t step;  /* completed steps of the epoch after those */
    size_t steps; /* steps per epoch */
    bool stopped; /* events->stop ended the last mb_trainer_run */
    bool done;    /* all epochs are trained, or patience has run out */
} mb_training_position;

/* Prepares a run, arguments as for mb_train. All of them are borrowed until mb_trainer_close.
 * MB_ERROR_INVALID and MB_ERROR_MEMORY as mb_train. */
MB_API mb_status mb_trainer_open(mb_machine *machine, mb_network *network,
                                 const mb_dataset *dataset, const mb_training_options *options,
                                 const mb_training_events *events, mb_trainer **trainer,
                                 mb_error *error);

/* Trains the remaining epochs, or until events->stop returns true; a further call continues.
 * MB_ERROR_DIVERGED as mb_train. MB_ERROR_INVALID: another rank has other options, data or
 * parameters; MB_ERROR_MEMORY. */
MB_API mb_status mb_trainer_run(mb_trainer *trainer, mb_error *error);

MB_API mb_training_position mb_trainer_position(const mb_trainer *trainer);

/* Valid until the trainer is closed; changes while it runs. */
MB_API const mb_history *mb_trainer_history(const mb_trainer *trainer);

/* The least value that the mean training loss of an epoch can have: with label smoothing, the
 * entropy of a smoothed label, weighted as the loss is; else 0. */
MB_API double mb_trainer_loss_min(const mb_trainer *trainer);

/* The metrics of the epoch whose parameters mb_trainer_finalize leaves in the network: with
 * patience the best one, else the last; NULL before the end of the first epoch. */
MB_API const mb_epoch_metrics *mb_trainer_selected_epoch(const mb_trainer *trainer);

/* Ends training: copies the result, which may be the best epoch's parameters or their moving
 * average, into the network, and calibrates it on the held-out images, if there are any and the run
 * is done. mb_trainer_run and mb_trainer_save must not be called after it. MB_ERROR_DIVERGED and
 * MB_ERROR_MEMORY as mb_calibrate: the network has the result, without a threshold. */
MB_API mb_status mb_trainer_finalize(mb_trainer *trainer, mb_error *error);

/* The calibration by mb_trainer_finalize, valid until the trainer is closed; NULL: there was none.
 */
MB_API const mb_calibration *mb_trainer_calibration(const mb_trainer *trainer);

/* Frees; NULL is fine. The network keeps its current parameters. */
MB_API void mb_trainer_close(mb_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif

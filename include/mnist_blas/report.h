/* The files that a training run leaves beside its model: summary.json, metrics.jsonl, pictures, a
 * page, and event files for TensorBoard. */
#ifndef MNIST_BLAS_REPORT_H
#define MNIST_BLAS_REPORT_H

#include <mnist_blas/checkpoint.h>
#include <mnist_blas/dataset.h>
#include <mnist_blas/evaluation.h>
#include <mnist_blas/history.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/network.h>
#include <mnist_blas/robustness.h>
#include <mnist_blas/training.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An epoch, from 1, and the number of its steps that are done. */
typedef struct mb_run_position {
    size_t epoch, step;
} mb_run_position;

/* A training run that has ended. The caller owns everything in it. */
typedef struct mb_run {
    const mb_dataset *dataset;
    const mb_network *network;
    const mb_machine_info *machine;
    const mb_training_options *options;
    const mb_data_options *reading; /* of the dataset; NULL: the defaults */
    const mb_history *history;      /* mb_trainer_history */
    /* The epoch whose parameters the network has: the last, or with patience the best; NULL if no
     * epoch is finished. */
    const mb_epoch_metrics *selected;
    const mb_evaluation *evaluation;        /* of the network on the test split; NULL: none */
    const mb_calibration *calibration;      /* mb_trainer_calibration; NULL: none */
    const mb_checkpoint_costs *checkpoints; /* NULL: not requested */
    const mb_run_position *interrupted;     /* where a signal stopped it; NULL: complete */
    const char *command;                    /* shell command that repeats it; NULL: none */
} mb_run;

/* Seconds of all training phases, and the epochs' samples per second (NaN without an epoch). */
typedef struct mb_run_totals {
    double seconds;
    double min_speed, median_speed, max_speed;
} mb_run_totals;

/* MB_ERROR_MEMORY. */
MB_API mb_status mb_run_sum_up(const mb_run *run, mb_run_totals *totals, mb_error *error);

/* "7 epochs", or "7 epochs (epoch 5 is the best)" if that one is selected. Returns `text`. */
enum { MB_RUN_LENGTH = 128 };
MB_API char *mb_run_length(const mb_run *run, char text[MB_RUN_LENGTH]);

/* Write FOLDER/summary.json, the run as one object, and FOLDER/metrics.jsonl, one object per epoch,
 * each whole or not at all. MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_summary_write(const mb_run *run, const char *folder, mb_error *error);
MB_API mb_status mb_metrics_write(const mb_run *run, const char *folder, mb_error *error);

/* Prints an evaluation of the model `model` on the test images in `data` as a JSON object:
 * accuracy, loss, names of the classes (class_names NULL: none), coverage of the network's
 * threshold, if it has one, means over the classes, scores per class (null if the class has no
 * images), the confusion matrix, and accuracies on distorted images (robustness NULL: none).
 * MB_ERROR_MEMORY; errors of `out` are left in it. */
MB_API mb_status mb_evaluation_print(const mb_evaluation *evaluation,
                                     const mb_robustness *robustness,
                                     const char *const *class_names, const char *model,
                                     const char *data, FILE *out, mb_error *error);

/* Predictions of images, row by row. The caller owns everything in it. */
typedef struct mb_prediction_table {
    size_t count, classes;
    const float *probabilities;     /* (count, classes) */
    const char *const *class_names; /* (classes), UTF-8; NULL: their numbers */
    const char *const *images;      /* (count) names; NULL: numbers from 0 */
    const char *const *labels; /* (count) true classes, NULL where unknown; NULL: all unknown */
} mb_prediction_table;

/* Writes a table in CSV (RFC 4180, lines end with LF), whole or not at all, with the columns image,
 * label (unless all are unknown), predicted, and probability, that of the predicted class.
 * MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_predictions_write(const mb_prediction_table *table, const char *path,
                                      mb_error *error);

/* Writes what Kaggle's competitions ask for: the columns ImageId, from 1, and Label, the predicted
 * class. As mb_predictions_write. */
MB_API mb_status mb_submission_write(const mb_prediction_table *table, const char *path,
                                     mb_error *error);

/* Classifies the test split of the run's dataset, and writes pictures, try.html (mb_try_write) and
 * report.html into `folder`, each file whole or not at all; pictures of an earlier run that this
 * one does not have are removed. The run has at least one epoch.
 * MB_ERROR_UNAVAILABLE: no MB_FEATURE_REPORT, or no font is installed;
 * MB_ERROR_DIVERGED: an output of the network is not finite; MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_report_write(mb_machine *machine, const mb_run *run, const char *folder,
                                 mb_error *error);

/* Writes a page of HTML with the network in it, whole or not at all: the browser classifies what is
 * drawn on it, or a picture, and shows the activations of each layer; the page loads nothing. With
 * a dataset, in the form of the network's images, it has up to 32 of its test images, and weights
 * of 16 bits if they change the class of no test image. Without one (NULL) it has no test images,
 * and the network's own floats. MB_ERROR_UNAVAILABLE: it has a layer that the page does not have;
 * MB_ERROR_INVALID: no test images, or images of another shape than the network's;
 * MB_ERROR_DIVERGED: an output of the network is not finite; MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_try_write(mb_machine *machine, const mb_network *network,
                              const mb_dataset *dataset, const char *path, mb_error *error);

/* A run as the summary.json and metrics.jsonl in its folder describe it. */
typedef struct mb_stored_run {
    mb_run run;       /* without dataset, network and evaluation; the caller adds its own */
    const char *data; /* folder of the dataset; NULL: synthetic digits */
    struct mb_stored_run_storage *storage; /* private */
} mb_stored_run;

/* *stored is the caller's, for mb_stored_run_close. MB_ERROR_IO: a file is missing or unreadable;
 * MB_ERROR_FORMAT: one has not the content of this version, or no epoch is finished;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_stored_run_read(const char *folder, mb_stored_run **stored, mb_error *error);

/* Compares the evaluation of a network on the dataset with that of the run. MB_ERROR_FORMAT if
 * images are predicted as other classes (with OpenBLAS's kernels of the run any, with others more
 * than 1 in 100), or if the number of training images differs. */
MB_API mb_status mb_stored_run_check(const mb_stored_run *stored, const mb_machine_info *machine,
                                     const mb_dataset *dataset, const mb_evaluation *evaluation,
                                     mb_error *error);

/* Frees; NULL is fine. */
MB_API void mb_stored_run_close(mb_stored_run *stored);

/* Writes FOLDER/model.safetensors as mb_model_save does. report.html, try.html and pictures in
 * the folder, which show the model before, are removed when the new one is on disk, right before it
 * takes its name; *removal_error has a text if one cannot be removed, and else an empty one. */
MB_API mb_status mb_run_save_model(const mb_network *network, const char *folder,
                                   mb_error *removal_error, mb_error *error);

/* An event file for TensorBoard: one record per epoch. */
typedef struct mb_tensorboard mb_tensorboard;

/* Creates a file in `folder`, which exists; *board is the caller's, for mb_tensorboard_close.
 * Unlike other files this one grows under its name, so that TensorBoard shows a run as it goes on:
 * records have a length and checksums, are written at once, and readers stop before one that is not
 * whole. MB_ERROR_UNAVAILABLE: no MB_FEATURE_TENSORBOARD; MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_tensorboard_open(const char *folder, mb_tensorboard **board, mb_error *error);

/* The run was resumed after this number of epochs: TensorBoard leaves out later ones that files
 * before this one have, as of a run that was killed. NULL is fine. */
MB_API void mb_tensorboard_resume(mb_tensorboard *board, size_t epochs);

/* Adds loss, accuracies, learning rate and samples per second of an epoch. After an error, which
 * mb_tensorboard_close returns, nothing is added; NULL is fine. */
MB_API void mb_tensorboard_add(mb_tensorboard *board, const mb_epoch_metrics *metrics);

/* Closes the file and frees; NULL is fine. Returns the first error of the calls before, MB_ERROR_IO
 * or MB_ERROR_MEMORY: the file then has the records before it. */
MB_API mb_status mb_tensorboard_close(mb_tensorboard *board, mb_error *error);

#ifdef __cplusplus
}
#endif
#endif

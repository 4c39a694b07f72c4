/* Record of a training run: metrics of each finished epoch, and the loss of every step. */
#ifndef MNIST_BLAS_HISTORY_H
#define MNIST_BLAS_HISTORY_H

#include <mnist_blas/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One finished epoch. Accuracies are fractions, losses are mean cross-entropies in nats. */
typedef struct mb_epoch_metrics {
    size_t epoch, epochs; /* 1 .. epochs */
    /* Running values of the epoch: each batch counts with the parameters before its update. */
    double train_loss, train_accuracy;
    /* train_loss less mb_trainer_loss_min: the mean KL divergence of the predictions from the
     * smoothed labels. Equal to train_loss without label smoothing. */
    double train_excess_loss;
    double test_accuracy;
    double validation_accuracy; /* NaN without a validation split */
    /* Losses on the labels as they are, not smoothed. NaN in epochs of a run that an earlier
     * version began, and without a validation split. */
    double test_loss, validation_loss;
    double lr; /* learning rate of the epoch's last step */
    /* Threads that trained last. Fewer than the machine's if the thread count was automatic and
     * fewer are faster. */
    size_t threads;
    /* Wall time of the training phase (evaluation excluded), and the rates that follow from it. */
    double seconds, samples_per_second, gflops;
} mb_epoch_metrics;

enum { MB_LOSS_CURVE_POINTS = 2048 };

/* Training loss over the steps of a run, in memory that does not grow with the run. A point is the
 * sum over `stride` consecutive steps (fewer in the last point); the stride starts at 1 and doubles
 * each time the points are full. {0} is an empty curve. */
typedef struct mb_loss_curve {
    size_t stride, steps; /* steps recorded so far */
    double sum[MB_LOSS_CURVE_POINTS];
} mb_loss_curve;

/* Number of points; number of steps and mean loss of one of them. */
MB_API size_t mb_loss_curve_points(const mb_loss_curve *curve);
MB_API size_t mb_loss_curve_count(const mb_loss_curve *curve, size_t point);
MB_API float mb_loss_curve_mean(const mb_loss_curve *curve, size_t point);

typedef struct mb_history {
    mb_epoch_metrics *epochs; /* (finished) */
    size_t finished;
    mb_loss_curve curve; /* of the finished epochs */
} mb_history;

#ifdef __cplusplus
}
#endif
#endif

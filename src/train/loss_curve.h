/* The training loss of every step, in memory that does not grow with the run. */
#ifndef MB_TRAIN_LOSS_CURVE_H
#define MB_TRAIN_LOSS_CURVE_H

#include <stddef.h>

enum { MB_LOSS_CURVE_POINTS = 2048 };

/* Means over stretches of `stride` steps each (the last may be shorter); the stride is 1 until the
 * points are full and doubles then. {0} is an empty curve. */
typedef struct mb_loss_curve {
    size_t stride, steps;             /* steps added so far */
    double sum[MB_LOSS_CURVE_POINTS]; /* of the losses of a point's steps, nats */
} mb_loss_curve;

/* Adds the losses of the next `count` steps. */
void mb_loss_curve_add(mb_loss_curve *curve, const float *losses, size_t count);

/* Points that the curve has, and the mean loss of one. */
size_t mb_loss_curve_points(const mb_loss_curve *curve);
double mb_loss_curve_mean(const mb_loss_curve *curve, size_t point);

#endif

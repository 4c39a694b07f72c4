/* How training images are varied, so that no epoch sees the same twice. */
#ifndef MNIST_BLAS_AUGMENTATION_H
#define MNIST_BLAS_AUGMENTATION_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mb_augmentation_kind {
    MB_AUGMENT_NONE,   /* not at all */
    MB_AUGMENT_AFFINE, /* slanted, stretched, turned and moved, with bilinear interpolation */
    MB_AUGMENT_ELASTIC /* affine and, on top of it, pulled about: Simard, Steinkraus and Platt,
                        * "Best practices for convolutional neural networks applied to visual
                        * document analysis", 2003 */
} mb_augmentation_kind;

/* Each image draws uniformly from these ranges, anew in each epoch. Scales of width and height are
 * drawn apart, as are the two shifts. With all of affine's at 0, elastic stands alone. */
typedef struct mb_augmentation {
    mb_augmentation_kind kind;
    double rotate;        /* degrees, to either side: 0 .. 180 */
    double scale;         /* as a share of the size, larger or smaller: 0 .. 0.9 */
    double shear;         /* sideways, as a share of the height, either way: 0 .. 2 */
    double shift;         /* pixels, either way: 0 .. 1000 */
    double elastic_alpha; /* what the smoothed displacements, -1 .. 1 before, are multiplied by,
                           * pixels: 0 .. 10000 */
    double elastic_sigma; /* of the Gaussian that smooths them, pixels: 0.1 .. 100 */
    size_t plain_epochs; /* the last epochs of a run, so many, see the images as they are: 0 .. all.
                          * What is learnt and what batchnorm2d counted then fit images that are
                          * not varied, which are those that the network is for: Touvron, Vedaldi,
                          * Douze and Jegou, "Fixing the train-test resolution discrepancy", 2019 */
} mb_augmentation;

#ifdef __cplusplus
}
#endif
#endif

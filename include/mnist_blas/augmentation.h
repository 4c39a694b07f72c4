/* Augmentation of training images, and distortion of test images. */
#ifndef MNIST_BLAS_AUGMENTATION_H
#define MNIST_BLAS_AUGMENTATION_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mb_augmentation_kind {
    MB_AUGMENT_NONE,
    /* Random shift by whole pixels: a random crop of the padded image. */
    MB_AUGMENT_SHIFT,
    /* Random shear, scale, rotation and shift, with bilinear interpolation. */
    MB_AUGMENT_AFFINE,
    /* Affine, then elastic distortion: Simard, Steinkraus and Platt, "Best practices for
     * convolutional neural networks applied to visual document analysis", 2003. */
    MB_AUGMENT_ELASTIC
} mb_augmentation_kind;

/* Pixels from beyond the border of an image, with the names that torchvision has for them. */
typedef enum mb_padding_mode {
    /* Constant if most of the training images' border is the background, else reflect. */
    MB_PADDING_AUTO,
    /* The background, 0; in images without one, the mean of the channel over the training images.
     */
    MB_PADDING_CONSTANT,
    /* The image, mirrored at its outermost pixels, which are not repeated. */
    MB_PADDING_REFLECT
} mb_padding_mode;

/* Each image gets new random parameters in each epoch, uniform in these ranges. Width and height
 * are scaled independently, and shifted independently. With all affine ranges 0, elastic distorts
 * only. Cutout comes last. */
typedef struct mb_augmentation {
    mb_augmentation_kind kind;
    double rotate; /* degrees to either side, 0 .. 180 */
    double scale;  /* fraction of the size, larger or smaller, 0 .. 0.9 */
    double shear;  /* horizontal, as a fraction of the height, either way, 0 .. 2 */
    double shift;  /* pixels, either way, 0 .. 1000; rounded down by MB_AUGMENT_SHIFT */
    /* Elastic: amplitude of the displacements before smoothing, and the standard deviation of the
     * Gaussian that smooths them; pixels, 0 .. 10000 and 0.1 .. 100. */
    double elastic_alpha, elastic_sigma;
    mb_padding_mode padding_mode;
    bool flip; /* left to right, of half of the images */
    /* Side of a square that gets the constant of MB_PADDING_CONSTANT, pixels, 0 .. 1000; its center
     * is any pixel of the image, so part of it may be outside: DeVries and Taylor, "Improved
     * regularization of convolutional neural networks with cutout", 2017. */
    size_t cutout;
    /* Number of final epochs that train without augmentation, 0 .. epochs, so that weights and
     * batch statistics fit unaugmented images: Touvron, Vedaldi, Douze and Jegou, "Fixing the
     * train-test resolution discrepancy", 2019. */
    size_t plain_epochs;
} mb_augmentation;

/* All channels of an image are shifted and rotated alike, with bilinear interpolation. Pixels from
 * beyond its border are those of MB_PADDING_AUTO: the background 0 if most of the border of the
 * images is background, else the image mirrored at its outermost pixels. */
typedef enum mb_distortion_kind {
    /* By exactly this distance, in pixels, in a direction that is uniform over the circle. */
    MB_DISTORTION_SHIFT,
    /* By exactly this angle, in degrees, about the center of the image, clockwise or
     * counterclockwise with probability 1/2 each. */
    MB_DISTORTION_ROTATION,
    /* Gaussian noise of this standard deviation is added to each pixel of each channel, values from
     * 0 to 1, which are then clipped to that and rounded to 1/255: the Gaussian noise of Hendrycks
     * and Dietterich, "Benchmarking neural network robustness to common corruptions and
     * perturbations", 2019. */
    MB_DISTORTION_NOISE,
    MB_DISTORTIONS /* their number */
} mb_distortion_kind;

#ifdef __cplusplus
}
#endif
#endif

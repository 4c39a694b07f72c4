/* Robustness: the accuracy of a network on distorted images. */
#ifndef MNIST_BLAS_ROBUSTNESS_H
#define MNIST_BLAS_ROBUSTNESS_H

#include <mnist_blas/augmentation.h>
#include <mnist_blas/dataset.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/network.h>
#include <mnist_blas/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Strengths at which an accuracy is measured: 0, 1/5, 2/5, ... and all of the maximum. */
enum { MB_ROBUSTNESS_POINTS = 6 };

typedef struct mb_robustness_options {
    /* By mb_distortion_kind, the maximum strength: 0 .. 1000 pixels, 0 .. 180 degrees, 0 .. 1.
     * 0: not measured. */
    double max[MB_DISTORTIONS];
    uint64_t seed; /* of directions and noise */
} mb_robustness_options;

/* The maxima, in the order of mb_distortion_kind; ends with a name NULL. */
extern MB_API const mb_option mb_robustness_option_table[];

/* The accuracies at one kind of distortion. */
typedef struct mb_robustness_curve {
    mb_distortion_kind kind;
    double strength[MB_ROBUSTNESS_POINTS]; /* ascending from 0 */
    size_t correct[MB_ROBUSTNESS_POINTS];
    double accuracy[MB_ROBUSTNESS_POINTS]; /* correct / samples */
} mb_robustness_curve;

typedef struct mb_robustness {
    size_t samples, count;
    mb_robustness_curve curves[MB_DISTORTIONS]; /* (count) those that were measured */
} mb_robustness;

/* Classifies the images of `split`, distorted, at each strength. The direction and the noise of an
 * image depend on the seed, its index and the kind only, and are the same at all strengths; at
 * strength 0 the images, and so the accuracy, are those of mb_evaluate. Distorts batch by batch:
 * memory does not grow with the number of images, except for an index of 4 bytes each.
 * MB_ERROR_INVALID: a maximum that is out of range, and as mb_evaluate; MB_ERROR_DIVERGED: an
 * output is not finite; MB_ERROR_MEMORY. */
MB_API mb_status mb_evaluate_robustness(mb_machine *machine, const mb_network *network,
                                        const mb_split *split, const mb_robustness_options *options,
                                        mb_robustness *robustness, mb_error *error);

/* Draws the accuracies over the strengths into the PNG file `path`, a panel for each kind.
 * MB_ERROR_INVALID: no curves; MB_ERROR_UNAVAILABLE: this build cannot draw, or no font is
 * installed; MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_robustness_draw(const mb_robustness *robustness, const char *path,
                                    mb_error *error);

#ifdef __cplusplus
}
#endif
#endif

/* Probabilities that agree with accuracy, and those of predictions that are nearly always right. */
#ifndef MNIST_BLAS_CALIBRATION_H
#define MNIST_BLAS_CALIBRATION_H

#include <mnist_blas/dataset.h>
#include <mnist_blas/network.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A threshold accepts the images whose predicted class has at least this probability. At most one
 * in MB_ACCEPTED_PER_ERROR of them is wrong, an error of 0.1 %. */
enum { MB_ACCEPTED_PER_ERROR = 1000 };

typedef struct mb_calibration {
    size_t samples;
    double temperature;         /* by which this calibration divided the logits; 1: it did not */
    double loss_before, loss;   /* mean cross-entropy without and with the temperature, nats */
    double error_before, error; /* expected calibration error, as mb_evaluate's, 0 to 1 */
    double threshold;           /* 0: none */
} mb_calibration;

/* Calibrates the network on images that it was not trained on.
 *
 * With `temperature`, divides the logits by the temperature, 0.001 to 1000, that minimises the mean
 * cross-entropy (Guo et al., "On calibration of modern neural networks", 2017): the parameters of
 * the last layer are divided, so that everything that reads or runs the network has the calibrated
 * probabilities. The predicted classes stay the same, unless two logits differ by no more than the
 * rounding of floats.
 *
 * Then sets the threshold: the smallest probability of a predicted class, as a float of
 * mb_classifier_probabilities, at which at most one in MB_ACCEPTED_PER_ERROR of the images at or
 * above it is wrong; images of equal probability are accepted together. There may be none. If
 * fewer than MB_ACCEPTED_PER_ERROR images are accepted, none of them is wrong: the threshold is
 * then above the most probable mistake. It guarantees no error of other images; the more images
 * choose it, the closer their error is (Geifman and El-Yaniv, "Selective classification for deep
 * neural networks", 2017).
 *
 * mb_network_temperature and mb_network_threshold return both, and model files keep them. The
 * result does not depend on the number of threads. MB_ERROR_INVALID: as mb_evaluate;
 * MB_ERROR_DIVERGED: an output is not finite, or no temperature in the range minimises the loss, as
 * if all images are predicted correctly: the network has the threshold then, and no temperature;
 * MB_ERROR_MEMORY: it may have the temperature, but no threshold. After other errors it is as it
 * was. */
MB_API mb_status mb_calibrate(mb_machine *machine, mb_network *network, const mb_split *split,
                              bool temperature, mb_calibration *calibration, mb_error *error);

#ifdef __cplusplus
}
#endif
#endif

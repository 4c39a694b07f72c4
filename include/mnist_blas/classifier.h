/* A network that is opened once and classifies images often, without labels.
 *
 * Thread safety: a classifier and its machine are used by one thread at a time. Several classifiers
 * may share a network, which must not be trained or changed meanwhile. */
#ifndef MNIST_BLAS_CLASSIFIER_H
#define MNIST_BLAS_CLASSIFIER_H

#include <mnist_blas/images.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/network.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mb_classifier mb_classifier;

/* Prepares to classify up to `max_batch` images at once (more in one call are taken in batches of
 * that size); 256 is a good choice for many images, 1 for single ones, and for the same bits
 * whatever the other images are (some of OpenBLAS's kernel sets compute a row by where it lies in a
 * batch). A change of the number of images in a batch costs a new plan, some microseconds per
 * layer. Machine and network are borrowed until mb_classifier_close. MB_ERROR_INVALID: max_batch is
 * 0; MB_ERROR_MEMORY. */
MB_API mb_status mb_classifier_open(mb_machine *machine, const mb_network *network,
                                    size_t max_batch, mb_classifier **classifier, mb_error *error);

/* Writes the logits, the network's output before the softmax, of all images into `logits` (count,
 * classes), row-major, the caller's. The images have a dark ground, whatever the network's form
 * says. MB_ERROR_INVALID: no images, or images of another shape than the network's input;
 * MB_ERROR_DIVERGED: an output is not finite; MB_ERROR_MEMORY. */
MB_API mb_status mb_classifier_logits(mb_classifier *classifier, const mb_images *images,
                                      float *logits, mb_error *error);

/* The same after the softmax: probabilities, which sum to 1 in each row. */
MB_API mb_status mb_classifier_probabilities(mb_classifier *classifier, const mb_images *images,
                                             float *probabilities, mb_error *error);

/* Both without a classifier of the caller's, for many images at once: taken in batches of 256, with
 * the statuses of mb_classifier_open and mb_classifier_logits. */
MB_API mb_status mb_classify_logits(mb_machine *machine, const mb_network *network,
                                    const mb_images *images, float *logits, mb_error *error);
MB_API mb_status mb_classify_probabilities(mb_machine *machine, const mb_network *network,
                                           const mb_images *images, float *probabilities,
                                           mb_error *error);

/* Turns one row of logits (classes) into probabilities, in place. */
MB_API void mb_softmax(size_t classes, float *row);

/* The predicted class of a row of logits or probabilities: that of the largest value, the lower of
 * equal ones. */
static inline size_t mb_argmax(const float *row, size_t classes)
{
    size_t best = 0;
    for (size_t i = 1; i < classes; i++)
        best = row[i] > row[best] ? i : best;
    return best;
}

/* Frees; NULL is fine. */
MB_API void mb_classifier_close(mb_classifier *classifier);

#ifdef __cplusplus
}
#endif
#endif

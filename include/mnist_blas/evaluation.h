/* Accuracy, loss and confusion matrix of a network on labelled images. */
#ifndef MNIST_BLAS_EVALUATION_H
#define MNIST_BLAS_EVALUATION_H

#include <mnist_blas/dataset.h>
#include <mnist_blas/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Precision, recall and F1 score of one class, fractions; 0 if the divisor is 0. Of a class without
 * images only the support says something. */
typedef struct mb_class_score {
    double precision; /* correct / predicted as this class */
    double recall;    /* correct / images of this class */
    double f1;        /* harmonic mean of the two */
    size_t support;   /* images of this class */
} mb_class_score;

/* Images by confidence, the probability of the class that is predicted: bin i of
 * MB_CONFIDENCE_BINS has those from i to i + 1 of as many equal parts of 0 to 1. */
enum { MB_CONFIDENCE_BINS = 15 };

typedef struct mb_confidence_bin {
    size_t samples, correct;
    double confidence; /* sum over the samples */
} mb_confidence_bin;

typedef struct mb_evaluation {
    size_t classes, samples, correct;
    double accuracy;              /* correct / samples */
    double loss;                  /* mean cross-entropy, nats */
    const size_t *confusion;      /* (classes, classes) counts: true class by predicted class */
    const mb_class_score *scores; /* (classes) */
    /* Means over the classes that have images, the recall's being the balanced accuracy; support:
     * samples. */
    mb_class_score macro;
    mb_confidence_bin bins[MB_CONFIDENCE_BINS];
    /* Expected calibration error, 0 to 1: the distance between accuracy and mean confidence of a
     * bin, as a mean over all images (Guo et al., "On calibration of modern neural networks",
     * 2017). */
    double calibration_error;
    /* Selective classification (Geifman and El-Yaniv, "Selective classification for deep neural
     * networks", 2017): images whose predicted class has at least the probability `threshold`, that
     * of mb_network_threshold, are accepted. 0 of a network without one. */
    double threshold;
    size_t accepted;
    double coverage;       /* accepted / samples */
    double selective_risk; /* fraction of the accepted images that are wrong; 0 if none is */
} mb_evaluation;

/* Classifies all of `split` with the machine's threads; free *evaluation with
 * mb_evaluation_free. At equal logits the lower class is predicted. Machine, network and split are
 * not used afterwards. The network is only read: several machines can evaluate it at the same time.
 * MB_ERROR_INVALID: images of another shape than the network's input, a label that is not one of
 * its classes, or an empty split; MB_ERROR_DIVERGED: an output is not finite; MB_ERROR_MEMORY. */
MB_API mb_status mb_evaluate(mb_machine *machine, const mb_network *network, const mb_split *split,
                             mb_evaluation **evaluation, mb_error *error);

/* Frees; NULL is fine. */
MB_API void mb_evaluation_free(mb_evaluation *evaluation);

#ifdef __cplusplus
}
#endif
#endif

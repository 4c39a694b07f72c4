/* Training step by step, as in mb_train, with access to its state: the order of the samples, the
 * moments, the statistics. A failure ends the test through cmocka. */
#ifndef MB_TESTS_TRAINING_H
#define MB_TESTS_TRAINING_H

#include "train/epoch.h"

#include <mnist_blas/classifier.h>
#include <mnist_blas/training.h>

typedef struct mb_test_training {
    mb_machine *machine;
    mb_network *network;
    mb_training_options options; /* the schedule spans one epoch */
    mb_arena arena;
    mb_sample_source source;
    mb_augmenter augmenter; /* used if the options augment */
    mb_trainable trainable;
    mb_epoch epoch;
} mb_test_training;

/* A machine with `threads` threads, not pinned. */
mb_machine *mb_test_machine(size_t threads);

/* A network with the initial parameters of seed 1, closed after the TEST; an invalid spec ends it.
 */
mb_network *mb_test_network(const mb_machine *machine, const char *spec, mb_shape input,
                            size_t classes);

/* `count` images of the network's input shape, with their labels. */
mb_split mb_test_split(const mb_network *network, const uint8_t *images, const uint8_t *labels,
                       size_t count);

/* All parameters, tensor by tensor; freed after the TEST. */
float *mb_test_parameters(const mb_network *network);

/* The logits of all images by a classifier of 64 images. */
void mb_test_logits(mb_machine *machine, const mb_network *network, const mb_images *images,
                    float *logits);

/* Prepares an epoch over `samples` indices of `order` into `split`, in batches of
 * options->batch_size, with moments of 0. Machine, network, split and order are borrowed until
 * mb_test_training_close; `training` must not move. */
void mb_test_training_open(mb_machine *machine, mb_network *network, const mb_split *split,
                           const uint32_t *order, size_t samples,
                           const mb_training_options *options, mb_test_training *training);

/* Runs up to `count` steps from step `first` on; returns the number that ran. */
size_t mb_test_training_run(mb_test_training *training, size_t first, size_t count);

void mb_test_training_close(mb_test_training *training);

#endif

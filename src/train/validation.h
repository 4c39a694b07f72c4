/* Training images that are not trained on, but evaluated on. */
#ifndef MB_TRAIN_VALIDATION_H
#define MB_TRAIN_VALIDATION_H

#include <mnist_blas/options.h>

/* Size of the random sample of `samples` training images that the options ask for; 0: none. */
size_t mb_validation_sample_count(const mb_training_options *options, size_t samples);

/* order (training images) = the indices of the images that are trained on, then those of the
 * mb_validation_count that are held out, both ascending. */
void mb_validation_order(const mb_training_options *options, const mb_dataset *dataset,
                         uint32_t *order);

#endif

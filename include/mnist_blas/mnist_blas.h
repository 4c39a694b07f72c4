/* All of libmnist_blas. A classifier in a few calls: mb_machine_open, mb_dataset_open or
 * mb_dataset_from_arrays, mb_network_open, mb_network_initialise, mb_train, mb_model_save; then
 * mb_model_load, mb_classifier_open and mb_classifier_probabilities. tools/examples has both as
 * programs.
 *
 * Thread safety: the library has no state of its own. Objects (everything that is opened) are used
 * by one thread at a time, with these exceptions: a dataset, an open network that is not being
 * trained or changed, and the descriptions that mb_machine_describe and the like return can be read
 * by several threads. An object that was opened with a machine uses that machine's threads when it
 * works: two objects of one machine must not work at the same time. Functions without objects
 * (mb_training_defaults, mb_version, the option tables) can be called from any thread. */
#ifndef MNIST_BLAS_H
#define MNIST_BLAS_H

#include <mnist_blas/augmentation.h>
#include <mnist_blas/calibration.h>
#include <mnist_blas/checkpoint.h>
#include <mnist_blas/classifier.h>
#include <mnist_blas/comparison.h>
#include <mnist_blas/conversion.h>
#include <mnist_blas/dataset.h>
#include <mnist_blas/evaluation.h>
#include <mnist_blas/features.h>
#include <mnist_blas/folder.h>
#include <mnist_blas/history.h>
#include <mnist_blas/images.h>
#include <mnist_blas/inspection.h>
#include <mnist_blas/lr_find.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/model.h>
#include <mnist_blas/network.h>
#include <mnist_blas/options.h>
#include <mnist_blas/ranks.h>
#include <mnist_blas/report.h>
#include <mnist_blas/robustness.h>
#include <mnist_blas/status.h>
#include <mnist_blas/sweep.h>
#include <mnist_blas/training.h>
#include <mnist_blas/tune.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "MAJOR.MINOR.PATCH". */
MB_API const char *mb_version(void);

#ifdef __cplusplus
}
#endif
#endif

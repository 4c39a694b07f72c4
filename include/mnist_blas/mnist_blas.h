/* All of libmnist_blas. A classifier in four calls: mb_machine_open, mb_dataset_open,
 * mb_network_open and mb_network_initialise, mb_train; then mb_model_save. */
#ifndef MNIST_BLAS_H
#define MNIST_BLAS_H

#include <mnist_blas/augmentation.h>
#include <mnist_blas/checkpoint.h>
#include <mnist_blas/classifier.h>
#include <mnist_blas/dataset.h>
#include <mnist_blas/evaluation.h>
#include <mnist_blas/features.h>
#include <mnist_blas/history.h>
#include <mnist_blas/images.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/model.h>
#include <mnist_blas/network.h>
#include <mnist_blas/options.h>
#include <mnist_blas/report.h>
#include <mnist_blas/status.h>
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

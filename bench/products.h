/* The matrix products of a training step: one step runs while its calls of cblas_sgemm are recorded
 * per thread; then the calls are repeated on the same matrices and timed. */
#ifndef MB_BENCH_PRODUCTS_H
#define MB_BENCH_PRODUCTS_H

#include "result.h"

#include <stdbool.h>

typedef struct mb_products mb_products;

/* Runs one training step of `network` (a spec; for 28x28 images of 10 classes) with batch_size
 * generated images on the machine's team, which must outlive the products. `sparse`: four fifths of
 * the pixels are 0, as in digits; otherwise none is, so that the first layer calls cblas_sgemm,
 * too. The caller closes *products with mb_products_close. MB_ERROR_INVALID: `network` is invalid;
 * MB_ERROR_MEMORY; MB_ERROR_DIVERGED. */
mb_status mb_products_open(mb_machine *machine, const char *network, size_t batch_size, bool sparse,
                           mb_products **products, mb_error *error);

/* Times the products of each phase that has any; each thread repeats its own calls without waiting
 * for the others. Appends one result per phase: GFLOP/s summed over the threads, and FMA_share, the
 * fraction of `limit` (GFLOP/s). The label lists the calls of cblas_sgemm, M x N x K.
 * MB_ERROR_MEMORY. */
mb_status mb_products_measure(mb_products *products, double limit, size_t repeats,
                              mb_bench_results *results, mb_error *error);

void mb_products_close(mb_products *products);

#endif

/* The matrix products of a training step, as the step does them: a step of a real network is run
 * once with an ear at cblas_sgemm, and what each thread asked for there can be done again, on the
 * same matrices, and timed. */
#ifndef MB_BENCH_PRODUCTS_H
#define MB_BENCH_PRODUCTS_H

#include "result.h"

#include <stdbool.h>

typedef struct mb_products mb_products;

/* Runs a step of `network` (a spec; for 28x28 images of 10 classes) with batch_size made images on
 * the machine's team, which must outlive the products. `sparse`: of the images' pixels four fifths
 * are blank, as of digits; else none, so that the first layer calls cblas_sgemm too. *products is
 * the caller's, for mb_products_close.
 * MB_ERROR_INVALID: no such network; MB_ERROR_MEMORY; MB_ERROR_DIVERGED. */
mb_status mb_products_open(mb_machine *machine, const char *network, size_t batch_size, bool sparse,
                           mb_products **products, mb_error *error);

/* Times the products of each phase of the step that has any, again and again, each thread its own
 * share without waiting for the others, and appends a result a phase: GFLOP/s of all threads
 * together, and as FMA_share what part of `limit` (GFLOP/s) that is. The label has the calls of
 * cblas_sgemm, M x N x K. MB_ERROR_MEMORY. */
mb_status mb_products_measure(mb_products *products, double limit, size_t repeats,
                              mb_bench_results *results, mb_error *error);

void mb_products_close(mb_products *products);

#endif

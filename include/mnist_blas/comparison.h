/* Training runs side by side: results, options that differ, curves, and what two networks predict
 * for the same test images. */
#ifndef MNIST_BLAS_COMPARISON_H
#define MNIST_BLAS_COMPARISON_H

#include <mnist_blas/dataset.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/network.h>
#include <mnist_blas/report.h>

#include <stdbool.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The two-sided p-value of McNemar's exact test, 0 to 1: the probability that of n = only_first +
 * only_second images that one of two networks classifies correctly and the other does not, the
 * smaller count is as small as it is or smaller, or the larger as large, if either network is
 * equally likely to be the correct one: min(1, 2 sum over i <= min of C(n, i) / 2^n). 1 for 0 and
 * 0. McNemar, "Note on the sampling error of the difference between correlated proportions or
 * percentages", 1947. It is a test of two networks, not of the options that they were trained with
 * (Dietterich, "Approximate statistical tests for comparing supervised classification learning
 * algorithms", 1998). */
MB_API double mb_mcnemar_p_value(size_t only_first, size_t only_second);

/* A quantity that runs are compared by: a result, or an option that is not equal in all of them. */
typedef struct mb_compared_value {
    const char *key;          /* "test_accuracy": as in summary.json */
    const char *label;        /* "accuracy %"; of an option its name */
    bool is_option;           /* else a result, a number */
    const char *const *texts; /* (runs) printable; "-": the run has none */
} mb_compared_value;

/* A run and the first one on the same test images, which are counted by who classifies them
 * correctly. */
typedef struct mb_run_pair {
    size_t run;
    size_t both, only_first, only_run, neither;
    double p_value; /* mb_mcnemar_p_value(only_first, only_run) */
} mb_run_pair;

/* Read-only. */
typedef struct mb_comparison {
    size_t runs;
    const char *const *names; /* (runs) all different, printable */
    size_t value_count;
    const mb_compared_value *values; /* (value_count) results, then options */
    size_t pair_count;
    const mb_run_pair *pairs;    /* (pair_count) in the order of the runs */
    const char *const *excluded; /* (runs) why a run is in no pair; NULL: it is not excluded */
    struct mb_comparison_storage *storage; /* private */
} mb_comparison;

/* Compares `count` runs, 2 or more, that are called `names`, which are copied. The runs are
 * borrowed until mb_comparison_close. Those that were stopped are excluded from the pairs: their
 * models are none of a finished epoch. *comparison is the caller's. MB_ERROR_INVALID: fewer than 2
 * runs; MB_ERROR_MEMORY. */
MB_API mb_status mb_comparison_open(const mb_stored_run *const *runs, const char *const *names,
                                    size_t count, mb_comparison **comparison, mb_error *error);

/* Classifies the test split of `dataset`, which a run was trained on, with its network; run 0
 * first. Its dataset is borrowed until mb_comparison_close, those of the others are not used
 * afterwards. A run whose test images, labels or names of classes are not those of run 0 is
 * excluded. MB_ERROR_INVALID: `run` was classified or excluded before, or run 0 was not classified;
 * MB_ERROR_FORMAT: network or data are not the run's, as mb_stored_run_check finds; errors of
 * mb_evaluate. */
MB_API mb_status mb_comparison_classify(mb_comparison *comparison, size_t run, mb_machine *machine,
                                        const mb_network *network, const mb_dataset *dataset,
                                        mb_error *error);

/* Excludes a run that is not classified from the pairs; `reason` is copied. MB_ERROR_MEMORY. */
MB_API mb_status mb_comparison_exclude(mb_comparison *comparison, size_t run, const char *reason,
                                       mb_error *error);

/* Prints the comparison as a JSON object: the runs with their results and the options that differ,
 * the pairs with the numbers, from 0, of the test images that only one classifies correctly, and
 * the excluded runs. MB_ERROR_MEMORY; errors of `out` are left in it. */
MB_API mb_status mb_comparison_print(const mb_comparison *comparison, FILE *out, mb_error *error);

/* Writes it as a page, one HTML file with tables, curves of at most 10 runs, and images that one of
 * two networks classifies correctly and the other does not; whole or not at all.
 * MB_ERROR_UNAVAILABLE: no MB_FEATURE_REPORT, or no font is installed; MB_ERROR_IO;
 * MB_ERROR_MEMORY.
 */
MB_API mb_status mb_comparison_write(const mb_comparison *comparison, const char *path,
                                     mb_error *error);

/* Frees; NULL is fine. The runs stay open. */
MB_API void mb_comparison_close(mb_comparison *comparison);

#ifdef __cplusplus
}
#endif
#endif

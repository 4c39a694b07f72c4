/* Checks and timings of the kernels. A file per family has, for each kernel, mb_reference_NAME
 * (the same in plain C, element by element, sums in double precision), mb_check_NAME (random sizes,
 * compared with the reference) and mb_time_NAME (the sizes of a training step, for bench_kernels).
 * An entry of kernels.inc that lacks one of them does not link.
 */
#ifndef MB_TESTS_KERNELS_CHECK_H
#define MB_TESTS_KERNELS_CHECK_H

#include "kernels/kernels.h"
#include "random.h"
#include "workload.h"

/* One round of the check of one kernel: draws sizes and values, calls the kernel and its reference,
 * and compares what they wrote. The driver repeats it for each set, with the same random stream. */
typedef void mb_check_fn(const mb_kernels *kernels);
typedef void mb_time_fn(mb_workload *w);

#define MB_KERNEL(result, name, parameters)                                                        \
    result mb_reference_##name parameters;                                                         \
    mb_check_fn mb_check_##name;                                                                   \
    mb_time_fn mb_time_##name;
#include "kernels/kernels.inc"

/* Every kernel, as kernels.inc has them. */
typedef struct mb_kernel_check {
    const char *name;
    bool product; /* sets with and without fused multiply-adds differ */
    mb_check_fn *check;
    mb_time_fn *time;
} mb_kernel_check;
extern const mb_kernel_check mb_kernel_checks[];
extern const size_t mb_kernel_check_count;

/* The table of the references. */
extern const mb_kernels mb_reference_kernels;

/* The next statement, for k = the kernels under test with i = 0, and the references with i = 1. */
#define MB_BOTH(k, i)                                                                              \
    for (int i = 0; i < 2; i++)                                                                    \
        for (const mb_kernels *k = i == 0 ? kernels : &mb_reference_kernels; k != NULL; k = NULL)

/* Values to draw: uniform in -2..2; multiples of 1/8, whose sums are exact in any order; and few,
 * with equal ones, infinities and NaN among them. */
typedef enum mb_values { MB_ANY, MB_EIGHTHS, MB_SPECIAL } mb_values;
mb_values mb_draw_kind(void);

/* n floats for the kernel to read; accesses past the end fault. At most MB_CHECK_BYTES. Valid for
 * one round. */
enum { MB_CHECK_BYTES = 1 << 16 };
float *mb_draw_input(size_t n, mb_values values);
void *mb_input(size_t bytes);

/* Memory that the kernel and its reference write, with the same initial contents. The memory around
 * it is checked, too. */
typedef struct mb_output {
    void *at[2]; /* the kernel's, the reference's */
} mb_output;
mb_output mb_draw_output(size_t n, mb_values values);
mb_output mb_output_of(const void *initial, size_t bytes);

/* The output's bytes from `offset` on are not compared. */
void mb_output_ignore(mb_output output, size_t offset);

/* Compares all outputs of the round: equal bytes; or floats (doubles) that differ by at most
 * `tolerance`, and are untouched where the reference left them so. */
void mb_check_equal(void);
void mb_check_near(double tolerance);
void mb_check_near_doubles(double tolerance);

/* Fails the round with a message unless `right`. */
void mb_check_that(bool right, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The number of this round, from 0. */
size_t mb_check_round(void);

/* Runs the rounds of a check, for which each set starts with the same random stream. Returns NULL,
 * or what failed; *digest is that of everything the kernel wrote. */
const char *mb_check_run(mb_check_fn *check, const mb_kernels *kernels, size_t rounds,
                         uint64_t *digest);

#endif

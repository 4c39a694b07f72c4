/* What bench_kernels runs: each kernel on the sizes that a step of 784-128-64-10 has, or one of
 * lenet5 and cnn where the name says so, beside a naive twin that does the same in plain C. */
#ifndef MB_BENCH_KERNEL_CASES_H
#define MB_BENCH_KERNEL_CASES_H

#include "core/arena.h"
#include "data/batch.h"
#include "kernels/kernels.h"

enum {
    MB_SIDE = 28,
    MB_PIXELS = MB_SIDE * MB_SIDE,
    MB_UNITS1 = 128,
    MB_UNITS2 = 64,
    MB_CLASSES = 10,
    MB_PARAMETERS =
        (MB_PIXELS + 1) * MB_UNITS1 + (MB_UNITS1 + 1) * MB_UNITS2 + (MB_UNITS2 + 1) * MB_CLASSES,
};

/* What the cases work on. A case reads the first buffers and writes `out` (and changes, where the
 * kernel works in place, some of the others). */
typedef struct mb_kernel_data {
    size_t rows, size; /* samples of the batch, floats of each buffer */
    float *a, *b, *c, *out;
    int32_t *which;                   /* as many: of windows of 2x2 the largest number's, 0 to 3 */
    uint8_t *images, *labels, *bytes; /* bytes: what a kernel gives as such, (rows) */
    mb_sample_source source;          /* of the images */
    mb_batch batch;
    uint32_t *order; /* of the images, (images) */
    size_t image_count, next;
    size_t dots; /* pixels of the first `rows` of the order that are not zero */
    mb_transposed_block *twin_block;
    float *x, *y;         /* (MB_PIXELS) from the middle of an image */
    uint32_t *image_taps; /* (rows, MB_PIXELS) of the first images */
    uint32_t *taps;       /* as many, to be written */
    uint8_t *pixels;      /* (rows, MB_PIXELS) to be written, as is dot; dot_count: (rows, 4) */
    mb_nonzero *dot;
    uint32_t *dot_count;
    mb_arena arena;
} mb_kernel_data;

typedef struct mb_kernel_case {
    const char *name;
    double items, bytes; /* an iteration: elements, and bytes read and written */
    double flops;        /* 0 where they are not worth counting */
    void (*fast)(const mb_kernels *kernels, mb_kernel_data *data);
    void (*twin)(mb_kernel_data *data);
    size_t outputs;                                   /* floats of `out` that count */
    void (*collect)(mb_kernel_data *data, bool twin); /* puts what was made into `out`, or NULL */
} mb_kernel_case;

enum { MB_KERNEL_CASES = 48 };

/* Made images of digits' density and numbers, for batches of `rows`. What it holds belongs to the
 * arena in it. MB_ERROR_MEMORY. */
mb_status mb_kernel_data_open(size_t rows, mb_kernel_data *data, mb_error *error);

/* Puts the buffers back to what they were when opened, and gathers the first images. */
void mb_kernel_data_reset(mb_kernel_data *data);

/* Each writes cases and returns how many. */
size_t mb_kernel_cases_dense(const mb_kernel_data *data, mb_kernel_case *cases);
size_t mb_kernel_cases_sparse(const mb_kernel_data *data, mb_kernel_case *cases);
size_t mb_kernel_cases_augment(const mb_kernel_data *data, mb_kernel_case *cases);
size_t mb_kernel_cases_images(const mb_kernel_data *data, mb_kernel_case *cases);
size_t mb_kernel_cases_sweep(const mb_kernel_data *data, mb_kernel_case *cases);
size_t mb_kernel_cases_channels(const mb_kernel_data *data, mb_kernel_case *cases);

#endif

/* Buffers and images of a training step, for timing kernels. */
#ifndef MB_TESTS_KERNELS_WORKLOAD_H
#define MB_TESTS_KERNELS_WORKLOAD_H

#include "core/arena.h"
#include "core/status.h"
#include "kernels/kernels.h"

/* The sizes of a step of 784-128-64-10. */
enum {
    MB_SIDE = 28,
    MB_PIXELS = MB_SIDE * MB_SIDE,
    MB_UNITS1 = 128,
    MB_UNITS2 = 64,
    MB_CLASSES = 10,
    MB_PARAMETERS =
        (MB_PIXELS + 1) * MB_UNITS1 + (MB_UNITS1 + 1) * MB_UNITS2 + (MB_UNITS2 + 1) * MB_CLASSES,
    MB_IMAGES = 60000
};

typedef struct mb_workload mb_workload;

/* Per run: elements counted, bytes read and written, and floating-point operations (0: not
 * counted). */
typedef struct mb_cost {
    double elements, bytes, flops;
} mb_cost;

/* One timing: `run` does the work once. Its results are compared with those of the references: the
 * first `floats` elements of the workload's out, and the exact_bytes at `exact`. */
typedef void mb_run_fn(const mb_kernels *kernels, mb_workload *w);
typedef struct mb_case {
    const char *name;
    mb_run_fn *run;
    mb_cost cost;
    size_t floats, exact_bytes;
    const void *exact;
} mb_case;

/* The floats, `size` of each, are uniform: a and out in -0.5 .. 0.5, positive below 0.5, negative
 * above -0.5. They are drawn anew before each case, for each set. */
struct mb_workload {
    size_t rows, size; /* samples per step; floats of each buffer */
    float *a, *positive, *negative, *out;
    uint8_t *images, *labels; /* of MB_IMAGES synthetic digits */
    size_t runs;              /* for a case to count in; set to 0 with the values */
    mb_arena arena;           /* for what a case needs besides */
    mb_status status;
    mb_error *error;
    void (*time)(mb_workload *w, const mb_case *one);
    void *context; /* of `time` */
};

/* MB_ERROR_MEMORY */
mb_status mb_workload_open(size_t rows, mb_workload *w, mb_error *error);
void mb_workload_reset(mb_workload *w);
void mb_workload_close(mb_workload *w);

/* `count` zeroed elements from the arena; NULL after setting w->status, then a case must not be
 * timed. */
void *mb_workload_alloc(mb_workload *w, size_t count, size_t size);

/* Passes the case to w->time unless w->status is an error. */
void mb_time(mb_workload *w, const char *name, mb_run_fn *run, mb_cost cost, size_t floats);
void mb_time_exact(mb_workload *w, const char *name, mb_run_fn *run, mb_cost cost,
                   const void *exact, size_t exact_bytes);

/* Defines mb_time_NAME: one case, timed by run_NAME. Bytes and flops are per element; `floats` as
 * in mb_case. */
#define MB_TIMING(kernel, name, elements, bytes, flops, floats)                                    \
    void mb_time_##kernel(mb_workload *w)                                                          \
    {                                                                                              \
        const double n = (double)(elements);                                                       \
        mb_time(w, name, run_##kernel, (mb_cost){n, (bytes)*n, (flops)*n}, floats);                \
    }

/* The number of samples, at most w->rows, for which a buffer has `elements` elements each. */
size_t mb_workload_samples(const mb_workload *w, size_t elements);

/* Times data/batch.h's gather of a sparse batch, beside one that looks at every pixel. */
void mb_time_gather(mb_workload *w);

#endif

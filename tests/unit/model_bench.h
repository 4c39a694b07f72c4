/* What the tests of model files share: a machine, and a folder with at most one file in it. */
#ifndef MB_TESTS_MODEL_BENCH_H
#define MB_TESTS_MODEL_BENCH_H

#include <mnist_blas/machine.h>

typedef struct mb_test_bench {
    mb_machine *machine;
    char *folder, *path; /* the file is model.safetensors */
} mb_test_bench;

/* Set-up and teardown for cmocka; the state is an mb_test_bench. */
int mb_test_bench_open(void **state);
int mb_test_bench_close(void **state);

#endif

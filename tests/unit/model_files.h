/* Fixture of the tests of model files: a machine, and a folder for one file. */
#ifndef MB_TESTS_MODEL_FILES_H
#define MB_TESTS_MODEL_FILES_H

#include "model/safetensors.h"

#include <mnist_blas/machine.h>

typedef struct mb_test_model_files {
    mb_machine *machine;
    char *folder, *path; /* FOLDER/model.safetensors */
} mb_test_model_files;

/* Set-up and teardown for cmocka; the state is an mb_test_model_files. */
int mb_test_model_files_open(void **state);
int mb_test_model_files_close(void **state);

/* Writes work->path. */
void mb_test_write_tensors(const mb_test_model_files *work, const mb_safetensors_content *content);

#endif

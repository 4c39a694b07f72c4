/* What several unit tests need: a folder of their own, IDX and gzip files in it, small data sets.
 * A step that fails (no memory, disk full) ends the test through cmocka. Heap results are the
 * caller's to free. */
#ifndef MB_TESTS_SUPPORT_H
#define MB_TESTS_SUPPORT_H

#include "core/file.h"

#include <mnist_blas/dataset.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The folder of the running test: empty when first asked for, removed after a TEST. */
const char *mb_test_folder(void);
int mb_test_remove_own_folder(void **state);

/* A new, empty folder under $TMPDIR (/tmp): its path, on the heap. */
char *mb_test_make_folder(void);

/* Removes the folder and all that is in it, and frees its name. */
void mb_test_remove_folder(char *folder);

/* Writes FOLDER/NAME; returns that path, on the heap. */
char *mb_test_write(const char *folder, const char *name, mb_bytes bytes);

/* Makes the folder FOLDER/NAME; returns that path, on the heap. */
char *mb_test_subfolder(const char *folder, const char *name);

/* An IDX file of (count, rows, columns) pixels; NULL pixels are all 0. */
mb_bytes mb_test_idx_images(size_t count, size_t rows, size_t columns, const uint8_t *pixels);

/* An IDX file of `count` labels; NULL labels are all 0. */
mb_bytes mb_test_idx_labels(size_t count, const uint8_t *labels);

/* The bytes as one gzip member. */
mb_bytes mb_test_gzip(mb_bytes bytes);

/* `first` followed by `second`; both are freed. */
mb_bytes mb_test_join(mb_bytes first, mb_bytes second);

/* A copy of a string's bytes, without its end. */
mb_bytes mb_test_text(const char *text);

/* A data set of images that a network can tell apart: each class lights its own fifth of the
 * pixels, each image in its own strength; labels go round 0 .. classes-1. */
typedef struct mb_test_dataset {
    size_t train, test; /* images; a split of 0 gets no files */
    size_t rows, columns, classes;
    uint64_t seed;
    bool gzip;
} mb_test_dataset;

/* Writes its files, under MNIST's names, into the folder. */
void mb_test_write_dataset(const char *folder, const mb_test_dataset *wanted);

/* The same, read again from a folder that is gone then; mb_dataset_close frees it. */
mb_dataset *mb_test_dataset_open(const mb_test_dataset *wanted);

/* Files and folders in a folder. */
size_t mb_test_entries(const char *folder);

/* From 4096 bytes on, writing a file fails as on a full disk, until the limit is lifted. */
void mb_test_limit_files(bool limited);

/* Runs the test program again with an environment variable and an argument; returns its exit
 * status.
 */
int mb_test_run_itself(const char *variable, const char *value, const char *argument);

/* The status of `error` is `status`, its text is one line and has `part` in it. */
void mb_test_check_error(const mb_error *error, mb_status status, const char *part);

#endif

/* Helpers of the unit tests: folders, IDX and gzip files, small datasets, errors. A step that fails
 * (no memory, full disk) ends the test. The caller frees results on the heap. */
#ifndef MB_TESTS_SUPPORT_H
#define MB_TESTS_SUPPORT_H

#include "core/file.h"

#include <mnist_blas/dataset.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The folder of the running test: created on the first call, removed after a TEST. */
const char *mb_test_folder(void);
int mb_test_remove_own_folder(void **state);

/* `count` zeroed elements of `size` bytes; freed after the TEST. */
void *mb_test_alloc(size_t count, size_t size);

/* Calls release(what) after the TEST, before its folder is removed; the last one comes first. */
void mb_test_defer(void (*release)(void *), void *what);

/* The end of a TEST: does what was deferred, and removes its folder. */
int mb_test_finish(void **state);

/* The path of a new folder under $TMPDIR (/tmp), on the heap. */
char *mb_test_make_folder(void);

/* Removes the folder with its contents, and frees its path. */
void mb_test_remove_folder(char *folder);

/* Writes FOLDER/NAME; returns its path, on the heap. */
char *mb_test_write(const char *folder, const char *name, mb_bytes bytes);

/* Writes FOLDER/NAME, and frees the bytes. */
void mb_test_put(const char *folder, const char *name, mb_bytes bytes);

/* Creates the folder FOLDER/NAME; returns its path, on the heap. */
char *mb_test_subfolder(const char *folder, const char *name);

/* An IDX file of (count, rows, columns) pixels; NULL pixels are all 0. */
mb_bytes mb_test_idx_images(size_t count, size_t rows, size_t columns, const uint8_t *pixels);

/* An IDX file of `count` labels; NULL labels are all 0. */
mb_bytes mb_test_idx_labels(size_t count, const uint8_t *labels);

/* The bytes as one gzip member. */
mb_bytes mb_test_gzip(mb_bytes bytes);

/* `first` followed by `second`; both are freed. */
mb_bytes mb_test_join(mb_bytes first, mb_bytes second);

/* A copy of a string without its terminating 0. */
mb_bytes mb_test_text(const char *text);

/* A dataset that a network can learn: each class sets a random fifth of the pixels, with random
 * brightness in each image; labels cycle through 0 .. classes - 1. */
typedef struct mb_test_dataset {
    size_t train, test; /* images; 0: no files */
    size_t rows, columns, classes;
    uint64_t seed;
    bool gzip;
} mb_test_dataset;

/* Writes the files, with MNIST's names, into the folder. */
void mb_test_write_dataset(const char *folder, const mb_test_dataset *wanted);

/* Writes and reads the dataset. */
mb_dataset *mb_test_dataset_open(const mb_test_dataset *wanted);

/* The folder of real MNIST; without MNIST_BLAS_DATA the test is skipped. */
const char *mb_test_real_mnist(void);

/* Checks that no value occurs twice; sorts them. */
void mb_test_all_differ(uint64_t *values, size_t count);

/* Files and folders in a folder. */
size_t mb_test_entries(const char *folder);

/* Makes writes past 4096 bytes of a file fail, as on a full disk, until the limit is lifted. */
void mb_test_limit_files(bool limited);

/* Runs the test program again with an environment variable and an argument; returns its exit
 * status. Skips the test if the host cannot run the program, as under qemu-user. */
int mb_test_run_itself(const char *variable, const char *value, const char *argument);

/* Checks that `error` has this status, and one line of text with `part` in it. */
void mb_test_check_error(const mb_error *error, mb_status status, const char *part);

#endif

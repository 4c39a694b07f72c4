/* For fuzz targets that open data: a folder, and what must hold of a dataset. */
#ifndef MB_TESTS_FUZZ_DATASET_H
#define MB_TESTS_FUZZ_DATASET_H

#include "fuzz/fuzz.h"

#include <mnist_blas/dataset.h>
#include <unistd.h>

static char folder_of_target[64];

static inline void remove_folder(void) { rmdir(folder_of_target); }

/* A folder, if possible in memory, which the end of the program removes if it is empty. */
static inline const char *fuzz_folder(void)
{
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    if (*folder_of_target == '\0') {
        snprintf(folder_of_target, sizeof folder_of_target, "%s/mnist_blas_fuzz_XXXXXX", memory);
        require(mkdtemp(folder_of_target) != NULL && atexit(remove_folder) == 0);
    }
    return folder_of_target;
}

static inline void write_file(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    require(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static inline void use_split(const mb_split *split, size_t classes)
{
    unsigned long sum = 0;
    require(split->images.channels == 3 || split->images.channels == 1 || split->images.count == 0);
    for (size_t i = 0; i < split->images.count * mb_images_stride(&split->images); i++)
        sum += split->images.pixels[i];
    for (size_t i = 0; i < split->images.count; i++)
        require(split->labels[i] < classes);
    volatile unsigned long sink = sum;
    (void)sink;
}

/* Opens the data: they are refused with one line, or all pixels can be read and all labels are
 * classes. */
static inline void open_data(const char *path, unsigned splits, const mb_data_options *options)
{
    mb_dataset *dataset = NULL;
    mb_error error = {0};
    size_t shared = 0;
    const mb_status status = mb_dataset_open(path, splits, options, &dataset, &error);
    require_reported(status, &error);
    require((status == MB_OK) == (dataset != NULL));
    if (status != MB_OK)
        return;
    require((options != NULL && options->skip_bad) || dataset->warning == NULL);
    require(dataset->classes >= 2 && dataset->classes <= 256);
    require(dataset->validation == 0 || dataset->validation < dataset->train.images.count);
    use_split(&dataset->train, dataset->classes);
    use_split(&dataset->test, dataset->classes);
    require(mb_dataset_count_shared(dataset, &shared, NULL) == MB_OK);
    require(shared <= dataset->test.images.count);
    mb_dataset_close(dataset);
}

#endif

#include "data/dataset.h"

#include "core/file.h"
#include "core/status.h"
#include "data/find.h"
#include "data/idx.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 256 };

struct mb_dataset_storage {
    mb_dataset dataset;
    char *folder;                   /* dataset.folder, to be freed */
    mb_idx files[MB_DATASET_FILES]; /* those not asked for are empty */
    void *memory;                   /* images and labels of mb_dataset_own */
};

typedef struct mb_dataset_storage opened;

static mb_status read_file(opened *all, size_t file, mb_error *error)
{
    const char *folder = all->dataset.folder, *name = mb_dataset_files[file];
    char *found = NULL;
    char *path = mb_path_join(folder, name);
    mb_status status = MB_OK;
    if (path == NULL) {
        status = mb_fail_memory(error, folder, strlen(folder) + strlen(name) + 2);
        goto done;
    }
    status = mb_idx_find(path, &found, error);
    if (status != MB_OK)
        goto done;
    if (found == NULL) {
        status = mb_fail(error, MB_ERROR_IO, "%s: missing %s (or .gz)", folder, name);
        goto done;
    }
    const bool images = file == MB_TRAIN_IMAGES || file == MB_TEST_IMAGES;
    status = mb_idx_read(found, images ? MB_IDX_IMAGES : MB_IDX_LABELS, &all->files[file], error);
done:
    free(path);
    free(found);
    return status;
}

/* Reads one split's two files, `first` (images) and the one after it (labels), into *split. */
static mb_status read_split(opened *all, size_t first, mb_split *split, mb_error *error)
{
    const mb_idx *images = &all->files[first], *labels = &all->files[first + 1];
    mb_status status = read_file(all, first, error);
    if (status == MB_OK)
        status = read_file(all, first + 1, error);
    if (status != MB_OK)
        return status;
    if (images->count != labels->count)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %zu labels, but %s has %zu images",
                       labels->path, labels->count, images->path, images->count);
    *split =
        (mb_split){{images->items, images->count, 1, images->rows, images->columns}, labels->items};
    return MB_OK;
}

/* A split that was not read has the shape of the other. */
static void share_shape(mb_dataset *dataset)
{
    mb_images *train = &dataset->train.images, *test = &dataset->test.images;
    if (train->count == 0)
        *train = (mb_images){NULL, 0, test->channels, test->rows, test->columns};
    if (test->count == 0)
        *test = (mb_images){NULL, 0, train->channels, train->rows, train->columns};
}

static mb_status check_sizes(const opened *all, mb_error *error)
{
    const mb_idx *train = &all->files[MB_TRAIN_IMAGES], *test = &all->files[MB_TEST_IMAGES];
    if (train->rows == test->rows && train->columns == test->columns)
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT, "%s: images of %zu x %zu, but those of %s are %zu x %zu",
                   test->path, test->rows, test->columns, train->path, train->rows, train->columns);
}

/* The first item that has the largest label. */
static size_t largest_label(const mb_idx *labels)
{
    size_t largest = 0;
    for (size_t i = 1; i < labels->count; i++)
        if (labels->items[i] > labels->items[largest])
            largest = i;
    return largest;
}

/* One label that is wrong among many that are right leaves a gap below it: that is how it shows. */
static mb_status check_gaps(const mb_idx *labels, size_t largest, mb_error *error)
{
    size_t images[MOST_CLASSES] = {0};
    size_t different = 0, absent = 0;
    for (size_t i = 0; i < labels->count; i++)
        different += images[labels->items[i]]++ == 0;
    while (absent < MOST_CLASSES && images[absent] > 0)
        absent++;
    if (absent > labels->items[largest])
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: label %u at item %zu, but there are only %zu different labels: none is %zu",
                   labels->path, (unsigned)labels->items[largest], largest, different, absent);
}

static mb_status count_classes(opened *all, unsigned splits, mb_error *error)
{
    const bool train = (splits & MB_SPLIT_TRAIN) != 0;
    const mb_idx *labels = &all->files[train ? MB_TRAIN_LABELS : MB_TEST_LABELS];
    const size_t largest = largest_label(labels);
    all->dataset.classes = (size_t)labels->items[largest] + 1;
    if (all->dataset.classes < 2)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: 1 class: all %zu labels are 0, 2 classes are needed", labels->path,
                       labels->count);
    return train ? check_gaps(labels, largest, error) : MB_OK;
}

static mb_status check_test_labels(const opened *all, mb_error *error)
{
    const mb_idx *labels = &all->files[MB_TEST_LABELS];
    for (size_t i = 0; i < labels->count; i++)
        if (labels->items[i] >= all->dataset.classes)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: label %u at item %zu, but the largest in training is %zu",
                           labels->path, (unsigned)labels->items[i], i, all->dataset.classes - 1);
    return MB_OK;
}

static mb_status read_splits(opened *all, unsigned splits, mb_error *error)
{
    mb_status status = mb_data_folder_check(NULL, all->dataset.folder, error);
    if (status == MB_OK && (splits & MB_SPLIT_TRAIN))
        status = read_split(all, MB_TRAIN_IMAGES, &all->dataset.train, error);
    if (status == MB_OK && (splits & MB_SPLIT_TEST))
        status = read_split(all, MB_TEST_IMAGES, &all->dataset.test, error);
    if (status == MB_OK)
        share_shape(&all->dataset);
    if (status == MB_OK)
        status = count_classes(all, splits, error);
    if (status == MB_OK && splits == (MB_SPLIT_TRAIN | MB_SPLIT_TEST)) {
        status = check_sizes(all, error);
        if (status == MB_OK)
            status = check_test_labels(all, error);
    }
    return status;
}

mb_status mb_dataset_open(const char *folder, unsigned splits, mb_dataset **dataset,
                          mb_error *error)
{
    if (folder == NULL || dataset == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: folder and dataset must not be NULL");
    if (splits == 0 || (splits & ~(unsigned)(MB_SPLIT_TRAIN | MB_SPLIT_TEST)) != 0)
        return mb_fail(error, MB_ERROR_INVALID, "%s: splits %u: can be 1, 2 or 3", folder, splits);
    mb_status status = MB_OK;
    opened *all = calloc(1, sizeof *all);
    if (all == NULL) {
        status = mb_fail_memory(error, folder, sizeof *all);
        goto done;
    }
    all->dataset.storage = all;
    all->folder = strdup(folder);
    if (all->folder == NULL) {
        status = mb_fail_memory(error, folder, strlen(folder) + 1);
        goto done;
    }
    all->dataset.folder = all->folder;
    status = read_splits(all, splits, error);
    if (status == MB_OK) {
        *dataset = &all->dataset;
        all = NULL;
    }
done:
    if (all != NULL)
        mb_dataset_close(&all->dataset);
    return status;
}

/* Checks a split of the caller's; *classes becomes one more than its largest label, if that is
 * more. */
static mb_status check_arrays(const char *name, const mb_split *split, size_t limit,
                              size_t *classes, mb_error *error)
{
    const mb_images *images = &split->images;
    if (images->count == 0 || images->pixels == NULL || split->labels == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: the %s split has no images", name);
    if (images->channels != 1 || images->rows == 0 || images->columns == 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "dataset: %s images of %zux%zux%zu: must have 1 channel and 1 pixel or more",
                       name, images->channels, images->rows, images->columns);
    for (size_t i = 0; i < images->count; i++) {
        const size_t label = split->labels[i];
        if (label >= limit)
            return mb_fail(error, MB_ERROR_INVALID,
                           "dataset: %s label %zu at item %zu: must be below %zu, the classes",
                           name, label, i, limit);
        *classes = label < *classes ? *classes : label + 1;
    }
    return MB_OK;
}

mb_status mb_dataset_from_arrays(const mb_split *train, const mb_split *test, size_t classes,
                                 mb_dataset **dataset, mb_error *error)
{
    const size_t limit = classes > 0 ? classes : MOST_CLASSES;
    size_t found = 2;
    if (train == NULL || dataset == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: train and dataset must not be NULL");
    if (classes == 1 || classes > MOST_CLASSES)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: %zu classes: must be 2 to %d", classes,
                       MOST_CLASSES);
    mb_status status = check_arrays("training", train, limit, &found, error);
    if (status == MB_OK && test != NULL)
        status = check_arrays("test", test, limit, &found, error);
    if (status != MB_OK)
        return status;
    if (test != NULL &&
        (test->images.rows != train->images.rows || test->images.columns != train->images.columns))
        return mb_fail(error, MB_ERROR_INVALID,
                       "dataset: test images of %zux%zu, but training images are %zux%zu",
                       test->images.rows, test->images.columns, train->images.rows,
                       train->images.columns);
    opened *all = calloc(1, sizeof *all);
    if (all == NULL)
        return mb_fail_memory(error, "dataset", sizeof *all);
    all->dataset =
        (mb_dataset){.classes = classes > 0 ? classes : found, .train = *train, .storage = all};
    if (test != NULL)
        all->dataset.test = *test;
    share_shape(&all->dataset);
    *dataset = &all->dataset;
    return MB_OK;
}

void mb_dataset_own(mb_dataset *dataset, void *memory) { dataset->storage->memory = memory; }

void mb_dataset_close(mb_dataset *dataset)
{
    if (dataset == NULL || dataset->storage == NULL)
        return;
    opened *all = dataset->storage;
    for (size_t i = 0; i < MB_DATASET_FILES; i++)
        mb_idx_free(&all->files[i]);
    free(all->memory);
    free(all->folder);
    free(all);
}

#include "data/dataset.h"

#include "core/endian.h"
#include "core/status.h"
#include "data/source.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 256 };

struct mb_dataset_storage {
    mb_dataset dataset;
    char *folder;                 /* dataset.folder, to be freed */
    const mb_data_format *format; /* NULL: not opened from a path */
    void *state;                  /* of the format */
    void *memory;                 /* of mb_dataset_own */
};

typedef struct mb_dataset_storage storage;

mb_digest mb_split_fingerprint(const mb_split *split)
{
    const mb_images *images = &split->images;
    const size_t sizes[] = {images->count, images->rows, images->columns};
    uint8_t head[sizeof sizes / sizeof *sizes * 8];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        mb_store_le64(head + 8 * i, sizes[i]);
    const mb_span spans[] = {{head, sizeof head},
                             {images->pixels, images->count * mb_images_stride(images)},
                             {split->labels, images->count}};
    return mb_sha256(spans, sizeof spans / sizeof *spans);
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

static mb_status check_sizes(const mb_data_part *train, const mb_data_part *test, mb_error *error)
{
    const mb_images *one = &train->split.images, *other = &test->split.images;
    if (one->rows == other->rows && one->columns == other->columns)
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT, "%s: images of %zu x %zu, but those of %s are %zu x %zu",
                   test->images_path, other->rows, other->columns, train->images_path, one->rows,
                   one->columns);
}

/* First item that has the largest label. */
static size_t find_max_label(const mb_split *split)
{
    size_t max = 0;
    for (size_t i = 1; i < split->images.count; i++)
        if (split->labels[i] > split->labels[max])
            max = i;
    return max;
}

/* A wrong label among many right ones is found by the gap that it leaves below it. */
static mb_status check_gaps(const mb_data_part *part, size_t max, mb_error *error)
{
    size_t images[MAX_CLASSES] = {0};
    size_t different = 0, absent = 0;
    for (size_t i = 0; i < part->split.images.count; i++)
        different += images[part->split.labels[i]]++ == 0;
    while (absent < MAX_CLASSES && images[absent] > 0)
        absent++;
    if (absent > part->split.labels[max])
        return MB_OK;
    if (absent == 0 && different == part->split.labels[max])
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: labels 1 to %zu: must start at 0: subtract 1 from each (those of "
                       "EMNIST's letters start at 1)",
                       part->labels_path, different);
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: label %u at item %zu, but there are only %zu different labels: none is %zu",
                   part->labels_path, (unsigned)part->split.labels[max], max, different, absent);
}

/* The classes are those of training if that was read: then each has an image. */
static mb_status count_classes(const mb_data_part *part, bool train, size_t *classes,
                               mb_error *error)
{
    const size_t max = find_max_label(&part->split);
    *classes = (size_t)part->split.labels[max] + 1;
    if (*classes < 2)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: 1 class: all %zu labels are 0, at least 2 classes are needed",
                       part->labels_path, part->split.images.count);
    return train ? check_gaps(part, max, error) : MB_OK;
}

static mb_status check_test_labels(const mb_data_part *test, size_t classes, mb_error *error)
{
    for (size_t i = 0; i < test->split.images.count; i++)
        if (test->split.labels[i] >= classes)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: label %u at item %zu, but the largest in training is %zu",
                           test->labels_path, (unsigned)test->split.labels[i], i, classes - 1);
    return MB_OK;
}

static mb_status read_splits(storage *all, unsigned splits, mb_error *error)
{
    const bool trains = (splits & MB_SPLIT_TRAIN) != 0, tests = (splits & MB_SPLIT_TEST) != 0;
    mb_data_part train = {0}, test = {0};
    mb_status status = MB_OK;
    if (trains)
        status = all->format->read(all->state, MB_SPLIT_TRAIN, &train, error);
    if (status == MB_OK && tests)
        status = all->format->read(all->state, MB_SPLIT_TEST, &test, error);
    if (status == MB_OK)
        status = count_classes(trains ? &train : &test, trains, &all->dataset.classes, error);
    if (status == MB_OK && trains && tests)
        status = check_sizes(&train, &test, error);
    if (status == MB_OK && trains && tests)
        status = check_test_labels(&test, all->dataset.classes, error);
    all->dataset.train = train.split;
    all->dataset.test = test.split;
    share_shape(&all->dataset);
    return status;
}

static size_t bytes_of(const mb_images *images) { return images->count * mb_images_stride(images); }

/* Moves the pixels of borrowed arrays to memory of the dataset's. */
static mb_status copy_pixels(storage *all, mb_error *error)
{
    mb_images *train = &all->dataset.train.images, *test = &all->dataset.test.images;
    const size_t size = bytes_of(train) + bytes_of(test);
    uint8_t *copy = malloc(size);
    if (copy == NULL)
        return mb_fail_memory(error, "dataset", size);
    memcpy(copy, train->pixels, bytes_of(train));
    if (test->count > 0)
        memcpy(copy + bytes_of(train), test->pixels, bytes_of(test));
    train->pixels = copy;
    test->pixels = copy + bytes_of(train);
    all->memory = copy;
    return MB_OK;
}

mb_status mb_dataset_set_form(mb_dataset *dataset, mb_image_form form, mb_error *error)
{
    storage *all = dataset->storage;
    mb_status status = MB_OK;
    if (all == NULL)
        return mb_fail(error, MB_ERROR_INVALID,
                       "dataset: the form of a dataset that was not "
                       "opened cannot be set");
    if (form.ground != dataset->form.ground) {
        if (all->format == NULL && all->memory == NULL)
            status = copy_pixels(all, error);
        if (status != MB_OK)
            return status;
        /* The memory is the format's or the dataset's. */
        mb_pixels_invert((uint8_t *)(uintptr_t)dataset->train.images.pixels,
                         bytes_of(&dataset->train.images));
        mb_pixels_invert((uint8_t *)(uintptr_t)dataset->test.images.pixels,
                         bytes_of(&dataset->test.images));
    }
    dataset->form = form;
    return MB_OK;
}

/* Opens what is at `path`; the first format says what is missing if none finds data. */
static mb_status open_source(storage *all, const char *path, mb_error *error)
{
    const mb_data_format *format = NULL;
    const mb_status status = mb_data_probe(path, &format, error);
    if (status != MB_OK)
        return status;
    format = format != NULL ? format : mb_data_formats[0];
    all->folder = strdup(path);
    if (all->folder == NULL)
        return mb_fail_memory(error, path, strlen(path) + 1);
    all->dataset.folder = all->folder;
    const mb_status opened = format->open(all->folder, &all->state, error);
    all->format = opened == MB_OK ? format : NULL;
    return opened;
}

mb_status mb_dataset_open(const char *folder, unsigned splits, mb_dataset **dataset,
                          mb_error *error)
{
    if (folder == NULL || dataset == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: folder and dataset must not be NULL");
    if (splits == 0 || (splits & ~(unsigned)(MB_SPLIT_TRAIN | MB_SPLIT_TEST)) != 0)
        return mb_fail(error, MB_ERROR_INVALID, "%s: splits: must be 1, 2 or 3, got %u", folder,
                       splits);
    storage *all = calloc(1, sizeof *all);
    if (all == NULL)
        return mb_fail_memory(error, folder, sizeof *all);
    all->dataset.storage = all;
    mb_status status = open_source(all, folder, error);
    if (status == MB_OK)
        status = read_splits(all, splits, error);
    if (status == MB_OK && all->dataset.train.images.count > 0)
        status = mb_dataset_set_form(&all->dataset, mb_images_measure(&all->dataset.train.images),
                                     error);
    if (status == MB_OK)
        *dataset = &all->dataset;
    else
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
    const size_t limit = classes > 0 ? classes : MAX_CLASSES;
    size_t found = 2;
    if (train == NULL || dataset == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: train and dataset must not be NULL");
    if (classes == 1 || classes > MAX_CLASSES)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: %zu classes: must be 2 to %d", classes,
                       MAX_CLASSES);
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
    storage *all = calloc(1, sizeof *all);
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
    storage *all = dataset->storage;
    if (all->format != NULL)
        all->format->close(all->state);
    free(all->memory);
    free(all->folder);
    free(all);
}

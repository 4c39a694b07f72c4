#include "data/dataset.h"

#include "core/endian.h"
#include "core/status.h"
#include "core/util.h"
#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

struct mb_dataset_storage {
    mb_dataset dataset;
    void *owner; /* of all that the dataset points to; NULL: it is borrowed */
    void (*release)(void *owner);
};

typedef struct mb_dataset_storage storage;

mb_digest mb_split_fingerprint(const mb_split *split)
{
    const mb_images *images = &split->images;
    const size_t sizes[] = {images->count, images->rows, images->columns, images->channels};
    uint8_t head[MB_COUNT_OF(sizes) * 8];
    for (size_t i = 0; i < MB_COUNT_OF(sizes); i++)
        mb_store_le64(head + 8 * i, sizes[i]);
    const mb_span spans[] = {{head, 8 * (MB_COUNT_OF(sizes) - (images->channels == 1))},
                             {images->pixels, images->count * mb_images_stride(images)},
                             {split->labels, images->count}};
    return mb_sha256(spans, MB_COUNT_OF(spans));
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
    all->owner = copy;
    all->release = free;
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
        if (all->owner == NULL)
            status = copy_pixels(all, error);
        if (status != MB_OK)
            return status;
        /* The memory is the owner's. */
        mb_pixels_invert((uint8_t *)(uintptr_t)dataset->train.images.pixels,
                         bytes_of(&dataset->train.images));
        mb_pixels_invert((uint8_t *)(uintptr_t)dataset->test.images.pixels,
                         bytes_of(&dataset->test.images));
    }
    dataset->form = form;
    return MB_OK;
}

mb_status mb_dataset_make(const mb_dataset *content, void *owner, void (*release)(void *owner),
                          mb_dataset **dataset, mb_error *error)
{
    storage *all = malloc(sizeof *all);
    if (all == NULL)
        return mb_fail_memory(error, "dataset", sizeof *all);
    *all = (storage){.dataset = *content, .owner = owner, .release = release};
    all->dataset.storage = all;
    share_shape(&all->dataset);
    *dataset = &all->dataset;
    return MB_OK;
}

/* Checks a split of the caller's; *classes becomes one more than its largest label, if that is
 * more. */
static mb_status check_arrays(const char *name, const mb_split *split, size_t limit,
                              size_t *classes, mb_error *error)
{
    const mb_images *images = &split->images;
    if (images->count == 0 || images->pixels == NULL || split->labels == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: the %s split has no images", name);
    if ((images->channels != 1 && images->channels != 3) || images->rows == 0 ||
        images->columns == 0)
        return mb_fail(
            error, MB_ERROR_INVALID,
            "dataset: %s images of %zux%zux%zu: must have 1 or 3 channels and 1 pixel or "
            "more",
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
    const size_t limit = classes > 0 ? classes : MB_MAX_CLASSES;
    size_t found = 2;
    if (train == NULL || dataset == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: train and dataset must not be NULL");
    if (classes == 1 || classes > MB_MAX_CLASSES)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: %zu classes: must be 2 to %d", classes,
                       MB_MAX_CLASSES);
    mb_status status = check_arrays("training", train, limit, &found, error);
    if (status == MB_OK && test != NULL)
        status = check_arrays("test", test, limit, &found, error);
    if (status != MB_OK)
        return status;
    if (test != NULL &&
        !mb_shape_equal(mb_images_shape(&test->images), mb_images_shape(&train->images)))
        return mb_fail(error, MB_ERROR_INVALID,
                       "dataset: test images of %zux%zux%zu, but training images are %zux%zux%zu",
                       test->images.channels, test->images.rows, test->images.columns,
                       train->images.channels, train->images.rows, train->images.columns);
    const mb_dataset content = {.classes = classes > 0 ? classes : found,
                                .train = *train,
                                .test = test != NULL ? *test : (mb_split){.labels = NULL}};
    return mb_dataset_make(&content, NULL, NULL, dataset, error);
}

void mb_dataset_close(mb_dataset *dataset)
{
    if (dataset == NULL || dataset->storage == NULL)
        return;
    storage *all = dataset->storage;
    if (all->owner != NULL)
        all->release(all->owner);
    free(all);
}

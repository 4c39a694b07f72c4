/* NumPy's formats: an NPZ archive of arrays, and a folder of NPY files. */
#include "core/file.h"
#include "core/util.h"
#include "data/dataset.h"
#include "kernels/kernels.h"
#include "sources/arrays.h"
#include "sources/source.h"

#include <stdlib.h>
#include <string.h>

typedef struct numpy {
    const mb_data_options *options;
    mb_arrays arrays;
    uint8_t *pixels[2]; /* of both splits */
    int64_t *labels[2];
} numpy;

static mb_status open_arrays(const char *path, bool packed, const mb_data_options *options,
                             void **state, mb_error *error)
{
    mb_status status = mb_data_path_check(NULL, path, false, error);
    if (status != MB_OK)
        return status;
    numpy *made = calloc(1, sizeof *made);
    if (made == NULL)
        return mb_fail_memory(error, path, sizeof *made);
    made->options = options;
    status = mb_arrays_find(path, packed, &made->arrays, error);
    if (status == MB_OK)
        *state = made;
    else
        free(made);
    return status;
}

/* ---- images ---- */

/* How an array of images is laid out. */
typedef struct layout {
    size_t count, channels, rows, columns;
    size_t strides[MB_NPY_MAX_DIMENSIONS]; /* as mb_npy_read_pixels has them */
} layout;

static bool is_channels(size_t size) { return size == 1 || size == 3; }

/* A flat image has the size of the options, else it is square. */
static bool find_flat_size(const mb_shape *size, size_t pixels, layout *as)
{
    size_t side = 1;
    while (side * side < pixels && side <= MB_IMAGE_MAX_PIXELS)
        side++;
    const bool given = size->rows > 0 && size->columns == pixels / size->rows &&
                       size->rows * size->columns == pixels;
    as->rows = given ? size->rows : side;
    as->columns = given ? size->columns : side;
    return as->rows * as->columns == pixels;
}

static mb_status fail_shape(const mb_npy *npy, mb_error *error)
{
    char shape[128];
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: shape %s: images are (N, rows, columns), with 1 or 3 channels last or "
                   "after N, or flat (N, pixels) if they are square or --size gives their rows and "
                   "columns",
                   npy->stream.name, mb_npy_shape(npy, shape, sizeof shape));
}

static mb_status find_layout(const mb_npy *npy, const mb_shape *size, layout *as, mb_error *error)
{
    const size_t *shape = npy->shape, dimensions = npy->dimensions;
    size_t pixels;
    *as = (layout){.count = dimensions > 0 ? shape[0] : 0, .channels = 1};
    const bool last = dimensions == 4 && is_channels(shape[3]);
    const bool first = dimensions == 4 && !last && is_channels(shape[1]);
    if (dimensions == 2 && !find_flat_size(size, shape[1], as))
        return fail_shape(npy, error);
    if (dimensions < 2 || dimensions > 4 || (dimensions == 4 && !last && !first))
        return fail_shape(npy, error);
    if (dimensions > 2) {
        as->rows = shape[first ? 2 : 1];
        as->columns = shape[first ? 3 : 2];
        as->channels = last ? shape[3] : first ? shape[1] : 1;
    }
    if (!mb_multiply(as->rows, as->columns, &pixels) ||
        !mb_multiply(pixels, as->channels, &pixels) || pixels > MB_IMAGE_MAX_PIXELS)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images too large: %zu x %zu with %zu channels, at most %d values are "
                       "read",
                       npy->stream.name, as->rows, as->columns, as->channels, MB_IMAGE_MAX_PIXELS);
    as->strides[0] = pixels;
    if (dimensions == 2) {
        as->strides[1] = 1;
        return MB_OK;
    }
    if (first || last)
        as->strides[first ? 1 : 3] = as->rows * as->columns;
    as->strides[first ? 2 : 1] = as->columns;
    as->strides[first ? 3 : 2] = 1;
    return MB_OK;
}

static size_t stride_of(const layout *as) { return as->channels * as->rows * as->columns; }

/* An array of images that is open. */
typedef struct opened {
    mb_zip *zip;
    mb_npy npy;
    layout as;
} opened;

static mb_status open_images(const numpy *state, unsigned split, opened *images, mb_error *error)
{
    mb_status status =
        mb_array_open(&state->arrays, split, MB_ARRAY_IMAGES, &images->zip, &images->npy, error);
    return status == MB_OK ? find_layout(&images->npy, &state->options->size, &images->as, error)
                           : status;
}

static void close_images(opened *images)
{
    mb_npy_close(&images->npy);
    mb_zip_close(images->zip);
}

/* The images of `first` and then, unless there are none, of `second`, in new memory. */
static mb_status read_images(opened *first, opened *second, mb_images *images, uint8_t **memory,
                             mb_error *error)
{
    const layout *a = &first->as, *b = &second->as;
    const size_t stride = stride_of(a);
    size_t bytes;
    if (b->count > 0 &&
        (a->channels != b->channels || a->rows != b->rows || a->columns != b->columns))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images of %zux%zux%zu, but those of %s are %zux%zux%zu",
                       second->npy.stream.name, b->channels, b->rows, b->columns,
                       first->npy.stream.name, a->channels, a->rows, a->columns);
    if (!mb_multiply(a->count + b->count, stride, &bytes) || bytes > MB_DATA_MAX_BYTES)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: too large: %zu training and %zu validation images of %zu bytes, at "
                       "most %zu bytes are read",
                       first->npy.stream.name, a->count, b->count, stride, MB_DATA_MAX_BYTES);
    *memory = calloc(bytes, 1);
    if (*memory == NULL)
        return mb_fail_memory(error, first->npy.stream.name, bytes);
    mb_status status = mb_npy_read_pixels(&first->npy, a->strides, *memory, error);
    if (status == MB_OK && b->count > 0)
        status = mb_npy_read_pixels(&second->npy, b->strides, *memory + a->count * stride, error);
    *images = (mb_images){*memory, a->count + b->count, a->channels, a->rows, a->columns};
    return status;
}

/* ---- labels ---- */

/* Labels are (N), (N, 1), or one-hot (N, classes): a 1 in each row. */
static mb_status check_label_shape(const mb_npy *npy, const char *images, size_t count,
                                   mb_error *error)
{
    const size_t columns = npy->dimensions == 2 ? npy->shape[1] : 1;
    char shape[128];
    if (npy->dimensions < 1 || npy->dimensions > 2 || columns > MB_MAX_CLASSES)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: shape %s: labels are (N,), (N, 1), or one-hot (N, classes)",
                       npy->stream.name, mb_npy_shape(npy, shape, sizeof shape));
    if (npy->shape[0] != count)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %zu labels, but %s has %zu images",
                       npy->stream.name, npy->shape[0], images, count);
    return MB_OK;
}

/* Element of one-hot labels; those of rows without a 1 so far are -1. */
static mb_status note_one_hot(const mb_npy *npy, size_t element, int64_t value, int64_t *labels,
                              mb_error *error)
{
    const size_t rows = npy->shape[0], columns = npy->shape[1];
    const size_t row = npy->fortran_order ? element % rows : element / columns;
    const size_t column = npy->fortran_order ? element / rows : element % columns;
    if (value == 0)
        return MB_OK;
    if (value != 1 || labels[row] >= 0)
        return mb_fail(
            error, MB_ERROR_FORMAT,
            "%s: row %zu: labels of %zu columns must be one-hot, a single 1 in each row: "
            "several labels for one image are not supported",
            npy->stream.name, row, columns);
    labels[row] = (int64_t)column;
    return MB_OK;
}

static mb_status read_values(mb_npy *npy, int64_t *labels, mb_error *error)
{
    enum { CHUNK = 1024 };
    int64_t values[CHUNK];
    const bool one_hot = npy->dimensions == 2 && npy->shape[1] > 1;
    const size_t rows = npy->shape[0];
    mb_status status = MB_OK;
    for (size_t i = 0; i < rows && one_hot; i++)
        labels[i] = -1;
    while (status == MB_OK && npy->done < npy->elements) {
        const size_t first = npy->done;
        size_t count = 0;
        status = mb_npy_read_integers(npy, CHUNK, values, &count, error);
        if (!one_hot)
            memcpy(labels + first, values, count * sizeof *values);
        for (size_t i = 0; i < count && one_hot && status == MB_OK; i++)
            status = note_one_hot(npy, first + i, values[i], labels, error);
    }
    for (size_t i = 0; i < rows && one_hot && status == MB_OK; i++)
        if (labels[i] < 0)
            status = mb_fail(error, MB_ERROR_FORMAT,
                             "%s: row %zu: all %zu columns are 0: labels of several columns must "
                             "be one-hot, a single 1 in each row",
                             npy->stream.name, i, npy->shape[1]);
    return status;
}

static mb_status read_labels(const numpy *state, unsigned split, size_t count, int64_t *labels,
                             mb_error *error)
{
    mb_zip *zip = NULL;
    mb_npy npy = {.elements = 0};
    mb_status status = mb_array_open(&state->arrays, split, MB_ARRAY_LABELS, &zip, &npy, error);
    if (status == MB_OK)
        status =
            check_label_shape(&npy, state->arrays.of[split][MB_ARRAY_IMAGES].name, count, error);
    if (status == MB_OK)
        status = read_values(&npy, labels, error);
    mb_npy_close(&npy);
    mb_zip_close(zip);
    return status;
}

/* ---- splits ---- */

static bool has_split(const numpy *state, unsigned split)
{
    return state->arrays.of[split][MB_ARRAY_IMAGES].name != NULL;
}

/* Reads the arrays `first` and, if there are such, `second` as one split. */
static mb_status read_arrays(numpy *state, unsigned first, unsigned second, size_t place,
                             mb_data_part *part, mb_error *error)
{
    opened images = {.zip = NULL}, more = {.zip = NULL};
    mb_status status = open_images(state, first, &images, error);
    if (status == MB_OK && second != first && has_split(state, second))
        status = open_images(state, second, &more, error);
    if (status == MB_OK)
        status = read_images(&images, &more, &part->images, &state->pixels[place], error);
    close_images(&images);
    close_images(&more);
    if (status != MB_OK)
        return status;
    const size_t count = part->images.count;
    const char *name = state->arrays.of[first][MB_ARRAY_IMAGES].name;
    int64_t *labels = malloc(count * sizeof *labels);
    if (labels == NULL)
        return mb_fail_memory(error, name, count * sizeof *labels);
    state->labels[place] = labels;
    status = read_labels(state, first, images.as.count, labels, error);
    if (status == MB_OK && more.as.count > 0)
        status = read_labels(state, second, more.as.count, labels + images.as.count, error);
    part->labels = labels;
    part->validation = more.as.count;
    part->images_path = name;
    part->labels_path = state->arrays.of[first][MB_ARRAY_LABELS].name;
    return status;
}

static mb_status read_split(void *context, unsigned split, mb_data_part *part, mb_error *error)
{
    numpy *state = context;
    const bool whole = !has_split(state, MB_ARRAY_TEST);
    *part = (mb_data_part){.whole = whole && split == MB_SPLIT_TRAIN};
    if (split == MB_SPLIT_TRAIN)
        return read_arrays(state, MB_ARRAY_TRAIN, MB_ARRAY_VALIDATION, 0, part, error);
    return whole ? MB_OK : read_arrays(state, MB_ARRAY_TEST, MB_ARRAY_TEST, 1, part, error);
}

static void close_arrays(void *context)
{
    numpy *state = context;
    for (size_t i = 0; i < 2; i++) {
        free(state->pixels[i]);
        free(state->labels[i]);
    }
    mb_arrays_free(&state->arrays);
    free(state);
}

/* ---- the formats ---- */

static mb_status probe_npz(const char *path, bool *found, mb_error *error)
{
    return mb_arrays_probe(path, true, found, error);
}

static mb_status open_npz(const char *path, const mb_data_options *options, void **state,
                          mb_error *error)
{
    return open_arrays(path, true, options, state, error);
}

const mb_data_format mb_data_format_npz = {
    .probe = probe_npz, .open = open_npz, .read = read_split, .close = close_arrays};

static mb_status probe_npy(const char *path, bool *found, mb_error *error)
{
    return mb_arrays_probe(path, false, found, error);
}

static mb_status open_npy(const char *path, const mb_data_options *options, void **state,
                          mb_error *error)
{
    return open_arrays(path, false, options, state, error);
}

const mb_data_format mb_data_format_npy = {
    .probe = probe_npy, .open = open_npy, .read = read_split, .close = close_arrays};

/* mb_dataset_open: finds the format, reads the splits, and makes a dataset of them. */
#include "core/file.h"
#include "core/status.h"
#include "core/util.h"
#include "data/dataset.h"
#include "data/sampler.h"
#include "sources/classes.h"
#include "sources/image_shape.h"

#include <mnist_blas/options.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TRAIN, TEST, SPLITS };

/* All that the dataset points to. */
typedef struct opened {
    char *path;
    const mb_data_format *format; /* NULL: not open */
    void *state;                  /* of the format */
    mb_data_part parts[SPLITS];
    uint8_t *pixels[SPLITS]; /* of images that were reshaped; NULL: they are the format's */
    uint8_t *labels[SPLITS]; /* classes of the part's images; of both splits if there is one part */
    mb_split splits[SPLITS];
    bool test_by_seed; /* as mb_dataset has it */
    mb_classes classes;
    char *warning; /* those of the parts; NULL: none */
} opened;

static void close_opened(void *owner)
{
    opened *all = owner;
    if (all->format != NULL)
        all->format->close(all->state);
    for (size_t i = 0; i < SPLITS; i++) {
        free(all->pixels[i]);
        free(all->labels[i]);
    }
    mb_classes_free(&all->classes);
    free(all->warning);
    free(all->path);
    free(all);
}

/* ---- the parts ---- */

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

/* Opens what is at the path; the first format says what is missing if none finds data. */
static mb_status open_source(opened *all, const mb_data_options *options, mb_error *error)
{
    const mb_data_format *format = NULL;
    mb_status status = options->format > 0 ? MB_OK : mb_data_probe(all->path, &format, error);
    if (status != MB_OK)
        return status;
    if (options->format > 0)
        format = mb_data_formats[options->format - 1];
    if (format == NULL && is_file(all->path))
        return mb_fail(error, MB_ERROR_IO, "%s: is not data of a known format: --format names them",
                       all->path);
    format = format != NULL ? format : mb_data_formats[0];
    status = format->open(all->path, options, &all->state, error);
    all->format = status == MB_OK ? format : NULL;
    return status;
}

/* order (count) = the indices of training images, then those of the last `validation` images, then
 * those of `held_out` test images. */
static void order_images(uint64_t seed, const uint8_t *labels, size_t count, size_t validation,
                         size_t held_out, uint32_t *order)
{
    const size_t divided = count - validation, trained = divided - held_out;
    mb_sampler_hold_out(seed, MB_RNG_TEST_SPLIT, labels, divided, held_out, order);
    memmove(order + trained + validation, order + trained, held_out * sizeof *order);
    for (size_t i = 0; i < validation; i++)
        order[trained + i] = (uint32_t)(divided + i);
}

/* Splits the training part, without its validation images, into training and test images. */
static mb_status split_part(opened *all, const mb_data_options *options, mb_error *error)
{
    const mb_images images = all->parts[TRAIN].images;
    const size_t count = images.count, validation = all->parts[TRAIN].validation;
    const size_t divided = count - validation;
    const size_t held_out = (size_t)floor(options->test_fraction * (double)divided + 0.5);
    if (held_out == 0 || held_out == divided)
        return mb_fail(error, MB_ERROR_INVALID,
                       "%s: test-fraction %g: makes %zu of %zu images test images", all->path,
                       options->test_fraction, held_out, divided);
    uint32_t *order = malloc(count * sizeof *order);
    uint8_t *labels = malloc(count);
    if (order == NULL || labels == NULL) {
        free(order);
        free(labels);
        return mb_fail_memory(error, all->path, count * sizeof *order);
    }
    order_images(options->seed, all->labels[TRAIN], count, validation, held_out, order);
    for (size_t i = 0; i < count; i++)
        labels[i] = all->labels[TRAIN][order[i]];
    mb_images_permute(&images, order);
    free(order);
    free(all->labels[TRAIN]);
    all->labels[TRAIN] = labels;
    all->splits[TRAIN] = (mb_split){mb_images_slice(&images, 0, count - held_out), labels};
    all->splits[TEST] =
        (mb_split){mb_images_slice(&images, count - held_out, held_out), labels + count - held_out};
    all->test_by_seed = true;
    return MB_OK;
}

/* Reads the parts that the splits are in. */
static mb_status read_parts(opened *all, unsigned splits, mb_error *error)
{
    mb_data_part *train = &all->parts[TRAIN], *test = &all->parts[TEST];
    mb_status status = MB_OK;
    if ((splits & MB_SPLIT_TRAIN) != 0)
        status = all->format->read(all->state, MB_SPLIT_TRAIN, train, error);
    if (status == MB_OK && (splits & MB_SPLIT_TEST) != 0 && !train->whole)
        status = all->format->read(all->state, MB_SPLIT_TEST, test, error);
    if (status == MB_OK && train->images.count == 0 && test->images.count == 0)
        status = all->format->read(all->state, MB_SPLIT_TRAIN, train, error);
    return status;
}

static mb_status reshape(opened *all, const mb_data_options *options, mb_error *error)
{
    bool gray = options->gray || !options->color;
    mb_status status = MB_OK;
    for (size_t i = 0; i < SPLITS; i++)
        gray = gray && (options->gray || all->parts[i].images.count == 0 ||
                        mb_images_are_gray(&all->parts[i].images));
    for (size_t i = 0; i < SPLITS && status == MB_OK; i++) {
        mb_data_part *part = &all->parts[i];
        mb_data_options wanted = *options;
        wanted.transpose = options->transpose != part->transposed;
        if (part->images.count > 0)
            status = mb_images_reshape(part->images_path, &wanted, gray, &part->images,
                                       &all->pixels[i], error);
    }
    return status;
}

static mb_status check_shapes(const mb_data_part *train, const mb_data_part *test, mb_error *error)
{
    const mb_images *one = &train->images, *other = &test->images;
    if (one->count == 0 || other->count == 0 ||
        mb_shape_equal(mb_images_shape(one), mb_images_shape(other)))
        return MB_OK;
    if (one->channels != other->channels)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images of %zu channels, but those of %s have %zu: give --gray or "
                       "--color",
                       test->images_path, other->channels, train->images_path, one->channels);
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: images of %zu x %zu, but those of %s are %zu x %zu: give --size "
                   "ROWSxCOLUMNS to resize them",
                   test->images_path, other->rows, other->columns, train->images_path, one->rows,
                   one->columns);
}

/* ---- the classes ---- */

/* The names in the options, else in a file classes.txt at the data's path or beside the images;
 * *path is NULL if there are none, else the caller's. */
static mb_status find_names(const opened *all, const mb_data_part *part,
                            const mb_data_options *options, char **path, mb_error *error)
{
    struct stat info;
    const bool given = options->class_names != NULL;
    char *const folders[] = {strdup(all->path), mb_path_dirname(part->images_path)};
    mb_status status = MB_OK;
    *path = given ? strdup(options->class_names) : NULL;
    for (size_t i = 0; i < MB_COUNT_OF(folders) && !given && *path == NULL && status == MB_OK;
         i++) {
        *path = folders[i] != NULL ? mb_path_join(folders[i], "classes.txt") : NULL;
        if (*path == NULL) {
            status = mb_fail_memory(error, all->path, strlen(all->path) + sizeof "/classes.txt");
        } else if (stat(*path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
            free(*path);
            *path = NULL;
        }
    }
    for (size_t i = 0; i < MB_COUNT_OF(folders); i++)
        free(folders[i]);
    if (given && *path == NULL)
        status = mb_fail_memory(error, all->path, strlen(options->class_names) + 1);
    return status;
}

/* The names of the format; NULL: labels are numbers. */
static const char *const *format_names(const opened *all, size_t *count)
{
    return all->format->class_names != NULL ? all->format->class_names(all->state, count) : NULL;
}

/* The classes of the files, by the format's names (NULL: none) or by the labels of the part. */
static mb_status find_classes(const opened *all, const mb_data_part *part, const char *const *names,
                              size_t count, const char *names_path, mb_classes *classes,
                              mb_error *error)
{
    const mb_status status = names != NULL
                                 ? mb_classes_from_names(all->path, names, count, classes, error)
                                 : mb_classes_from_labels(part, names_path != NULL, classes, error);
    if (status == MB_OK && names != NULL && all->format->class_labels != NULL)
        memcpy(classes->labels, all->format->class_labels(all->state),
               count * sizeof *classes->labels);
    return status == MB_OK && names_path != NULL ? mb_classes_read_names(names_path, classes, error)
                                                 : status;
}

static mb_status make_labels(opened *all, const mb_classes *from, const char *owner,
                             mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < SPLITS && status == MB_OK; i++) {
        const mb_data_part *part = &all->parts[i];
        if (part->images.count == 0)
            continue;
        all->labels[i] = malloc(part->images.count);
        if (all->labels[i] == NULL)
            return mb_fail_memory(error, part->labels_path, part->images.count);
        status = mb_classes_apply(from, &all->classes, owner, part, all->labels[i], error);
        all->splits[i] = (mb_split){part->images, all->labels[i]};
    }
    return status;
}

static mb_status classify(opened *all, const mb_data_options *options, mb_error *error)
{
    const mb_data_part *part = &all->parts[all->parts[TRAIN].images.count == 0];
    const bool expects = options->expected_classes > 0;
    size_t count = 0;
    const char *const *names = format_names(all, &count);
    mb_classes own = {0};
    char *path = NULL;
    mb_status status = find_names(all, part, options, &path, error);
    /* The classes of the files are compared with those of the model by their names. */
    const bool compares =
        expects && (names != NULL || (path != NULL && options->expected_names != NULL));
    if (status == MB_OK && expects)
        status = mb_classes_from_names("the model", options->expected_names,
                                       options->expected_classes, &all->classes, error);
    if (status == MB_OK && (compares || !expects))
        status = find_classes(all, part, names, count, path, expects ? &own : &all->classes, error);
    else if (status == MB_OK)
        status = mb_classes_label_expected(part, path, &all->classes, error);
    if (status == MB_OK)
        status = make_labels(all, compares ? &own : &all->classes,
                             expects ? "the model" : "training", error);
    mb_classes_free(&own);
    free(path);
    return status;
}

static mb_status check_classes(const opened *all, mb_error *error)
{
    const mb_split *train = &all->splits[TRAIN];
    size_t images[MB_MAX_CLASSES] = {0};
    for (size_t i = 0; i + all->parts[TRAIN].validation < train->images.count; i++)
        images[train->labels[i]]++;
    for (size_t c = 0; c < all->classes.count && train->images.count > 0; c++)
        if (images[c] == 0)
            return mb_fail(error, MB_ERROR_FORMAT, "%s: class \"%s\" has no training image",
                           all->path, all->classes.names[c]);
    return MB_OK;
}

/* ---- the dataset ---- */

static mb_status check_options(const char *path, unsigned splits, const mb_data_options *options,
                               mb_error *error)
{
    if (splits == 0 || (splits & ~(unsigned)(MB_SPLIT_TRAIN | MB_SPLIT_TEST)) != 0)
        return mb_fail(error, MB_ERROR_INVALID, "%s: splits: must be 1, 2 or 3, got %u", path,
                       splits);
    if (options->color && options->gray)
        return mb_fail(error, MB_ERROR_INVALID, "%s: color and gray: must not be both", path);
    mb_status status = MB_OK;
    for (const mb_option *one = mb_data_option_table; one->name != NULL && status == MB_OK; one++)
        if (!one->omit_zero || !mb_option_is_zero(one, options))
            status = mb_option_check(one, options, error);
    return status;
}

static mb_status join_warnings(opened *all, mb_error *error)
{
    const char *one = all->parts[TRAIN].warning, *other = all->parts[TEST].warning;
    if (one == NULL || one == other) {
        one = other;
        other = NULL;
    }
    if (one != NULL && asprintf(&all->warning, "%s%s%s", one, other != NULL ? "; " : "",
                                other != NULL ? other : "") < 0) {
        all->warning = NULL;
        return mb_fail_memory(error, all->path, strlen(one));
    }
    return MB_OK;
}

static mb_status read_all(opened *all, unsigned splits, const mb_data_options *options,
                          mb_error *error)
{
    mb_status status = open_source(all, options, error);
    if (status == MB_OK)
        status = read_parts(all, splits, error);
    if (status == MB_OK)
        status = reshape(all, options, error);
    if (status == MB_OK)
        status = check_shapes(&all->parts[TRAIN], &all->parts[TEST], error);
    if (status == MB_OK)
        status = classify(all, options, error);
    if (status == MB_OK && all->parts[TRAIN].whole)
        status = split_part(all, options, error);
    if (status == MB_OK && (splits & MB_SPLIT_TRAIN) == 0)
        all->splits[TRAIN].images.count = 0;
    if (status == MB_OK && (splits & MB_SPLIT_TEST) == 0)
        all->splits[TEST].images.count = 0;
    if (status == MB_OK)
        status = join_warnings(all, error);
    return status == MB_OK ? check_classes(all, error) : status;
}

/* A split without images has no pixels either. */
static mb_split split_of(const opened *all, size_t split)
{
    return all->splits[split].images.count > 0 ? all->splits[split] : (mb_split){.labels = NULL};
}

mb_status mb_dataset_open(const char *path, unsigned splits, const mb_data_options *options,
                          mb_dataset **dataset, mb_error *error)
{
    const mb_data_options defaults = mb_data_defaults();
    if (path == NULL || dataset == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "dataset: path and dataset must not be NULL");
    options = options != NULL ? options : &defaults;
    mb_dataset *made = NULL;
    opened *all = calloc(1, sizeof *all);
    if (all == NULL)
        return mb_fail_memory(error, path, sizeof *all);
    all->path = strdup(path);
    mb_status status = all->path != NULL ? check_options(path, splits, options, error)
                                         : mb_fail_memory(error, path, strlen(path) + 1);
    if (status == MB_OK)
        status = read_all(all, splits, options, error);
    if (status == MB_OK) {
        const mb_dataset content = {
            .folder = all->path,
            .format = mb_data_format_name(all->format),
            .classes = all->classes.count,
            .class_names = mb_classes_are_unnamed(&all->classes)
                               ? NULL
                               : (const char *const *)all->classes.names,
            .warning = all->warning,
            .test_by_seed = all->test_by_seed,
            .train = split_of(all, TRAIN),
            .test = split_of(all, TEST),
            .validation = (splits & MB_SPLIT_TRAIN) != 0 ? all->parts[TRAIN].validation : 0};
        status = mb_dataset_make(&content, all, close_opened, &made, error);
    }
    if (status != MB_OK) {
        close_opened(all);
        return status;
    }
    if (made->train.images.count > 0)
        status = mb_dataset_set_form(made, mb_images_measure(&made->train.images), error);
    if (status == MB_OK)
        *dataset = made;
    else
        mb_dataset_close(made);
    return status;
}

#include "sources/picture_loader.h"

#include "core/file.h"
#include "core/util.h"
#include "data/dataset.h"
#include "data/gunzip.h"
#include "machine/machine.h"
#include "picture/normalize.h"
#include "picture/picture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pictures that a thread takes at once, and those that an error names. */
enum { CHUNK = 16, NAMED = 3 };

/* What became of a picture. */
enum { NOT_READ, LOADED, UNREADABLE, OTHER_SIZE };

typedef struct loader {
    const char *name;
    const mb_picture_list *list;
    const mb_class_folders *classes;
    const mb_data_options *options;
    size_t channels;
    mb_shape fit;     /* the size that pictures are resized to; 0 x 0: they have one size */
    mb_images images; /* all of the list */
    uint8_t *pixels, *outcomes;
    atomic_size_t next;       /* to be loaded */
    atomic_size_t other_size; /* the first of another size; count: none */
    atomic_bool out_of_memory;
} loader;

/* ---- one picture ---- */

static mb_status read_file(const char *path, size_t channels, mb_pictures *read, mb_error *error)
{
    mb_bytes file = {0};
    mb_status status = mb_file_read(path, MB_PICTURE_MAX_BYTES, &file, error);
    if (status == MB_OK && mb_is_gzip(&file)) {
        free(file.data);
        return mb_fail(error, MB_ERROR_FORMAT, "%s: is a gzip file: a picture is needed", path);
    }
    if (status == MB_OK)
        status = mb_pictures_parse(path, channels, &file, read, error);
    if (status == MB_OK && read->numbered) {
        mb_pictures_free(read);
        return mb_fail(error, MB_ERROR_FORMAT, "%s: is an IDX file: a picture is needed", path);
    }
    return status;
}

/* Decodes picture i; *read is the caller's. */
static mb_status read_picture(const loader *all, size_t i, mb_pictures *read, mb_error *error)
{
    char *path = mb_picture_path(&all->list->pictures[i], all->classes);
    if (path == NULL)
        return mb_fail_memory(error, all->name, 1);
    const mb_status status = read_file(path, all->channels, read, error);
    free(path);
    return status;
}

/* Puts the picture in its place among the images. */
static mb_status place(loader *all, size_t i, const mb_pictures *read, mb_error *error)
{
    const mb_images *images = &all->images;
    uint8_t *to = all->pixels + i * mb_images_stride(images);
    const bool fits = read->rows == images->rows && read->columns == images->columns;
    if (!fits && all->fit.rows == 0) {
        all->outcomes[i] = OTHER_SIZE;
        return MB_OK;
    }
    all->outcomes[i] = LOADED;
    if (!fits)
        return mb_picture_fit(all->name, read->pixels, read->channels, read->rows, read->columns,
                              to, images->rows, images->columns, error);
    memcpy(to, read->pixels, mb_images_stride(images));
    return MB_OK;
}

static mb_status load(loader *all, size_t i, mb_error *error)
{
    mb_pictures read = {0};
    mb_status status = read_picture(all, i, &read, error);
    all->outcomes[i] = UNREADABLE;
    if (status == MB_OK)
        status = place(all, i, &read, error);
    mb_pictures_free(&read);
    return status == MB_ERROR_MEMORY ? status : MB_OK;
}

/* ---- all ---- */

static void lower_to(atomic_size_t *minimum, size_t value)
{
    size_t now = atomic_load(minimum);
    while (value < now && !atomic_compare_exchange_weak(minimum, &now, value))
        ;
}

/* What each thread does. All pictures before the first of another size are loaded. */
static void load_chunks(const mb_worker *worker, void *context)
{
    loader *all = context;
    const size_t count = all->images.count;
    (void)worker;
    for (size_t first; (first = atomic_fetch_add(&all->next, CHUNK)) < count;)
        for (size_t i = first; i < mb_min_size(first + CHUNK, count); i++) {
            if (i > atomic_load(&all->other_size) || atomic_load(&all->out_of_memory))
                return;
            if (all->outcomes[i] == NOT_READ && load(all, i, NULL) != MB_OK)
                atomic_store(&all->out_of_memory, true);
            if (all->outcomes[i] == OTHER_SIZE)
                lower_to(&all->other_size, i);
        }
}

static mb_status fail_too_large(const loader *all, const char *limit, mb_error *error)
{
    const mb_images *images = &all->images;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: too large: %zu pictures of %zux%zux%zu: %s: give %s%s", all->name,
                   images->count, images->channels, images->rows, images->columns, limit,
                   all->fit.rows > 0 ? "a smaller --size" : "--size ROWSxCOLUMNS to resize them",
                   images->channels > 1 ? ", or --gray if they are" : "");
}

static mb_status allocate(loader *all, mb_error *error)
{
    char limit[64];
    size_t bytes;
    const size_t stride = mb_images_stride(&all->images);
    snprintf(limit, sizeof limit, "one must have at most %d values", MB_IMAGE_MAX_PIXELS);
    if (stride > MB_IMAGE_MAX_PIXELS)
        return fail_too_large(all, limit, error);
    snprintf(limit, sizeof limit, "they must have at most %zu bytes", MB_DATA_MAX_BYTES);
    if (!mb_multiply(stride, all->images.count, &bytes) || bytes > MB_DATA_MAX_BYTES)
        return fail_too_large(all, limit, error);
    all->pixels = malloc(bytes);
    if (all->pixels == NULL)
        return mb_fail_memory(error, all->name, bytes);
    all->images.pixels = all->pixels;
    return MB_OK;
}

/* Loads the first picture that can be read, which has the size of all if none is given. */
static mb_status load_first(loader *all, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < all->images.count && all->pixels == NULL && status == MB_OK; i++) {
        mb_pictures read = {0};
        status = read_picture(all, i, &read, error);
        all->outcomes[i] = UNREADABLE;
        if (status == MB_OK) {
            all->images.rows = all->fit.rows > 0 ? all->fit.rows : read.rows;
            all->images.columns = all->fit.rows > 0 ? all->fit.columns : read.columns;
            status = allocate(all, error);
            if (status == MB_OK)
                status = place(all, i, &read, error);
        } else if (status != MB_ERROR_MEMORY) {
            status = MB_OK;
        }
        mb_pictures_free(&read);
    }
    return status;
}

static mb_status load_all(loader *all, mb_error *error)
{
    mb_status status = load_first(all, error);
    if (status != MB_OK || all->pixels == NULL)
        return status;
    if (all->options->machine != NULL)
        mb_team_run(mb_machine_team(all->options->machine), load_chunks, all);
    else
        load_chunks(NULL, all);
    return atomic_load(&all->out_of_memory)
               ? mb_fail_memory(error, all->name, mb_images_stride(&all->images))
               : MB_OK;
}

/* ---- errors ---- */

static mb_status fail_size(const loader *all, size_t i, mb_error *error)
{
    mb_pictures read = {0};
    mb_status status = read_picture(all, i, &read, error);
    size_t first = 0;
    while (all->outcomes[first] != LOADED)
        first++;
    if (status == MB_OK) {
        char *path = mb_picture_path(&all->list->pictures[i], all->classes);
        char *other = mb_picture_path(&all->list->pictures[first], all->classes);
        status = path == NULL || other == NULL
                     ? mb_fail_memory(error, all->name, 1)
                     : mb_fail(error, MB_ERROR_FORMAT,
                               "%s: %zux%zu pixels, but %s has %zux%zu: give --size ROWSxCOLUMNS "
                               "to resize them",
                               path, read.rows, read.columns, other, all->images.rows,
                               all->images.columns);
        free(path);
        free(other);
    }
    mb_pictures_free(&read);
    return status;
}

/* "PATH: WHY" of an unreadable picture; on the heap, NULL if memory is out. */
static char *why_unreadable(const loader *all, size_t i)
{
    mb_pictures read = {0};
    mb_error why = {MB_OK, ""};
    char *path = mb_picture_path(&all->list->pictures[i], all->classes), *text = NULL;
    if (read_picture(all, i, &read, &why) == MB_OK && path != NULL) /* it is whole by now */
        mb_fail(&why, MB_ERROR_IO, "%s: changed while it was read", path);
    mb_pictures_free(&read);
    free(path);
    text = strdup(why.text);
    return text;
}

/* Names the first of `bad` unreadable pictures with the reason, and two more. */
static mb_status fail_unreadable(const loader *all, size_t bad, mb_error *error)
{
    char others[512] = "", *first = NULL;
    size_t named = 0;
    for (size_t i = 0; i < all->images.count && named < NAMED; i++) {
        if (all->outcomes[i] != UNREADABLE)
            continue;
        const mb_listed_picture *one = &all->list->pictures[i];
        if (named++ == 0)
            first = why_unreadable(all, i);
        else
            snprintf(others + strlen(others), sizeof others - strlen(others), ", %s/%s",
                     all->classes->names[one->class], one->name);
    }
    if (first == NULL)
        return mb_fail_memory(error, all->name, 1);
    if (bad == 1)
        mb_fail(error, MB_ERROR_FORMAT, "%s: --skip-bad leaves it out", first);
    else
        mb_fail(error, MB_ERROR_FORMAT,
                "%s; also %s%s: %zu of %zu pictures: --skip-bad leaves them "
                "out",
                first, others + 2, bad > NAMED ? ", ..." : "", bad, all->images.count);
    free(first);
    return MB_ERROR_FORMAT;
}

/* ---- the result ---- */

/* Says which pictures were left out, `good` of them not. */
static mb_status warn(const loader *all, size_t good, mb_loaded_pictures *loaded, mb_error *error)
{
    const size_t bad = all->images.count - good;
    size_t i = 0;
    while (all->outcomes[i] != UNREADABLE)
        i++;
    char *first = why_unreadable(all, i);
    if (first == NULL)
        return mb_fail_memory(error, all->name, 1);
    mb_status status = MB_OK;
    if (good == 0)
        status =
            mb_fail(error, MB_ERROR_FORMAT, "%s: none of %zu pictures can be read", first, bad);
    else if (asprintf(&loaded->warning, "%s: %zu picture%s left out, the first is %s", all->name,
                      bad, bad == 1 ? "" : "s", first) < 0) {
        loaded->warning = NULL;
        status = mb_fail_memory(error, all->name, strlen(first));
    }
    free(first);
    return status;
}

/* Removes the unreadable pictures from the images. */
static mb_status compact(loader *all, mb_loaded_pictures *loaded, mb_error *error)
{
    const size_t count = all->images.count, stride = mb_images_stride(&all->images);
    size_t good = 0;
    loaded->skipped = calloc(count, sizeof *loaded->skipped);
    if (loaded->skipped == NULL)
        return mb_fail_memory(error, all->name, count);
    for (size_t i = 0; i < count; i++) {
        loaded->skipped[i] = all->outcomes[i] != LOADED;
        if (!loaded->skipped[i] && good != i)
            memmove(all->pixels + good * stride, all->pixels + i * stride, stride);
        good += !loaded->skipped[i];
    }
    const mb_status status = good < count ? warn(all, good, loaded, error) : MB_OK;
    all->images.count = good;
    return status;
}

static mb_status finish(loader *all, mb_loaded_pictures *loaded, mb_error *error)
{
    const size_t count = all->images.count, other = atomic_load(&all->other_size);
    size_t bad = 0;
    for (size_t i = 0; i < count; i++)
        bad += all->outcomes[i] == UNREADABLE;
    if (other < count)
        return fail_size(all, other, error);
    if (bad > 0 && !all->options->skip_bad)
        return fail_unreadable(all, bad, error);
    const mb_status status = compact(all, loaded, error);
    loaded->images = all->images;
    return status;
}

mb_status mb_pictures_load(const char *name, const mb_picture_list *list,
                           const mb_class_folders *classes, const mb_data_options *options,
                           mb_loaded_pictures *loaded, mb_error *error)
{
    const mb_shape size = options->size;
    const size_t channels = options->gray ? 1 : 3;
    if (list->count == 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: has no pictures", name);
    loader all = {name,
                  list,
                  classes,
                  options,
                  .channels = channels,
                  .images = {.count = list->count, .channels = channels},
                  .other_size = list->count};
    /* The images are transposed later. */
    all.fit = options->transpose ? (mb_shape){1, size.columns, size.rows} : size;
    mb_loaded_pictures made = {0};
    all.outcomes = calloc(list->count, 1);
    mb_status status =
        all.outcomes != NULL ? load_all(&all, error) : mb_fail_memory(error, name, list->count);
    if (status == MB_OK)
        status = finish(&all, &made, error);
    free(all.outcomes);
    made.pixels = all.pixels;
    if (status == MB_OK)
        *loaded = made;
    else
        mb_loaded_pictures_free(&made);
    return status;
}

void mb_loaded_pictures_free(mb_loaded_pictures *loaded)
{
    free(loaded->pixels);
    free(loaded->skipped);
    free(loaded->warning);
    *loaded = (mb_loaded_pictures){0};
}

#include "sources/classes.h"

#include "core/file.h"
#include "core/parse.h"
#include "core/status.h"
#include "core/util.h"
#include "data/class_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a file of class names. */
enum { MAX_FILE = 1 << 20, NUMBER_SIZE = 24 };

static mb_status check_count(const char *path, size_t count, mb_error *error)
{
    if (count == 0 || count > MB_MAX_CLASSES)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %s%zu classes: must be 2 to %d", path,
                       count > MB_MAX_CLASSES ? "at least " : "", count, MB_MAX_CLASSES);
    if (count == 1)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: 1 class: at least 2 classes are needed", path);
    return MB_OK;
}

static mb_status add(const char *path, const char *name, int64_t label, mb_classes *classes,
                     mb_error *error)
{
    char *copy = strdup(name);
    if (copy == NULL)
        return mb_fail_memory(error, path, strlen(name) + 1);
    classes->labels[classes->count] = label;
    classes->names[classes->count++] = copy;
    return MB_OK;
}

static mb_status check_names(const char *path, const mb_classes *classes, mb_error *error)
{
    mb_error why;
    if (mb_class_names_check((const char *const *)classes->names, classes->count, &why) == MB_OK)
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT, "%s: %s", path, why.text);
}

mb_status mb_classes_from_names(const char *path, const char *const *names, size_t count,
                                mb_classes *classes, mb_error *error)
{
    mb_status status = check_count(path, count, error);
    for (size_t i = 0; i < count && status == MB_OK; i++) {
        char number[NUMBER_SIZE];
        snprintf(number, sizeof number, "%zu", i);
        status = add(path, names != NULL ? names[i] : number, (int64_t)i, classes, error);
    }
    return status == MB_OK ? check_names(path, classes, error) : status;
}

/* ---- from numbers ---- */

/* The different labels, ascending, with the images and the first item of each. One more than the
 * maximum has a place. */
typedef struct histogram {
    size_t count;
    struct entry {
        int64_t label;
        size_t images, first;
    } entries[MB_MAX_CLASSES + 1];
} histogram;

static void count_label(histogram *all, int64_t label, size_t item)
{
    size_t low = 0, high = all->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (all->entries[middle].label < label)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < all->count && all->entries[low].label == label) {
        all->entries[low].images++;
    } else if (all->count <= MB_MAX_CLASSES) {
        memmove(&all->entries[low + 1], &all->entries[low],
                (all->count - low) * sizeof *all->entries);
        all->entries[low] = (struct entry){label, 1, item};
        all->count++;
    }
}

/* A wrong label among many right ones has few images, and leaves a gap below it. */
static mb_status check_gaps(const mb_data_part *part, const histogram *all, mb_error *error)
{
    enum { RARE = 5 }; /* times below the mean */
    size_t gap = 0;
    while (gap < all->count && all->entries[gap].label == all->entries[0].label + (int64_t)gap)
        gap++;
    for (size_t i = gap; i < all->count; i++)
        if (all->entries[i].images * RARE * all->count < part->images.count)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: label %" PRId64 " at item %zu, but no label is %" PRId64
                           ": give --class-names FILE with %zu names if that is right",
                           part->labels_path, all->entries[i].label, all->entries[i].first,
                           all->entries[0].label + (int64_t)gap, all->count);
    return MB_OK;
}

mb_status mb_classes_from_labels(const mb_data_part *part, bool named, mb_classes *classes,
                                 mb_error *error)
{
    histogram all = {0};
    for (size_t i = 0; i < part->images.count; i++)
        count_label(&all, part->labels[i], i);
    mb_status status =
        all.count != 1
            ? check_count(part->labels_path, all.count, error)
            : mb_fail(error, MB_ERROR_FORMAT,
                      "%s: 1 class: all %zu labels are %" PRId64 ", at least 2 classes are needed",
                      part->labels_path, part->images.count, all.entries[0].label);
    if (status == MB_OK && all.entries[0].label < 0)
        status = mb_fail(error, MB_ERROR_FORMAT,
                         "%s: label %" PRId64 " at item %zu: must not be negative",
                         part->labels_path, all.entries[0].label, all.entries[0].first);
    if (status == MB_OK && !named)
        status = check_gaps(part, &all, error);
    for (size_t i = 0; i < all.count && status == MB_OK; i++) {
        char name[NUMBER_SIZE];
        snprintf(name, sizeof name, "%" PRId64, all.entries[i].label);
        status = add(part->labels_path, name, all.entries[i].label, classes, error);
    }
    return status;
}

/* ---- names ---- */

static mb_status read_lines(const char *path, char *text, mb_classes *named, mb_error *error)
{
    mb_status status = MB_OK;
    for (char *end; *text != '\0' && status == MB_OK; text = end) {
        const size_t length = strcspn(text, "\r\n");
        end = text + length + (text[length] == '\r');
        end += *end == '\n';
        text[length] = '\0';
        if (named->count == MB_MAX_CLASSES)
            status = check_count(path, MB_MAX_CLASSES + 1, error);
        if (status == MB_OK)
            status = add(path, text, (int64_t)named->count, named, error);
    }
    return status == MB_OK ? check_names(path, named, error) : status;
}

mb_status mb_classes_read_names(const char *path, mb_classes *classes, mb_error *error)
{
    mb_classes named = {0};
    mb_bytes file = {0};
    char *text = NULL;
    mb_status status = mb_file_read(path, MAX_FILE, &file, error);
    if (status != MB_OK)
        return status;
    text = strndup((const char *)file.data, file.size);
    status = text != NULL ? read_lines(path, text, &named, error)
                          : mb_fail_memory(error, path, file.size + 1);
    if (status == MB_OK && named.count == classes->count)
        memcpy(named.labels, classes->labels, sizeof named.labels);
    else if (status == MB_OK && (named.count < classes->count ||
                                 classes->labels[classes->count - 1] >= (int64_t)named.count))
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: %zu class names, but there are %zu classes",
                         path, named.count, classes->count);
    if (status == MB_OK) {
        mb_classes_free(classes);
        *classes = named;
        named = (mb_classes){0};
    }
    free(text);
    free(file.data);
    mb_classes_free(&named);
    return status;
}

bool mb_classes_are_unnamed(const mb_classes *classes)
{
    bool are = true;
    for (size_t i = 0; i < classes->count && are; i++) {
        char number[NUMBER_SIZE];
        snprintf(number, sizeof number, "%zu", i);
        are = strcmp(classes->names[i], number) == 0;
    }
    return are;
}

/* ---- the classes of a model ---- */

/* Labels are the names of classes that are named by ascending numbers. */
static bool label_by_number(mb_classes *classes)
{
    bool are_decimal = true;
    uint64_t number, last = 0;
    for (size_t i = 0; i < classes->count && are_decimal; i++) {
        are_decimal = mb_parse_uint64(classes->names[i], &number) && number <= INT64_MAX &&
                      (i == 0 || number > last);
        last = number;
    }
    for (size_t i = 0; i < classes->count && are_decimal; i++)
        if (mb_parse_uint64(classes->names[i], &number))
            classes->labels[i] = (int64_t)number;
    return are_decimal;
}

/* In ascending order, as when the classes were named, if there are as many labels; else from 0. */
static mb_status label_by_order(const mb_data_part *part, mb_classes *classes, mb_error *error)
{
    histogram all = {0};
    for (size_t i = 0; i < part->images.count; i++)
        count_label(&all, part->labels[i], i);
    if (all.count < classes->count && all.entries[0].label != 0)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: %zu labels, the smallest %" PRId64
                       ", but %zu classes with names: they do not say which is which",
                       part->labels_path, all.count, all.entries[0].label, classes->count);
    for (size_t i = 0; i < classes->count && all.count == classes->count; i++)
        classes->labels[i] = all.entries[i].label;
    return MB_OK;
}

mb_status mb_classes_label_expected(const mb_data_part *part, const char *names_path,
                                    mb_classes *classes, mb_error *error)
{
    const size_t expected = classes->count;
    if (!label_by_number(classes))
        return label_by_order(part, classes, error);
    const mb_status status =
        names_path != NULL ? mb_classes_read_names(names_path, classes, error) : MB_OK;
    if (status == MB_OK && classes->count != expected)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %zu class names, but the model has %zu classes",
                       names_path, classes->count, expected);
    return status;
}

/* ---- labels ---- */

/* The class with this label, or this name; count: none. */
static size_t find_label(const mb_classes *classes, int64_t label)
{
    size_t low = 0, high = classes->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (classes->labels[middle] < label)
            low = middle + 1;
        else
            high = middle;
    }
    return low < classes->count && classes->labels[low] == label ? low : classes->count;
}

static size_t find_name(const mb_classes *classes, const char *name)
{
    size_t i = 0;
    while (i < classes->count && strcmp(classes->names[i], name) != 0)
        i++;
    return i;
}

mb_status mb_classes_apply(const mb_classes *from, const mb_classes *to, const char *owner,
                           const mb_data_part *part, uint8_t *labels, mb_error *error)
{
    size_t map[MB_MAX_CLASSES];
    for (size_t i = 0; i < from->count; i++)
        map[i] = find_name(to, from->names[i]);
    for (size_t i = 0; i < part->images.count; i++) {
        const size_t found = find_label(from, part->labels[i]);
        if (found == from->count)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: label %" PRId64
                           " at item %zu: %s has %zu classes, and no such label",
                           part->labels_path, part->labels[i], i, owner, to->count);
        if (map[found] == to->count)
            return mb_fail(error, MB_ERROR_FORMAT, "%s: class \"%s\" at item %zu: %s has none",
                           part->labels_path, from->names[found], i, owner);
        labels[i] = (uint8_t)map[found];
    }
    return MB_OK;
}

void mb_classes_free(mb_classes *classes)
{
    for (size_t i = 0; i < classes->count; i++)
        free(classes->names[i]);
    *classes = (mb_classes){0};
}

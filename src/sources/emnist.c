#include "sources/emnist.h"

#include "core/file.h"
#include "core/parse.h"
#include "core/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Cohen, Afshar, Tapson, van Schaik, "EMNIST: an extension of MNIST to handwritten letters", 2017.
 * In "balanced" and "bymerge" letters that look alike in both cases have one class. */
static const struct {
    const char *prefix, *names;
    int64_t first; /* label */
} known[] = {
    {"emnist-letters", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1},
    {"emnist-balanced", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt", 0},
    {"emnist-bymerge", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt", 0},
    {"emnist-byclass", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 0},
};

bool mb_is_emnist(const char *prefix) { return strncasecmp(prefix, "emnist", 6) == 0; }

static void add(mb_emnist_classes *classes, int64_t label, char character)
{
    const size_t at = classes->count++;
    classes->labels[at] = label;
    classes->texts[at][0] = character;
    classes->texts[at][1] = '\0';
    classes->names[at] = classes->texts[at];
}

static void find_known(const char *prefix, int64_t min, int64_t max, mb_emnist_classes *classes)
{
    for (size_t k = 0; k < MB_COUNT_OF(known); k++) {
        const int64_t count = (int64_t)strlen(known[k].names);
        if (strcasecmp(prefix, known[k].prefix) == 0 && min >= known[k].first &&
            max < known[k].first + count)
            for (int64_t i = 0; i < count; i++)
                add(classes, known[k].first + i, known[k].names[i]);
    }
}

/* "1 65 97": the label, which is larger than that of the line before, and codes of characters. */
static mb_status parse_line(const char *path, size_t line, const char *text,
                            mb_emnist_classes *classes, mb_error *error)
{
    size_t label, code;
    const size_t min = classes->count > 0 ? (size_t)classes->labels[classes->count - 1] + 1 : 0;
    if (!mb_take_size(&text, min, UINT32_MAX, &label) || strspn(text, " \t") == 0)
        return mb_fail(
            error, MB_ERROR_FORMAT,
            "%s: line %zu: must be a label, larger than the one before, and the codes of "
            "its characters",
            path, line);
    text += strspn(text, " \t");
    if (!mb_take_size(&text, '!', '~', &code) || strspn(text, " \t0123456789") != strlen(text))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: line %zu: codes of characters must be numbers of ASCII, %d to %d", path,
                       line, '!', '~');
    if (classes->count == MB_MAX_CLASSES)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: more than %d classes", path, MB_MAX_CLASSES);
    add(classes, (int64_t)label, (char)code);
    return MB_OK;
}

static mb_status read_mapping(const char *path, mb_emnist_classes *classes, mb_error *error)
{
    enum { MAX_FILE = 1 << 16 };
    mb_bytes file = {0};
    mb_status status = mb_file_read(path, MAX_FILE, &file, error);
    if (status != MB_OK)
        return status;
    char *text = strndup((const char *)file.data, file.size), *rest = text;
    if (text == NULL)
        status = mb_fail_memory(error, path, file.size + 1);
    for (size_t line = 1; status == MB_OK && rest != NULL; line++) {
        char *start = strsep(&rest, "\n");
        start[strcspn(start, "\r")] = '\0';
        if (*start != '\0')
            status = parse_line(path, line, start, classes, error);
    }
    free(text);
    free(file.data);
    return status;
}

mb_status mb_emnist_find_classes(const mb_idx_set *set, int64_t min, int64_t max,
                                 mb_emnist_classes *classes, mb_error *error)
{
    struct stat info;
    char *path = NULL;
    mb_status status = MB_OK;
    classes->count = 0;
    if (asprintf(&path, "%s-mapping.txt", set->name) < 0)
        return mb_fail_memory(error, set->name, strlen(set->name) + sizeof "-mapping.txt");
    if (stat(path, &info) == 0)
        status = read_mapping(path, classes, error);
    else
        find_known(set->prefix, min, max, classes);
    free(path);
    return status;
}

#include "sources/arrays.h"

#include "core/file_format.h"
#include "core/parse.h"
#include "core/util.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ---- names ---- */

/* Those without a split are of WHOLE, until all arrays are found. */
enum { WHOLE = MB_ARRAY_SPLITS, SPLITS, NONE = -1 };

typedef struct role {
    int split, content; /* NONE: the name does not say */
} role;

static const struct word {
    const char *text;
    int value;
} split_words[] = {{"train", MB_ARRAY_TRAIN},           {"training", MB_ARRAY_TRAIN},
                   {"val", MB_ARRAY_VALIDATION},        {"valid", MB_ARRAY_VALIDATION},
                   {"validation", MB_ARRAY_VALIDATION}, {"test", MB_ARRAY_TEST},
                   {"testing", MB_ARRAY_TEST},          {"t10k", MB_ARRAY_TEST}},
  content_words[] = {
      {"x", MB_ARRAY_IMAGES},      {"image", MB_ARRAY_IMAGES},  {"images", MB_ARRAY_IMAGES},
      {"img", MB_ARRAY_IMAGES},    {"imgs", MB_ARRAY_IMAGES},   {"data", MB_ARRAY_IMAGES},
      {"y", MB_ARRAY_LABELS},      {"label", MB_ARRAY_LABELS},  {"labels", MB_ARRAY_LABELS},
      {"target", MB_ARRAY_LABELS}, {"targets", MB_ARRAY_LABELS}};

/* Of words that disagree, the last of the table counts: train_image_labels are labels. */
static void note_word(const struct word *words, size_t count, const char *text, size_t length,
                      int *value)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i].text) == length && strncasecmp(words[i].text, text, length) == 0 &&
            words[i].value > *value)
            *value = words[i].value;
}

/* Of the first `length` characters of a name; folders before it do not count. */
static role role_of(const char *name, size_t length)
{
    role found = {NONE, NONE};
    const char *folder = memrchr(name, '/', length);
    const char *const end = name + length;
    for (const char *word = folder != NULL ? folder + 1 : name; word < end;) {
        size_t letters = 0;
        while (word + letters < end && isalnum((unsigned char)word[letters]))
            letters++;
        note_word(split_words, MB_COUNT_OF(split_words), word, letters, &found.split);
        note_word(content_words, MB_COUNT_OF(content_words), word, letters, &found.content);
        word += letters + 1;
    }
    return found;
}

static bool has_suffix(const char *name, const char *suffix)
{
    const size_t length = strlen(name), end = strlen(suffix);
    return length > end && strcasecmp(name + length - end, suffix) == 0;
}

/* The length of a name without the ".npy" or ".npz" at its end. */
static size_t stem_length(const char *name) { return strlen(name) - strlen(".npy"); }

static const char *suffix_of(bool packed) { return packed ? ".npz" : ".npy"; }

/* ---- folders ---- */

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static mb_status fail_folder(const char *folder, mb_error *error)
{
    return mb_fail(error, errno == ENOMEM ? MB_ERROR_MEMORY : MB_ERROR_IO, "%s: cannot be read: %s",
                   folder, strerror(errno));
}

/* An archive may have any name, an NPY file must say that it has images or labels. */
static bool is_array(const char *name, bool packed)
{
    return has_suffix(name, suffix_of(packed)) &&
           (packed || role_of(name, stem_length(name)).content != NONE);
}

static mb_status probe_folder(const char *folder, bool packed, bool *found, mb_error *error)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry = NULL;
    if (entries == NULL)
        return fail_folder(folder, error);
    do {
        errno = 0;
        entry = readdir(entries);
        *found = entry != NULL && is_visible(entry) && is_array(entry->d_name, packed);
    } while (entry != NULL && !*found);
    const mb_status status = entry != NULL || errno == 0 ? MB_OK : fail_folder(folder, error);
    closedir(entries);
    return status;
}

mb_status mb_arrays_probe(const char *path, bool packed, bool *found, mb_error *error)
{
    struct stat info;
    *found = false;
    if (stat(path, &info) != 0)
        return MB_OK;
    if (S_ISDIR(info.st_mode))
        return probe_folder(path, packed, found, error);
    *found = S_ISREG(info.st_mode) && has_suffix(path, suffix_of(packed));
    return MB_OK;
}

/* ---- what there is ---- */

static const char *const split_names[] = {"training", "validation", "test", "whole"};
static const char *const content_names[] = {"images", "labels"};

typedef struct search {
    mb_arrays *arrays;
    mb_array of[SPLITS][MB_ARRAY_CONTENTS];
} search;

static void free_array(mb_array *array)
{
    free(array->name);
    free(array->path);
    *array = (mb_array){0};
}

/* Notes an array named `name` (of `length` characters) in the file at `path`. */
static mb_status note_array(search *all, role found, const char *path, const char *name,
                            size_t length, size_t member, mb_error *error)
{
    char shown[64];
    snprintf(shown, sizeof shown, "%.*s", (int)mb_min_size(length, sizeof shown), name);
    mb_append(all->arrays->names, sizeof all->arrays->names, ", ", shown);
    if (found.content == NONE)
        return MB_OK;
    const int split = found.split != NONE ? found.split : WHOLE;
    mb_array *array = &all->of[split][found.content];
    if (array->name != NULL)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: two arrays of %s %s: \"%s\", and \"%s\" in %s: remove one, or give the "
                       "file",
                       all->arrays->path, split_names[split], content_names[found.content],
                       array->name, shown, path);
    array->member = member;
    array->path = strdup(path);
    if (array->path == NULL ||
        asprintf(&array->name, all->arrays->packed ? "%s: %s" : "%s", path, shown) < 0) {
        array->name = NULL;
        return mb_fail_memory(error, path, strlen(path));
    }
    return MB_OK;
}

static mb_status note_file(search *all, const char *path, const char *name, mb_error *error)
{
    return note_array(all, role_of(name, stem_length(name)), path, name, stem_length(name), 0,
                      error);
}

/* An error of a file that does not start as it should names what it is instead. */
static mb_status fail_foreign(const char *path, bool packed, mb_status status, mb_error *error)
{
    uint8_t start[MB_FILE_FORMAT_BYTES];
    const char *magic = packed ? "PK" : "\x93NUMPY";
    const size_t size = status == MB_ERROR_FORMAT ? mb_file_start(path, start) : 0;
    const char *format = size > 0 ? mb_file_format(&(mb_bytes){start, size}) : NULL;
    if (format == NULL || (size >= strlen(magic) && memcmp(start, magic, strlen(magic)) == 0))
        return status;
    return mb_fail(error, status, "%s: not an %s: is %s", path,
                   packed ? "NPZ archive" : "NPY array", format);
}

/* The archive's own name says what the names of its arrays do not. */
static mb_status note_archive(search *all, const char *path, const char *name, mb_error *error)
{
    const role archive = role_of(name, stem_length(name));
    mb_zip *zip = NULL;
    size_t members = 0;
    mb_status status = mb_zip_open(path, &zip, error);
    if (status != MB_OK)
        return fail_foreign(path, true, status, error);
    for (size_t i = 0; i < mb_zip_count(zip); i++)
        members += has_suffix(mb_zip_name(zip, i), ".npy");
    for (size_t i = 0; i < mb_zip_count(zip) && status == MB_OK; i++) {
        const char *member = mb_zip_name(zip, i);
        if (!has_suffix(member, ".npy"))
            continue;
        role found = role_of(member, stem_length(member));
        if (found.content == NONE && members == 1)
            found.content = archive.content;
        if (found.split == NONE)
            found.split = archive.split;
        status = note_array(all, found, path, member, stem_length(member), i, error);
    }
    mb_zip_close(zip);
    return status;
}

static mb_status note_folder(search *all, mb_error *error)
{
    const char *folder = all->arrays->path;
    struct dirent **entries = NULL;
    mb_status status = MB_OK;
    const int count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0)
        return fail_folder(folder, error);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (status == MB_OK && has_suffix(name, suffix_of(all->arrays->packed))) {
            char *path = mb_path_join(folder, name);
            status = path == NULL ? mb_fail_memory(error, folder, strlen(folder) + strlen(name) + 2)
                     : all->arrays->packed ? note_archive(all, path, name, error)
                                           : note_file(all, path, name, error);
            free(path);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* Images and labels of no split are training ones if there are no others. */
static void take_whole(search *all)
{
    const bool divided = all->of[MB_ARRAY_TRAIN][MB_ARRAY_IMAGES].name != NULL;
    for (size_t content = 0; content < MB_ARRAY_CONTENTS; content++) {
        for (size_t split = 0; split < MB_ARRAY_SPLITS; split++)
            all->arrays->of[split][content] = all->of[split][content];
        mb_array *whole = &all->of[WHOLE][content];
        mb_array *train = &all->arrays->of[MB_ARRAY_TRAIN][content];
        if (divided || train->name != NULL)
            free_array(whole);
        else
            *train = *whole;
    }
}

mb_status mb_arrays_find(const char *path, bool packed, mb_arrays *arrays, mb_error *error)
{
    struct stat info;
    *arrays = (mb_arrays){.path = path, .packed = packed};
    search all = {.arrays = arrays};
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    mb_status status;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        status = note_folder(&all, error);
    else if (!packed)
        status = mb_fail(error, MB_ERROR_FORMAT,
                         "%s: one array: give the folder, with images and labels in files such as "
                         "x_train.npy and y_train.npy",
                         path);
    else
        status = note_archive(&all, path, has_suffix(name, ".npz") ? name : "data.npz", error);
    take_whole(&all);
    if (status != MB_OK)
        mb_arrays_free(arrays);
    return status;
}

/* ---- opening ---- */

static mb_status fail_missing(const mb_arrays *arrays, unsigned split, unsigned content,
                              mb_error *error)
{
    static const char *const examples[MB_ARRAY_SPLITS][MB_ARRAY_CONTENTS] = {
        {"x_train or train_images", "y_train or train_labels"},
        {"x_val or val_images", "y_val or val_labels"},
        {"x_test or test_images", "y_test or test_labels"}};
    return mb_fail(error, MB_ERROR_FORMAT, "%s: no array of %s %s (%s); its arrays: %s",
                   arrays->path, split_names[split], content_names[content],
                   examples[split][content], *arrays->names != '\0' ? arrays->names : "none");
}

mb_status mb_array_open(const mb_arrays *arrays, unsigned split, unsigned content, mb_zip **zip,
                        mb_npy *npy, mb_error *error)
{
    const mb_array *array = &arrays->of[split][content];
    mb_byte_stream stream = {0};
    mb_status status;
    *zip = NULL;
    if (array->name == NULL)
        return fail_missing(arrays, split, content, error);
    if (arrays->packed) {
        status = mb_zip_open(array->path, zip, error);
        if (status == MB_OK)
            status = mb_zip_read(*zip, array->member, array->name, &stream, error);
    } else {
        status = mb_file_stream_open(array->path, &stream, error);
    }
    if (status == MB_OK)
        status = mb_npy_open(&stream, npy, error);
    if (!arrays->packed)
        status = fail_foreign(array->path, false, status, error);
    if (status != MB_OK) {
        mb_zip_close(*zip);
        *zip = NULL;
    }
    return status;
}

void mb_arrays_free(mb_arrays *arrays)
{
    for (size_t split = 0; split < MB_ARRAY_SPLITS; split++)
        for (size_t content = 0; content < MB_ARRAY_CONTENTS; content++)
            free_array(&arrays->of[split][content]);
    *arrays = (mb_arrays){0};
}

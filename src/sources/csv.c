/* Tables in CSV: a folder with one for training and one for testing, a file with the other beside
 * it, or one that is split. */
#include "data/csv.h"

#include "core/file.h"
#include "core/file_format.h"
#include "core/parse.h"
#include "core/status.h"
#include "core/util.h"
#include "data/dataset.h"
#include "kernels/kernels.h"
#include "sources/emnist.h"
#include "sources/source.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { TRAIN, TEST, SPLITS };

/* ---- names of files ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The last "train" in a file's name, in upper or lower case; NULL: there is none. */
static const char *find_word(const char *name, const char *word)
{
    const char *found = NULL;
    for (; *name != '\0'; name++)
        if (strncasecmp(name, word, strlen(word)) == 0)
            found = name;
    return found;
}

static bool is_for(const char *name, const char *word, const char *other)
{
    return find_word(name, word) != NULL && find_word(name, other) == NULL;
}

/* "train.csv" to "test.csv", "TRAIN.CSV" to "TEST.CSV"; on the heap. *sibling is NULL if the name
 * has no "train", or there is no such file. */
static mb_status find_sibling(const char *path, char **sibling, mb_error *error)
{
    const char *base = base_of(path), *word = find_word(base, "train");
    struct stat info;
    *sibling = NULL;
    if (word == NULL)
        return MB_OK;
    const char *test = word[1] == 'R' ? "TEST" : word[0] == 'T' ? "Test" : "test";
    if (asprintf(sibling, "%.*s%s%s", (int)(word - path), path, test, word + strlen("train")) < 0) {
        *sibling = NULL;
        return mb_fail_memory(error, path, strlen(path));
    }
    if (stat(*sibling, &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        free(*sibling);
        *sibling = NULL;
    }
    return MB_OK;
}

/* ---- folders ---- */

static int is_candidate(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && mb_csv_is_name(entry->d_name);
}

/* The tables in a folder, sorted by name. */
typedef struct listing {
    struct dirent **entries; /* (count) */
    int count;
} listing;

static mb_status list(const char *folder, listing *files, mb_error *error)
{
    files->count = scandir(folder, &files->entries, is_candidate, alphasort);
    if (files->count >= 0)
        return MB_OK;
    files->count = 0;
    return errno == ENOMEM
               ? mb_fail_memory(error, folder, sizeof *files)
               : mb_fail(error, MB_ERROR_IO, "%s: cannot be read: %s", folder, strerror(errno));
}

static void free_listing(listing *files)
{
    for (int i = 0; i < files->count; i++)
        free(files->entries[i]);
    free(files->entries);
}

/* The only table with this word, and without the other; NULL: there is none, or several. */
static const char *find_only(const listing *files, const char *word, const char *other)
{
    const char *found = NULL;
    for (int i = 0; i < files->count; i++)
        if (is_for(files->entries[i]->d_name, word, other)) {
            if (found != NULL)
                return NULL;
            found = files->entries[i]->d_name;
        }
    return found;
}

static mb_status fail_several(const char *folder, const listing *files, mb_error *error)
{
    char names[512] = "";
    for (int i = 0; i < files->count; i++)
        mb_append(names, sizeof names, ", ", files->entries[i]->d_name);
    if (files->count == 0)
        return mb_fail(error, MB_ERROR_IO, "%s: no table (.csv, .tsv, .csv.gz or .tsv.gz)", folder);
    return mb_fail(error, MB_ERROR_IO,
                   "%s: %d tables, of which not just one has \"train\" and one \"test\" in its "
                   "name: give one of them instead of the folder: %s",
                   folder, files->count, names);
}

/* Any table is data, so that this format follows those that may have some beside their files. */
static mb_status probe(const char *path, bool *found, mb_error *error)
{
    struct stat info;
    listing files = {0};
    *found = false;
    if (stat(path, &info) != 0)
        return MB_OK;
    if (S_ISDIR(info.st_mode)) {
        if (list(path, &files, NULL) == MB_ERROR_MEMORY)
            return mb_fail_memory(error, path, sizeof files);
        *found = files.count > 0;
        free_listing(&files);
    } else if (S_ISREG(info.st_mode)) {
        uint8_t start[MB_FILE_FORMAT_BYTES];
        FILE *file = fopen(path, "re");
        const size_t size = file != NULL ? fread(start, 1, sizeof start, file) : 0;
        if (file != NULL)
            fclose(file);
        *found = mb_csv_is_table(path, &(mb_bytes){start, size});
    }
    return MB_OK;
}

/* ---- tables ---- */

typedef struct csv_source {
    const char *path;
    const mb_data_options *options;
    char *paths[SPLITS]; /* NULL: there is no such table */
    mb_csv tables[SPLITS];
    bool is_open[SPLITS];
    mb_csv_form form;
    char **names; /* (name_count) of both tables, sorted, theirs; NULL: labels are numbers */
    size_t name_count;
    char *warning;
} csv_source;

static void close_source(void *state)
{
    csv_source *source = state;
    for (size_t i = 0; i < SPLITS; i++) {
        mb_csv_free(&source->tables[i]);
        free(source->paths[i]);
    }
    free(source->names);
    free(source->warning);
    free(source);
}

static mb_status find_in_folder(csv_source *source, mb_error *error)
{
    listing files = {0};
    mb_status status = list(source->path, &files, error);
    if (status != MB_OK)
        return status;
    const char *names[SPLITS] = {find_only(&files, "train", "test"),
                                 find_only(&files, "test", "train")};
    if (files.count == 1)
        names[TRAIN] = files.entries[0]->d_name;
    else if (names[TRAIN] == NULL || names[TEST] == NULL)
        status = fail_several(source->path, &files, error);
    for (size_t i = 0; i < SPLITS && status == MB_OK && names[i] != NULL; i++) {
        source->paths[i] = mb_path_join(source->path, names[i]);
        if (source->paths[i] == NULL)
            status = mb_fail_memory(error, source->path, strlen(source->path));
    }
    if (status == MB_OK && files.count == 1)
        source->paths[TEST] = NULL;
    free_listing(&files);
    return status;
}

/* A file for tests is one if only the test split is read. */
static mb_status find_beside(csv_source *source, mb_error *error)
{
    const size_t split = is_for(base_of(source->path), "test", "train") ? TEST : TRAIN;
    source->paths[split] = strdup(source->path);
    if (source->paths[split] == NULL)
        return mb_fail_memory(error, source->path, strlen(source->path) + 1);
    return split == TRAIN ? find_sibling(source->path, &source->paths[TEST], error) : MB_OK;
}

static mb_status open_source(const char *path, const mb_data_options *options, void **state,
                             mb_error *error)
{
    struct stat info;
    mb_status status = mb_data_path_check(NULL, path, false, error);
    if (status != MB_OK)
        return status;
    csv_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return mb_fail_memory(error, path, sizeof *source);
    source->path = path;
    source->options = options;
    status = stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? find_in_folder(source, error)
                                                             : find_beside(source, error);
    if (status == MB_OK)
        *state = source;
    else
        close_source(source);
    return status;
}

/* The size in the options is that after a transposition. */
static mb_status open_table(csv_source *source, size_t split, mb_error *error)
{
    const mb_data_options *options = source->options;
    mb_shape size = options->size;
    mb_bytes file = {0};
    if (options->transpose != mb_is_emnist(base_of(source->paths[split])))
        size = (mb_shape){size.channels, size.columns, size.rows};
    if (source->is_open[split])
        return MB_OK;
    mb_status status = mb_file_read(source->paths[split], MB_DATA_MAX_BYTES, &file, error);
    if (status == MB_OK)
        status = mb_csv_open(source->paths[split], &file, size, &source->tables[split], error);
    source->is_open[split] = status == MB_OK;
    return status;
}

/* A test table that must be classified, as Kaggle's, is no test split. */
static mb_status check_test(csv_source *source, mb_error *error)
{
    if (source->paths[TEST] == NULL || source->paths[TRAIN] == NULL)
        return MB_OK;
    const mb_status status = open_table(source, TEST, error);
    if (status != MB_OK || mb_csv_has_labels(&source->tables[TEST]))
        return status;
    if (asprintf(&source->warning,
                 "%s: has no labels: images of %s are the test split (--test-fraction)",
                 source->paths[TEST], source->paths[TRAIN]) < 0) {
        source->warning = NULL;
        return mb_fail_memory(error, source->path, strlen(source->path));
    }
    mb_csv_free(&source->tables[TEST]);
    source->is_open[TEST] = false;
    free(source->paths[TEST]);
    source->paths[TEST] = NULL;
    return MB_OK;
}

static mb_status fail_unlabelled(const mb_csv *table, mb_error *error)
{
    const mb_csv_layout *layout = &table->layout;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: has no labels: %zu of %zu columns are the pixels of images of %zux%zux%zu; "
                   "predict classifies them",
                   table->path, layout->columns - layout->other_count, layout->columns,
                   layout->shape.channels, layout->shape.rows, layout->shape.columns);
}

/* ---- labels ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t find_name(const csv_source *source, const char *name)
{
    char **found = bsearch(&name, source->names, source->name_count, sizeof name, compare);
    return (size_t)(found - source->names);
}

/* From indices of `names` to those of the source's. */
static void renumber(const csv_source *source, char **names, size_t count, mb_csv *table)
{
    int64_t map[MB_MAX_CLASSES];
    for (size_t i = 0; i < count && i < MB_MAX_CLASSES; i++)
        map[i] = (int64_t)find_name(source, names[i]);
    for (size_t i = 0; i < table->images.count; i++)
        table->labels[i] = map[table->labels[i]];
}

/* Adds the names of a table; `other` is the one that was read before it, or empty. */
static mb_status add_names(csv_source *source, mb_csv *table, mb_csv *other, mb_error *error)
{
    char **before = source->names;
    const size_t count = source->name_count;
    if (other->images.count > 0 && (other->name_count > 0) != (table->name_count > 0))
        return mb_fail(error, MB_ERROR_FORMAT, "%s: labels are %s, but those of %s are %s",
                       table->path, table->name_count > 0 ? "names" : "numbers", other->path,
                       other->name_count > 0 ? "names" : "numbers");
    if (table->name_count == 0)
        return MB_OK;
    char **names = reallocarray(NULL, count + table->name_count, sizeof *names);
    if (names == NULL)
        return mb_fail_memory(error, table->path, table->name_count * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = before[i];
    for (size_t i = 0; i < table->name_count; i++)
        if (count == 0 || bsearch(&table->names[i], before, count, sizeof *names, compare) == NULL)
            names[source->name_count++] = table->names[i];
    qsort(names, source->name_count, sizeof *names, compare);
    source->names = names;
    if (count > 0)
        renumber(source, before, count, other);
    renumber(source, table->names, table->name_count, table);
    free(before);
    return MB_OK;
}

static const char *const *class_names(const void *state, size_t *count)
{
    const csv_source *source = state;
    *count = source->name_count;
    return (const char *const *)source->names;
}

/* ---- reading ---- */

static mb_status read_table(csv_source *source, size_t split, mb_data_part *part, mb_error *error)
{
    mb_csv *table = &source->tables[split];
    mb_status status = open_table(source, split, error);
    if (status == MB_OK && !mb_csv_has_labels(table))
        status = fail_unlabelled(table, error);
    if (status == MB_OK)
        status = mb_csv_read(table, &source->form, source->options->machine, error);
    if (status == MB_OK)
        status = add_names(source, table, &source->tables[!split], error);
    if (status == MB_OK)
        *part = (mb_data_part){.images = table->images,
                               .labels = table->labels,
                               .transposed = mb_is_emnist(base_of(table->path)),
                               .images_path = table->path,
                               .labels_path = table->path};
    return status;
}

static mb_status read_split(void *state, unsigned split, mb_data_part *part, mb_error *error)
{
    csv_source *source = state;
    *part = (mb_data_part){.labels = NULL};
    mb_status status = MB_OK;
    if (split == MB_SPLIT_TRAIN && source->paths[TRAIN] != NULL)
        status = open_table(source, TRAIN, error);
    if (status == MB_OK)
        status = check_test(source, error);
    if (status == MB_OK && split == MB_SPLIT_TRAIN) {
        status = read_table(source, source->paths[TRAIN] != NULL ? TRAIN : TEST, part, error);
        part->whole = source->paths[TRAIN] == NULL || source->paths[TEST] == NULL;
        part->warning = source->warning;
    } else if (status == MB_OK && source->paths[TEST] != NULL) {
        status = read_table(source, TEST, part, error);
    }
    return status;
}

const mb_data_format mb_data_format_csv = {.probe = probe,
                                           .open = open_source,
                                           .read = read_split,
                                           .class_names = class_names,
                                           .close = close_source};

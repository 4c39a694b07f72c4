#include "sources/idx_sets.h"

#include "core/file.h"
#include "core/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- names ---- */

static const char *const splits[] = {"train", "t10k", "test"};
static const char *const contents[] = {"images", "labels"};
static const char packed_suffix[] = ".gz";

/* Ranks of the form of a name add up. */
enum { PACKED = 1, DOTTED = 2, IN_FOLDER = 4, OTHER_DIMENSIONS = 8, FOLDER = 16 };

/* A file's name, taken apart. */
typedef struct file_name {
    size_t prefix; /* bytes */
    size_t file;   /* of the set's files */
    unsigned rank;
} file_name;

/* Moves *text past `word` if it starts with it. */
static bool take(const char **text, const char *word)
{
    const size_t length = strlen(word);
    const bool starts = strncmp(*text, word, length) == 0;
    *text += starts ? length : 0;
    return starts;
}

/* "-images-idx3-ubyte.gz" or "-labels.idx1-ubyte" */
static bool parse_end(const char *text, size_t split, file_name *name)
{
    size_t content = 0;
    if (!take(&text, "-"))
        return false;
    while (content < MB_COUNT_OF(contents) && !take(&text, contents[content]))
        content++;
    const bool dotted = *text == '.';
    if (content == MB_COUNT_OF(contents) || (!take(&text, "-idx") && !take(&text, ".idx")) ||
        *text < '1' || *text > '9')
        return false;
    const bool usual = *text == (content == 0 ? '3' : '1');
    text++;
    if (!take(&text, "-"))
        return false;
    const size_t type = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    text += type;
    const bool packed = take(&text, packed_suffix);
    name->file = 2 * (size_t)(split > 0) + content;
    name->rank = (packed ? PACKED : 0) + (dotted ? DOTTED : 0) + (usual ? 0 : OTHER_DIMENSIONS);
    return type > 0 && *text == '\0';
}

/* True if it is a name of a file of a set. */
static bool parse_name(const char *text, file_name *name)
{
    for (size_t split = 0; split < MB_COUNT_OF(splits); split++)
        for (const char *at = strstr(text, splits[split]); at != NULL;
             at = strstr(at + 1, splits[split])) {
            const size_t before = (size_t)(at - text);
            const bool separated = before == 0 || (before > 1 && strchr("-_.", at[-1]) != NULL);
            name->prefix = before > 0 ? before - 1 : 0;
            if (separated && *text != '.' && parse_end(at + strlen(splits[split]), split, name))
                return true;
        }
    return false;
}

const char *mb_idx_file_name(const char *prefix, size_t file, char name[MB_IDX_NAME_SIZE])
{
    const bool is_prefixed = *prefix != '\0';
    snprintf(name, MB_IDX_NAME_SIZE, "%s%s%s-%s-idx%c-ubyte", prefix, is_prefixed ? "-" : "",
             splits[file < 2      ? 0
                    : is_prefixed ? 2
                                  : 1],
             contents[file % 2], file % 2 == 0 ? '3' : '1');
    return name;
}

/* ---- sets ---- */

static void free_set(mb_idx_set *set)
{
    for (size_t i = 0; i < MB_IDX_FILES; i++)
        free(set->files[i].path);
    free(set->folder);
    free(set->prefix);
    free(set->name);
    *set = (mb_idx_set){0};
}

void mb_idx_sets_free(mb_idx_sets *sets)
{
    for (size_t i = 0; i < sets->count; i++)
        free_set(&sets->sets[i]);
    sets->count = 0;
}

/* The set of the folder's files with this prefix, which is added; NULL in *set: no place is left.
 */
static mb_status find_set(mb_idx_sets *sets, size_t first, const char *folder, const char *prefix,
                          size_t length, mb_idx_set **set, mb_error *error)
{
    *set = NULL;
    for (size_t i = first; i < sets->count; i++)
        if (strlen(sets->sets[i].prefix) == length &&
            strncmp(sets->sets[i].prefix, prefix, length) == 0)
            *set = &sets->sets[i];
    if (*set != NULL || sets->count == MB_IDX_MAX_SETS)
        return MB_OK;
    mb_idx_set made = {.folder = strdup(folder), .prefix = strndup(prefix, length)};
    if (made.folder != NULL && made.prefix != NULL)
        made.name = length > 0 ? mb_path_join(folder, made.prefix) : strdup(folder);
    if (made.name == NULL) {
        free_set(&made);
        return mb_fail_memory(error, folder, strlen(folder) + length);
    }
    *set = &sets->sets[sets->count++];
    **set = made;
    return MB_OK;
}

/* A name that exists but may not be accessed counts as existing: opening it says why. */
static bool exists(const char *path, bool *folder)
{
    struct stat info;
    const bool there = stat(path, &info) == 0;
    *folder = there && S_ISDIR(info.st_mode);
    return there || (errno != ENOENT && errno != ENOTDIR);
}

/* Takes the path, on the heap, for the file unless a preferred one is there. */
static void offer(struct mb_idx_file *file, char *path, unsigned rank)
{
    if (file->path == NULL || rank < file->rank ||
        (rank == file->rank && strcmp(path, file->path) < 0)) {
        free(file->path);
        *file = (struct mb_idx_file){path, rank};
    } else {
        free(path);
    }
}

/* A folder called as a file: the file in it, or the folder itself, which opening refuses. */
static mb_status offer_folder(struct mb_idx_file *file, char *path, mb_error *error)
{
    struct dirent *entry;
    DIR *folder = opendir(path);
    mb_status status = MB_OK;
    while (folder != NULL && status == MB_OK && (entry = readdir(folder)) != NULL) {
        file_name name;
        bool is_folder = false;
        if (!parse_name(entry->d_name, &name))
            continue;
        char *inner = mb_path_join(path, entry->d_name);
        if (inner == NULL)
            status = mb_fail_memory(error, path, strlen(entry->d_name) + 2);
        else if (exists(inner, &is_folder) && !is_folder)
            offer(file, inner, IN_FOLDER + name.rank);
        else
            free(inner);
    }
    if (folder != NULL)
        closedir(folder);
    offer(file, path, FOLDER);
    return status;
}

static mb_status add_file(mb_idx_sets *sets, size_t first, const char *folder, const char *text,
                          const file_name *name, mb_error *error)
{
    mb_idx_set *set = NULL;
    bool is_folder = false;
    char *path = mb_path_join(folder, text);
    if (path == NULL)
        return mb_fail_memory(error, folder, strlen(folder) + strlen(text) + 2);
    mb_status status = MB_OK;
    if (exists(path, &is_folder))
        status = find_set(sets, first, folder, text, name->prefix, &set, error);
    if (status != MB_OK || set == NULL)
        free(path);
    else if (!is_folder)
        offer(&set->files[name->file], path, name->rank);
    else
        status = offer_folder(&set->files[name->file], path, error);
    return status;
}

/* ---- folders ---- */

/* The set without prefix is the folder's, whatever else is there. */
static void prefer_unprefixed(mb_idx_sets *sets, size_t first)
{
    size_t usual = first;
    while (usual < sets->count && *sets->sets[usual].prefix != '\0')
        usual++;
    for (size_t i = first; i < sets->count && usual < sets->count; i++)
        if (i != usual)
            free_set(&sets->sets[i]);
    if (usual < sets->count && usual != first) {
        sets->sets[first] = sets->sets[usual];
        sets->sets[usual] = (mb_idx_set){0};
    }
    if (usual < sets->count)
        sets->count = first + 1;
}

/* Adds the sets of a folder: with this prefix, or, if it is NULL, of any. One that is not there has
 * none; one that cannot be read is an error. */
static mb_status scan(const char *path, const char *prefix, size_t length, mb_idx_sets *sets,
                      mb_error *error)
{
    const size_t first = sets->count;
    mb_status status = MB_OK;
    struct dirent *entry;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT || errno == ENOTDIR
                   ? MB_OK
                   : mb_fail(error, errno == ENOMEM ? MB_ERROR_MEMORY : MB_ERROR_IO,
                             "%s: cannot be opened: %s", path, strerror(errno));
    while (status == MB_OK && (entry = readdir(folder)) != NULL) {
        file_name name;
        if (parse_name(entry->d_name, &name) &&
            (prefix == NULL ||
             (name.prefix == length && strncmp(entry->d_name, prefix, length) == 0)))
            status = add_file(sets, first, path, entry->d_name, &name, error);
    }
    closedir(folder);
    if (prefix == NULL)
        prefer_unprefixed(sets, first);
    return status;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* As torchvision's MNIST/raw. */
static mb_status scan_with_raw(const char *path, mb_idx_sets *sets, mb_error *error)
{
    const size_t before = sets->count;
    char *raw = mb_path_join(path, "raw");
    if (raw == NULL)
        return mb_fail_memory(error, path, strlen(path) + sizeof "/raw");
    mb_status status = scan(path, NULL, 0, sets, error);
    if (status == MB_OK && sets->count == before)
        status = scan(raw, NULL, 0, sets, error);
    free(raw);
    return status == MB_ERROR_IO ? MB_OK : status;
}

/* Adds the sets of the folders in a folder, unless these are many, as in a folder of classes. */
static mb_status scan_inner(const char *path, mb_idx_sets *sets, mb_error *error)
{
    enum { MAX_FOLDERS = 16 };
    char *folders[MAX_FOLDERS];
    size_t count = 0;
    struct dirent *entry;
    mb_status status = MB_OK;
    DIR *folder = opendir(path);
    while (folder != NULL && count <= MAX_FOLDERS && status == MB_OK &&
           (entry = readdir(folder)) != NULL) {
        if (*entry->d_name == '.' || entry->d_type == DT_REG)
            continue;
        char *inner = mb_path_join(path, entry->d_name);
        const bool taken = inner != NULL && is_folder(inner);
        status = inner != NULL ? MB_OK : mb_fail_memory(error, path, strlen(entry->d_name) + 2);
        if (taken && count < MAX_FOLDERS)
            folders[count] = inner;
        else
            free(inner);
        count += taken;
    }
    if (folder != NULL)
        closedir(folder);
    for (size_t i = 0; i < count && i < MAX_FOLDERS; i++) {
        if (status == MB_OK && count <= MAX_FOLDERS)
            status = scan_with_raw(folders[i], sets, error);
        free(folders[i]);
    }
    return status;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const mb_idx_set *)a)->name, ((const mb_idx_set *)b)->name);
}

mb_status mb_idx_sets_find(const char *path, mb_idx_sets *sets, mb_error *error)
{
    struct stat info;
    file_name name;
    sets->count = 0;
    const bool is_there = stat(path, &info) == 0;
    if (is_there && S_ISDIR(info.st_mode)) {
        mb_status status = scan(path, NULL, 0, sets, error);
        if (status == MB_OK && sets->count == 0)
            status = scan_inner(path, sets, error);
        qsort(sets->sets, sets->count, sizeof *sets->sets, compare);
        return status;
    }
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    const bool is_file = parse_name(base, &name);
    if (*base == '\0' || (is_there && !is_file))
        return MB_OK;
    char *folder = mb_path_dirname(path);
    if (folder == NULL)
        return mb_fail_memory(error, path, strlen(path) + 1);
    const size_t length = is_file ? name.prefix : strlen(base);
    const mb_status status = scan(folder, base, length, sets, error);
    free(folder);
    return status;
}

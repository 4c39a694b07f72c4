/* CIFAR-10 and CIFAR-100 in their binary versions (https://www.cs.toronto.edu/~kriz/cifar.html):
 * files of records of one label, or a coarse and a fine one, and 32x32 pixels in three planes. */
#include "core/file.h"
#include "core/status.h"
#include "core/util.h"
#include "kernels/kernels.h"
#include "sources/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, MAX_LABELS = 2, MAX_NAMES_FILE = 1 << 20 };
enum { TRAIN, TEST, SPLITS };

typedef struct kind {
    const char *folder;           /* that archives put the files in */
    const char *files[SPLITS][6]; /* of each split; NULL after the last */
    const char *names_file;
    size_t labels; /* of a record: the last is the class */
    size_t coarse; /* classes of the first of two */
    size_t classes;
    const char *const *names; /* (classes) without a file of names */
} kind;

static const char *const cifar10[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                      "dog",      "frog",       "horse", "ship", "truck"};

static const char *const cifar100[] = {
    "apple",       "aquarium_fish", "baby",      "bear",       "beaver",       "bed",
    "bee",         "beetle",        "bicycle",   "bottle",     "bowl",         "boy",
    "bridge",      "bus",           "butterfly", "camel",      "can",          "castle",
    "caterpillar", "cattle",        "chair",     "chimpanzee", "clock",        "cloud",
    "cockroach",   "couch",         "crab",      "crocodile",  "cup",          "dinosaur",
    "dolphin",     "elephant",      "flatfish",  "forest",     "fox",          "girl",
    "hamster",     "house",         "kangaroo",  "keyboard",   "lamp",         "lawn_mower",
    "leopard",     "lion",          "lizard",    "lobster",    "man",          "maple_tree",
    "motorcycle",  "mountain",      "mouse",     "mushroom",   "oak_tree",     "orange",
    "orchid",      "otter",         "palm_tree", "pear",       "pickup_truck", "pine_tree",
    "plain",       "plate",         "poppy",     "porcupine",  "possum",       "rabbit",
    "raccoon",     "ray",           "road",      "rocket",     "rose",         "sea",
    "seal",        "shark",         "shrew",     "skunk",      "skyscraper",   "snail",
    "snake",       "spider",        "squirrel",  "streetcar",  "sunflower",    "sweet_pepper",
    "table",       "tank",          "telephone", "television", "tiger",        "tractor",
    "train",       "trout",         "tulip",     "turtle",     "wardrobe",     "whale",
    "willow_tree", "wolf",          "woman",     "worm"};

static const kind kinds[] = {
    {"cifar-10-batches-bin",
     {{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
       "data_batch_5.bin"},
      {"test_batch.bin"}},
     "batches.meta.txt",
     1,
     0,
     MB_COUNT_OF(cifar10),
     cifar10},
    {"cifar-100-binary",
     {{"train.bin"}, {"test.bin"}},
     "fine_label_names.txt",
     2,
     20,
     MB_COUNT_OF(cifar100),
     cifar100},
};

typedef struct cifar {
    const kind *kind;
    char *folder; /* owned: that of the files */
    uint8_t *pixels[SPLITS];
    int64_t *labels[SPLITS];
    char *names_text;                      /* owned: the file of names; NULL: there is none */
    const char *names[MB_MAX_CLASSES + 1]; /* in names_text, or the kind's */
    size_t classes;
} cifar;

/* ---- the files ---- */

/* The size of a regular file, 0 if there is none. */
static size_t size_of(const char *folder, const char *name)
{
    struct stat info;
    char *path = mb_path_join(folder, name);
    const bool found = path != NULL && stat(path, &info) == 0 && S_ISREG(info.st_mode);
    free(path);
    return found ? (size_t)info.st_size : 0;
}

static size_t record_size(const kind *of) { return of->labels + PIXELS; }

/* One file is enough: what is missing is an error later. CIFAR-100's names are common ones, and
 * its sizes tell. */
static bool holds(const char *folder, const kind *of)
{
    for (size_t split = 0; split < SPLITS; split++)
        for (size_t i = 0; of->files[split][i] != NULL; i++) {
            const size_t size = size_of(folder, of->files[split][i]);
            if (size > 0 && (of->coarse == 0 || size % record_size(of) == 0 ||
                             size_of(folder, of->names_file) > 0))
                return true;
        }
    return false;
}

/* Finds the files in the folder, or in the archive's folder in it. *folder is the caller's, NULL if
 * there are none. */
static mb_status find(const char *path, const kind **found, char **folder, mb_error *error)
{
    *folder = NULL;
    for (size_t i = 0; i < MB_COUNT_OF(kinds) && *folder == NULL; i++)
        if (holds(path, &kinds[i])) {
            *found = &kinds[i];
            *folder = strdup(path);
            return *folder != NULL ? MB_OK : mb_fail_memory(error, path, strlen(path) + 1);
        }
    for (size_t i = 0; i < MB_COUNT_OF(kinds); i++) {
        char *inner = mb_path_join(path, kinds[i].folder);
        if (inner == NULL)
            return mb_fail_memory(error, path, strlen(path) + strlen(kinds[i].folder) + 2);
        if (!holds(inner, &kinds[i])) {
            free(inner);
            continue;
        }
        if (*folder != NULL) {
            free(inner);
            free(*folder);
            *folder = NULL;
            return mb_fail(error, MB_ERROR_FORMAT, "%s: holds both %s and %s: give one of them",
                           path, kinds[0].folder, kinds[1].folder);
        }
        *folder = inner;
        *found = &kinds[i];
    }
    return MB_OK;
}

/* The version for Python has files without .bin. */
static bool is_for_python(const char *path)
{
    return size_of(path, "data_batch_1") > 0 && size_of(path, "batches.meta") > 0;
}

static mb_status probe(const char *path, bool *found, mb_error *error)
{
    const kind *of = NULL;
    char *folder = NULL;
    mb_error failure = {MB_OK, ""};
    const mb_status status = find(path, &of, &folder, &failure);
    *found = folder != NULL || status == MB_ERROR_FORMAT || is_for_python(path);
    free(folder);
    return status == MB_ERROR_MEMORY ? mb_fail(error, status, "%s", failure.text) : MB_OK;
}

/* ---- the classes ---- */

/* The lines of the file that are not empty. */
static void split_names(cifar *data)
{
    char *rest = NULL;
    data->classes = 0;
    for (char *line = strtok_r(data->names_text, "\r\n", &rest);
         line != NULL && data->classes < MB_COUNT_OF(data->names);
         line = strtok_r(NULL, "\r\n", &rest))
        data->names[data->classes++] = line;
}

static mb_status read_names(cifar *data, mb_error *error)
{
    const kind *of = data->kind;
    mb_bytes file = {0};
    data->classes = of->classes;
    memcpy(data->names, of->names, of->classes * sizeof *data->names);
    struct stat info;
    char *path = mb_path_join(data->folder, of->names_file);
    if (path == NULL)
        return mb_fail_memory(error, data->folder, strlen(data->folder));
    if (stat(path, &info) != 0 && errno == ENOENT) {
        free(path);
        return MB_OK;
    }
    mb_status status = mb_file_read(path, MAX_NAMES_FILE, &file, error);
    if (status == MB_OK) {
        data->names_text = strndup((const char *)file.data, file.size);
        if (data->names_text == NULL)
            status = mb_fail_memory(error, path, file.size + 1);
        else
            split_names(data);
    }
    free(file.data);
    free(path);
    return status;
}

static const char *const *class_names(const void *state, size_t *count)
{
    const cifar *data = state;
    *count = data->classes;
    return data->names;
}

/* ---- reading ---- */

static void close_cifar(void *state)
{
    cifar *data = state;
    for (size_t i = 0; i < SPLITS; i++) {
        free(data->pixels[i]);
        free(data->labels[i]);
    }
    free(data->names_text);
    free(data->folder);
    free(data);
}

static mb_status open_cifar(const char *path, const mb_data_options *options, void **state,
                            mb_error *error)
{
    (void)options;
    mb_status status = mb_data_path_check(NULL, path, true, error);
    if (status != MB_OK)
        return status;
    cifar *data = calloc(1, sizeof *data);
    if (data == NULL)
        return mb_fail_memory(error, path, sizeof *data);
    status = find(path, &data->kind, &data->folder, error);
    if (status == MB_OK && data->folder == NULL && is_for_python(path))
        status = mb_fail(error, MB_ERROR_FORMAT,
                         "%s: CIFAR-10 for Python: the binary version is read", path);
    else if (status == MB_OK && data->folder == NULL)
        status = mb_fail(error, MB_ERROR_IO, "%s: missing data_batch_1.bin, or train.bin", path);
    if (status == MB_OK)
        status = read_names(data, error);
    if (status == MB_OK)
        *state = data;
    else
        close_cifar(data);
    return status;
}

/* Appends the records of a file to the images; *count is their number. */
static mb_status add_records(cifar *data, size_t split, const char *path, const mb_bytes *file,
                             size_t *count, mb_error *error)
{
    const size_t size = record_size(data->kind), labels = data->kind->labels;
    const size_t more = file->size / size;
    if (more == 0 || file->size % size != 0)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: truncated or no CIFAR file: %zu bytes, must be a multiple of %zu", path,
                       file->size, size);
    if ((*count + more) * PIXELS > MB_DATA_MAX_BYTES)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: too large: the limit is %zu bytes", path,
                       MB_DATA_MAX_BYTES);
    uint8_t *pixels = realloc(data->pixels[split], (*count + more) * PIXELS);
    data->pixels[split] = pixels != NULL ? pixels : data->pixels[split];
    int64_t *classes = realloc(data->labels[split], (*count + more) * sizeof *classes);
    data->labels[split] = classes != NULL ? classes : data->labels[split];
    if (pixels == NULL || classes == NULL)
        return mb_fail_memory(error, path, (*count + more) * PIXELS);
    for (size_t i = 0; i < more; i++) {
        const uint8_t *record = file->data + i * size;
        const size_t label = record[labels - 1];
        if (label >= data->classes || (labels > 1 && record[0] >= data->kind->coarse))
            return mb_fail(error, MB_ERROR_FORMAT, "%s: label %zu at image %zu: must be below %zu",
                           path, label >= data->classes ? label : record[0], i,
                           label >= data->classes ? data->classes : data->kind->coarse);
        classes[*count + i] = (int64_t)label;
        memcpy(pixels + (*count + i) * PIXELS, record + labels, PIXELS);
    }
    *count += more;
    return MB_OK;
}

static mb_status read_file(cifar *data, size_t split, const char *name, size_t *count,
                           mb_error *error)
{
    mb_bytes file = {0};
    struct stat info;
    char *path = mb_path_join(data->folder, name);
    if (path == NULL)
        return mb_fail_memory(error, data->folder, strlen(data->folder) + strlen(name) + 2);
    mb_status status = stat(path, &info) == 0 || errno != ENOENT
                           ? mb_file_read(path, MB_DATA_MAX_BYTES, &file, error)
                           : mb_fail(error, MB_ERROR_IO, "%s: missing %s", data->folder, name);
    if (status == MB_OK)
        status = add_records(data, split, path, &file, count, error);
    free(file.data);
    free(path);
    return status;
}

static mb_status read_split(void *state, unsigned split, mb_data_part *part, mb_error *error)
{
    cifar *data = state;
    const size_t which = split == MB_SPLIT_TRAIN ? TRAIN : TEST;
    mb_status status = MB_OK;
    size_t count = 0;
    for (size_t i = 0; data->kind->files[which][i] != NULL && status == MB_OK; i++)
        status = read_file(data, which, data->kind->files[which][i], &count, error);
    if (status == MB_OK)
        *part = (mb_data_part){.images = {data->pixels[which], count, 3, SIDE, SIDE},
                               .labels = data->labels[which],
                               .images_path = data->folder,
                               .labels_path = data->folder};
    return status;
}

const mb_data_format mb_data_format_cifar = {.probe = probe,
                                             .open = open_cifar,
                                             .read = read_split,
                                             .class_names = class_names,
                                             .close = close_cifar};

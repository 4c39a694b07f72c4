/* Opens a folder with any bytes as MNIST's four files, or those of a set with a prefix: it is
 * refused with one line, or all pixels can be read and all labels are classes.
 *
 * Byte 0: which files are missing, and which are called .gz; byte 1: the splits, and the prefix,
 * for the last of which a mapping of labels to characters is a fifth file; then the sizes of all
 * files but the fourth, of two bytes each, which has the rest. */
#include "fuzz/fuzz.h"

#include "sources/idx_sets.h"

#include <mnist_blas/dataset.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER = 2 + 2 * (MB_IDX_FILES - 1), MAPPING = 2 };

static char folder[64];
static const char *const prefixes[] = {"", "qmnist", "emnist-letters", "emnist-x"};

static void remove_folder(void) { rmdir(folder); }

static void begin(void)
{
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/mnist_blas_fuzz_XXXXXX", memory);
    require(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
}

static void put(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    require(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
}

static void use_split(const mb_split *split, size_t classes)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < split->images.count * mb_images_stride(&split->images); i++)
        sum += split->images.pixels[i];
    for (size_t i = 0; i < split->images.count; i++)
        require(split->labels[i] < classes);
    volatile unsigned long sink = sum;
    (void)sink;
}

static void use(unsigned splits)
{
    mb_dataset *dataset = NULL;
    mb_error error = {0};
    size_t shared = 0;
    const mb_status status = mb_dataset_open(folder, splits, NULL, &dataset, &error);
    require_reported(status, &error);
    require((status == MB_OK) == (dataset != NULL));
    if (status != MB_OK)
        return;
    require(dataset->classes >= 2 && dataset->classes <= 256);
    use_split(&dataset->train, dataset->classes);
    use_split(&dataset->test, dataset->classes);
    require(mb_dataset_count_shared(dataset, &shared, NULL) == MB_OK);
    require(shared <= dataset->test.images.count);
    mb_dataset_close(dataset);
}

/* The mapping, of which the size is in its first bytes; returns what it takes of the input. */
static size_t put_mapping(const char *path, const uint8_t *data, size_t size)
{
    if (size < MAPPING)
        return 0;
    const size_t bytes = size_at(data) < size - MAPPING ? size_at(data) : size - MAPPING;
    put(path, data + MAPPING, bytes);
    return MAPPING + bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char paths[MB_IDX_FILES + 1][512];
    if (size < HEADER)
        return 0;
    if (*folder == '\0')
        begin();
    const size_t p = data[1] / 4 % (sizeof prefixes / sizeof *prefixes);
    size_t at = HEADER;
    snprintf(paths[MB_IDX_FILES], sizeof *paths, "%s/emnist-x-mapping.txt", folder);
    if (p + 1 == sizeof prefixes / sizeof *prefixes)
        at += put_mapping(paths[MB_IDX_FILES], data + at, size - at);
    for (size_t i = 0; i < MB_IDX_FILES; i++) {
        const bool packed = (data[0] >> i & 1) != 0, missing = (data[0] >> i & 16) != 0;
        char name[MB_IDX_NAME_SIZE];
        size_t bytes = size - at;
        if (i + 1 < MB_IDX_FILES && size_at(data + 2 + 2 * i) < bytes)
            bytes = size_at(data + 2 + 2 * i);
        snprintf(paths[i], sizeof paths[i], "%s/%s%s", folder,
                 mb_idx_file_name(prefixes[p], i, name), packed ? ".gz" : "");
        if (!missing)
            put(paths[i], data + at, bytes);
        at += bytes;
    }
    use(data[1] % 4);
    for (size_t i = 0; i <= MB_IDX_FILES; i++)
        unlink(paths[i]);
    return 0;
}

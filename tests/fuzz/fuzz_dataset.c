/* Opens a folder with any bytes as MNIST's four files, or those of a set with a prefix: it is
 * refused with one line, or all pixels can be read and all labels are classes.
 *
 * Byte 0: which files are missing, and which are called .gz; byte 1: the splits, and the prefix,
 * for the last of which a mapping of labels to characters is a fifth file; then the sizes of all
 * files but the fourth, of two bytes each, which has the rest. */
#include "fuzz/dataset.h"

#include "sources/idx_sets.h"

#include <stdio.h>

enum { HEADER = 2 + 2 * (MB_IDX_FILES - 1), MAPPING = 2 };

static const char *const prefixes[] = {"", "qmnist", "emnist-letters", "emnist-x"};

/* The mapping, of which the size is in its first bytes; returns what it takes of the input. */
static size_t put_mapping(const char *path, const uint8_t *data, size_t size)
{
    if (size < MAPPING)
        return 0;
    const size_t bytes = size_at(data) < size - MAPPING ? size_at(data) : size - MAPPING;
    write_file(path, data + MAPPING, bytes);
    return MAPPING + bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *folder = fuzz_folder();
    char paths[MB_IDX_FILES + 1][512];
    if (size < HEADER)
        return 0;
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
            write_file(paths[i], data + at, bytes);
        at += bytes;
    }
    open_data(folder, data[1] % 4, NULL);
    for (size_t i = 0; i <= MB_IDX_FILES; i++)
        unlink(paths[i]);
    return 0;
}

/* The files of MNIST and of sets like it, found by their names. A name is
 * PREFIX-SPLIT-CONTENT-idxN- TYPE, plain or with .gz: emnist-letters-train-images-idx3-ubyte.gz.
 * The prefix may be missing; the split is train, t10k or test, the content images or labels;
 * unpackers make a dot of the '-' before idx, or put the file into a folder of its name. */
#ifndef MB_SOURCES_IDX_SETS_H
#define MB_SOURCES_IDX_SETS_H

#include "core/status.h"

#include <stddef.h>

/* The files of a set: images and labels of the training split, then of the test split. */
enum { MB_IDX_FILES = 4 };

typedef struct mb_idx_set {
    char *folder, *prefix; /* prefix "": none */
    char *name;            /* a path that has this set only: FOLDER, or FOLDER/PREFIX */
    struct mb_idx_file {
        char *path;    /* NULL: missing */
        unsigned rank; /* of the form of its name: 0 is preferred */
    } files[MB_IDX_FILES];
} mb_idx_set;

/* {0} is empty. At most MB_IDX_MAX_SETS are found. */
enum { MB_IDX_MAX_SETS = 32 };
typedef struct mb_idx_sets {
    size_t count;
    mb_idx_set sets[MB_IDX_MAX_SETS]; /* (count), by name */
} mb_idx_sets;

/* Finds the sets that `path` means, each with one file or more:
 * - a folder: its set without prefix, else all with one; if it has none, those of the folders in it
 *   and of the folders "raw" in those;
 * - FOLDER/PREFIX, or one of the files: that set.
 * MB_ERROR_IO: a folder cannot be read; MB_ERROR_MEMORY. */
mb_status mb_idx_sets_find(const char *path, mb_idx_sets *sets, mb_error *error);

/* The usual name of file `file` of a set with this prefix, without .gz. Returns `name`. */
enum { MB_IDX_NAME_SIZE = 320 };
const char *mb_idx_file_name(const char *prefix, size_t file, char name[MB_IDX_NAME_SIZE]);

void mb_idx_sets_free(mb_idx_sets *sets);

#endif

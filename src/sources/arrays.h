/* Arrays of images and labels, in NPZ archives or NPY files, found by their names: a split (train,
 * val, test and the like) and a content (x, images, ...; y, labels, ...), in any order and between
 * other words, as in x_train, train_images and kmnist-train-imgs. */
#ifndef MB_SOURCES_ARRAYS_H
#define MB_SOURCES_ARRAYS_H

#include "sources/npy.h"
#include "sources/zip.h"

enum { MB_ARRAY_TRAIN, MB_ARRAY_VALIDATION, MB_ARRAY_TEST, MB_ARRAY_SPLITS };
enum { MB_ARRAY_IMAGES, MB_ARRAY_LABELS, MB_ARRAY_CONTENTS };

typedef struct mb_array {
    char *name;    /* owned, for errors: "mnist.npz: x_train"; NULL: there is no such array */
    char *path;    /* owned: the file */
    size_t member; /* of the archive; of an NPY file any */
} mb_array;

/* {0} is empty. */
typedef struct mb_arrays {
    const char *path; /* borrowed */
    bool packed;      /* in archives */
    mb_array of[MB_ARRAY_SPLITS][MB_ARRAY_CONTENTS];
    char names[256]; /* of all arrays, cut off */
} mb_arrays;

/* *found: `path` is a file or a folder with files that are arrays by their names, NPZ archives
 * (`packed`) or NPY files. MB_ERROR_IO: a folder that cannot be read; MB_ERROR_MEMORY. */
mb_status mb_arrays_probe(const char *path, bool packed, bool *found, mb_error *error);

/* Finds the arrays of `path`, a folder of NPZ archives (`packed`) or of NPY files, or one archive,
 * without reading them. Images and labels without the name of a split are training ones, if there
 * are no others. An archive of one array may itself have the name. *arrays is for mb_arrays_free.
 * MB_ERROR_FORMAT: no such arrays, or two of one kind; MB_ERROR_IO; MB_ERROR_MEMORY. */
mb_status mb_arrays_find(const char *path, bool packed, mb_arrays *arrays, mb_error *error);

/* Opens an array; *zip, NULL for an NPY file, must be closed after it. MB_ERROR_FORMAT: there is no
 * such array, or it is not valid; MB_ERROR_IO; MB_ERROR_MEMORY. */
mb_status mb_array_open(const mb_arrays *arrays, unsigned split, unsigned content, mb_zip **zip,
                        mb_npy *npy, mb_error *error);

void mb_arrays_free(mb_arrays *arrays);

#endif

/* Formats of labelled images. A format is one file and one line of mb_data_formats; it reads, and
 * mb_dataset_open checks what was read. */
#ifndef MB_DATA_SOURCE_H
#define MB_DATA_SOURCE_H

#include <mnist_blas/dataset.h>
#include <stdbool.h>

/* One split and, for errors, its origin; all in the format's state. */
typedef struct mb_data_part {
    mb_split split;
    const char *images_path, *labels_path;
} mb_data_part;

typedef struct mb_data_format {
    const char *name;
    /* Says whether there is data of this format at `path`, a file or a folder. Looks at names and
     * first bytes only. MB_ERROR_MEMORY. */
    mb_status (*probe)(const char *path, bool *found, mb_error *error);
    /* Prepares to read from `path`, which must outlive *state. *state is set on success only.
     * MB_ERROR_IO: the path does not exist or is of the wrong kind; MB_ERROR_MEMORY. */
    mb_status (*open)(const char *path, void **state, mb_error *error);
    /* Reads a split, MB_SPLIT_TRAIN or MB_SPLIT_TEST, once; its pixels may be changed. There are
     * equally many images and labels, at least 1. MB_ERROR_IO: missing or unreadable;
     * MB_ERROR_FORMAT: not what it should be; MB_ERROR_MEMORY. */
    mb_status (*read)(void *state, unsigned split, mb_data_part *part, mb_error *error);
    /* Frees the state and all that was read. */
    void (*close)(void *state);
} mb_data_format;

/* In the order in which they are probed; NULL after the last. */
extern const mb_data_format *const mb_data_formats[];

/* The first format that finds data at `path`; NULL in *format if none does, or if there is nothing
 * that may be accessed. MB_ERROR_IO: `path` cannot be opened; MB_ERROR_MEMORY. */
mb_status mb_data_probe(const char *path, const mb_data_format **format, mb_error *error);

/* Checks that `path` is a folder. MB_ERROR_IO: "ORIGIN: PATH: WHY", without the first part if
 * `origin` is NULL. */
mb_status mb_data_folder_check(const char *origin, const char *path, mb_error *error);

#endif

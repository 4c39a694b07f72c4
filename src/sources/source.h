/* Formats of labelled images. A format is one file and one line of formats.inc; it reads, and
 * mb_dataset_open checks what was read. */
#ifndef MB_SOURCES_SOURCE_H
#define MB_SOURCES_SOURCE_H

#include "data/dataset.h"

/* One split and, for errors, its origin; all in the format's state. */
typedef struct mb_data_part {
    mb_images images; /* the pixels may be changed; count 0: the data have no such split */
    /* (images.count), from 0. Numbers of the data's own, or indices of the class names. */
    const int64_t *labels;
    bool transposed;   /* rows and columns are exchanged in the files */
    bool whole;        /* the data have no test split: these are all images */
    size_t validation; /* of the training split: the last images, which are a validation split */
    const char *images_path, *labels_path;
    const char *warning; /* of what was not used, for the user: "FILE: WHAT"; NULL: none */
} mb_data_part;

typedef struct mb_data_format {
    /* Says whether there is data of this format at `path`, a file or a folder. Looks at names and
     * first bytes only. MB_ERROR_MEMORY. */
    mb_status (*probe)(const char *path, bool *found, mb_error *error);
    /* Prepares to read from `path`, which must outlive *state, as must the options. *state is set
     * on success only. MB_ERROR_IO: the path does not exist or is of the wrong kind;
     * MB_ERROR_FORMAT; MB_ERROR_MEMORY. */
    mb_status (*open)(const char *path, const mb_data_options *options, void **state,
                      mb_error *error);
    /* Reads a split, MB_SPLIT_TRAIN or MB_SPLIT_TEST, once. There are equally many images and
     * labels, at least 1; of data without a test split that has count 0. Images have 1 or 3
     * channels; pictures of different sizes and all pictures in color are brought to the options'
     * size and channels, for others that is done later. MB_ERROR_IO: missing or unreadable;
     * MB_ERROR_FORMAT: not what it should be; MB_ERROR_MEMORY. */
    mb_status (*read)(void *state, unsigned split, mb_data_part *part, mb_error *error);
    /* The names of the classes that the labels are indices of, the state's; NULL, or a NULL
     * function: labels are numbers. Called after what is read was read. */
    const char *const *(*class_names)(const void *state, size_t *count);
    /* The labels of the classes with names, ascending, the state's; a NULL function: 0, 1, 2, ...
     */
    const int64_t *(*class_labels)(const void *state);
    /* Frees the state and all that was read. */
    void (*close)(void *state);
    bool takes_prefix; /* `path` need not exist: it may be what names of files start with */
} mb_data_format;

#define MB_DATA_FORMAT(name, content) extern const mb_data_format mb_data_format_##name;
#include "sources/formats.inc"
#undef MB_DATA_FORMAT

/* In the order of formats.inc; NULL after the last. */
extern const mb_data_format *const mb_data_formats[];

/* The name of one of them, of mb_data_format_names. */
const char *mb_data_format_name(const mb_data_format *format);

/* The first format that finds data at `path`; NULL in *format if none does, or if there is nothing
 * that may be accessed. MB_ERROR_IO: `path` cannot be opened; MB_ERROR_MEMORY. */
mb_status mb_data_probe(const char *path, const mb_data_format **format, mb_error *error);

/* Checks that `path` exists, and is a folder if it must be one. MB_ERROR_IO: "ORIGIN: PATH: WHY",
 * without the first part if `origin` is NULL. */
mb_status mb_data_path_check(const char *origin, const char *path, bool folder, mb_error *error);

#endif

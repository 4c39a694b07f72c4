/* Listed pictures to images of one shape, by all threads. */
#ifndef MB_SOURCES_PICTURE_LOADER_H
#define MB_SOURCES_PICTURE_LOADER_H

#include "sources/picture_list.h"

#include <mnist_blas/dataset.h>

/* {0} is empty. */
typedef struct mb_loaded_pictures {
    mb_images images;
    uint8_t *pixels; /* owned: those of the images */
    /* For each picture of the list, true if it was left out. Owned. */
    bool *skipped;
    char *warning; /* owned: the number that was left out, and the first; NULL: none */
} mb_loaded_pictures;

/* Decodes all pictures of the list, in its order: in color, with options->gray gray. They are
 * resized to options->size if that is given, else must have the size of the first. `name` is that
 * of the pictures in errors. With options->skip_bad those that cannot be read are left out. On
 * success *loaded is the caller's, for mb_loaded_pictures_free.
 * MB_ERROR_FORMAT: there are none, some cannot be read, they differ in size, or are too large;
 * MB_ERROR_MEMORY. */
mb_status mb_pictures_load(const char *name, const mb_picture_list *list,
                           const mb_class_folders *classes, const mb_data_options *options,
                           mb_loaded_pictures *loaded, mb_error *error);

void mb_loaded_pictures_free(mb_loaded_pictures *loaded);

#endif

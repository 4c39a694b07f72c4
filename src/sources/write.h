/* What writers of datasets share: a writer is one file and one line in the table of write.c. */
#ifndef MB_SOURCES_WRITE_H
#define MB_SOURCES_WRITE_H

#include "core/status.h"

#include <mnist_blas/conversion.h>
#include <stdio.h>

/* Writes the dataset into an empty folder. */
typedef mb_status mb_write_fn(const mb_dataset *dataset, const char *folder, mb_error *error);
mb_write_fn mb_write_idx, mb_write_picture_folder, mb_write_npz;

/* Creates a file for writing; NULL in *file on failure. */
mb_status mb_write_open(const char *path, FILE **file, mb_error *error);

/* Closes it; MB_ERROR_IO if anything could not be written. */
mb_status mb_write_close(const char *path, FILE *file, mb_error *error);

/* Copies image `index`, (channels, rows, columns), as its file has it. */
void mb_write_copy_image(const mb_dataset *dataset, const mb_images *images, size_t index,
                         uint8_t *pixels);

/* Copies it with the channels last, (rows, columns, channels); `scratch` is as large. */
void mb_write_copy_channels_last(const mb_dataset *dataset, const mb_images *images, size_t index,
                                 uint8_t *scratch, uint8_t *pixels);

/* Writes the names of the classes, if they have any, as FOLDER/classes.txt. */
mb_status mb_write_class_names(const mb_dataset *dataset, const char *folder, mb_error *error);

#endif

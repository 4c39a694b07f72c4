/* The form of images in the metadata of model and checkpoint files: "ground" and "framing", each
 * only if it is not MNIST's. */
#ifndef MB_MODEL_FORM_H
#define MB_MODEL_FORM_H

#include "model/safetensors.h"

#include <mnist_blas/images.h>

/* Maximum number of entries. */
enum { MB_FORM_ENTRIES = 2 };

/* Writes the entries; returns their number. */
size_t mb_form_metadata(mb_image_form form, mb_key_value entries[MB_FORM_ENTRIES]);

/* Reads the entries of a file. MB_ERROR_FORMAT: an invalid value. */
mb_status mb_form_read(const char *path, const mb_safetensors *file, mb_image_form *form,
                       mb_error *error);

#endif

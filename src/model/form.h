/* The form of images in the metadata of model and checkpoint files: "ground" and "framing", each
 * only if it is not MNIST's, and "mean" and "std", by channel, of images that are standardized. */
#ifndef MB_MODEL_FORM_H
#define MB_MODEL_FORM_H

#include "core/arena.h"
#include "model/safetensors.h"

#include <mnist_blas/images.h>

/* Maximum number of entries. */
enum { MB_FORM_ENTRIES = 4 };

/* Writes the entries, of images of `channels`; returns their number. Their texts are constant or in
 * the arena, which notes failed allocations. */
size_t mb_form_metadata(const mb_image_form *form, size_t channels, mb_arena *arena,
                        mb_key_value entries[MB_FORM_ENTRIES]);

/* Reads the entries of a file with a network whose "input" begins with the number of channels.
 * MB_ERROR_FORMAT: an invalid value. */
mb_status mb_form_read(const char *path, const mb_safetensors *file, mb_image_form *form,
                       mb_error *error);

#endif

/* The names of classes in the metadata of model and checkpoint files and of ONNX: "class_names", a
 * JSON array, only of networks whose classes have names. */
#ifndef MB_MODEL_CLASS_NAMES_H
#define MB_MODEL_CLASS_NAMES_H

#include "core/arena.h"
#include "model/safetensors.h"

#include <mnist_blas/network.h>

/* Maximum number of entries. */
enum { MB_CLASS_NAMES_ENTRIES = 1 };

/* Writes the entry, whose value is the arena's, which notes failed allocations; returns the number
 * of entries. */
size_t mb_class_names_metadata(const mb_network *network, mb_arena *arena,
                               mb_key_value entries[MB_CLASS_NAMES_ENTRIES]);

/* Reads the entry of a file into the arena: *names is (classes), NULL if there is none.
 * MB_ERROR_FORMAT: no JSON array of valid names, or not `classes` of them; MB_ERROR_MEMORY. */
mb_status mb_class_names_read(const char *path, const mb_safetensors *file, size_t classes,
                              mb_arena *arena, const char *const **names, mb_error *error);

#endif

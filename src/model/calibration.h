/* The calibration of a network in the metadata of model files: "temperature" and
 * "confidence_threshold", each only if the network has it. */
#ifndef MB_MODEL_CALIBRATION_H
#define MB_MODEL_CALIBRATION_H

#include "core/arena.h"
#include "model/safetensors.h"

#include <mnist_blas/network.h>

/* Maximum number of entries. */
enum { MB_CALIBRATION_ENTRIES = 2 };

/* Writes the entries, whose values are the arena's, which notes failed allocations; returns their
 * number. */
size_t mb_calibration_metadata(const mb_network *network, mb_arena *arena,
                               mb_key_value entries[MB_CALIBRATION_ENTRIES]);

/* Reads the entries of a file into the network. MB_ERROR_FORMAT: an invalid value. */
mb_status mb_calibration_read(const char *path, const mb_safetensors *file, mb_network *network,
                              mb_error *error);

#endif

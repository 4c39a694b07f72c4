/* Checkpoint files: one safetensors file each.
 *
 * Its tensors are the state (train/state.h); those of the network have the names that they have in
 * a model file. Its metadata are a model's, and "version", "checksum" (SHA-256 of the file's bytes,
 * with zeros in place of the checksum), "blas", the options by name ("option.lr"), digests of the
 * data ("data.training", "data.test", "data.validation"), "data.folder" unless the dataset has
 * none, and the caller's notes ("note.KEY"). Folders and notes are percent-encoded. */
#ifndef MB_TRAIN_CHECKPOINT_H
#define MB_TRAIN_CHECKPOINT_H

#include "core/file.h"
#include "model/class_names.h"
#include "model/form.h"
#include "train/state.h"

#include <mnist_blas/checkpoint.h>

struct mb_checkpoint {
    mb_checkpoint_info info;
    mb_bytes bytes;
    bool owns_bytes;
    mb_safetensors *file;
    mb_arena arena;
};

/* mb_checkpoint_open for a file in memory, borrowed until the checkpoint is closed. */
mb_status mb_checkpoint_parse(const char *path, mb_bytes bytes, mb_checkpoint **checkpoint,
                              mb_error *error);

/* Makes the metadata of the trainer's checkpoints. MB_ERROR_MEMORY. */
mb_status mb_checkpoint_describe_run(mb_trainer *trainer, mb_error *error);

/* Writes the trainer's state, after mb_checkpoint_describe_run. The file appears whole or not at
 * all. MB_ERROR_IO, MB_ERROR_MEMORY. */
mb_status mb_checkpoint_write(mb_trainer *trainer, const char *path, mb_error *error);

#endif

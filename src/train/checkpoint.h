/* Checkpoints: all that a training run is made of, in one safetensors file.
 *
 * Its tensors are the state (train/state.h); those of the network have the names that they have in
 * a model file. Its metadata are a model's, and "version", "checksum" (SHA-256 of the file's bytes,
 * with zeros in the checksum's own place), "blas", the options by their names ("option.lr"),
 * fingerprints of the data ("data.training", "data.test"), "data.folder" unless the digits were
 * drawn, and the caller's own ("note.KEY"). Names of files are percent-encoded. */
#ifndef MB_TRAIN_CHECKPOINT_H
#define MB_TRAIN_CHECKPOINT_H

#include "core/digest.h"
#include "train/snapshot.h"

/* --- writing --- */

/* The metadata, which stay the same all through a run. */
typedef struct mb_checkpoint_metadata {
    mb_arena arena;
    mb_key_value *pairs;
    size_t count;
} mb_checkpoint_metadata;

/* Describes a run of `network` on `dataset`; it takes the data's fingerprints, tens of milliseconds
 * for MNIST. The notes are texts that the caller finds again in the file. Nothing is borrowed but
 * the network's spec; mb_checkpoint_metadata_close frees the head. MB_ERROR_MEMORY. */
mb_status mb_checkpoint_metadata_open(const mb_machine *machine, const mb_network *network,
                                      const mb_dataset *dataset, const mb_training_options *options,
                                      const mb_key_value *notes, size_t note_count,
                                      mb_checkpoint_metadata *head, mb_error *error);

/* Frees what it holds; {0} is fine. */
void mb_checkpoint_metadata_close(mb_checkpoint_metadata *head);

/* Writes the last snapshot to `path`: the file appears whole or not at all, and what was there
 * stays when anything fails. MB_ERROR_IO, MB_ERROR_MEMORY. */
mb_status mb_checkpoint_write(const mb_checkpoint_metadata *head, const mb_snapshot *snapshot,
                              const char *path, mb_error *error);

/* --- reading --- */

/* A checkpoint that was read and found whole. Everything belongs to it. */
typedef struct mb_checkpoint {
    const char *path;
    mb_training_options options;
    const char *network; /* a spec */
    const char *blas;    /* OpenBLAS's version and kernel set */
    const char *data;    /* the folder as it was given; NULL: drawn digits */
    mb_bytes bytes;
    uint8_t *owned; /* the bytes, where mb_checkpoint_open read them */
    mb_safetensors *file;
    mb_arena arena;
} mb_checkpoint;

/* Reads `path`, which is borrowed; *checkpoint is the caller's, for mb_checkpoint_close.
 * MB_ERROR_IO: missing or unreadable; MB_ERROR_FORMAT: no checkpoint, one of another version, or
 * one whose bytes are not those that were written; MB_ERROR_MEMORY. */
mb_status mb_checkpoint_open(const char *path, mb_checkpoint *checkpoint, mb_error *error);

/* The same for a file that is in memory, borrowed until the checkpoint is closed. */
mb_status mb_checkpoint_parse(const char *path, mb_bytes bytes, mb_checkpoint *checkpoint,
                              mb_error *error);

/* The caller's text under this key when the checkpoint was written; NULL when there was none. */
const char *mb_checkpoint_note(mb_checkpoint *checkpoint, const char *key);

/* Whether these are the data that the run began with. MB_ERROR_FORMAT names the split that is not.
 */
mb_status mb_checkpoint_check_data(const mb_checkpoint *checkpoint, const mb_dataset *dataset,
                                   mb_error *error);

/* "0.3.21 SkylakeX": what `blas` is for this machine. */
void mb_checkpoint_blas(const mb_machine *machine, char *text, size_t size);

/* Opens the network that the checkpoint is of, for images of this shape; *network is the caller's,
 * its parameters are not yet those of the file. It has the file's tensors, so that no file asks for
 * much more memory than it has bytes. MB_ERROR_FORMAT: the spec is none, or has not the tensors
 * that are there; MB_ERROR_MEMORY. */
mb_status mb_checkpoint_network(const mb_checkpoint *checkpoint, const mb_machine *machine,
                                mb_shape input, size_t classes, mb_network **network,
                                mb_error *error);

/* Puts the state into a trainer that was opened with the checkpoint's network, data, and options,
 * but for more epochs: it goes on where the snapshot was taken. MB_ERROR_FORMAT: the file has not
 * the tensors of this run, or parameters that no network has (not finite, a negative variance);
 * MB_ERROR_MEMORY. A trainer is not to be used after a failure. */
mb_status mb_checkpoint_restore(const mb_checkpoint *checkpoint, const mb_machine *machine,
                                mb_trainer *trainer, mb_error *error);

/* Frees what it holds; {0} is fine. */
void mb_checkpoint_close(mb_checkpoint *checkpoint);

#endif

/* Checkpoints: everything needed to resume a training run, in one safetensors file. A run that was
 * stopped after any step and resumed from its checkpoint ends with the same bytes of the model as
 * one that was not stopped.
 *
 * Thread safety: a checkpoint is used by one thread at a time. */
#ifndef MNIST_BLAS_CHECKPOINT_H
#define MNIST_BLAS_CHECKPOINT_H

#include <mnist_blas/training.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- writing --- */

/* A text of the caller's in a checkpoint file. */
typedef struct mb_note {
    const char *key, *value;
} mb_note;

/* When to write which file. Everything is borrowed until the trainer is closed. */
typedef struct mb_checkpoint_policy {
    const char *path;
    size_t every_steps; /* after every N-th step of the run; 0: not by steps */
    bool every_epoch;   /* after every epoch's evaluation */
    const mb_note *notes;
    size_t note_count;
} mb_checkpoint_policy;

/* Time that training waited for checkpoints. */
typedef struct mb_checkpoint_costs {
    size_t written;
    double seconds_max, seconds_sum;
} mb_checkpoint_costs;

/* Makes mb_trainer_run write checkpoints according to `policy`, between two steps, on the thread
 * that calls it. A file appears whole or not at all, and replaces its predecessor; one that cannot
 * be written is reported to events->checkpoint_failed. Computes digests of the data, which takes
 * tens of milliseconds for MNIST, if the policy writes during the run.
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_trainer_set_checkpoints(mb_trainer *trainer, const mb_checkpoint_policy *policy,
                                            mb_error *error);

/* Writes the policy's file now, between two calls of mb_trainer_run, unless it holds this state
 * already. MB_ERROR_INVALID: no policy; MB_ERROR_IO; MB_ERROR_MEMORY. */
MB_API mb_status mb_trainer_save(mb_trainer *trainer, mb_error *error);

MB_API mb_checkpoint_costs mb_trainer_checkpoint_costs(const mb_trainer *trainer);

/* --- resuming --- */

typedef struct mb_checkpoint mb_checkpoint;

/* Description of a checkpoint's run. Strings belong to the checkpoint. */
typedef struct mb_checkpoint_info {
    const char *path;
    mb_training_options options;
    mb_image_form form;             /* of the images */
    size_t classes;                 /* 2 .. 256 */
    const char *const *class_names; /* (classes); NULL: their numbers */
    const char *network;            /* spec */
    const char *blas;               /* OpenBLAS's version and kernel set, "0.3.21 SkylakeX" */
    const char *data;               /* folder of the dataset; NULL: it had none */
} mb_checkpoint_info;

/* Reads and checks `path`; *checkpoint is the caller's, for mb_checkpoint_close.
 * MB_ERROR_IO: missing or unreadable; MB_ERROR_FORMAT: not a checkpoint, one of another version, or
 * its checksum does not match; MB_ERROR_MEMORY. */
MB_API mb_status mb_checkpoint_open(const char *path, mb_checkpoint **checkpoint, mb_error *error);

/* Valid until the checkpoint is closed. */
MB_API const mb_checkpoint_info *mb_checkpoint_describe(const mb_checkpoint *checkpoint);

/* The value of the note with this key, valid until the checkpoint is closed; NULL if there is
 * none. */
MB_API const char *mb_checkpoint_note(mb_checkpoint *checkpoint, const char *key);

/* Compares digests of `dataset` with those of the run's data. MB_ERROR_FORMAT names the split that
 * differs. */
MB_API mb_status mb_checkpoint_check_data(const mb_checkpoint *checkpoint,
                                          const mb_dataset *dataset, mb_error *error);

/* MB_ERROR_UNAVAILABLE, with a text that names both, if the machine has another version of OpenBLAS
 * or another set of its kernels than the run's: it can be resumed, but the last bits of its result
 * may differ. */
MB_API mb_status mb_checkpoint_check_blas(const mb_checkpoint *checkpoint,
                                          const mb_machine *machine, mb_error *error);

/* Opens the checkpoint's network for images of this shape, with parameters of 0 and the names of
 * the classes; *network is the
 * caller's, for mb_network_close. Takes little more memory than the file has bytes, whatever its
 * spec says. MB_ERROR_FORMAT: the spec is not valid, or the file lacks its tensors;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_checkpoint_network(const mb_checkpoint *checkpoint, const mb_machine *machine,
                                       mb_shape input, size_t classes, mb_network **network,
                                       mb_error *error);

/* Puts the checkpoint's state into a trainer that was opened with the checkpoint's network, data
 * and options (epochs may be more): training continues after the last step that it holds.
 * MB_ERROR_FORMAT: tensors are missing, have another size, or have values that a run cannot have;
 * MB_ERROR_MEMORY. After a failure the trainer can only be closed. */
MB_API mb_status mb_trainer_restore(mb_trainer *trainer, const mb_checkpoint *checkpoint,
                                    mb_error *error);

/* Frees; NULL is fine. */
MB_API void mb_checkpoint_close(mb_checkpoint *checkpoint);

#ifdef __cplusplus
}
#endif
#endif

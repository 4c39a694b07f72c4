/* Resuming a run from a checkpoint. */
#ifndef MB_TOOLS_RESUME_H
#define MB_TOOLS_RESUME_H

#include "output.h"
#include "train_options.h"

#include <mnist_blas/checkpoint.h>

/* The arguments that a checkpoint holds besides training options, as notes. */
enum { MB_MAX_READING_NOTES = 12, MB_MAX_NOTES = 7 + MB_MAX_READING_NOTES };
typedef struct mb_run_notes {
    mb_note notes[MB_MAX_NOTES];
    char values[MB_MAX_READING_NOTES][MB_OPTION_TEXT_SIZE]; /* of some of them */
    size_t count;
} mb_run_notes;

/* Fills in the notes. Their values are the arguments', the notes' and `start`, the folder in which
 * the program was started (NULL: not known). */
void mb_resume_notes(const mb_train_arguments *arguments, const char *start, mb_run_notes *notes);

/* Parses the command line. With --resume, opens the checkpoint, whose options are the defaults;
 * *checkpoint is the caller's in any case, for mb_checkpoint_close, and so is *arguments, for
 * mb_train_arguments_free.
 * MB_ERROR_INVALID: bad usage, or options that conflict with the checkpoint's; else as
 * mb_checkpoint_open. */
mb_status mb_resume_parse(int argc, char **argv, mb_train_arguments *arguments,
                          mb_checkpoint **checkpoint, mb_error *error);

/* MB_ERROR_INVALID if `network`, opened as the arguments say, is not the checkpoint's. */
mb_status mb_resume_check_network(const mb_checkpoint *checkpoint, const mb_network *network,
                                  mb_error *error);

/* Prints what a larger number of epochs changes in the rest of the run. */
void mb_resume_print_changes(const mb_checkpoint *checkpoint, const mb_training_options *asked,
                             mb_output *output);

#endif

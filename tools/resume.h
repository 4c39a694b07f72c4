/* Going on from a checkpoint. */
#ifndef MB_TOOLS_RESUME_H
#define MB_TOOLS_RESUME_H

#include "train_options.h"

#include "train/checkpoint.h"

/* Reads the command line, and with --resume the checkpoint, whose options stand where none are
 * given; *checkpoint is the caller's in any case, for mb_checkpoint_close. MB_ERROR_INVALID: bad
 * usage, or options that would give another result than the checkpoint's run; else as
 * mb_checkpoint_open.
 */
mb_status mb_resume_parse(int argc, char **argv, mb_train_arguments *arguments,
                          mb_checkpoint *checkpoint, mb_error *error);

/* Whether `network`, opened as the arguments say, is the one of the checkpoint. MB_ERROR_INVALID.
 */
mb_status mb_resume_check_network(const mb_checkpoint *checkpoint, const mb_network *network,
                                  mb_error *error);

/* Says where more epochs than the checkpoint's change more than the end. */
void mb_resume_print_changes(const mb_checkpoint *checkpoint, const mb_training_options *asked);

/* Warns on stderr where another OpenBLAS, or another set of its kernels, goes on. */
void mb_resume_warn(const mb_checkpoint *checkpoint, const mb_machine *machine);

#endif

#include "resume.h"

#include "keeping.h"

#include <mnist_blas/options.h>

#include <stdio.h>
#include <string.h>

/* What the command line would have to say for the checkpoint's run. */
static mb_status arguments_of(mb_checkpoint *checkpoint, mb_train_arguments *base, mb_error *error)
{
    const char *out = mb_checkpoint_note(checkpoint, MB_NOTE_OUT);
    const char *every = mb_checkpoint_note(checkpoint, MB_NOTE_EVERY);
    if (out == NULL || *out == '\0' || every == NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: does not say where its run folder is",
                       checkpoint->path);
    *base = (mb_train_arguments){
        .data = checkpoint->data,
        .network = checkpoint->network,
        .out = out,
        .resume = checkpoint->path,
        .checkpoint_every = every,
        .synthetic = checkpoint->data == NULL,
        .epochs_extended = mb_checkpoint_note(checkpoint, MB_NOTE_EPOCHS_EXTENDED) != NULL,
        .no_report = mb_checkpoint_note(checkpoint, MB_NOTE_NO_REPORT) != NULL,
        .training = checkpoint->options};
    return MB_OK;
}

/* What more epochs change in the rest of a run: how its rate goes on, and which epochs are plain.
 */
static bool changes_rate(const mb_training_options *held, const mb_training_options *asked)
{
    return asked->epochs > held->epochs && asked->schedule != MB_SCHEDULE_CONSTANT;
}

static bool changes_plain(const mb_training_options *held, const mb_training_options *asked)
{
    return asked->epochs > held->epochs && asked->augmentation.kind != MB_AUGMENT_NONE &&
           asked->augmentation.plain_epochs > 0;
}

mb_status mb_resume_parse(int argc, char **argv, mb_train_arguments *arguments,
                          mb_checkpoint *checkpoint, mb_error *error)
{
    mb_train_arguments base = {0};
    *checkpoint = (mb_checkpoint){0};
    mb_status status = mb_train_arguments_parse(argc, argv, NULL, arguments, error);
    if (status != MB_OK || arguments->resume == NULL)
        return status;
    status = mb_checkpoint_open(arguments->resume, checkpoint, error);
    if (status == MB_OK)
        status = arguments_of(checkpoint, &base, error);
    if (status == MB_OK)
        status = mb_train_arguments_parse(argc, argv, &base, arguments, error);
    if (status != MB_OK)
        return status;
    const mb_training_options *held = &checkpoint->options, *asked = &arguments->training;
    if (changes_rate(held, asked) || changes_plain(held, asked))
        arguments->epochs_extended = true;
    return mb_training_options_compare(checkpoint->path, held, asked, error);
}

mb_status mb_resume_check_network(const mb_checkpoint *checkpoint, const mb_network *network,
                                  mb_error *error)
{
    const char *spec = mb_network_spec(network);
    if (strcmp(spec, checkpoint->network) == 0)
        return MB_OK;
    return mb_fail(error, MB_ERROR_INVALID,
                   "--network %s conflicts with %s, which was trained with %s", spec,
                   checkpoint->path, checkpoint->network);
}

void mb_resume_print_changes(const mb_checkpoint *checkpoint, const mb_training_options *asked)
{
    const mb_training_options *held = &checkpoint->options;
    if (changes_rate(held, asked))
        printf("schedule %s now ends with epoch %zu, not %zu: the rate goes on as in a run of that "
               "length\n",
               mb_schedule_name(asked->schedule), asked->epochs, held->epochs);
    if (changes_plain(held, asked))
        printf("augment  plain epochs are now the last of %zu, not of %zu\n", asked->epochs,
               held->epochs);
}

void mb_resume_warn(const mb_checkpoint *checkpoint, const mb_machine *machine)
{
    char blas[128];
    mb_checkpoint_blas(machine, blas, sizeof blas);
    if (strcmp(blas, checkpoint->blas) != 0)
        fprintf(stderr,
                "mnist_blas: warning: %s: the run began with OpenBLAS %s and goes on with %s: its "
                "last bits may differ\n",
                checkpoint->path, checkpoint->blas, blas);
}

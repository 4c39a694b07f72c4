#include "resume.h"

#include "data.h"
#include "run_folder.h"

#include <mnist_blas/options.h>

#include <stdlib.h>
#include <string.h>

/* Keys of the notes. Flags are there or not. */
#define NOTE_OUT "out"
#define NOTE_START "started-in"
#define NOTE_EVERY "checkpoint-every"
#define NOTE_NO_REPORT "no-report"
#define NOTE_GROUND "ground"
#define NOTE_STANDARDIZE "standardize"
#define NOTE_EPOCHS_EXTENDED "stretched"

static void add_note(mb_run_notes *notes, const char *key, const char *value)
{
    notes->notes[notes->count++] = (mb_note){key, value};
}

void mb_resume_notes(const mb_train_arguments *arguments, const char *start, mb_run_notes *notes)
{
    size_t values = 0;
    notes->count = 0;
    add_note(notes, NOTE_OUT, arguments->out);
    add_note(notes, NOTE_EVERY, arguments->checkpoint_every);
    if (start != NULL)
        add_note(notes, NOTE_START, start);
    if (arguments->ground > 0)
        add_note(notes, NOTE_GROUND, mb_ground_choices.values[arguments->ground].name);
    if (arguments->standardize != MB_STANDARDIZE_AUTO)
        add_note(notes, NOTE_STANDARDIZE,
                 mb_standardize_choices.values[arguments->standardize].name);
    if (arguments->no_report)
        add_note(notes, NOTE_NO_REPORT, "on");
    if (arguments->epochs_extended)
        add_note(notes, NOTE_EPOCHS_EXTENDED, "on");
    for (const mb_option *option = mb_data_option_table; option->name != NULL; option++)
        if (option->kind != MB_OPTION_TEXT &&
            !mb_data_option_is_default(option, &arguments->reading))
            add_note(notes, option->name,
                     mb_option_format(option, &arguments->reading, notes->values[values++],
                                      MB_OPTION_TEXT_SIZE));
}

/* The run folder: that in which the checkpoint is, under its name; else as the checkpoint says. The
 * caller frees it. */
static char *out_of(const char *path, const char *start, const char *out)
{
    static const char name[] = "checkpoint";
    const char *slash = strrchr(path, '/');
    if (strcmp(slash != NULL ? slash + 1 : path, name) == 0)
        return mb_folder_of(path);
    return mb_path_from(start, out);
}

/* The command line of the checkpoint's run. Paths were relative to where it was started. */
static mb_status arguments_of(mb_checkpoint *checkpoint, mb_train_arguments *base, mb_error *error)
{
    const mb_checkpoint_info *info = mb_checkpoint_describe(checkpoint);
    const char *recorded = mb_checkpoint_note(checkpoint, NOTE_OUT);
    const char *every = mb_checkpoint_note(checkpoint, NOTE_EVERY);
    const char *start = mb_checkpoint_note(checkpoint, NOTE_START);
    if (recorded == NULL || *recorded == '\0' || every == NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: does not say where its run folder is",
                       info->path);
    char *out = out_of(info->path, start, recorded), *folder = mb_folder_of(info->path);
    char *data = info->data != NULL ? mb_path_from(start, info->data) : NULL;
    const bool complete = out != NULL && folder != NULL && (data != NULL || info->data == NULL);
    *base = (mb_train_arguments){
        .data = data,
        .network = info->network,
        /* A file does not choose where others are written: the run folder is that in which it is.
         */
        .out = complete && mb_is_same_file(folder, out) ? out : NULL,
        .resume = info->path,
        .resumed_out = out,
        .owned = {out, data},
        .checkpoint_every = every,
        .synthetic = info->data == NULL,
        .epochs_extended = mb_checkpoint_note(checkpoint, NOTE_EPOCHS_EXTENDED) != NULL,
        .no_report = mb_checkpoint_note(checkpoint, NOTE_NO_REPORT) != NULL,
        /* that of the command that repeats the run */
        .ground = mb_checkpoint_note(checkpoint, NOTE_GROUND) != NULL ? 1 + info->form.ground : 0,
        .standardize = mb_checkpoint_note(checkpoint, NOTE_STANDARDIZE) == NULL
                           ? MB_STANDARDIZE_AUTO
                       : mb_form_is_standardized(&info->form) ? MB_STANDARDIZE_ON
                                                              : MB_STANDARDIZE_OFF,
        .training = info->options};
    free(folder);
    return complete ? MB_OK : mb_fail_memory(error, info->path, strlen(recorded));
}

/* The options of reading that the checkpoint's run had, and its classes. */
static mb_status read_reading(mb_checkpoint *checkpoint, mb_data_options *reading, mb_error *error)
{
    const mb_checkpoint_info *info = mb_checkpoint_describe(checkpoint);
    mb_error why;
    *reading = mb_data_defaults();
    reading->expected_classes = info->classes;
    reading->expected_names = info->class_names;
    for (const mb_option *option = mb_data_option_table; option->name != NULL; option++) {
        const char *value = mb_checkpoint_note(checkpoint, option->name);
        if (value != NULL && option->kind != MB_OPTION_TEXT &&
            mb_option_parse(option, reading, value, &why) != MB_OK)
            return mb_fail(error, MB_ERROR_FORMAT, "%s: %s", info->path, why.text);
    }
    return MB_OK;
}

/* Two things that more epochs change in the rest of a run: the learning rates, and which epochs are
 * without augmentation. */
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
                          mb_checkpoint **checkpoint, mb_error *error)
{
    mb_train_arguments base = {0};
    *checkpoint = NULL;
    mb_status status = mb_train_arguments_parse(argc, argv, NULL, arguments, error);
    if (status != MB_OK || arguments->resume == NULL)
        return status;
    status = mb_checkpoint_open(arguments->resume, checkpoint, error);
    if (status == MB_OK)
        status = arguments_of(*checkpoint, &base, error);
    if (status == MB_OK)
        status = read_reading(*checkpoint, &base.reading, error);
    *arguments = base;
    if (status == MB_OK)
        status = mb_train_arguments_parse(argc, argv, &base, arguments, error);
    if (status == MB_OK && arguments->out == NULL)
        status = mb_fail(error, MB_ERROR_INVALID,
                         "%s: is not in the folder of its run, %s: give --out DIR",
                         arguments->resume, arguments->resumed_out);
    if (status != MB_OK)
        return status;
    const mb_checkpoint_info *info = mb_checkpoint_describe(*checkpoint);
    const mb_training_options *held = &info->options, *asked = &arguments->training;
    if (changes_rate(held, asked) || changes_plain(held, asked))
        arguments->epochs_extended = true;
    if (mb_data_form(info->form, arguments->ground).ground != info->form.ground)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--ground %s conflicts with %s, which was trained with %s",
                       mb_ground_choices.values[arguments->ground].name, info->path,
                       mb_ground_names.values[info->form.ground].name);
    if (arguments->standardize != MB_STANDARDIZE_AUTO &&
        (arguments->standardize == MB_STANDARDIZE_ON) != mb_form_is_standardized(&info->form))
        return mb_fail(error, MB_ERROR_INVALID,
                       "--standardize %s conflicts with %s, whose images are %sstandardized",
                       mb_standardize_choices.values[arguments->standardize].name, info->path,
                       mb_form_is_standardized(&info->form) ? "" : "not ");
    return mb_training_options_compare(info->path, held, asked, error);
}

mb_status mb_resume_check_network(const mb_checkpoint *checkpoint, const mb_network *network,
                                  mb_error *error)
{
    const mb_checkpoint_info *info = mb_checkpoint_describe(checkpoint);
    const char *spec = mb_network_spec(network);
    if (strcmp(spec, info->network) == 0)
        return MB_OK;
    return mb_fail(error, MB_ERROR_INVALID,
                   "--network %s conflicts with %s, which was trained with %s", spec, info->path,
                   info->network);
}

void mb_resume_print_changes(const mb_checkpoint *checkpoint, const mb_training_options *asked,
                             mb_output *output)
{
    const mb_training_options *held = &mb_checkpoint_describe(checkpoint)->options;
    if (changes_rate(held, asked))
        mb_output_print(output, "schedule %s now spans %zu epochs, not %zu\n",
                        mb_schedule_name(asked->schedule), asked->epochs, held->epochs);
    if (changes_plain(held, asked))
        mb_output_print(output, "augment  plain epochs are now the last of %zu, not of %zu\n",
                        asked->epochs, held->epochs);
}

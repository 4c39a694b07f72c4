#include "train_options.h"
#include "data.h"

#include <stdlib.h>
#include <string.h>

#define DATA "Data and model:"
#define CHECKPOINTS "Checkpoints:"
#define OTHER "Other:"
#define AT(member) offsetof(mb_train_arguments, member)

const mb_option mb_train_model_options[] = {
    MB_OPTION_DATA(DATA, AT(data), "the images"),
    MB_OPTION_GROUND(DATA, AT(ground), "background of the images (auto: measured)"),
    {"standardize", NULL, DATA, AT(standardize),
     "subtract the mean of each channel over the training images, and divide by the standard "
     "deviation",
     MB_KIND_ENUM(mb_standardize_choices)},
    {"network", NULL, DATA, AT(network),
     "layers: mlp (784-128-64-10 with ReLU), lenet5, lenet5-valid (without padding), cnn, best, "
     "cifar (for small pictures in color), or a list such as dense:300,relu,dense:10",
     MB_KIND_TEXT("SPEC")},
    {0},
};

static const mb_option run_options[] = {
    {"checkpoint-every", NULL, CHECKPOINTS, AT(checkpoint_every),
     "write a checkpoint every N steps, every epoch, or both: 500,epoch", MB_KIND_TEXT("WHEN"),
     .complete = "epoch never", .resume = MB_RESUME_FREE},
    {"resume", NULL, CHECKPOINTS, AT(resume),
     "resume from a checkpoint, with its options; only more epochs may be given",
     MB_KIND_TEXT("FILE"), .unset = "none", .complete = "checkpoint"},
    {"lr-find", NULL, OTHER, AT(lr_find),
     "instead of training, test learning rates from 1e-6 to 10, one step each: print which to "
     "take, and draw the loss into lr_find.png in the run folder",
     MB_KIND_FLAG},
    MB_OPTION_THREADS(OTHER, AT(threads)),
    {"out", NULL, OTHER, AT(out), "run folder, created if missing", MB_KIND_TEXT("DIR"),
     .min_size = 1, .resume = MB_RESUME_FREE},
    {"tensorboard", NULL, OTHER, AT(tensorboard),
     "folder for a TensorBoard event file; a second run gets the sub-folder run-2",
     MB_KIND_TEXT("DIR"), .min_size = 1, .unset = "none", .resume = MB_RESUME_FREE},
    {"no-report", NULL, OTHER, AT(no_report), "write no pictures, report.html and try.html", MB_KIND_FLAG,
     .resume = MB_RESUME_FREE},
    {"quiet", NULL, OTHER, AT(quiet), "print only the final line", MB_KIND_FLAG,
     .resume = MB_RESUME_FREE},
    {0},
};

void mb_train_set_defaults(void *arguments)
{
    *(mb_train_arguments *)arguments =
        (mb_train_arguments){.network = "mlp",
                             .out = "mnist_blas_out",
                             .checkpoint_every = "never",
                             .reading = mb_data_defaults(),
                             .training = mb_training_defaults(MB_OPTIMIZER_ADAMW)};
}

/* never, epoch, a number of steps, or the last two with a comma. */
static mb_status read_checkpoint_every(mb_train_arguments *arguments, mb_error *error)
{
    static const mb_option steps = {"checkpoint-every", .offset = AT(checkpoint_steps),
                                    MB_KIND_SIZE(1, SIZE_MAX)};
    const char *text = arguments->checkpoint_every;
    char word[MB_OPTION_TEXT_SIZE];
    bool good = true;
    arguments->checkpoint_steps = 0;
    arguments->checkpoint_epochs = false;
    for (const char *next = strcmp(text, "never") != 0 ? text : NULL; good && next != NULL;) {
        const size_t length = strcspn(next, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, next);
        if (strcmp(word, "epoch") == 0) {
            good = !arguments->checkpoint_epochs;
            arguments->checkpoint_epochs = true;
        } else
            good = arguments->checkpoint_steps == 0 &&
                   mb_option_parse(&steps, arguments, word, NULL) == MB_OK;
        next = next[length] == ',' ? next + length + 1 : NULL;
    }
    if (good)
        return MB_OK;
    return mb_fail(error, MB_ERROR_INVALID,
                   "--checkpoint-every: must be never, N, epoch or N,epoch, got '%s'", text);
}

/* Gives the training options that were not given the defaults of the optimizer that was chosen. A
 * run with patience may end before the schedule onecycle decays. */
static void apply_optimizer_defaults(const mb_option *const *given, mb_training_options *training)
{
    const mb_training_options defaults = mb_training_defaults(training->optimizer);
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
        size_t g = 0;
        while (given[g] != NULL && given[g] != option)
            g++;
        if (given[g] != NULL)
            continue;
        mb_option_copy(option, &defaults, training);
        if (training->patience > 0 && option->names == &mb_schedule_names)
            training->schedule = MB_SCHEDULE_PLATEAU;
    }
}

mb_status mb_train_arguments_parse(int argc, char **argv, const mb_train_arguments *base,
                                   mb_train_arguments *arguments, mb_error *error)
{
    mb_parsed parsed = {.operands = NULL};
    const char *data = base != NULL ? base->data : NULL;
    if (base != NULL)
        *arguments = *base;
    else
        mb_train_set_defaults(arguments);
    const mb_status status =
        mb_parse_arguments(&mb_command_train, argc, argv, arguments, &parsed, error);
    if (status != MB_OK)
        return status;
    /* The first of two passes does not know the checkpoint's options. */
    if ((base != NULL || arguments->resume == NULL) &&
        mb_check_given(&mb_command_train, arguments, &parsed, error) != MB_OK)
        return error->status;
    if (base == NULL)
        apply_optimizer_defaults(parsed.given, &arguments->training);
    if (arguments->data != data)
        arguments->synthetic = false;
    arguments->reading.seed = arguments->training.seed;
    if (arguments->lr_find && arguments->resume != NULL)
        return mb_fail(
            error, MB_ERROR_INVALID,
            "--lr-find: tests a new network, not that of --resume; leave one of them out");
    if (arguments->lr_find && arguments->tensorboard != NULL)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--tensorboard: --lr-find trains no epoch to record; leave one of them out");
    if (read_checkpoint_every(arguments, error) != MB_OK)
        return error->status;
    if (arguments->lr_find && (arguments->checkpoint_steps > 0 || arguments->checkpoint_epochs))
        return mb_fail(
            error, MB_ERROR_INVALID,
            "--checkpoint-every: --lr-find trains nothing to keep; leave one of them out");
    return MB_OK;
}

const mb_command mb_command_train = {
    .name = "train",
    .runs_over_ranks = true,
    .brief = "train a classifier (the default)",
    .about =
        "Trains a classifier of small images, evaluates it on the test set after each epoch, "
        "and writes a run folder: the model, a summary of the run, and a report with pictures.",
    .lists_layers = true,
    .examples =
        "Examples:\n"
        "  mnist_blas\n"
        "  mnist_blas --network dense:512,relu,dense:10 --batch-size 256\n"
        "  mnist_blas --optimizer sgd --nesterov --epochs 10 --out sgd_run\n"
        "  mnist_blas --checkpoint-every 500,epoch\n"
        "  mnist_blas --network lenet5 --lr-find\n"
        "  mnist_blas --resume mnist_blas_out/checkpoint --epochs 6\n"
        "\nThe manual page, mnist_blas(1), describes data, files and environment variables.",
    .groups = {{mb_train_model_options, 0},
               {mb_data_option_table, AT(reading)},
               {mb_training_option_table, AT(training)},
               {run_options, 0}},
    .size = sizeof(mb_train_arguments),
    .set_defaults = mb_train_set_defaults,
    .main = mb_train_main,
    .commands = mb_commands,
};

void mb_train_arguments_free(mb_train_arguments *arguments)
{
    for (size_t i = 0; i < sizeof arguments->owned / sizeof *arguments->owned; i++)
        free(arguments->owned[i]);
}

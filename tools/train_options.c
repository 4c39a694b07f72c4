#include "train_options.h"

#include "train_defaults.h"

#include <mnist_blas/options.h>

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What learns from what:", 1},
    {"data", KEY_DATA, "DIR", 0, "folder with the four IDX files", 1},
    {"network", KEY_NETWORK, "SPEC", 0,
     "mlp (784-128-64-10 with ReLU), lenet5, cnn, best, or layers such as dense:300,relu,dense:10",
     1},
    {"validation", KEY_VALIDATION, "N", 0, "hold the last N training images out and report on them",
     1},
    {"patience", KEY_PATIENCE, "N", 0,
     "end after N epochs without a better validation accuracy, and keep the best one's model (0: "
     "take all epochs, keep the last)",
     1},
    {0, 0, 0, 0, "How:", 2},
    {"epochs", KEY_EPOCHS, "N", 0, "times through the training images", 2},
    {"batch-size", KEY_BATCH_SIZE, "N", 0, "samples of a step", 2},
    {"optimizer", KEY_OPTIMIZER, "NAME", 0, "sgd, adam or adamw", 2},
    {"lr", KEY_LR, "RATE", 0, "learning rate, the peak of the schedule", 2},
    {"schedule", KEY_SCHEDULE, "NAME", 0, "constant, cosine or onecycle", 2},
    {"weight-decay", KEY_WEIGHT_DECAY, "RATE", 0, "decoupled for adamw, else L2; never on biases",
     2},
    {"seed", KEY_SEED, "N", 0, "of the first weights, of shuffling and of augmentation", 2},
    {"label-smoothing", KEY_LABEL_SMOOTHING, "SHARE", 0,
     "how much of each label is spread over all classes", 2},
    {"ema", KEY_EMA, "DECAY", 0,
     "evaluate and keep a running average of the weights, of this decay a step (0: none)", 2},
    {0, 0, 0, 0, "What one optimizer has, or two:", 3},
    {"momentum", KEY_MOMENTUM, "SHARE", 0, "of sgd: how much of the last step stays", 3},
    {"nesterov", KEY_NESTEROV, 0, 0, "use Nesterov's momentum with sgd", 3},
    {"beta1", KEY_BETA1, "SHARE", 0, "of adam and adamw: how much of the mean gradient stays", 3},
    {"beta2", KEY_BETA2, "SHARE", 0, "of adam and adamw: how much of the mean square stays", 3},
    {0, 0, 0, 0, "Training images varied, anew in each epoch:", 4},
    {"augment", KEY_AUGMENT, "NAME", 0,
     "off, affine (slanted, stretched, turned, moved) or elastic (and pulled about)", 4},
    {"rotate", KEY_ROTATE, "DEGREES", 0, "turned by up to this, either way", 4},
    {"scale", KEY_SCALE, "SHARE", 0, "width and height, each larger or smaller by up to this", 4},
    {"shear", KEY_SHEAR, "SHARE", 0, "slanted by up to this of the height, either way", 4},
    {"shift", KEY_SHIFT, "PIXELS", 0, "moved by up to this, across and down", 4},
    {"elastic-alpha", KEY_ELASTIC_ALPHA, "PIXELS", 0, "of elastic: how far pixels are pulled", 4},
    {"elastic-sigma", KEY_ELASTIC_SIGMA, "PIXELS", 0,
     "of elastic: how far around a pixel others follow", 4},
    {"plain-epochs", KEY_PLAIN_EPOCHS, "N", 0, "the last N epochs see the images as they are", 4},
    {0, 0, 0, 0, "Stopping and going on:", 5},
    {"checkpoint-every", KEY_CHECKPOINT_EVERY, "WHEN", 0,
     "write a checkpoint every so many steps, each epoch, or both: 500,epoch", 5},
    {"resume", KEY_RESUME, "FILE", 0,
     "go on from a checkpoint, with its options; only more epochs may be given", 5},
    {0, 0, 0, 0, "The rest:", 6},
    {"threads", KEY_THREADS, "N", 0, "threads of the team", 6},
    {"out", KEY_OUT, "DIR", 0, "run folder, made if it is not there", 6},
    {"tensorboard", KEY_TENSORBOARD, "DIR", 0, "folder for an event file for TensorBoard", 6},
    {"no-report", KEY_NO_REPORT, 0, 0, "leave pictures and report.html out", 6},
    {"quiet", KEY_QUIET, 0, 0, "print the final line only", 6},
    {0}};

/* What has been read so far; NaN stands for an option not given, whose default hangs on the
 * optimizer. */
typedef struct reading {
    mb_train_arguments *arguments;
    mb_error *error;
    double lr, momentum, beta1, beta2, weight_decay, label_smoothing;
    mb_training_options given;
    const mb_training_options *base; /* NULL: the optimizer's defaults */
} reading;

static mb_status read_augmentation(int key, const char *text, reading *r)
{
    mb_augmentation *augmentation = &r->given.augmentation;
    const char *name;
    if (key == KEY_AUGMENT)
        return mb_parse_augmentation("--augment", text, &augmentation->kind, r->error);
    if (key == KEY_PLAIN_EPOCHS)
        return mb_parse_size("--plain-epochs", text, 0, MB_MAX_EPOCHS, &augmentation->plain_epochs,
                             r->error);
    double *strength = mb_train_strength(key, augmentation, &name);
    return mb_parse_real_option(name, text, strength, r->error);
}

/* The options that are parts of mb_training_options. */
static mb_status read_training(int key, const char *text, reading *r)
{
    mb_training_options *given = &r->given;
    mb_error *error = r->error;
    size_t seed = 0;
    mb_status status = MB_OK;
    if (key >= KEY_AUGMENT && key <= KEY_PLAIN_EPOCHS)
        return read_augmentation(key, text, r);
    switch (key) {
    case KEY_EPOCHS:
        return mb_parse_size("--epochs", text, 1, MB_MAX_EPOCHS, &given->epochs, error);
    case KEY_BATCH_SIZE:
        return mb_parse_size("--batch-size", text, 1, UINT32_MAX, &given->batch_size, error);
    case KEY_VALIDATION:
        return mb_parse_size("--validation", text, 0, UINT32_MAX, &given->validation, error);
    case KEY_PATIENCE:
        return mb_parse_size("--patience", text, 0, MB_MAX_EPOCHS, &given->patience, error);
    case KEY_SEED:
        status = mb_parse_size("--seed", text, 0, INT64_MAX, &seed, error);
        given->seed = seed;
        return status;
    case KEY_OPTIMIZER:
        return mb_parse_optimizer("--optimizer", text, &given->optimizer, error);
    case KEY_SCHEDULE:
        return mb_parse_schedule("--schedule", text, &given->schedule, error);
    case KEY_LABEL_SMOOTHING:
        return mb_parse_real_option("--label-smoothing", text, &r->label_smoothing, error);
    case KEY_EMA:
        return mb_parse_real_option("--ema", text, &given->ema, error);
    case KEY_LR:
        return mb_parse_real_option("--lr", text, &r->lr, error);
    case KEY_MOMENTUM:
        return mb_parse_real_option("--momentum", text, &r->momentum, error);
    case KEY_BETA1:
        return mb_parse_real_option("--beta1", text, &r->beta1, error);
    case KEY_BETA2:
        return mb_parse_real_option("--beta2", text, &r->beta2, error);
    default:
        return mb_parse_real_option("--weight-decay", text, &r->weight_decay, error);
    }
}

/* The defaults of the optimizer that was chosen, or the base, and over them what was given. */
static void settle(const reading *r)
{
    mb_training_options *training = &r->arguments->training;
    const mb_training_options defaults =
        r->base != NULL ? *r->base : mb_training_defaults(r->given.optimizer);
    *training = r->given;
    training->lr = isnan(r->lr) ? defaults.lr : r->lr;
    training->momentum = isnan(r->momentum) ? defaults.momentum : r->momentum;
    training->beta1 = isnan(r->beta1) ? defaults.beta1 : r->beta1;
    training->beta2 = isnan(r->beta2) ? defaults.beta2 : r->beta2;
    training->weight_decay = isnan(r->weight_decay) ? defaults.weight_decay : r->weight_decay;
    training->label_smoothing =
        isnan(r->label_smoothing) ? defaults.label_smoothing : r->label_smoothing;
}

/* never, epoch, a number of steps, or two of the latter with a comma. */
static mb_status read_checkpoint_every(const char *text, mb_train_arguments *arguments,
                                       mb_error *error)
{
    char word[64];
    bool steps = false, epochs = false, sound = true;
    arguments->checkpoint_every = text;
    arguments->checkpoint_steps = 0;
    arguments->checkpoint_epochs = false;
    if (strcmp(text, "never") == 0)
        return MB_OK;
    for (const char *next = text; sound && next != NULL;) {
        const size_t length = strcspn(next, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, next);
        if (strcmp(word, "epoch") == 0) {
            sound = !epochs;
            epochs = arguments->checkpoint_epochs = true;
        } else {
            sound =
                !steps && length < sizeof word &&
                mb_parse_size("", word, 1, SIZE_MAX, &arguments->checkpoint_steps, NULL) == MB_OK;
            steps = true;
        }
        next = next[length] == ',' ? next + length + 1 : NULL;
    }
    return sound
               ? MB_OK
               : mb_fail(error, MB_ERROR_INVALID,
                         "--checkpoint-every: '%s' is not never, a number of steps, epoch, or the "
                         "two with a comma",
                         text);
}

/* Options that are names of files and folders. */
static mb_status read_name(int key, const char *text, mb_train_arguments *arguments,
                           mb_error *error)
{
    switch (key) {
    case KEY_DATA:
        arguments->data = text;
        arguments->synthetic = false;
        break;
    case KEY_NETWORK:
        arguments->network = text;
        break;
    case KEY_RESUME:
        arguments->resume = text;
        break;
    default:
        arguments->out = text;
        if (*text == '\0')
            return mb_fail(error, MB_ERROR_INVALID, "--out: '' is not a folder");
    }
    return MB_OK;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    reading *r = state->input;
    mb_train_arguments *arguments = r->arguments;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_DATA:
    case KEY_NETWORK:
    case KEY_RESUME:
    case KEY_OUT:
        status = read_name(key, text, arguments, r->error);
        break;
    case KEY_CHECKPOINT_EVERY:
        status = read_checkpoint_every(text, arguments, r->error);
        break;
    case KEY_TENSORBOARD:
        arguments->tensorboard = text;
        if (*text == '\0')
            status = mb_fail(r->error, MB_ERROR_INVALID, "--tensorboard: '' is not a folder");
        break;
    case KEY_NO_REPORT:
        arguments->no_report = true;
        break;
    case KEY_QUIET:
        arguments->quiet = true;
        break;
    case KEY_NESTEROV:
        r->given.nesterov = true;
        break;
    case KEY_THREADS:
        status = mb_parse_size("--threads", text, 1, MB_MAX_THREADS, &arguments->threads, r->error);
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(r->error, MB_ERROR_INVALID, "%s: train takes options only", text);
        break;
    case ARGP_KEY_END:
        settle(r);
        break;
    default:
        if (key < KEY_DATA || key > KEY_QUIET)
            return ARGP_ERR_UNKNOWN;
        status = read_training(key, text, r);
    }
    return status == MB_OK ? 0 : EINVAL;
}

static char *with_default(int key, const char *text, void *input)
{
    const reading *r = input;
    return mb_train_default(key, text, r->arguments, &r->given);
}

mb_status mb_train_arguments_parse(int argc, char **argv, const mb_train_arguments *base,
                                   mb_train_arguments *arguments, mb_error *error)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .help_filter = with_default,
        .doc =
            "Trains a classifier of small images, evaluates it on the test set after each epoch, "
            "and writes a run folder: the model, what the run was, and a report with pictures.\n"
            "\nCommands, each with its own --help:\n"
            "  mnist_blas [train]                 this one\n"
            "  mnist_blas evaluate MODEL          how well a saved model classifies\n"
            "  mnist_blas predict MODEL IMAGE...  what a saved model sees in images\n"
            "  mnist_blas export MODEL            a saved model as ONNX\n"
            "  mnist_blas tune                    the best threads and pins on this machine\n"
            "  mnist_blas info                    machine, threads and BLAS as used"
            "\vExamples:\n"
            "  mnist_blas\n"
            "  mnist_blas --network dense:512,relu,dense:512,relu,dense:10 --batch-size 256\n"
            "  mnist_blas --optimizer sgd --nesterov --epochs 10 --out sgd_run\n"
            "  mnist_blas --checkpoint-every 500,epoch\n"
            "  mnist_blas --resume mnist_blas_out/checkpoint --epochs 6\n"
            "\nThe manual page, mnist_blas(1), has data, files and environment variables."};
    *error = (mb_error){0};
    *arguments = base != NULL
                     ? *base
                     : (mb_train_arguments){.network = "mlp",
                                            .out = "mnist_blas_out",
                                            .checkpoint_every = "never",
                                            .training = mb_training_defaults(MB_OPTIMIZER_ADAMW)};
    reading r = {.arguments = arguments,
                 .error = error,
                 .lr = NAN,
                 .momentum = NAN,
                 .beta1 = NAN,
                 .beta2 = NAN,
                 .weight_decay = NAN,
                 .label_smoothing = NAN,
                 .given = arguments->training,
                 .base = base != NULL ? &base->training : NULL};
    if (base != NULL && read_checkpoint_every(base->checkpoint_every, arguments, error) != MB_OK)
        return error->status;
    return mb_parse_arguments(&argp, argc, argv, &r, error);
}

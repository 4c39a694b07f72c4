#include "train_options.h"

#include "report/summary.h"
#include "train/options.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    KEY_DATA = 256,
    KEY_NETWORK,
    KEY_EPOCHS,
    KEY_BATCH_SIZE,
    KEY_OPTIMIZER,
    KEY_LR,
    KEY_MOMENTUM,
    KEY_NESTEROV,
    KEY_BETA1,
    KEY_BETA2,
    KEY_WEIGHT_DECAY,
    KEY_SCHEDULE,
    KEY_LABEL_SMOOTHING,
    KEY_EMA,
    KEY_VALIDATION,
    KEY_SEED,
    KEY_AUGMENT,
    KEY_ROTATE,
    KEY_SCALE,
    KEY_SHEAR,
    KEY_SHIFT,
    KEY_ELASTIC_ALPHA,
    KEY_ELASTIC_SIGMA,
    KEY_THREADS,
    KEY_OUT,
    KEY_TENSORBOARD,
    KEY_NO_REPORT,
    KEY_QUIET,
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What learns from what:", 1},
    {"data", KEY_DATA, "DIR", 0, "folder with the four IDX files", 1},
    {"network", KEY_NETWORK, "SPEC", 0,
     "mlp (784-128-64-10 with ReLU) or layers such as dense:300,relu,dense:10", 1},
    {"validation", KEY_VALIDATION, "N", 0, "hold the last N training images out and report on them",
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
    {0, 0, 0, 0, "The rest:", 5},
    {"threads", KEY_THREADS, "N", 0, "threads of the team", 5},
    {"out", KEY_OUT, "DIR", 0, "run folder, made if it is not there", 5},
    {"tensorboard", KEY_TENSORBOARD, "DIR", 0, "folder for an event file for TensorBoard", 5},
    {"no-report", KEY_NO_REPORT, 0, 0, "leave pictures and report.html out", 5},
    {"quiet", KEY_QUIET, 0, 0, "print the final line only", 5},
    {0}};

/* What has been read so far; NaN stands for an option not given, whose default hangs on the
 * optimizer. */
typedef struct reading {
    mb_train_arguments *arguments;
    mb_error *error;
    double lr, momentum, beta1, beta2, weight_decay, label_smoothing;
    mb_training_options given;
} reading;

/* The strength that an option of augmentation sets; its name. */
static double *strength_of(int key, mb_augmentation *augmentation, const char **name)
{
    switch (key) {
    case KEY_ROTATE:
        *name = "--rotate";
        return &augmentation->rotate;
    case KEY_SCALE:
        *name = "--scale";
        return &augmentation->scale;
    case KEY_SHEAR:
        *name = "--shear";
        return &augmentation->shear;
    case KEY_SHIFT:
        *name = "--shift";
        return &augmentation->shift;
    case KEY_ELASTIC_ALPHA:
        *name = "--elastic-alpha";
        return &augmentation->elastic_alpha;
    default:
        *name = "--elastic-sigma";
        return &augmentation->elastic_sigma;
    }
}

static mb_status read_augmentation(int key, const char *text, reading *r)
{
    mb_augmentation *augmentation = &r->given.augmentation;
    const char *name;
    if (key == KEY_AUGMENT)
        return mb_parse_augmentation("--augment", text, &augmentation->kind, r->error);
    double *strength = strength_of(key, augmentation, &name);
    return mb_parse_real(name, text, strength, r->error);
}

/* The options that are parts of mb_training_options. */
static mb_status read_training(int key, const char *text, reading *r)
{
    mb_training_options *given = &r->given;
    mb_error *error = r->error;
    size_t seed = 0;
    mb_status status = MB_OK;
    if (key >= KEY_AUGMENT && key <= KEY_ELASTIC_SIGMA)
        return read_augmentation(key, text, r);
    switch (key) {
    case KEY_EPOCHS:
        return mb_parse_count("--epochs", text, 1, MB_MAX_EPOCHS, &given->epochs, error);
    case KEY_BATCH_SIZE:
        return mb_parse_count("--batch-size", text, 1, UINT32_MAX, &given->batch_size, error);
    case KEY_VALIDATION:
        return mb_parse_count("--validation", text, 0, UINT32_MAX, &given->validation, error);
    case KEY_SEED:
        status = mb_parse_count("--seed", text, 0, INT64_MAX, &seed, error);
        given->seed = seed;
        return status;
    case KEY_OPTIMIZER:
        return mb_parse_optimizer("--optimizer", text, &given->optimizer, error);
    case KEY_SCHEDULE:
        return mb_parse_schedule("--schedule", text, &given->schedule, error);
    case KEY_LABEL_SMOOTHING:
        return mb_parse_real("--label-smoothing", text, &r->label_smoothing, error);
    case KEY_EMA:
        return mb_parse_real("--ema", text, &given->ema, error);
    case KEY_LR:
        return mb_parse_real("--lr", text, &r->lr, error);
    case KEY_MOMENTUM:
        return mb_parse_real("--momentum", text, &r->momentum, error);
    case KEY_BETA1:
        return mb_parse_real("--beta1", text, &r->beta1, error);
    case KEY_BETA2:
        return mb_parse_real("--beta2", text, &r->beta2, error);
    default:
        return mb_parse_real("--weight-decay", text, &r->weight_decay, error);
    }
}

/* The defaults of the optimizer that was chosen, and over them what was given. */
static void settle(const reading *r)
{
    mb_training_options *training = &r->arguments->training;
    const mb_training_options defaults = mb_training_defaults(r->given.optimizer);
    *training = r->given;
    training->lr = isnan(r->lr) ? defaults.lr : r->lr;
    training->momentum = isnan(r->momentum) ? defaults.momentum : r->momentum;
    training->beta1 = isnan(r->beta1) ? defaults.beta1 : r->beta1;
    training->beta2 = isnan(r->beta2) ? defaults.beta2 : r->beta2;
    training->weight_decay = isnan(r->weight_decay) ? defaults.weight_decay : r->weight_decay;
    training->label_smoothing =
        isnan(r->label_smoothing) ? defaults.label_smoothing : r->label_smoothing;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    reading *r = state->input;
    mb_train_arguments *arguments = r->arguments;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_DATA:
        arguments->data = text;
        break;
    case KEY_NETWORK:
        arguments->network = text;
        break;
    case KEY_OUT:
        arguments->out = text;
        if (*text == '\0')
            status = mb_fail(r->error, MB_INVALID, "--out: '' is not a folder");
        break;
    case KEY_TENSORBOARD:
        arguments->tensorboard = text;
        if (*text == '\0')
            status = mb_fail(r->error, MB_INVALID, "--tensorboard: '' is not a folder");
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
        status =
            mb_parse_count("--threads", text, 1, MB_MOST_THREADS, &arguments->threads, r->error);
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(r->error, MB_INVALID, "%s: train takes options only", text);
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

/* Of the options whose default hangs on the optimizer. */
static char *with_defaults_of_each(int key, const char *text)
{
    const mb_training_options sgd = mb_training_defaults(MB_SGD),
                              adam = mb_training_defaults(MB_ADAM),
                              adamw = mb_training_defaults(MB_ADAMW);
    static const char all[] = "sgd %g, adam %g, adamw %g", adams[] = "adam %g, adamw %g";
    switch (key) {
    case KEY_LR:
        return mb_help_default(text, all, sgd.lr, adam.lr, adamw.lr);
    case KEY_WEIGHT_DECAY:
        return mb_help_default(text, all, sgd.weight_decay, adam.weight_decay, adamw.weight_decay);
    case KEY_LABEL_SMOOTHING:
        return mb_help_default(text, all, sgd.label_smoothing, adam.label_smoothing,
                               adamw.label_smoothing);
    case KEY_MOMENTUM:
        return mb_help_default(text, "%g", sgd.momentum);
    case KEY_BETA1:
        return mb_help_default(text, adams, adam.beta1, adamw.beta1);
    default:
        return mb_help_default(text, adams, adam.beta2, adamw.beta2);
    }
}

static char *with_default_strength(int key, const char *text, mb_augmentation augmentation)
{
    const char *name;
    return mb_help_default(text, "%g", *strength_of(key, &augmentation, &name));
}

/* The option's text with its default after it, taken from where the program takes it. */
static char *with_default(int key, const char *text, void *input)
{
    const reading *r = input;
    switch (key) {
    case KEY_DATA:
        return mb_help_default_data(text);
    case KEY_THREADS:
        return mb_help_default_threads(text);
    case KEY_NETWORK:
        return mb_help_default(text, "%s", r->arguments->network);
    case KEY_TENSORBOARD:
        return mb_help_default(text, "none");
    case KEY_OUT:
        return mb_help_default(text, "%s", r->arguments->out);
    case KEY_VALIDATION:
        return mb_help_default(text, "%zu", r->given.validation);
    case KEY_EPOCHS:
        return mb_help_default(text, "%zu", r->given.epochs);
    case KEY_BATCH_SIZE:
        return mb_help_default(text, "%zu", r->given.batch_size);
    case KEY_SEED:
        return mb_help_default(text, "%zu", (size_t)r->given.seed);
    case KEY_OPTIMIZER:
        return mb_help_default(text, "%s", mb_optimizer_name(r->given.optimizer));
    case KEY_EMA:
        return mb_help_default(text, "%g", r->given.ema);
    case KEY_SCHEDULE:
        return mb_help_default(text, "%s", mb_schedule_name(r->given.schedule));
    case KEY_AUGMENT:
        return mb_help_default(text, "%s", mb_augmentation_name(r->given.augmentation.kind));
    case KEY_ROTATE:
    case KEY_SCALE:
    case KEY_SHEAR:
    case KEY_SHIFT:
    case KEY_ELASTIC_ALPHA:
    case KEY_ELASTIC_SIGMA:
        return with_default_strength(key, text, r->given.augmentation);
    case KEY_LR:
    case KEY_MOMENTUM:
    case KEY_BETA1:
    case KEY_BETA2:
    case KEY_WEIGHT_DECAY:
    case KEY_LABEL_SMOOTHING:
        return with_defaults_of_each(key, text);
    default:
        return (char *)(uintptr_t)text;
    }
}

mb_status mb_train_arguments_parse(int argc, char **argv, mb_train_arguments *arguments,
                                   mb_error *error)
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
            "\nThe manual page, mnist_blas(1), has data, files and environment variables."};
    *arguments = (mb_train_arguments){.network = "mlp", .out = "mnist_blas_out"};
    reading r = {arguments, error, NAN, NAN, NAN, NAN, NAN, NAN, mb_training_defaults(MB_ADAMW)};
    *error = (mb_error){0};
    return mb_parse_arguments(&argp, argc, argv, &r, error);
}

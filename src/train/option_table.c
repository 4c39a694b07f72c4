/* The training options: names, defaults, ranges and help. A new option is a member of
 * mb_training_options, an entry of mb_training_option_table, and a default in mb_training_defaults
 * unless that is 0. A new optimizer is an enumerator, an entry of `optimizers`, one of `defaults`,
 * and its bit in the options that it has. */
#include "core/status.h"
#include "train/validation.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

/* ---- names ---- */

static const mb_enum_value optimizers[] = {
    [MB_OPTIMIZER_SGD] = {"sgd", NULL},
    [MB_OPTIMIZER_ADAM] = {"adam", NULL},
    [MB_OPTIMIZER_ADAMW] = {"adamw", NULL},
    [MB_OPTIMIZER_LION] = {"lion", NULL},
};
static const mb_enum_value schedules[] = {
    [MB_SCHEDULE_CONSTANT] = {"constant", NULL},
    [MB_SCHEDULE_COSINE] = {"cosine", "decays to min-lr"},
    [MB_SCHEDULE_ONECYCLE] = {"onecycle", "rises for 30 % of the steps, then decays"},
    [MB_SCHEDULE_PLATEAU] = {"plateau", "the default with patience: constant until it ends, then "
                                        "decays"},
};
static const mb_enum_value class_weights[] = {
    [MB_CLASS_WEIGHTS_NONE] = {"off", NULL},
    [MB_CLASS_WEIGHTS_BALANCED] = {"balanced", "the inverse of its number of training images"},
};
static const mb_enum_value augmentations[] = {
    [MB_AUGMENT_NONE] = {"off", NULL},
    [MB_AUGMENT_SHIFT] = {"shift", "random shift by whole pixels"},
    [MB_AUGMENT_AFFINE] = {"affine", "random shear, scale, rotation and shift"},
    [MB_AUGMENT_ELASTIC] = {"elastic", "affine and elastic distortion"},
};

static const mb_enum_value padding_modes[] = {
    [MB_PADDING_AUTO] = {"auto", "constant if the images have a background, else reflect"},
    [MB_PADDING_CONSTANT] = {"constant", "the background, or without one the mean"},
    [MB_PADDING_REFLECT] = {"reflect", "the image mirrored at its border"},
};

#define NAMES_OF(values)                                                                           \
    {                                                                                              \
        values, sizeof(values) / sizeof *(values)                                                  \
    }
const mb_enum mb_optimizer_names = NAMES_OF(optimizers);
const mb_enum mb_schedule_names = NAMES_OF(schedules);
const mb_enum mb_class_weights_names = NAMES_OF(class_weights);
const mb_enum mb_augmentation_names = NAMES_OF(augmentations);
const mb_enum mb_padding_mode_names = NAMES_OF(padding_modes);

const char *mb_optimizer_name(mb_optimizer_kind kind) { return optimizers[kind].name; }

const char *mb_schedule_name(mb_schedule_kind kind) { return schedules[kind].name; }

const char *mb_augmentation_name(mb_augmentation_kind kind) { return augmentations[kind].name; }

/* ---- defaults ---- */

/* Defaults that depend on the optimizer. Those of AdamW are the best on 10,000 held-out MNIST
 * images in grid searches over rate, decay, betas and smoothing. */
static const struct {
    double lr, weight_decay, beta2, label_smoothing;
} defaults[] = {
    [MB_OPTIMIZER_SGD] = {.lr = 0.1, .weight_decay = 1e-4, .beta2 = 0.999},
    [MB_OPTIMIZER_ADAM] = {.lr = 4e-3, .beta2 = 0.999},
    [MB_OPTIMIZER_ADAMW] = {.lr = 5e-3,
                            .weight_decay = 0.1,
                            .beta2 = 0.98,
                            .label_smoothing = 0.03},
    [MB_OPTIMIZER_LION] = {.lr = 5e-4, .weight_decay = 1.0, .beta2 = 0.99, .label_smoothing = 0.03},
};
_Static_assert(sizeof defaults / sizeof *defaults == sizeof optimizers / sizeof *optimizers,
               "every optimizer has defaults");

mb_training_options mb_training_defaults(mb_optimizer_kind optimizer)
{
    return (mb_training_options){
        .epochs = 5,
        .batch_size = 64,
        .optimizer = optimizer,
        .lr = defaults[optimizer].lr,
        .momentum = 0.9,
        .weight_decay = defaults[optimizer].weight_decay,
        .beta1 = 0.9,
        .beta2 = defaults[optimizer].beta2,
        .epsilon = 1e-8,
        .schedule = MB_SCHEDULE_ONECYCLE,
        .augmentation = {.rotate = 10.0,
                         .scale = 0.1,
                         .shear = 0.1,
                         .shift = 2.0,
                         .elastic_alpha = 20.0, /* the paper has 34, without an affine map */
                         .elastic_sigma = 4.0},
        .label_smoothing = defaults[optimizer].label_smoothing,
        .seed = 1,
    };
}

/* ---- the table ---- */

#define DATA "Data and model:"
#define TRAINING "Training:"
#define OPTIMIZER "Optimizer-specific:"
#define AUGMENTATION "Augmentation of training images, new in each epoch:"

#define AT(member) offsetof(mb_training_options, member)
#define FRACTION MB_KIND_REAL("FLOAT", 0.0, 1.0), .max_excluded = true

#define BIT(kind) (1u << (kind))
#define FOR(names_of, member, bits)                                                                \
    .needs = &(names_of), .needs_offset = AT(member), .needs_values = (bits)
#define FOR_SGD FOR(mb_optimizer_names, optimizer, BIT(MB_OPTIMIZER_SGD))
#define FOR_ADAM                                                                                   \
    FOR(mb_optimizer_names, optimizer, BIT(MB_OPTIMIZER_ADAM) | BIT(MB_OPTIMIZER_ADAMW))
#define FOR_MOMENTS                                                                                \
    FOR(mb_optimizer_names, optimizer,                                                             \
        BIT(MB_OPTIMIZER_ADAM) | BIT(MB_OPTIMIZER_ADAMW) | BIT(MB_OPTIMIZER_LION))
#define FOR_COSINE FOR(mb_schedule_names, schedule, BIT(MB_SCHEDULE_COSINE))
#define FOR_AUGMENTED                                                                              \
    FOR(mb_augmentation_names, augmentation.kind,                                                  \
        BIT(MB_AUGMENT_SHIFT) | BIT(MB_AUGMENT_AFFINE) | BIT(MB_AUGMENT_ELASTIC))
#define FOR_AFFINE                                                                                 \
    FOR(mb_augmentation_names, augmentation.kind, BIT(MB_AUGMENT_AFFINE) | BIT(MB_AUGMENT_ELASTIC))
#define FOR_ELASTIC FOR(mb_augmentation_names, augmentation.kind, BIT(MB_AUGMENT_ELASTIC))

/* Name, label, heading, member, help; then the members for the kind. */
const mb_option mb_training_option_table[] = {
    {"validation", NULL, DATA, AT(validation),
     "hold out N training images or, as 10%, a percentage: a random sample of each class; report "
     "the accuracy on them, and set the model's threshold by them; data with a validation split "
     "hold out that",
     MB_KIND_AMOUNT(0, UINT32_MAX), .omit_zero = true},
    {"patience", "Patience, epochs", DATA, AT(patience),
     "stop after N epochs without a better validation accuracy and keep the best epoch's model (0: "
     "train all epochs, keep the last)",
     MB_KIND_SIZE(0, MB_MAX_EPOCHS), .omit_zero = true},
    {"temperature", "Temperature scaling", DATA, AT(temperature),
     "after training, divide the logits by the temperature that minimises the loss of the "
     "validation images, so that probabilities agree with accuracy",
     MB_KIND_FLAG, .omit_zero = true},
    {"epochs", NULL, TRAINING, AT(epochs), "passes over the training images",
     MB_KIND_SIZE(1, MB_MAX_EPOCHS), .resume = MB_RESUME_GROWS},
    {"batch-size", NULL, TRAINING, AT(batch_size), "samples per step", MB_KIND_SIZE(1, UINT32_MAX)},
    {"optimizer", NULL, TRAINING, AT(optimizer), "update rule", MB_KIND_ENUM(mb_optimizer_names)},
    {"lr", "Learning rate", TRAINING, AT(lr), "learning rate, the peak of the schedule",
     MB_KIND_REAL("FLOAT", 0.0, 1e6), .min_excluded = true},
    {"min-lr", "Minimum learning rate", TRAINING, AT(min_lr), "rate to which the schedule decays",
     MB_KIND_REAL("FLOAT", 0.0, 1e6), FOR_COSINE, .omit_zero = true},
    {"label-smoothing", NULL, TRAINING, AT(label_smoothing),
     "fraction of each label that is spread evenly over all classes", FRACTION, .omit_zero = true},
    {"class-weights", NULL, TRAINING, AT(class_weights),
     "weight of each class in the training loss", MB_KIND_ENUM(mb_class_weights_names),
     .omit_zero = true},
    {"ema", "Decay of averaged weights", TRAINING, AT(ema),
     "evaluate and save an exponential moving average of the weights, with this decay per step (0: "
     "none)",
     FRACTION, .omit_zero = true},
    {"schedule", NULL, TRAINING, AT(schedule), "course of the learning rate",
     MB_KIND_ENUM(mb_schedule_names)},
    {"weight-decay", NULL, TRAINING, AT(weight_decay),
     "decay of the weights, not of biases: decoupled with adamw and lion, else L2",
     MB_KIND_REAL("FLOAT", 0.0, 1e6)},
    {"seed", NULL, TRAINING, AT(seed),
     "seed of initialisation, shuffling, dropout and augmentation", .kind = MB_OPTION_UINT64,
     .metavar = "N", .max_size = INT64_MAX},
    {"augment", "Augmentation", AUGMENTATION, AT(augmentation.kind), "kind of distortion",
     MB_KIND_ENUM(mb_augmentation_names)},
    {"rotate", "Rotation, degrees", AUGMENTATION, AT(augmentation.rotate),
     "maximum rotation, either way", MB_KIND_REAL("DEGREES", 0.0, 180.0), FOR_AFFINE},
    {"scale", NULL, AUGMENTATION, AT(augmentation.scale),
     "maximum change of width and of height, as a fraction", MB_KIND_REAL("FLOAT", 0.0, 0.9),
     FOR_AFFINE},
    {"shear", NULL, AUGMENTATION, AT(augmentation.shear),
     "maximum horizontal shear, as a fraction of the height", MB_KIND_REAL("FLOAT", 0.0, 2.0),
     FOR_AFFINE},
    {"shift", "Shift, pixels", AUGMENTATION, AT(augmentation.shift),
     "maximum shift in each direction", MB_KIND_REAL("PIXELS", 0.0, 1000.0), FOR_AUGMENTED},
    {"elastic-alpha", NULL, AUGMENTATION, AT(augmentation.elastic_alpha),
     "displacement amplitude before smoothing", MB_KIND_REAL("PIXELS", 0.0, 1e4), FOR_ELASTIC},
    {"elastic-sigma", NULL, AUGMENTATION, AT(augmentation.elastic_sigma),
     "standard deviation of the Gaussian that smooths displacements",
     MB_KIND_REAL("PIXELS", 0.1, 100.0), FOR_ELASTIC},
    {"padding-mode", NULL, AUGMENTATION, AT(augmentation.padding_mode),
     "pixels from beyond the border", MB_KIND_ENUM(mb_padding_mode_names), FOR_AUGMENTED,
     .omit_zero = true},
    {"flip", NULL, AUGMENTATION, AT(augmentation.flip), "flip half of the images left to right",
     MB_KIND_FLAG, FOR_AUGMENTED, .omit_zero = true},
    {"cutout", "Cutout, pixels", AUGMENTATION, AT(augmentation.cutout),
     "side of a square at a random place that gets the padding's constant (0: none)",
     .kind = MB_OPTION_SIZE, .metavar = "PIXELS", .max_size = 1000, FOR_AUGMENTED,
     .omit_zero = true},
    {"plain-epochs", NULL, AUGMENTATION, AT(augmentation.plain_epochs),
     "number of final epochs without augmentation", MB_KIND_SIZE(0, MB_MAX_EPOCHS), FOR_AUGMENTED,
     .omit_zero = true},
    {"momentum", NULL, OPTIMIZER, AT(momentum), "momentum coefficient", FRACTION, FOR_SGD},
    {"nesterov", "Nesterov's momentum", OPTIMIZER, AT(nesterov), "use Nesterov's momentum",
     MB_KIND_FLAG, FOR_SGD, .omit_zero = true},
    {"beta1", NULL, OPTIMIZER, AT(beta1), "decay rate of the first moment", FRACTION, FOR_MOMENTS},
    {"beta2", NULL, OPTIMIZER, AT(beta2), "decay rate of the second moment", FRACTION, FOR_MOMENTS},
    {"epsilon", NULL, OPTIMIZER, AT(epsilon), NULL, MB_KIND_REAL("FLOAT", 0.0, DBL_MAX),
     .min_excluded = true, FOR_ADAM},
    {0},
};

/* As MB_OPTION_AMOUNT has them. */
_Static_assert(AT(validation_percent) == AT(validation) + offsetof(
                                                              struct {
                                                                  size_t a;
                                                                  double b;
                                                              },
                                                              b),
               "the percentage follows the number");

/* ---- checks ---- */

/* Rules that name more than one option. */
static mb_status check_together(const mb_training_options *values, const mb_dataset *dataset,
                                mb_error *error)
{
    const size_t samples = dataset->train.images.count;
    const size_t held_out = mb_validation_count(values, dataset);
    const size_t asked = mb_validation_sample_count(values, samples);
    if (asked > 0 && asked != held_out)
        return mb_fail(error, MB_ERROR_INVALID,
                       "validation: the data have a validation split of %zu images: must be 0 or "
                       "%zu, got %zu",
                       held_out, held_out, asked);
    if (held_out >= samples)
        return mb_fail(error, MB_ERROR_INVALID,
                       "validation: must be less than the %zu training images, got %zu", samples,
                       held_out);
    const size_t trained = samples - held_out;
    if (values->batch_size > trained)
        return mb_fail(error, MB_ERROR_INVALID,
                       "batch-size: must be 1 to %zu, the training images, got %zu", trained,
                       values->batch_size);
    if (values->schedule == MB_SCHEDULE_COSINE && values->min_lr > values->lr)
        return mb_fail(error, MB_ERROR_INVALID, "min-lr: must be 0 to lr, %g, got %g", values->lr,
                       values->min_lr);
    if (values->patience > 0 && held_out == 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "patience: %zu needs held-out images, but validation is 0",
                       values->patience);
    if (values->temperature && held_out == 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "temperature: needs held-out images, but validation is 0");
    if (values->schedule == MB_SCHEDULE_PLATEAU && values->patience == 0)
        return mb_fail(error, MB_ERROR_INVALID, "schedule: plateau needs patience, which is 0");
    if (values->augmentation.plain_epochs > values->epochs)
        return mb_fail(error, MB_ERROR_INVALID,
                       "plain-epochs: must be 0 to %zu, the epochs, got %zu", values->epochs,
                       values->augmentation.plain_epochs);
    return MB_OK;
}

mb_status mb_training_options_check(const mb_training_options *values, const mb_dataset *dataset,
                                    mb_error *error)
{
    mb_status status = MB_OK;
    for (const mb_option *one = mb_training_option_table; one->name != NULL && status == MB_OK;
         one++)
        status = mb_option_check(one, values, error);
    return status == MB_OK ? check_together(values, dataset, error) : status;
}

mb_status mb_training_options_compare(const char *path, const mb_training_options *held,
                                      const mb_training_options *asked, mb_error *error)
{
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
        char have[MB_OPTION_TEXT_SIZE], want[MB_OPTION_TEXT_SIZE];
        if (!mb_option_applies(option, held) ||
            (option->resume == MB_RESUME_GROWS &&
             *(const size_t *)mb_option_value(option, asked) >
                 *(const size_t *)mb_option_value(option, held)))
            continue;
        mb_option_format(option, held, have, sizeof have);
        mb_option_format(option, asked, want, sizeof want);
        if (strcmp(have, want) != 0)
            return mb_fail(error, MB_ERROR_INVALID,
                           "--%s %s conflicts with %s, which was trained with %s", option->name,
                           want, path, have);
    }
    return MB_OK;
}

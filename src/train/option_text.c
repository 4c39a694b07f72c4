#include "train/option_text.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { COUNT, SEED, REAL, FLAG, OPTIMIZER, SCHEDULE, AUGMENTATION } kind;

/* Which optimizers and augmentations look at an option. */
typedef enum users { ALL, SGD, ADAMS, AUGMENTED, PULLED } users;

#define FIELD(name, kind, member, users)                                                           \
    {                                                                                              \
        name, kind, users, offsetof(mb_training_options, member),                                  \
            sizeof(((mb_training_options *)0)->member)                                             \
    }

/* In the order of --help; all that mb_training_options has. */
static const struct field {
    const char *name;
    kind kind;
    users users;
    size_t place, size;
} fields[] = {
    FIELD("validation", COUNT, validation, ALL),
    FIELD("patience", COUNT, patience, ALL),
    FIELD("epochs", COUNT, epochs, ALL),
    FIELD("batch-size", COUNT, batch_size, ALL),
    FIELD("optimizer", OPTIMIZER, optimizer, ALL),
    FIELD("lr", REAL, lr, ALL),
    FIELD("label-smoothing", REAL, label_smoothing, ALL),
    FIELD("ema", REAL, ema, ALL),
    FIELD("schedule", SCHEDULE, schedule, ALL),
    FIELD("weight-decay", REAL, weight_decay, ALL),
    FIELD("seed", SEED, seed, ALL),
    FIELD("augment", AUGMENTATION, augmentation.kind, ALL),
    FIELD("rotate", REAL, augmentation.rotate, AUGMENTED),
    FIELD("scale", REAL, augmentation.scale, AUGMENTED),
    FIELD("shear", REAL, augmentation.shear, AUGMENTED),
    FIELD("shift", REAL, augmentation.shift, AUGMENTED),
    FIELD("elastic-alpha", REAL, augmentation.elastic_alpha, PULLED),
    FIELD("elastic-sigma", REAL, augmentation.elastic_sigma, PULLED),
    FIELD("plain-epochs", COUNT, augmentation.plain_epochs, AUGMENTED),
    FIELD("momentum", REAL, momentum, SGD),
    FIELD("nesterov", FLAG, nesterov, SGD),
    FIELD("beta1", REAL, beta1, ADAMS),
    FIELD("beta2", REAL, beta2, ADAMS),
    FIELD("epsilon", REAL, epsilon, ADAMS),
};

size_t mb_option_count(void) { return sizeof fields / sizeof *fields; }

const char *mb_option_name(size_t number) { return fields[number].name; }

size_t mb_option_offset(size_t number, size_t *size)
{
    *size = fields[number].size;
    return fields[number].place;
}

void mb_format_real(double value, char text[MB_OPTION_TEXT_SIZE])
{
    for (int digits = 6; digits <= 17; digits++) { /* fewer would write 10 as 1e+01 */
        snprintf(text, MB_OPTION_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
}

void mb_option_format(const mb_training_options *options, size_t number,
                      char text[MB_OPTION_TEXT_SIZE])
{
    const void *value = (const char *)options + fields[number].place;
    switch (fields[number].kind) {
    case COUNT:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%zu", *(const size_t *)value);
        break;
    case SEED:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%llu", (unsigned long long)*(const uint64_t *)value);
        break;
    case REAL:
        mb_format_real(*(const double *)value, text);
        break;
    case FLAG:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%s", *(const bool *)value ? "on" : "off");
        break;
    case OPTIMIZER:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%s",
                 mb_optimizer_name(*(const mb_optimizer_kind *)value));
        break;
    case SCHEDULE:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%s",
                 mb_schedule_name(*(const mb_schedule_kind *)value));
        break;
    case AUGMENTATION:
        snprintf(text, MB_OPTION_TEXT_SIZE, "%s",
                 mb_augmentation_name(*(const mb_augmentation_kind *)value));
        break;
    }
}

static bool read_number(const char *text, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static bool read_real(const char *text, double *value)
{
    char *end = NULL;
    if (*text != '-' && (*text < '0' || *text > '9'))
        return false;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return false;
    *value = number;
    return true;
}

static bool read_optimizer(const char *text, mb_optimizer_kind *value)
{
    for (mb_optimizer_kind one = MB_OPTIMIZER_SGD; one <= MB_OPTIMIZER_ADAMW; one++)
        if (strcmp(text, mb_optimizer_name(one)) == 0) {
            *value = one;
            return true;
        }
    return false;
}

static bool read_schedule(const char *text, mb_schedule_kind *value)
{
    for (mb_schedule_kind one = MB_SCHEDULE_CONSTANT; one <= MB_SCHEDULE_ONECYCLE; one++)
        if (strcmp(text, mb_schedule_name(one)) == 0) {
            *value = one;
            return true;
        }
    return false;
}

static bool read_augmentation(const char *text, mb_augmentation_kind *value)
{
    for (mb_augmentation_kind one = MB_AUGMENT_NONE; one <= MB_AUGMENT_ELASTIC; one++)
        if (strcmp(text, mb_augmentation_name(one)) == 0) {
            *value = one;
            return true;
        }
    return false;
}

bool mb_option_parse(mb_training_options *options, size_t number, const char *text)
{
    void *value = (char *)options + fields[number].place;
    uint64_t whole = 0;
    bool known = false;
    switch (fields[number].kind) {
    case COUNT:
        known = read_number(text, &whole) && whole <= SIZE_MAX;
        if (known)
            *(size_t *)value = (size_t)whole;
        break;
    case SEED:
        known = read_number(text, &whole);
        if (known)
            *(uint64_t *)value = whole;
        break;
    case REAL:
        known = read_real(text, value);
        break;
    case FLAG:
        known = strcmp(text, "on") == 0 || strcmp(text, "off") == 0;
        if (known)
            *(bool *)value = strcmp(text, "on") == 0;
        break;
    case OPTIMIZER:
        known = read_optimizer(text, value);
        break;
    case SCHEDULE:
        known = read_schedule(text, value);
        break;
    case AUGMENTATION:
        known = read_augmentation(text, value);
        break;
    }
    return known;
}

static bool is_used(const struct field *field, const mb_training_options *options)
{
    switch (field->users) {
    case SGD:
        return options->optimizer == MB_OPTIMIZER_SGD;
    case ADAMS:
        return options->optimizer != MB_OPTIMIZER_SGD;
    case AUGMENTED:
        return options->augmentation.kind != MB_AUGMENT_NONE;
    case PULLED:
        return options->augmentation.kind == MB_AUGMENT_ELASTIC;
    default:
        return true;
    }
}

mb_status mb_training_options_compare(const char *path, const mb_training_options *held,
                                      const mb_training_options *asked, mb_error *error)
{
    char have[MB_OPTION_TEXT_SIZE], want[MB_OPTION_TEXT_SIZE];
    const mb_training_options *rest = held;
    mb_training_options longer = *held;
    if (asked->epochs > held->epochs) {
        longer.epochs = asked->epochs;
        rest = &longer;
    }
    for (size_t i = 0; i < mb_option_count(); i++) {
        if (!is_used(&fields[i], held))
            continue;
        mb_option_format(rest, i, have);
        mb_option_format(asked, i, want);
        if (strcmp(have, want) != 0)
            return mb_fail(error, MB_ERROR_INVALID,
                           "--%s: %s would give another result: the run in %s has %s",
                           fields[i].name, want, path, have);
    }
    return MB_OK;
}

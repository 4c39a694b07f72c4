#include "train_command.h"

#include "report/summary.h"
#include "train/option_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A word as a shell takes it: plain if it can be, else in single quotes. */
static void put_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./,:=+@%";
    if (*word != '\0' && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    putc('\'', out);
    for (; *word != '\0'; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            putc(*word, out);
    putc('\'', out);
}

static void put_text(FILE *out, const char *option, const char *value)
{
    fprintf(out, " %s ", option);
    put_word(out, value);
}

static void put_real(FILE *out, const char *option, double value)
{
    char text[MB_OPTION_TEXT_SIZE];
    mb_format_real(value, text);
    fprintf(out, " %s %s", option, text);
}

static void put_optimizer(FILE *out, const mb_training_options *training)
{
    put_text(out, "--optimizer", mb_optimizer_name(training->optimizer));
    put_real(out, "--lr", training->lr);
    if (training->optimizer == MB_OPTIMIZER_SGD) {
        put_real(out, "--momentum", training->momentum);
        fputs(training->nesterov ? " --nesterov" : "", out);
    } else {
        put_real(out, "--beta1", training->beta1);
        put_real(out, "--beta2", training->beta2);
    }
    put_real(out, "--weight-decay", training->weight_decay);
    put_text(out, "--schedule", mb_schedule_name(training->schedule));
}

static void put_augmentation(FILE *out, const mb_augmentation *augmentation)
{
    if (augmentation->kind == MB_AUGMENT_NONE)
        return;
    put_text(out, "--augment", mb_augmentation_name(augmentation->kind));
    put_real(out, "--rotate", augmentation->rotate);
    put_real(out, "--scale", augmentation->scale);
    put_real(out, "--shear", augmentation->shear);
    put_real(out, "--shift", augmentation->shift);
    if (augmentation->kind == MB_AUGMENT_ELASTIC) {
        put_real(out, "--elastic-alpha", augmentation->elastic_alpha);
        put_real(out, "--elastic-sigma", augmentation->elastic_sigma);
    }
    if (augmentation->plain_epochs > 0)
        fprintf(out, " --plain-epochs %zu", augmentation->plain_epochs);
}

static void put_run(FILE *out, const mb_train_arguments *arguments, const char *folder)
{
    const mb_training_options *training = &arguments->training;
    fputs("mnist_blas train", out);
    if (arguments->epochs_extended) {
        put_text(out, "--resume", arguments->resume);
        fprintf(out, " --epochs %zu", training->epochs);
        return;
    }
    if (folder != NULL)
        put_text(out, "--data", folder);
    put_text(out, "--network", arguments->network);
    if (training->validation > 0)
        fprintf(out, " --validation %zu", training->validation);
    if (training->patience > 0)
        fprintf(out, " --patience %zu", training->patience);
    fprintf(out, " --epochs %zu --batch-size %zu", training->epochs, training->batch_size);
    put_optimizer(out, training);
    if (training->label_smoothing != mb_training_defaults(training->optimizer).label_smoothing)
        put_real(out, "--label-smoothing", training->label_smoothing);
    if (training->ema > 0.0)
        put_real(out, "--ema", training->ema);
    put_augmentation(out, &training->augmentation);
    fprintf(out, " --seed %llu", (unsigned long long)training->seed);
}

char *mb_train_command(const mb_train_arguments *arguments, const char *folder)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return NULL;
    put_run(out, arguments, folder);
    const int failed = ferror(out);
    if (fclose(out) == 0 && !failed)
        return line;
    free(line);
    return NULL;
}

void mb_print_resume_command(FILE *out, const char *checkpoint)
{
    fputs("mnist_blas", out);
    put_text(out, "--resume", checkpoint);
}

#include "train_command.h"
#include "data.h"

#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mb_put_word(FILE *out, const char *word)
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
    mb_put_word(out, value);
}

/* Features that are off, and are off by default, are left out. */
static void put_training(FILE *out, const mb_training_options *training)
{
    const mb_training_options defaults = mb_training_defaults(training->optimizer);
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
        char value[MB_OPTION_TEXT_SIZE];
        if (option->help == NULL || !mb_option_applies(option, training) ||
            (option->omit_zero && mb_option_is_zero(option, training) &&
             mb_option_is_zero(option, &defaults)))
            continue;
        fprintf(out, " --%s", option->name);
        if (option->kind != MB_OPTION_FLAG)
            fprintf(out, " %s", mb_option_format(option, training, value, sizeof value));
    }
}

/* Options of reading that are not the defaults. */
static void put_reading(FILE *out, const mb_data_options *reading)
{
    for (const mb_option *option = mb_data_option_table; option->name != NULL; option++) {
        char name[MB_OPTION_TEXT_SIZE], value[MB_OPTION_TEXT_SIZE];
        if (mb_data_option_is_default(option, reading))
            continue;
        snprintf(name, sizeof name, "--%s", option->name);
        if (option->kind == MB_OPTION_FLAG)
            fprintf(out, " %s", name);
        else if (option->kind == MB_OPTION_TEXT)
            put_text(out, name, *(const char *const *)mb_option_value(option, reading));
        else
            put_text(out, name, mb_option_format(option, reading, value, sizeof value));
    }
}

static void put_run(FILE *out, const mb_train_arguments *arguments, const char *folder)
{
    const mb_training_options *training = &arguments->training;
    mb_put_word(out, mb_started_as());
    fputs(" train", out);
    if (arguments->epochs_extended) {
        put_text(out, "--resume", arguments->resume);
        fprintf(out, " --epochs %zu", training->epochs);
        return;
    }
    if (folder != NULL)
        put_text(out, "--data", folder);
    put_reading(out, &arguments->reading);
    if (arguments->ground > 0)
        put_text(out, "--ground", mb_ground_choices.values[arguments->ground].name);
    if (arguments->standardize != MB_STANDARDIZE_AUTO)
        put_text(out, "--standardize", mb_standardize_choices.values[arguments->standardize].name);
    put_text(out, "--network", arguments->network);
    put_training(out, training);
}

/* Closes a stream to memory; returns its text, or NULL if memory was out. */
static char *text_of(FILE *out, char **text)
{
    const int failed = ferror(out);
    if (fclose(out) == 0 && !failed)
        return *text;
    free(*text);
    return NULL;
}

char *mb_train_command(const mb_train_arguments *arguments, const char *folder)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return NULL;
    put_run(out, arguments, folder);
    return text_of(out, &line);
}

char *mb_resume_command(const char *checkpoint, const char *tensorboard)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return NULL;
    mb_put_word(out, mb_started_as());
    put_text(out, "--resume", checkpoint);
    if (tensorboard != NULL)
        put_text(out, "--tensorboard", tensorboard);
    return text_of(out, &line);
}

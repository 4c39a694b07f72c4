/* The options of a command: finding them, their help, and whether those given have an effect. */
#include "cli.h"

#include <string.h>
#include <strings.h>

const mb_option *mb_command_option(const mb_command *command, size_t number, size_t *offset)
{
    for (size_t i = 0; i < MB_MAX_GROUPS; i++) {
        const mb_option *option = command->groups[i].options;
        *offset = command->groups[i].offset;
        for (; option != NULL && option->name != NULL; option++)
            if (number-- == 0)
                return option;
    }
    return NULL;
}

static void print_names(FILE *out, const mb_enum *names, unsigned chosen, bool explained)
{
    for (unsigned i = 0; chosen >> i != 0 && i < names->count; i++) {
        const unsigned rest = chosen >> i >> 1, before = chosen & ((1u << i) - 1);
        if ((chosen >> i & 1) == 0)
            continue;
        fprintf(out, "%s%s", before == 0 ? "" : rest != 0 ? ", " : " or ", names->values[i].name);
        if (explained && names->values[i].help != NULL)
            fprintf(out, " (%s)", names->values[i].help);
    }
}

void mb_print_option_help(FILE *out, const mb_option *option)
{
    fputs(option->help, out);
    if (option->names != NULL) {
        fputs(": ", out);
        print_names(out, option->names, (1u << option->names->count) - 1, true);
    }
    if (option->needs != NULL) {
        fputs(" (with ", out);
        print_names(out, option->needs, option->needs_values, false);
        putc(')', out);
    }
}

/* "0.9", or "adam 0.999, adamw 0.98" if the optimizers differ. */
static void print_training_default(FILE *out, const mb_option *option)
{
    char first[MB_OPTION_TEXT_SIZE] = "", text[MB_OPTION_TEXT_SIZE], all[256] = "";
    bool same = true;
    for (unsigned i = 0; i < mb_optimizer_names.count; i++) {
        const mb_training_options defaults = mb_training_defaults((mb_optimizer_kind)i);
        const size_t length = strlen(all);
        if (option->needs == &mb_optimizer_names && !mb_option_applies(option, &defaults))
            continue;
        mb_option_format(option, &defaults, length == 0 ? first : text, sizeof text);
        same = same && (length == 0 || strcmp(first, text) == 0);
        snprintf(all + length, sizeof all - length, "%s%s %s", length > 0 ? ", " : "",
                 mb_optimizer_names.values[i].name, length > 0 ? text : first);
    }
    fputs(same ? first : all, out);
}

static bool is_training_option(const mb_option *option)
{
    const mb_option *one = mb_training_option_table;
    while (one->name != NULL && one != option)
        one++;
    return one == option;
}

void mb_print_option_default(FILE *out, const mb_option *option, const void *arguments,
                             const char *folders)
{
    char text[256];
    if (option->kind == MB_OPTION_FLAG)
        return;
    if (option->unset != NULL && strcmp(option->unset, MB_UNSET_DATA) == 0)
        fprintf(out, "%s %s", option->unset, folders);
    else if (option->unset != NULL)
        fputs(option->unset, out);
    else if (is_training_option(option) && option->kind != MB_OPTION_ENUM)
        print_training_default(out, option);
    else
        fputs(mb_option_format(option, arguments, text, sizeof text), out);
}

/* The name of the option whose value is the enumeration that `option` needs. */
static const char *needed_option(const mb_command *command, const mb_option *option)
{
    size_t offset;
    const mb_option *one;
    for (size_t i = 0; (one = mb_command_option(command, i, &offset)) != NULL; i++)
        if (one->kind == MB_OPTION_ENUM && one->names == option->needs)
            return one->name;
    return "";
}

mb_status mb_check_given(const mb_command *command, const void *arguments, const mb_parsed *parsed,
                         mb_error *error)
{
    const mb_option *option;
    size_t offset, g;
    for (size_t i = 0; (option = mb_command_option(command, i, &offset)) != NULL; i++) {
        const char *values = (const char *)arguments + offset;
        char names[256] = "";
        for (g = 0; parsed->given[g] != NULL && parsed->given[g] != option;)
            g++;
        if (parsed->given[g] == NULL || mb_option_applies(option, values))
            continue;
        FILE *out = fmemopen(names, sizeof names, "w");
        if (out == NULL)
            return mb_fail_memory(error, option->name, sizeof names);
        print_names(out, option->needs, option->needs_values, false);
        fclose(out);
        const char *needed = needed_option(command, option);
        const unsigned value = *(const unsigned *)(values + option->needs_offset);
        return mb_fail(error, MB_ERROR_INVALID,
                       "--%s: has no effect with --%s %s: it needs --%s %s", option->name, needed,
                       option->needs->values[value].name, needed, names);
    }
    return MB_OK;
}

mb_status mb_check_ending(const char *name, const char *path, const char *ending, mb_error *error)
{
    const size_t length = strlen(path), end_length = strlen(ending);
    if (length >= end_length && strcasecmp(path + length - end_length, ending) == 0)
        return MB_OK;
    return mb_fail(error, MB_ERROR_INVALID, "--%s: must end in %s, got '%s'", name, ending, path);
}

/* describe FRAME: prints the manual page or the completion for bash. In the frame, a line
 * @NAME@ stands for a part that is made from the commands' tables of options. Runs at build time.
 */
#include "cli.h"

#include <ctype.h>
#include <mnist_blas/network.h>
#include <stdlib.h>
#include <string.h>

/* ---- the manual page, in mdoc ---- */

/* "MODEL IMAGE..." as mdoc has it: "MODEL IMAGE ...". */
static void print_operands(const char *operands)
{
    for (const char *c = operands; c != NULL && *c != '\0'; c++)
        fputs(strncmp(c, "...", 3) == 0 ? " ." : (char[]){*c, '\0'}, stdout);
}

static void print_synopsis(void)
{
    for (size_t i = 0; mb_commands[i] != NULL; i++) {
        const mb_command *command = mb_commands[i];
        printf(i == 0 ? ".Nm\n.Op Cm %s\n.Op Ar option ...\n" : ".Nm\n.Cm %s\n.Op Ar option ...\n",
               command->name);
        if (command->operands != NULL) {
            fputs(".Ar ", stdout);
            print_operands(command->operands);
            putchar('\n');
        }
    }
}

static void print_commands(void)
{
    for (size_t i = 0; mb_commands[i] != NULL; i++) {
        const mb_command *command = mb_commands[i];
        printf(".It Cm %s%s", command->name, command->operands != NULL ? " Ar " : "");
        print_operands(command->operands);
        printf("\n%s\n", command->about);
    }
}

/* A help text as a sentence. */
static void print_sentence(const mb_option *option)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return;
    mb_print_option_help(out, option);
    if (fclose(out) == 0 && text != NULL)
        printf("%c%s.\n", toupper((unsigned char)*text), text + 1);
    free(text);
}

static void print_command_options(const mb_command *command, void *arguments)
{
    const mb_option *option;
    size_t offset;
    if (command->set_defaults != NULL)
        command->set_defaults(arguments);
    printf(".Ss %s\n.Bl -tag -width Ds\n", command->name);
    for (size_t i = 0; (option = mb_command_option(command, i, &offset)) != NULL; i++) {
        if (option->help == NULL)
            continue;
        printf(".It Fl -%s%s%s\n", option->name, option->metavar != NULL ? " Ar " : "",
               option->metavar != NULL ? option->metavar : "");
        print_sentence(option);
        if (option->kind == MB_OPTION_FLAG)
            continue;
        fputs("Default: ", stdout);
        mb_print_option_default(stdout, option, (char *)arguments + offset, "the folders in DATA");
        fputs(".\n", stdout);
    }
    puts(".El");
}

static int print_options(void)
{
    for (size_t i = 0; mb_commands[i] != NULL; i++) {
        void *arguments = calloc(1, mb_commands[i]->size);
        if (arguments == NULL)
            return 1;
        print_command_options(mb_commands[i], arguments);
        free(arguments);
    }
    return 0;
}

/* Options of `train` that a resumed run may change. */
static void print_resume(void)
{
    const mb_option *option;
    size_t offset, count = 0;
    for (size_t i = 0; (option = mb_command_option(mb_commands[0], i, &offset)) != NULL; i++)
        if (option->resume == MB_RESUME_FREE)
            printf("%s-%s", count++ == 0 ? ".Fl " : " , ", option->name);
    putchar('\n');
}

/* The kinds of layers, each with the arguments after its colon. */
static void print_layers(void)
{
    mb_layer_kind kind;
    puts(".Bl -tag -width Ds -compact");
    for (size_t i = 0; mb_network_layer_kind(i, &kind); i++)
        printf(".It Cm %s%s%s\n%c%s.\n", kind.name, *kind.syntax != '\0' ? ":" : "", kind.syntax,
               toupper((unsigned char)*kind.help), kind.help + 1);
    puts(".El");
}

/* ---- completion ---- */

static void print_names(const mb_command *command, bool flags)
{
    const mb_option *option;
    size_t offset;
    for (size_t i = 0; (option = mb_command_option(command, i, &offset)) != NULL; i++)
        if (option->help != NULL && (option->kind == MB_OPTION_FLAG) == flags)
            printf(" --%s", option->name);
}

/* How the value of an option is completed, as a line of a shell's case. */
static void print_values(const mb_option *option)
{
    char networks[64];
    if (option->names != NULL) {
        printf("        --%s) kind=words values=\"", option->name);
        for (unsigned i = 0; i < option->names->count; i++)
            printf("%s%s", i > 0 ? " " : "", option->names->values[i].name);
        puts("\" ;;");
    } else if (option->metavar != NULL && strcmp(option->metavar, "DIR") == 0)
        printf("        --%s) kind=folders ;;\n", option->name);
    else if (option->metavar != NULL && strcmp(option->metavar, "PATH") == 0)
        printf("        --%s) kind=files values=\"%s\" ;;\n", option->name, option->complete);
    else if (option->metavar != NULL && strcmp(option->metavar, "SPEC") == 0)
        printf("        --%s) kind=words values=\"%s\" ;;\n", option->name,
               mb_network_list_names(" ", networks, sizeof networks));
    else if (option->complete != NULL)
        printf("        --%s) kind=%s values=\"%s\" ;;\n", option->name,
               strcmp(option->metavar, "FILE") == 0 ? "files" : "words", option->complete);
}

static void print_cases(void)
{
    const mb_option *option;
    size_t offset;
    for (size_t c = 0; mb_commands[c] != NULL; c++) {
        const mb_command *command = mb_commands[c];
        printf("    %s)\n        flags=\"", command->name);
        print_names(command, true);
        fputs(" --help --version\"\n        with_value=\"", stdout);
        print_names(command, false);
        puts(" \"\n        case $previous in");
        for (size_t i = 0; (option = mb_command_option(command, i, &offset)) != NULL; i++)
            print_values(option);
        puts("        esac\n        ;;");
    }
}

static void print_command_names(void)
{
    fputs("    local commands=\"", stdout);
    for (size_t i = 0; mb_commands[i] != NULL; i++)
        printf("%s%s", i > 0 ? " " : "", mb_commands[i]->name);
    puts("\"");
}

/* ---- frames ---- */

static int print_part(const char *name)
{
    if (strcmp(name, "@SYNOPSIS@\n") == 0)
        print_synopsis();
    else if (strcmp(name, "@COMMANDS@\n") == 0)
        print_commands();
    else if (strcmp(name, "@OPTIONS@\n") == 0)
        return print_options();
    else if (strcmp(name, "@LAYERS@\n") == 0)
        print_layers();
    else if (strcmp(name, "@RESUME@\n") == 0)
        print_resume();
    else if (strcmp(name, "@CASES@\n") == 0)
        print_cases();
    else if (strcmp(name, "@NAMES@\n") == 0)
        print_command_names();
    else
        return 1;
    return 0;
}

int main(int argc, char **argv)
{
    char *line = NULL;
    size_t size = 0;
    int failed = 0;
    FILE *frame = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (frame == NULL) {
        fputs("usage: describe FRAME\n", stderr);
        return 1;
    }
    while (!failed && getline(&line, &size, frame) > 0)
        if (*line == '@')
            failed = print_part(line);
        else
            fputs(line, stdout);
    free(line);
    failed |= ferror(frame) | (fclose(frame) != 0) | (fflush(stdout) != 0);
    if (failed)
        fprintf(stderr, "describe: %s: an unknown part, or it cannot be read\n", argv[1]);
    return failed != 0;
}

#include "suggest.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <mnist_blas/network.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_HEADINGS = 8, FIRST_KEY = 256 };

/* A command line while argp takes it apart. */
typedef struct parsing {
    const mb_command *command;
    void *arguments;
    mb_parsed *parsed;
    size_t given_count, operand_count;
    mb_error *error;
    char name[64]; /* "mnist_blas evaluate" */
    const char *headings[MAX_HEADINGS];
    struct argp_option options[MB_MAX_OPTIONS + MAX_HEADINGS + 4];
    size_t count;
    char *help[MB_MAX_OPTIONS];
    FILE *nowhere;
} parsing;

const char *mb_started_as(void)
{
    const char *path = program_invocation_name;
    return path[0] != '/' && strchr(path, '/') != NULL ? path : MB_PROGRAM;
}

/* ---- help ---- */

/* Help and default of an option, on the heap; NULL if memory is out. */
static char *help_of(const parsing *p, size_t number, const char *folders)
{
    char *text = NULL;
    size_t size = 0, offset;
    const mb_option *option = mb_command_option(p->command, number, &offset);
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    mb_print_option_help(out, option);
    if (option->kind != MB_OPTION_FLAG) {
        fputs(" [", out);
        mb_print_option_default(out, option, (const char *)p->arguments + offset, folders);
        putc(']', out);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

/* argp's layout follows ARGP_HELP_FMT, and with some of its values prints without end. Where memory
 * is out, it prints nothing and only malloc's errno says so. */
static mb_status print_help(struct argp_state *state)
{
    const parsing *p = state->input;
    setenv("ARGP_HELP_FMT", "rmargin=79", 1);
    state->name = (char *)(uintptr_t)p->name; /* argp does not modify it */
    errno = 0;
    argp_state_help(state, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK);
    return errno == ENOMEM ? mb_fail_memory(p->error, "help", BUFSIZ) : MB_OK;
}

/* ---- parsing ---- */

static void add_heading(parsing *p, const char *heading, int number)
{
    p->headings[number - 1] = heading;
    p->options[p->count++] = (struct argp_option){.doc = heading, .group = number};
}

/* Options for argp, whose keys are FIRST_KEY and the options' numbers; headings in the order in
 * which they come. */
static mb_status list_options(parsing *p)
{
    size_t offset;
    char *folders = mb_dataset_search_path();
    const mb_option *option;
    mb_status status = MB_OK;
    int headings = 0;
    if (folders == NULL)
        return mb_fail_memory(p->error, "help", 1);
    for (size_t i = 0; (option = mb_command_option(p->command, i, &offset)) != NULL; i++) {
        int number = 1;
        if (option->help == NULL)
            continue;
        while (number <= headings && strcmp(p->headings[number - 1], option->group) != 0)
            number++;
        if (number > headings)
            add_heading(p, option->group, headings = number);
        p->help[i] = help_of(p, i, folders);
        if (p->help[i] == NULL)
            status = mb_fail_memory(p->error, "help", 1);
        p->options[p->count++] = (struct argp_option){.name = option->name,
                                                      .key = FIRST_KEY + (int)i,
                                                      .arg = option->metavar,
                                                      .doc = p->help[i],
                                                      .group = number};
    }
    free(folders);
    p->options[p->count++] = (struct argp_option){.doc = "About the program:", .group = -1};
    p->options[p->count++] =
        (struct argp_option){.name = "help", .key = 'h', .doc = "show this help", .group = -1};
    p->options[p->count++] = (struct argp_option){.key = '?', .flags = OPTION_HIDDEN, .doc = ""};
    p->options[p->count++] =
        (struct argp_option){.name = "version", .key = 'V', .doc = "show the version", .group = -1};
    return status;
}

static mb_status set_option(parsing *p, size_t number, const char *text)
{
    size_t offset;
    char meant[MB_SUGGESTION_SIZE] = "";
    mb_error why;
    const mb_option *option = mb_command_option(p->command, number, &offset);
    const char *value = text != NULL ? text : "on";
    const mb_status status =
        p->command->take != NULL
            ? p->command->take(p->arguments, option, value, &why)
            : mb_option_parse(option, (char *)p->arguments + offset, value, &why);
    if (status != MB_OK) {
        mb_suggestion suggestion = mb_suggest(text != NULL ? text : "");
        for (unsigned i = 0; option->kind == MB_OPTION_ENUM && i < option->names->count; i++)
            mb_suggestion_offer(&suggestion, option->names->values[i].name);
        return mb_fail(p->error, why.status, "--%s%s", why.text,
                       mb_suggestion_format(&suggestion, "", meant));
    }
    for (size_t i = 0; i < p->given_count; i++)
        if (p->parsed->given[i] == option)
            return MB_OK;
    p->parsed->given[p->given_count++] = option;
    return MB_OK;
}

static const char *name_of(const mb_command *command)
{
    return command->name != NULL ? command->name : command->program;
}

static mb_status add_operand(parsing *p, char *text)
{
    const char *operands = p->command->operands;
    if (operands == NULL)
        return mb_fail(p->error, MB_ERROR_INVALID, "%s: takes no arguments, got '%s'",
                       name_of(p->command), text);
    const size_t optional = operands[0] == '[';
    if (p->operand_count > 0 && strpbrk(operands, " .") == NULL)
        return mb_fail(p->error, MB_ERROR_INVALID, "%s: takes one %.*s, got '%s' and '%s'",
                       name_of(p->command), (int)strcspn(operands + optional, "]"),
                       operands + optional, p->parsed->operands[0], text);
    p->parsed->operands[p->operand_count++] = text;
    return MB_OK;
}

/* Each word of "MODEL IMAGE..." stands for an operand at least, without "..." for one; "[MODEL]"
 * may be missing. */
static mb_status check_operands(const parsing *p)
{
    const char *word = p->command->operands;
    for (size_t i = 0; word != NULL; i++) {
        const size_t length = strcspn(word, " ");
        if (i == p->operand_count && word[0] != '[')
            return mb_fail(p->error, MB_ERROR_INVALID, "%s: missing %.*s", name_of(p->command),
                           (int)length, word);
        word = word[length] == ' ' ? word + length + 1 : NULL;
    }
    return MB_OK;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    parsing *p = state->input;
    mb_status status = MB_OK;
    if (key == ARGP_KEY_INIT) {
        /* Where argp's second line after getopt's message goes ("Try `mnist_blas --help'..."). */
        p->nowhere = fopen("/dev/null", "we");
        if (p->nowhere != NULL)
            state->err_stream = p->nowhere;
    } else if (key == 'h' || key == '?' || key == 'V') {
        if (key == 'V')
            printf("mnist_blas %s\n", mb_version());
        else
            status = print_help(state);
        exit(mb_exit_code(MB_PROGRAM, status, p->error));
    } else if (key == ARGP_KEY_ARG)
        status = add_operand(p, text);
    else if (key == ARGP_KEY_END)
        status = check_operands(p);
    else if (key >= FIRST_KEY && key < FIRST_KEY + MB_MAX_OPTIONS)
        status = set_option(p, (size_t)(key - FIRST_KEY), text);
    else
        return ARGP_ERR_UNKNOWN;
    return status == MB_OK ? 0 : EINVAL;
}

/* Prints a text with the program in its commands, "mnist_blas train", named as it was started. */
static void print_commands(const char *text, FILE *out)
{
    static const char name[] = MB_PROGRAM;
    for (const char *at; (at = strstr(text, name)) != NULL; text = at + strlen(name)) {
        const char next = at[strlen(name)]; /* mnist_blas_out, mnist_blas(1) */
        fprintf(out, "%.*s%s", (int)(at - text), text,
                next == '_' || next == '(' ? name : mb_started_as());
    }
    fputs(text, out);
}

static void list_layers(FILE *out)
{
    mb_layer_kind kind;
    char text[64];
    fputs("Layers of --network SPEC:\n", out);
    for (size_t i = 0; mb_network_layer_kind(i, &kind); i++) {
        snprintf(text, sizeof text, "%s%s%s", kind.name, *kind.syntax != '\0' ? ":" : "",
                 kind.syntax);
        if (strlen(text) <= 22)
            fprintf(out, "  %-22s  %s\n", text, kind.help);
        else
            fprintf(out, "  %s\n%26s%s\n", text, "", kind.help);
    }
    fputc('\n', out);
}

/* The help's text around the options, as argp takes it; NULL if memory is out. */
static char *describe(const mb_command *command)
{
    char *text = NULL, line[512];
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fputs(command->about, out);
    for (size_t i = 0; command->commands != NULL && command->commands[i] != NULL; i++) {
        const mb_command *one = command->commands[i];
        snprintf(line, sizeof line, i == 0 ? "%s [%s]%s%s" : "%s %s%s%s", mb_started_as(),
                 one->name, one->operands != NULL ? " " : "",
                 one->operands != NULL ? one->operands : "");
        fprintf(out, "%s  %-35s  %s%s", i == 0 ? "\n\nCommands, each with its own --help:\n" : "",
                line, one->brief, command->commands[i + 1] != NULL ? "\n" : "");
    }
    if (command->lists_layers || command->examples != NULL)
        fputs("\v", out);
    if (command->lists_layers)
        list_layers(out);
    if (command->examples != NULL)
        print_commands(command->examples, out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static mb_status parse_all(parsing *p, int argc, char **argv)
{
    char *text = describe(p->command);
    if (text == NULL)
        return mb_fail_memory(p->error, "help", strlen(p->command->about));
    if (mb_check_option_names(p->command, argv[0], argc, argv, p->error) != MB_OK) {
        free(text);
        return p->error->status;
    }
    const struct argp argp = {
        .options = p->options, .parser = parse, .args_doc = p->command->operands, .doc = text};
    const error_t failed = argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, p);
    if (p->nowhere != NULL)
        fclose(p->nowhere);
    free(text);
    if (failed == ENOMEM)
        mb_fail_memory(p->error, "arguments", sizeof *p);
    else if (failed != 0 && p->error->status == MB_OK)
        mb_fail(p->error, MB_ERROR_INVALID, "arguments: %s", strerror(failed));
    return p->error->status;
}

/* ---- parsing by ranks ---- */

static bool parses; /* exit handlers have no arguments */

/* A rank that argp ends meets the others first: if they have the same arguments they do so too,
 * else they report it. */
static void meet_ranks(void)
{
    mb_ranks *ranks;
    mb_error error;
    size_t rank;
    if (!parses)
        return;
    if (mb_ranks_open(&ranks, &error) != MB_OK) {
        mb_ranks_launched(&rank);
        sleep(rank > 0); /* mpirun ends all when it sees the first failure: rank 0 answers first */
        return;
    }
    mb_fail(&error, MB_ERROR_INVALID, "arguments: end this process before it trains");
    mb_ranks_agree(ranks, MB_ERROR_INVALID, &error);
    mb_ranks_close(ranks);
}

/* stdout and stderr while a rank is silent; -1: it is not. */
typedef struct silence {
    int out, err;
} silence;

/* Rank 0 answers --help, --version and what argp refuses for all. */
static silence be_silent(void)
{
    size_t rank;
    if (mb_ranks_launched(&rank) == 1)
        return (silence){-1, -1};
    parses = atexit(meet_ranks) == 0;
    const int nowhere = rank > 0 ? open("/dev/null", O_WRONLY) : -1;
    if (nowhere < 0)
        return (silence){-1, -1};
    const silence s = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    return s;
}

static void be_heard(silence s)
{
    parses = false;
    if (s.out >= 0 && dup2(s.out, STDOUT_FILENO) >= 0)
        close(s.out);
    if (s.err >= 0 && dup2(s.err, STDERR_FILENO) >= 0)
        close(s.err);
}

mb_status mb_parse_arguments(const mb_command *command, int argc, char **argv, void *arguments,
                             mb_parsed *parsed, mb_error *error)
{
    static char mnist_blas[] = MB_PROGRAM;
    parsing p = {.command = command, .arguments = arguments, .parsed = parsed, .error = error};
    char *program = command->program != NULL ? command->program : mnist_blas;
    *error = (mb_error){0};
    snprintf(p.name, sizeof p.name, "%s%s%s", command->program != NULL ? program : mb_started_as(),
             command->name != NULL ? " " : "", command->name != NULL ? argv[0] : "");
    argv[0] = program; /* messages of getopt begin with it */
    argp_err_exit_status = MB_EXIT_USAGE;
    const silence silent = be_silent();
    mb_status status = list_options(&p);
    if (status == MB_OK)
        status = parse_all(&p, argc, argv);
    be_heard(silent);
    parsed->given[p.given_count] = NULL;
    if (parsed->operands != NULL)
        parsed->operands[p.operand_count] = NULL;
    for (size_t i = 0; i < MB_MAX_OPTIONS; i++)
        free(p.help[i]);
    return status;
}

/* True if mpirun started several processes of a command that runs as one: rank 0 says so. The
 * others end with 0, as mpirun ends all when it sees the first failure. */
static bool is_several(const mb_command *command, int *code)
{
    size_t rank;
    mb_error error;
    if (command->runs_over_ranks || mb_ranks_launched(&rank) == 1)
        return false;
    mb_fail(&error, MB_ERROR_INVALID, "%s: runs as one process: start it without mpirun",
            command->name);
    *code = rank == 0 ? mb_report_error(&error) : MB_EXIT_DONE;
    return true;
}

int mb_command_execute(const mb_command *command, int argc, char **argv)
{
    mb_error error;
    int code;
    if (is_several(command, &code))
        return code;
    if (command->main != NULL)
        return command->main(argc, argv);
    mb_parsed parsed = {.operands = calloc((size_t)argc + 1, sizeof(char *))};
    void *arguments = calloc(1, command->size);
    mb_status status = parsed.operands != NULL && arguments != NULL
                           ? MB_OK
                           : mb_fail_memory(&error, command->name, command->size);
    if (status == MB_OK && command->set_defaults != NULL)
        command->set_defaults(arguments);
    if (status == MB_OK)
        status = mb_parse_arguments(command, argc, argv, arguments, &parsed, &error);
    if (status == MB_OK)
        status = mb_check_given(command, arguments, &parsed, &error);
    if (status == MB_OK)
        status = command->run(arguments, parsed.operands, &error);
    free(arguments);
    free(parsed.operands);
    return mb_exit_code(MB_PROGRAM, status, &error);
}

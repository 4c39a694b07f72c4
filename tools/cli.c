#include "cli.h"

#include <mnist_blas/options.h>

#include "data/find.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the options of all commands need. */
typedef struct common_input {
    void *input; /* of the command's own options */
    char name[64];
} common_input;

static const struct argp_option common_options[] = {{0, 0, 0, 0, "About the program:", -1},
                                                    {"help", '?', 0, 0, "show this help", -1},
                                                    {"version", 'V', 0, 0, "show the version", -1},
                                                    {0}};

/* argp's layout follows ARGP_HELP_FMT, and with some of its values prints without end. */
static void print_help(struct argp_state *state)
{
    const common_input *common = state->input;
    setenv("ARGP_HELP_FMT", "rmargin=79", 1);
    state->name = (char *)(uintptr_t)common->name; /* argp changes nothing in it */
    argp_state_help(state, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK);
}

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
    const common_input *common = state->input;
    (void)argument;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = common->input;
        /* Where argp's second line after getopt's message goes ("Try `mnist_blas --help'..."). */
        FILE *nowhere = fopen("/dev/null", "w");
        if (nowhere != NULL)
            state->err_stream = nowhere;
        return 0;
    }
    if (key == '?')
        print_help(state);
    else if (key == 'V')
        printf("mnist_blas %s\n", mb_version());
    else
        return ARGP_ERR_UNKNOWN;
    exit(mb_check_output(MB_EXIT_DONE));
}

static mb_status parse(const struct argp *argp, int argc, char **argv, common_input *common,
                       mb_error *error)
{
    struct argp options = *argp;
    options.doc = options.args_doc = NULL; /* the help shows those of the outer argp */
    const struct argp_child children[] = {{.argp = &options}, {0}};
    const struct argp outer = {.options = common_options,
                               .parser = parse_common,
                               .args_doc = argp->args_doc,
                               .doc = argp->doc,
                               .children = children};
    argp_err_exit_status = MB_EXIT_USAGE;
    const error_t failed = argp_parse(&outer, argc, argv, ARGP_NO_HELP, NULL, common);
    if (failed == 0)
        return MB_OK;
    if (error->status == MB_OK)
        return mb_fail(error, MB_ERROR_INVALID, "arguments: %s", strerror(failed));
    return error->status;
}

mb_status mb_parse_program(char *program, const struct argp *argp, int argc, char **argv,
                           void *input, mb_error *error)
{
    common_input common = {.input = input};
    snprintf(common.name, sizeof common.name, "%s", program);
    argv[0] = program; /* messages of getopt begin with it */
    return parse(argp, argc, argv, &common, error);
}

mb_status mb_parse_arguments(const struct argp *argp, int argc, char **argv, void *input,
                             mb_error *error)
{
    static char program[] = "mnist_blas";
    common_input common = {.input = input};
    snprintf(common.name, sizeof common.name, "%s %s", program, argv[0]);
    argv[0] = program;
    return parse(argp, argc, argv, &common, error);
}

char *mb_help_default(const char *text, const char *format, ...)
{
    char value[1024], *whole = NULL;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    return asprintf(&whole, "%s [%s]", text, value) >= 0 ? whole : (char *)(uintptr_t)text;
}

char *mb_help_default_data(const char *text)
{
    char *places = mb_dataset_search_path();
    char *whole = mb_help_default(text, "MNIST_BLAS_DATA, else the first that has data of %s",
                                  places != NULL ? places : "the usual places");
    free(places);
    return whole;
}

char *mb_help_default_threads(const char *text)
{
    return mb_help_default(text, "OMP_NUM_THREADS, else one a core");
}

char *mb_help_default_model(const char *text)
{
    return mb_help_default(text, "what a file of ours says");
}

mb_status mb_parse_size(const char *option, const char *text, size_t least, size_t most,
                        size_t *value, mb_error *error)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long number = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0 || number < least || number > most)
        return mb_fail(error, MB_ERROR_INVALID, "%s: '%s' is not a whole number from %zu to %zu",
                       option, text, least, most);
    *value = (size_t)number;
    return MB_OK;
}

mb_status mb_parse_real_option(const char *option, const char *text, double *value, mb_error *error)
{
    char *end = NULL;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return mb_fail(error, MB_ERROR_INVALID, "%s: '%s' is not a number", option, text);
    *value = number;
    return MB_OK;
}

int mb_report_error(const mb_error *error)
{
    fflush(stdout);
    fprintf(stderr, "mnist_blas: %s\n", error->text);
    return error->status == MB_ERROR_INVALID ? MB_EXIT_USAGE : MB_EXIT_FAILED;
}

void mb_report_warnings(const mb_machine *machine)
{
    const char *warning = mb_machine_describe(machine)->warning;
    if (warning != NULL)
        fprintf(stderr, "mnist_blas: warning: %s\n", warning);
}

static mb_status no_such_name(const char *option, const char *text, const char *const names[3],
                              mb_error *error)
{
    return mb_fail(error, MB_ERROR_INVALID, "%s: '%s' is not one of %s, %s, %s", option, text,
                   names[0], names[1], names[2]);
}

mb_status mb_parse_optimizer(const char *option, const char *text, mb_optimizer_kind *kind,
                             mb_error *error)
{
    const char *names[] = {mb_optimizer_name(MB_OPTIMIZER_SGD),
                           mb_optimizer_name(MB_OPTIMIZER_ADAM),
                           mb_optimizer_name(MB_OPTIMIZER_ADAMW)};
    for (*kind = MB_OPTIMIZER_SGD; *kind <= MB_OPTIMIZER_ADAMW; (*kind)++)
        if (strcmp(text, names[*kind]) == 0)
            return MB_OK;
    return no_such_name(option, text, names, error);
}

mb_status mb_parse_schedule(const char *option, const char *text, mb_schedule_kind *kind,
                            mb_error *error)
{
    const char *names[] = {mb_schedule_name(MB_SCHEDULE_CONSTANT),
                           mb_schedule_name(MB_SCHEDULE_COSINE),
                           mb_schedule_name(MB_SCHEDULE_ONECYCLE)};
    for (*kind = MB_SCHEDULE_CONSTANT; *kind <= MB_SCHEDULE_ONECYCLE; (*kind)++)
        if (strcmp(text, names[*kind]) == 0)
            return MB_OK;
    return no_such_name(option, text, names, error);
}

mb_status mb_parse_augmentation(const char *option, const char *text, mb_augmentation_kind *kind,
                                mb_error *error)
{
    const char *names[] = {mb_augmentation_name(MB_AUGMENT_NONE),
                           mb_augmentation_name(MB_AUGMENT_AFFINE),
                           mb_augmentation_name(MB_AUGMENT_ELASTIC)};
    for (*kind = MB_AUGMENT_NONE; *kind <= MB_AUGMENT_ELASTIC; (*kind)++)
        if (strcmp(text, names[*kind]) == 0)
            return MB_OK;
    return no_such_name(option, text, names, error);
}

int mb_check_output(int code)
{
    errno = 0;
    const bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (!lost || code != MB_EXIT_DONE)
        return code;
    mb_error error;
    mb_fail(&error, MB_ERROR_IO, "standard output: cannot be written%s%s", errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : ""); /* a reason is known of the last write only */
    return mb_report_error(&error);
}

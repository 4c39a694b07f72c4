#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_version(FILE *stream, struct argp_state *state)
{
    (void)state;
    fprintf(stream, "mnist_blas %s\n", mb_version());
}

/* Visible outside, unlike the rest of the program, or the C library finds its own empty one. */
MB_API void (*argp_program_version_hook)(FILE *, struct argp_state *) = print_version;

/* Where argp's second line after getopt's message goes ("Try `mnist_blas --help'..."). */
static error_t hush(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    FILE *nowhere = fopen("/dev/null", "w");
    if (nowhere != NULL)
        state->err_stream = nowhere;
    return 0;
}

mb_status mb_parse_arguments(const struct argp *argp, int argc, char **argv, void *input,
                             mb_error *error)
{
    struct argp options = *argp;
    options.doc = options.args_doc = NULL; /* the help shows those of the outer argp */
    const struct argp_child children[] = {{.argp = &options}, {0}};
    const struct argp outer = {
        .parser = hush, .args_doc = argp->args_doc, .doc = argp->doc, .children = children};
    argp_err_exit_status = MB_EXIT_USAGE;
    const error_t failed = argp_parse(&outer, argc, argv, 0, NULL, input);
    if (failed == 0)
        return MB_OK;
    if (error->status == MB_OK)
        return mb_fail(error, MB_INVALID, "arguments: %s", strerror(failed));
    return error->status;
}

mb_status mb_parse_count(const char *option, const char *text, size_t least, size_t most,
                         size_t *value, mb_error *error)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long number = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0 || number < least || number > most)
        return mb_fail(error, MB_INVALID, "%s: '%s' is not a whole number from %zu to %zu", option,
                       text, least, most);
    *value = (size_t)number;
    return MB_OK;
}

mb_status mb_parse_real(const char *option, const char *text, double *value, mb_error *error)
{
    char *end = NULL;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return mb_fail(error, MB_INVALID, "%s: '%s' is not a number", option, text);
    *value = number;
    return MB_OK;
}

int mb_report_error(const mb_error *error)
{
    fflush(stdout);
    fprintf(stderr, "mnist_blas: %s\n", error->text);
    return error->status == MB_INVALID ? MB_EXIT_USAGE : MB_EXIT_FAILED;
}

void mb_report_warnings(const mb_machine *machine)
{
    const char *warning = mb_machine_describe(machine)->warning;
    if (warning != NULL)
        fprintf(stderr, "mnist_blas: warning: %s\n", warning);
}

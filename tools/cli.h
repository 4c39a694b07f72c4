/* What the commands share: options, errors, and the way a command ends. */
#ifndef MB_TOOLS_CLI_H
#define MB_TOOLS_CLI_H

#include "core/status.h"
#include "machine/threads.h"

#include <mnist_blas/mnist_blas.h>

#include <argp.h>

/* Exit codes of the contract. */
enum { MB_EXIT_DONE = 0, MB_EXIT_FAILED = 1, MB_EXIT_USAGE = 2 };

/* The commands: arguments with the command's own name as the first, exit code as the result. */
int mb_command_train(int argc, char **argv);
int mb_command_evaluate(int argc, char **argv);
int mb_command_predict(int argc, char **argv);
int mb_command_export(int argc, char **argv);
int mb_command_tune(int argc, char **argv);
int mb_command_info(int argc, char **argv);

/* Parses a command's arguments with argp, and --help and --version, which every command has. A
 * parser that refuses an argument fills *error and returns EINVAL. Replaces argv[0]. Returns MB_OK
 * or MB_ERROR_INVALID with *error filled; ends the program for --help, --version (exit 0) and for
 * options that argp itself refuses (one line, exit 2). */
mb_status mb_parse_arguments(const struct argp *argp, int argc, char **argv, void *input,
                             mb_error *error);

/* The same for a program of that name that has no commands. */
mb_status mb_parse_program(char *program, const struct argp *argp, int argc, char **argv,
                           void *input, mb_error *error);

/* For help filters: an option's text with its default in brackets behind it, on the heap, or the
 * text itself where memory is out; those that several commands have. */
char *mb_help_default(const char *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *mb_help_default_data(const char *text);
char *mb_help_default_threads(const char *text);
char *mb_help_default_model(const char *text);

/* For parsers: a whole number in least..most, or a finite number, from an option's argument.
 * MB_ERROR_INVALID names the option. */
mb_status mb_parse_size(const char *option, const char *text, size_t least, size_t most,
                        size_t *value, mb_error *error);
mb_status mb_parse_real_option(const char *option, const char *text, double *value, mb_error *error);

/* The kind of that name; MB_ERROR_INVALID names the option and what there is. */
mb_status mb_parse_optimizer(const char *option, const char *text, mb_optimizer_kind *kind,
                             mb_error *error);
mb_status mb_parse_schedule(const char *option, const char *text, mb_schedule_kind *kind,
                            mb_error *error);
mb_status mb_parse_augmentation(const char *option, const char *text, mb_augmentation_kind *kind,
                                mb_error *error);

/* Output that is lost, as on a full disk, is a failure of a command that went well: MB_EXIT_FAILED
 * with a line on stderr, else `code`. */
int mb_check_output(int code);

/* Prints "mnist_blas: TEXT" on stderr and returns the exit code for the error's status. */
int mb_report_error(const mb_error *error);

/* Prints the machine's warning, if it has one, on stderr. */
void mb_report_warnings(const mb_machine *machine);

#endif

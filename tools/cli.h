/* The command line: a command as data, its parser, and the way a command ends. */
#ifndef MB_TOOLS_CLI_H
#define MB_TOOLS_CLI_H

#include <mnist_blas/mnist_blas.h>

#include <stdio.h>

#define MB_PROGRAM "mnist_blas"

/* The program as commands that are printed name it: as it was started if that is a relative path,
 * such as ./mnist_blas, else its name. */
const char *mb_started_as(void);

/* Exit codes. */
enum { MB_EXIT_DONE = 0, MB_EXIT_FAILED = 1, MB_EXIT_USAGE = 2 };

/* A table of options, ended by a name NULL, of the struct that begins at `offset` of the command's
 * arguments. */
typedef struct mb_option_group {
    const mb_option *options;
    size_t offset;
} mb_option_group;

enum { MB_MAX_GROUPS = 4, MB_MAX_OPTIONS = 64 };

/* A command of mnist_blas, or a program that has no commands. */
typedef struct mb_command {
    const char *name;     /* "evaluate"; NULL: the program itself */
    char *program;        /* with which messages begin; NULL: mnist_blas */
    const char *operands; /* "MODEL IMAGE..."; NULL: takes options only */
    const char *brief;    /* in the list of commands */
    const char *about;    /* first paragraph of the help */
    bool lists_layers;    /* the help has the kinds of layers */
    bool runs_over_ranks; /* may be started by mpirun as several processes */
    const char *examples; /* last paragraphs of the help; NULL: none */
    mb_option_group groups[MB_MAX_GROUPS];
    size_t size;                           /* of the arguments' struct */
    void (*set_defaults)(void *arguments); /* NULL: all 0 */
    /* Takes the text of an option that is given, "on" for a flag; arguments begin with the
     * command's struct. NULL: mb_option_parse, as whose its errors are. */
    mb_status (*take)(void *arguments, const mb_option *option, const char *text, mb_error *error);
    /* Runs it with the operands, ended by NULL. */
    mb_status (*run)(void *arguments, char **operands, mb_error *error);
    /* Instead of run, if it parses by itself: argv begins with its name; returns the exit code. */
    int (*main)(int argc, char **argv);
    /* The commands that the help lists, ended by NULL; NULL: none. */
    const struct mb_command *const *commands;
} mb_command;

/* The commands of mnist_blas, ended by NULL; the first is the default. */
extern const mb_command *const mb_commands[];
extern const mb_command mb_command_train, mb_command_evaluate, mb_command_predict,
    mb_command_export, mb_command_report, mb_command_compare, mb_command_sweep, mb_command_tune,
    mb_command_info, mb_command_convert;

/* Option number 0, 1, ... of the command, with the offset of its struct in the arguments; NULL
 * after the last. */
const mb_option *mb_command_option(const mb_command *command, size_t number, size_t *offset);

/* Parses and runs a command of mnist_blas; argv begins with its name. Returns the exit code. */
int mb_command_execute(const mb_command *command, int argc, char **argv);

/* Where mb_parse_arguments puts operands, and the options that were given; each is ended by NULL.
 */
typedef struct mb_parsed {
    char **operands; /* argc + 1 places; NULL for a command without operands */
    const mb_option *given[MB_MAX_OPTIONS + 1];
} mb_parsed;

/* Parses into the command's struct, which holds the defaults. Replaces argv[0]. MB_ERROR_INVALID.
 * Ends the program for --help and --version, which every command has (exit 0), and for options that
 * argp itself refuses (one line, exit 2). */
mb_status mb_parse_arguments(const mb_command *command, int argc, char **argv, void *arguments,
                             mb_parsed *parsed, mb_error *error);

/* MB_ERROR_INVALID for an option that was given and has no effect with the values of the others. */
mb_status mb_check_given(const mb_command *command, const void *arguments, const mb_parsed *parsed,
                         mb_error *error);

/* MB_ERROR_INVALID unless `path`, the value of --NAME, ends in `ending`, in any case of letters. */
mb_status mb_check_ending(const char *name, const char *path, const char *ending, mb_error *error);

/* An option's help, with the names of an enumeration and what it applies to. */
void mb_print_option_help(FILE *out, const mb_option *option);

/* Its default, with the command's defaults in `arguments`, as help shows it; nothing for a flag.
 * `folders` are those in which data is found. */
void mb_print_option_default(FILE *out, const mb_option *option, const void *arguments,
                             const char *folders);

/* Entries of option tables that several commands have. */
#define MB_OPTION_THREADS(heading, place)                                                          \
    {                                                                                              \
        "threads", NULL, heading, place, "number of threads", MB_KIND_SIZE(1, MB_MAX_THREADS),     \
            .unset = "OMP_NUM_THREADS, else one per core", .resume = MB_RESUME_FREE                \
    }
#define MB_UNSET_DATA "MNIST_BLAS_DATA, else the first that has data of" /* folders follow */
#define MB_OPTION_DATA(heading, place, files)                                                      \
    MB_OPTION_DATA_UNSET(heading, place, "folder or file with " files, MB_UNSET_DATA)
#define MB_OPTION_DATA_UNSET(heading, place, help, default_data)                                   \
    {                                                                                              \
        "data", NULL, heading, place, help, MB_KIND_TEXT("PATH"), .complete = ".csv .csv.gz .npz", \
                                                                  .unset = default_data            \
    }

/* Ends a program: MB_EXIT_DONE, or for an error "PROGRAM: TEXT" on stderr and the exit code of its
 * status. Output that is lost, as on a full disk, is an error too. */
int mb_exit_code(const char *program, mb_status status, const mb_error *error);

/* The exit code of an error. */
int mb_failure_code(mb_status status);

/* The same for mnist_blas: of a command that returned `code`, and of one that failed. */
int mb_check_output(int code);
int mb_report_error(const mb_error *error);

/* The exit code of a command that runs over ranks, before they are closed: rank 0 reports an error
 * for all. Ranks that did not meet end with 0: mpirun ends all when it sees the first failure. */
int mb_exit_code_of_ranks(const mb_ranks *ranks, mb_status status, const mb_error *error);

/* Prints the machine's warning, if it has one, on stderr. */
void mb_report_warnings(const char *program, const mb_machine *machine);

#endif

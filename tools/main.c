/* mnist_blas [COMMAND] [OPTION...]: runs the command. */
#include "restart.h"
#include "suggest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static mb_status no_such_command(const char *name, mb_error *error)
{
    char names[256] = "", meant[MB_SUGGESTION_SIZE];
    mb_suggestion suggestion = mb_suggest(name);
    for (size_t i = 0; mb_commands[i] != NULL; i++)
        mb_suggestion_offer(&suggestion, mb_commands[i]->name);
    for (size_t i = 0, length = 0; mb_commands[i] != NULL && length < sizeof names; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s",
                                   i == 0                       ? ""
                                   : mb_commands[i + 1] != NULL ? ", "
                                                                : " or ",
                                   mb_commands[i]->name);
    return mb_fail(error, MB_ERROR_INVALID, "command: must be %s, got '%s'%s", names, name,
                   mb_suggestion_format(&suggestion, "", meant));
}

/* `help [COMMAND]` is `[COMMAND] --help`; argv begins with "help". */
static int help_command(int argc, char **argv)
{
    static char option[] = "--help", all[] = "[train]";
    char *arguments[] = {argc > 1 ? argv[1] : all, option, NULL};
    mb_error error;
    if (argc > 2) {
        mb_fail(&error, MB_ERROR_INVALID, "help: takes one COMMAND, got '%s' and '%s'", argv[1],
                argv[2]);
        return mb_report_error(&error);
    }
    for (size_t i = 0; mb_commands[i] != NULL; i++)
        if (argc == 1 || strcmp(argv[1], mb_commands[i]->name) == 0)
            return mb_command_execute(mb_commands[i], 2, arguments);
    no_such_command(argv[1], &error);
    return mb_report_error(&error);
}

static int run_command(int argc, char **argv)
{
    static char default_command[] = "[train]";
    char *none[] = {default_command, NULL};
    mb_error error;
    if (argc < 1)
        return mb_command_execute(mb_commands[0], 1, none);
    if (argc < 2 || argv[1][0] == '-') {
        argv[0] = default_command;
        return mb_command_execute(mb_commands[0], argc, argv);
    }
    if (strcmp(argv[1], "help") == 0)
        return help_command(argc - 1, argv + 1);
    for (size_t i = 0; mb_commands[i] != NULL; i++)
        if (strcmp(argv[1], mb_commands[i]->name) == 0)
            return mb_command_execute(mb_commands[i], argc - 1, argv + 1);
    no_such_command(argv[1], &error);
    return mb_report_error(&error);
}

/* Opens standard streams that are closed, so that no file of a run gets their numbers. Printing to
 * a closed stdout stays an error. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR) < 0)
            return;
}

int main(int argc, char **argv)
{
    open_standard_streams();
    mb_restart_with_better_blas(argv);
    setenv("HWLOC_HIDE_ERRORS", "2", 0); /* what matters of them, mb_machine_open says */
    signal(SIGXFSZ, SIG_IGN);            /* a write above the file size limit fails instead */
    return mb_check_output(run_command(argc, argv));
}

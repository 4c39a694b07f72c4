/* mnist_blas [COMMAND] [OPTION...]: finds the command and hands over. */
#include "cli.h"
#include "restart.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"train", mb_command_train},
    {"evaluate", mb_command_evaluate},
    {"predict", mb_command_predict},
    {"info", mb_command_info},
};

static int run_command(int argc, char **argv)
{
    static char name[] = "mnist_blas";
    if (argc > 0)
        argv[0] = name;
    if (argc < 2 || argv[1][0] == '-')
        return mb_command_train(argc, argv);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            argv[1] = name; /* messages of getopt begin with it */
            return commands[i].run(argc - 1, argv + 1);
        }
    mb_error error;
    mb_fail(&error, MB_INVALID,
            "'%s': no such command; there are train, evaluate, predict and info", argv[1]);
    return mb_report_error(&error);
}

/* Output that is lost, as on a full disk, is a failure of the command. */
static int check_output(int code)
{
    errno = 0;
    const bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (!lost || code != MB_EXIT_DONE)
        return code;
    mb_error error;
    mb_fail(&error, MB_IO, "standard output: cannot be written: %s",
            strerror(errno != 0 ? errno : EIO));
    return mb_report_error(&error);
}

int main(int argc, char **argv)
{
    mb_restart_with_better_blas(argv);
    return check_output(run_command(argc, argv));
}

/* mnist_blas [COMMAND] [OPTION...]: runs the command. */
#include "cli.h"
#include "restart.h"

#include <signal.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"train", mb_command_train},     {"evaluate", mb_command_evaluate},
    {"predict", mb_command_predict}, {"export", mb_command_export},
    {"tune", mb_command_tune},       {"info", mb_command_info},
};

static int run_command(int argc, char **argv)
{
    static char default_command[] = "[train]";
    char *none[] = {default_command, NULL};
    if (argc < 1)
        return mb_command_train(1, none);
    if (argc < 2 || argv[1][0] == '-') {
        argv[0] = default_command;
        return mb_command_train(argc, argv);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    mb_error error;
    mb_fail(&error, MB_ERROR_INVALID,
            "'%s': unknown command; must be train, evaluate, predict, export, tune or info",
            argv[1]);
    return mb_report_error(&error);
}

int main(int argc, char **argv)
{
    mb_restart_with_better_blas(argv);
    signal(SIGXFSZ, SIG_IGN); /* a write above the file size limit fails instead */
    return mb_check_output(run_command(argc, argv));
}

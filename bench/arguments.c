#include "arguments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

mb_status mb_bench_parse(char *program, const char *about, const mb_option *options, int argc,
                         char **argv, void *arguments, mb_error *error)
{
    const mb_command command = {.program = program, .about = about, .groups = {{options, 0}}};
    return mb_parse_arguments(&command, argc, argv, arguments, NULL, error);
}

mb_status mb_bench_open_machine(const char *program, size_t threads, mb_machine **machine,
                                mb_error *error)
{
    const mb_machine_options options = {.threads = threads};
    const mb_status status = mb_machine_open(&options, machine, error);
    if (status != MB_OK)
        return status;
    const char *warning = mb_machine_describe(*machine)->warning;
    if (warning != NULL)
        fprintf(stderr, "%s: warning: %s\n", program, warning);
    return MB_OK;
}

void mb_bench_print_machine(const mb_machine_info *machine)
{
    printf("%s, %s, %zu of %zu cores, OpenBLAS %s %s\n", machine->cpu, machine->cpu_level,
           machine->cores_allowed, machine->cores, machine->blas_version, machine->blas_core);
}

int mb_bench_exit(const char *program, mb_status status, const mb_error *error)
{
    errno = 0;
    const bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (status == MB_OK && lost) {
        fprintf(stderr, "%s: standard output: cannot be written: %s\n", program,
                strerror(errno != 0 ? errno : EIO));
        return MB_EXIT_FAILED;
    }
    if (status == MB_OK)
        return MB_EXIT_DONE;
    fprintf(stderr, "%s: %s\n", program, error->text);
    return status == MB_ERROR_INVALID ? MB_EXIT_USAGE : MB_EXIT_FAILED;
}

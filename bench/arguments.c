#include "arguments.h"

#include "restart.h"

#include <stdio.h>

mb_status mb_bench_parse(char *program, const char *about, const mb_option *options, int argc,
                         char **argv, void *arguments, mb_error *error)
{
    const mb_command command = {.program = program, .about = about, .groups = {{options, 0}}};
    mb_parsed parsed = {.operands = NULL};
    const mb_status status = mb_parse_arguments(&command, argc, argv, arguments, &parsed, error);
    if (status == MB_OK)
        mb_restart_with_better_blas(argv);
    return status;
}

mb_status mb_bench_open_machine(const char *program, size_t threads, mb_machine **machine,
                                mb_error *error)
{
    const mb_machine_options options = {.threads = threads};
    const mb_status status = mb_machine_open(&options, machine, error);
    if (status != MB_OK)
        return status;
    mb_report_warnings(program, *machine);
    return MB_OK;
}

void mb_bench_print_machine(const mb_machine_info *machine)
{
    printf("%s, %s, %zu of %zu cores, OpenBLAS %s %s\n", machine->cpu, machine->cpu_level,
           machine->cores_allowed, machine->cores, machine->blas_version, machine->blas_core);
}

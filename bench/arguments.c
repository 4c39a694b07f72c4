#include "arguments.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

mb_status mb_parse_size_list(const char *option, const char *text, size_t least, size_t most,
                             mb_size_list *counts, mb_error *error)
{
    *counts = (mb_size_list){0};
    for (const char *next = text; next != NULL;) {
        const size_t length = strcspn(next, ",");
        char one[32];
        if (counts->count == MB_MAX_LIST)
            return mb_fail(error, MB_ERROR_INVALID, "%s: more than %d numbers", option,
                           MB_MAX_LIST);
        snprintf(one, sizeof one, "%.*s", (int)(length < 31 ? length : 31), next);
        const mb_status status =
            mb_parse_size(option, one, least, most, &counts->value[counts->count], error);
        if (status != MB_OK)
            return status;
        counts->count++;
        next = next[length] == ',' ? next + length + 1 : NULL;
    }
    return MB_OK;
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

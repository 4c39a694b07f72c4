/* What the benchmark programs share of options, and the way they end. */
#ifndef MB_BENCH_ARGUMENTS_H
#define MB_BENCH_ARGUMENTS_H

#include "cli.h"

enum { MB_MAX_REPEATS = 100000, MB_MAX_BENCH_BATCH = 65536 };

/* Whole numbers in least..most, separated by commas, instead of those in *counts. MB_ERROR_INVALID
 * names the option. */
mb_status mb_parse_size_list(const char *option, const char *text, size_t least, size_t most,
                             mb_size_list *counts, mb_error *error);

/* Opens the machine with a team of that size (0: as train would choose) and prints its warning,
 * if it has one. As mb_machine_open. */
mb_status mb_bench_open_machine(const char *program, size_t threads, mb_machine **machine,
                                mb_error *error);

/* The machine in a line. */
void mb_bench_print_machine(const mb_machine_info *machine);

/* Prints the error of a program that failed, and returns the exit code for the status. Output that
 * is lost is a failure too. */
int mb_bench_exit(const char *program, mb_status status, const mb_error *error);

#endif

/* Options and exit codes common to the benchmark programs. */
#ifndef MB_BENCH_ARGUMENTS_H
#define MB_BENCH_ARGUMENTS_H

#include "cli.h"

enum { MB_MAX_REPEATS = 100000, MB_MAX_BENCH_BATCH = 65536, MB_MAX_BENCH_RANKS = 4096 };

/* Entries of option tables that several programs have. */
#define MB_BENCH_OPTION_THREADS(place)                                                             \
    {                                                                                              \
        "threads", NULL, MB_BENCH_HEADING, place, "thread counts",                                 \
            MB_KIND_SIZE_LIST(1, MB_MAX_THREADS), .unset = "as train would choose"                 \
    }
#define MB_BENCH_OPTION_BATCH_SIZES(place)                                                         \
    {                                                                                              \
        "batch-size", NULL, MB_BENCH_HEADING, place, "samples per step",                           \
            MB_KIND_SIZE_LIST(1, MB_MAX_BENCH_BATCH)                                               \
    }
#define MB_BENCH_OPTION_NETWORKS(place)                                                            \
    {                                                                                              \
        "network", NULL, MB_BENCH_HEADING, place, "network, as for train; may be repeated",        \
            .kind = MB_OPTION_TEXT_LIST, .metavar = "SPEC", .unset = "mlp"                         \
    }
#define MB_BENCH_OPTION_JSON(place)                                                                \
    {                                                                                              \
        "json", NULL, MB_BENCH_HEADING, place, "write the figures in Google Benchmark's format",   \
            MB_KIND_TEXT("FILE"), .unset = "none"                                                  \
    }
#define MB_BENCH_HEADING "Options:"

/* Parses the arguments of a benchmark program into its struct, which holds the defaults, and
 * restarts the program as mnist_blas restarts itself. As mb_parse_arguments. */
mb_status mb_bench_parse(char *program, const char *about, const mb_option *options, int argc,
                         char **argv, void *arguments, mb_error *error);

/* Opens the machine with a team of that size (0: as train would choose) and prints its warning,
 * if it has one. As mb_machine_open. */
mb_status mb_bench_open_machine(const char *program, size_t threads, mb_machine **machine,
                                mb_error *error);

/* The machine in a line. */
void mb_bench_print_machine(const mb_machine_info *machine);

#endif

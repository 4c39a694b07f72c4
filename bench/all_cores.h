/* The same benchmark with each kernel set of OpenBLAS that this CPU can run. OpenBLAS chooses when
 * it is loaded, so each set is a process of its own. */
#ifndef MB_BENCH_ALL_CORES_H
#define MB_BENCH_ALL_CORES_H

#include "core/status.h"

/* Runs this program again for each set, with the arguments argv (ended by NULL, the program's name
 * first) but without --all-cores and --json, and prints each figure GFLOP/s (median) by kernel set;
 * with `json`, writes all figures there too, /core:NAME added to their names. A set that OpenBLAS
 * has under no name of ours, or that it gives under another, is shown once.
 * MB_ERROR_UNAVAILABLE: this OpenBLAS has a single set; MB_ERROR_IO: a run failed or a file cannot
 * be written; MB_ERROR_MEMORY. */
mb_status mb_bench_all_cores(char **argv, const char *json, mb_error *error);

#endif

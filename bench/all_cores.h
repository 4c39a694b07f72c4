/* The same benchmark with each kernel set of OpenBLAS that this CPU supports. OpenBLAS chooses one
 * when it is loaded, so each set needs a process of its own. */
#ifndef MB_BENCH_ALL_CORES_H
#define MB_BENCH_ALL_CORES_H

#include "core/status.h"

/* Runs this program once per set, with the arguments argv (terminated by NULL, the program's name
 * first) except --all-cores and --json, and prints GFLOP/s (median) by kernel set; with `json`,
 * writes all results there, with /core:NAME appended to their names. A set that OpenBLAS selects
 * for several names is shown once. MB_ERROR_UNAVAILABLE: this OpenBLAS has one set only;
 * MB_ERROR_IO: a run failed or a file could not be written; MB_ERROR_MEMORY. */
mb_status mb_bench_all_cores(char **argv, const char *json, mb_error *error);

#endif

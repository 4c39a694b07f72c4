/* The memory that this process may still use. */
#ifndef MB_MACHINE_MEMORY_H
#define MB_MACHINE_MEMORY_H

#include "core/status.h"

/* Bytes, and what limits them: a constant string such as "ulimit -v". */
typedef struct mb_memory_limit {
    double bytes; /* INFINITY: no limit is known */
    const char *source;
} mb_memory_limit;

/* Addresses and private memory that the process may still map, by `ulimit -v` and `ulimit -d`. */
mb_memory_limit mb_memory_mappable(const char *root);

/* The smallest of that, of the memory and swap that the system has available, and of what the
 * control groups allow. `root` is prepended to every path: "" for the system, a folder for tests.
 */
mb_memory_limit mb_memory_available(const char *root);

/* MB_ERROR_MEMORY if `bytes` for `what` are more than is available, where OpenBLAS has not yet
 * mapped the buffers of `threads`; `way_out` ends the message. To be asked before memory is
 * written, which on Linux ends the process if there is none. */
mb_status mb_memory_check(double bytes, size_t threads, const char *what, const char *way_out,
                          mb_error *error);

#endif

/* Filling an mb_error. */
#ifndef MB_CORE_STATUS_H
#define MB_CORE_STATUS_H

#include <mnist_blas/status.h>
#include <stddef.h>

/* Writes "WHAT: WHY" and the status into *error (which may be NULL); control characters in the
 * text become '?', so that it stays one line. Returns the status, for `return mb_fail(...)`. */
mb_status mb_fail(mb_error *error, mb_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* mb_fail for an allocation of `bytes` for `what` that failed. */
mb_status mb_fail_memory(mb_error *error, const char *what, size_t bytes);

#endif

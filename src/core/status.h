/* How functions fail: they fill an mb_error and return its status. */
#ifndef MB_CORE_STATUS_H
#define MB_CORE_STATUS_H

#include <mnist_blas/status.h>
#include <stddef.h>

/* Fills *error (which may be NULL) with the status and "WHAT: WHY". Control characters become '?',
 * so that the text stays one line. Returns the status, for `return mb_fail(...)`. */
mb_status mb_fail(mb_error *error, mb_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* mb_fail for a failed allocation of `bytes` for `what`. */
mb_status mb_fail_memory(mb_error *error, const char *what, size_t bytes);

#endif

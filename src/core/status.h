/* How functions fail: mb_fail and mb_fail_memory fill an mb_error and return its status. */
#ifndef MB_CORE_STATUS_H
#define MB_CORE_STATUS_H

#include <mnist_blas/status.h>
#include <stddef.h>

#endif

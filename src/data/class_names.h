/* The rule for the names of classes. */
#ifndef MB_DATA_CLASS_NAMES_H
#define MB_DATA_CLASS_NAMES_H

#include <mnist_blas/status.h>
#include <stddef.h>

/* Maximum bytes of a name. */
enum { MB_CLASS_NAME_SIZE = 100 };

/* MB_ERROR_INVALID, with the reason alone as text: a name, numbered from 1, is not 1 to 100 bytes
 * of UTF-8 without control characters, or equals another. */
mb_status mb_class_names_check(const char *const *names, size_t count, mb_error *error);

#endif

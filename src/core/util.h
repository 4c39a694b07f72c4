/* Arithmetic on sizes that several files need. */
#ifndef MB_CORE_UTIL_H
#define MB_CORE_UTIL_H

#include <stdbool.h>
#include <stddef.h>

/* Elements of an array (not of a pointer). */
#define MB_COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* *product = a * b; false if it does not fit. */
static inline bool mb_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

static inline size_t mb_min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t mb_max_size(size_t a, size_t b) { return a > b ? a : b; }

/* n / unit, rounded up; and the multiple of `unit` that this gives. */
static inline size_t mb_divide_up(size_t n, size_t unit) { return (n + unit - 1) / unit; }
static inline size_t mb_round_up(size_t n, size_t unit) { return mb_divide_up(n, unit) * unit; }

#endif

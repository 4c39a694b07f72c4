/* Numbers, names and lists as text. Nothing here depends on blanks or on what follows the text. */
#ifndef MB_CORE_PARSE_H
#define MB_CORE_PARSE_H

#include <mnist_blas/options.h>

/* Decimal digits, without sign. mb_take_uint64 reads those at the beginning of *text and moves
 * *text behind them; mb_parse_uint64 takes the whole text. False if there is no digit or the number
 * does not fit. */
bool mb_take_uint64(const char **text, uint64_t *value);
bool mb_parse_uint64(const char *text, uint64_t *value);

/* A finite number: "-0.5", "1e-3". The whole text. */
bool mb_parse_real(const char *text, double *value);

/* The shortest decimal that reads back as the same number. Returns `text`. */
char *mb_format_real(double value, char text[MB_OPTION_TEXT_SIZE]);

/* Copies the next item of a list with commas and moves *list behind it, to NULL after the last.
 * False if the item does not fit. */
bool mb_take_item(const char **list, char *item, size_t size);

/* The number of the value with this name. */
bool mb_parse_enum(const mb_enum *names, const char *text, unsigned *value);

/* "sgd, adam or adamw". Returns `text`. */
char *mb_format_names(const mb_enum *names, char *text, size_t size);

#endif

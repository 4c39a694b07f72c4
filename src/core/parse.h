/* Parsing of numbers, names and lists; the only parser of decimal numbers. */
#ifndef MB_CORE_PARSE_H
#define MB_CORE_PARSE_H

#include <mnist_blas/options.h>

/* Decimal digits, without sign or blanks. mb_take_* reads those at the start of *text and moves
 * *text past them; mb_parse_* takes the whole text. False, with nothing changed, if there is no
 * digit or the number is out of range. */
bool mb_take_uint64(const char **text, uint64_t *value);
bool mb_parse_uint64(const char *text, uint64_t *value);
bool mb_take_size(const char **text, size_t min, size_t max, size_t *value);
bool mb_parse_size(const char *text, size_t min, size_t max, size_t *value);

/* A finite number: "-0.5", "1e-3". The whole text. */
bool mb_parse_real(const char *text, double *value);

/* The shortest decimal that reads back as the same number. Returns `text`. */
char *mb_format_real(double value, char text[MB_OPTION_TEXT_SIZE]);

/* Copies the next item of a comma-separated list and moves *list past it, to NULL after the last.
 * False if the item does not fit. */
bool mb_take_item(const char **list, char *item, size_t size);

/* The enumerator with this name. */
bool mb_parse_enum(const mb_enum *names, const char *text, unsigned *value);

/* Appends `word` to `text`, after the separator unless the text is empty, cut off at `size`. */
void mb_append(char *text, size_t size, const char *separator, const char *word);

/* "sgd, adam or adamw". Returns `text`. */
char *mb_format_names(const mb_enum *names, char *text, size_t size);

#endif

/* Formatting of numbers in sentences. */
#ifndef MB_REPORT_FORMAT_H
#define MB_REPORT_FORMAT_H

#include <stddef.h>

enum { MB_COUNT_LENGTH = 28 };

/* "4,690": digits in groups of three. Returns `text`. */
char *mb_format_count(char text[MB_COUNT_LENGTH], size_t count);

/* The same with a noun, whose plural ends in s: "1 epoch", "4,690 steps". */
enum { MB_COUNTED_LENGTH = 64 };
char *mb_format_counted(char text[MB_COUNTED_LENGTH], size_t count, const char *noun);

/* The name of a class; its number, in `number`, if `names` is NULL. */
const char *mb_format_class(const char *const *names, size_t class_index,
                            char number[MB_COUNT_LENGTH]);

/* Decimals that show `digits` significant digits of a number: 3 of 0.0123 need 4, of 123 none. At
 * most 12. */
int mb_decimals(double number, int digits);

#endif

/* Names in columns of a terminal: a character may have several bytes, and take two columns
 * (Chinese) or none (combining). */
#ifndef MB_TOOLS_TEXT_WIDTH_H
#define MB_TOOLS_TEXT_WIDTH_H

#include <stdbool.h>
#include <stddef.h>

/* Columns of a UTF-8 text without control characters. Its characters are counted if the C library
 * does not know how wide they are. */
size_t mb_text_columns(const char *text);

/* Bytes of a text, with the terminating 0, that mb_text_shorten makes. */
enum { MB_SHORT_TEXT_SIZE = 512 };

/* The text in at most `columns` columns: the end of a longer one is `more`, of so many columns at
 * most. Returns `shown`. */
char *mb_text_shorten(const char *text, size_t columns, const char *more,
                      char shown[MB_SHORT_TEXT_SIZE]);

/* Prints the text, cut with "..", with blanks before or after it to make `columns` columns. */
void mb_text_print(const char *text, size_t columns, bool right);

/* The name of a class; its number, in `number`, if `names` is NULL. */
enum { MB_CLASS_NUMBER_SIZE = 24 };
const char *mb_class_label(const char *const *names, size_t class_index,
                           char number[MB_CLASS_NUMBER_SIZE]);

/* Columns of the widest label of the classes. */
size_t mb_class_label_columns(const char *const *names, size_t classes);

#endif

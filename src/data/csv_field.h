/* Fields of a table in CSV (RFC 4180), and decimal numbers in them. */
#ifndef MB_DATA_CSV_FIELD_H
#define MB_DATA_CSV_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* A field without the blanks around it, and without its quotes; between these "" is a '"'. */
typedef struct mb_csv_field {
    const char *text;
    size_t size;
    bool quoted;
} mb_csv_field;

/* The field that starts at `at`. Returns its end, at a delimiter, the end of the line ('\n', or
 * '\r' before it) or `end`; NULL if a quoted field has no end in its line, or is followed by other
 * characters. */
const char *mb_csv_take_field(const char *at, const char *end, char delimiter, mb_csv_field *field);

/* True if the field's text is `word`, in upper or lower case. */
bool mb_csv_field_is(const mb_csv_field *field, const char *word);

/* The field as a string on the heap, with "" as '"'; NULL if memory is out. */
char *mb_csv_field_copy(const mb_csv_field *field);

/* A decimal number, "-12", "0.5" or "1.28e+02", exact up to 2^53, else within 1e-15 of its value.
 * False if it is none, with nothing changed. */
bool mb_csv_field_number(const mb_csv_field *field, double *value);

#endif

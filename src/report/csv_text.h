/* Fields of tables in CSV (RFC 4180). */
#ifndef MB_REPORT_CSV_TEXT_H
#define MB_REPORT_CSV_TEXT_H

#include <stdio.h>

/* Prints a field: quoted where it has to be, or where blanks around it would be lost. */
void mb_csv_put_text(FILE *out, const char *text);

#endif

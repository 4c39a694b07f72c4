/* The lines of a table, read by several threads. */
#ifndef MB_DATA_CSV_ROWS_H
#define MB_DATA_CSV_ROWS_H

#include "data/csv.h"

/* The row of a table without any. */
#define MB_CSV_NO_ROW SIZE_MAX

/* What is wrong with a row, from 0, at a column, from 0. */
typedef struct mb_csv_problem {
    enum { MB_CSV_COLUMNS, MB_CSV_QUOTE, MB_CSV_PIXEL, MB_CSV_LABEL } kind;
    size_t row, column; /* row MB_CSV_NO_ROW: there is no problem */
} mb_csv_problem;

/* What was found in the rows. */
typedef struct mb_csv_found {
    mb_csv_problem problem;   /* the first; of pixels those that are below 0 or above 255, too */
    size_t fraction, above_1; /* the first rows with pixels between integers, and above 1 */
    bool above_0;             /* any pixel */
} mb_csv_found;

/* The lines of a table after the header, in chunks. */
typedef struct mb_csv_rows {
    const mb_csv *csv;
    mb_machine *machine; /* NULL: one thread */
    size_t count;
    struct mb_csv_chunk *chunks; /* (chunk_count) */
    size_t chunk_count;
} mb_csv_rows;

/* Counts the rows; *rows is the caller's, for mb_csv_rows_close. The table must outlive it, and its
 * text has a 0 after its end. MB_ERROR_MEMORY. */
mb_status mb_csv_rows_open(const mb_csv *csv, mb_machine *machine, mb_csv_rows *rows,
                           mb_error *error);

/* Reads all rows: pixels as bytes, or as fractions times 255, in the order of the table, and to
 * `labels`, if the table has any, the offsets of their fields. With a problem, pixels and labels
 * are not whole. */
void mb_csv_rows_read(const mb_csv_rows *rows, bool fractions, uint8_t *pixels, int64_t *labels,
                      mb_csv_found *found);

/* The first byte of a row, and the byte after its last. */
const char *mb_csv_row(const mb_csv_rows *rows, size_t row, const char **end);

void mb_csv_rows_close(mb_csv_rows *rows);

/* From three values per pixel to three images of one color each, in place. MB_ERROR_MEMORY. */
mb_status mb_csv_separate_colors(const char *path, const mb_images *images, mb_machine *machine,
                                 uint8_t *pixels, mb_error *error);

#endif

/* Tables of images in CSV, as text or gzip: a line for each image, with its label and its pixels.
 *
 * The first line may name the columns. The column "label" or "class" is the label, a number or a
 * name, else the first one is; a table whose columns are all pixels of images has no labels.
 * Columns "id", "index" and those without a name are left out. Fields are separated by ',', ';' or
 * tabs, and may be quoted; lines end with LF or CRLF. Pixels are integers from 0 to 255 or, if none
 * of the table is above 1, fractions. Images are square, gray or with three values per pixel. */
#ifndef MB_DATA_CSV_H
#define MB_DATA_CSV_H

#include "data/csv_layout.h"

#include <mnist_blas/machine.h>

/* What the pixels of the tables of one dataset have in common; {0}: not known. */
typedef struct mb_csv_form {
    enum { MB_CSV_SCALE_UNKNOWN, MB_CSV_BYTES, MB_CSV_FRACTIONS } scale;
    /* Three values of each pixel, or images of one color each; that is found from the pixels. */
    enum { MB_CSV_ORDER_UNKNOWN, MB_CSV_INTERLEAVED, MB_CSV_PLANAR } order;
    const char *origin; /* the table that shows the scale */
} mb_csv_form;

/* {0} is empty. */
typedef struct mb_csv {
    const char *path; /* borrowed */
    mb_bytes text;    /* owned; until it is read */
    mb_csv_layout layout;
    mb_images images; /* once it is read; with the colors after each other, as in any dataset */
    uint8_t *pixels;  /* of them, owned */
    /* (images.count), owned: numbers, or indices of `names`; NULL: the table has none. */
    int64_t *labels;
    /* (name_count), owned, in the order in which they come first; 0: labels are numbers. */
    char **names;
    size_t name_count;
} mb_csv;

/* True for names of tables: .csv, .tsv, .csv.gz, .tsv.gz, in upper or lower case. */
bool mb_csv_is_name(const char *name);

/* True if a file is called so, or starts like a table with commas. */
bool mb_csv_is_table(const char *path, const mb_bytes *start);

/* Takes a table as it is in the file, whose data becomes the table's on failure, too, and finds its
 * layout. `path` must outlive it; `size` as in mb_csv_find_layout. On success *csv is the caller's,
 * for mb_csv_free. MB_ERROR_FORMAT; MB_ERROR_MEMORY. */
mb_status mb_csv_open(const char *path, mb_bytes *file, mb_shape size, mb_csv *csv,
                      mb_error *error);

bool mb_csv_has_labels(const mb_csv *csv);

/* Reads the images and labels, once. Fills what is unknown in *form; what is known the table must
 * have. The machine's threads read; NULL: one thread. MB_ERROR_FORMAT: a line with another number
 * of columns, or a field that is no pixel or no label: the error names line and column;
 * MB_ERROR_MEMORY. */
mb_status mb_csv_read(mb_csv *csv, mb_csv_form *form, mb_machine *machine, mb_error *error);

/* Frees what *csv owns and makes it empty. */
void mb_csv_free(mb_csv *csv);

#endif

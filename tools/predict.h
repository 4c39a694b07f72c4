/* Predictions of the predict command, and their output. */
#ifndef MB_TOOLS_PREDICT_H
#define MB_TOOLS_PREDICT_H

#include "cli.h"

/* A file and its images. */
typedef struct mb_predicted_file {
    const char *path;
    size_t count;    /* images of it */
    bool numbered;   /* images of an IDX file or a table */
    bool to_label;   /* a table without labels */
    bool has_labels; /* a table with labels */
} mb_predicted_file;

typedef struct mb_predictions {
    const mb_predicted_file *files; /* (file_count), in the order of the images */
    size_t file_count, classes;
    const char *const *class_names;      /* (classes); NULL: their numbers */
    const float *logits, *probabilities; /* (images, classes) */
} mb_predictions;

/* Prints a JSON array with one object per image. MB_ERROR_MEMORY. */
mb_status mb_predictions_print_json(const mb_predictions *predictions, mb_error *error);

/* Prints text: class and bars, as wide as the terminal, for a picture; one line per image of an IDX
 * file. MB_ERROR_MEMORY. */
mb_status mb_predictions_print(const mb_predictions *predictions, mb_error *error);

/* Writes a table in CSV: of a single table without labels what Kaggle's competitions ask for, else
 * a row for each image, by name or, if all are of one file, by number, with its true class of
 * `labels` (images), NULL where unknown. As mb_predictions_write. */
mb_status mb_predictions_write_csv(const mb_predictions *predictions, const char *const *labels,
                                   const char *path, mb_error *error);

#endif

/* What predict found, and printing it. */
#ifndef MB_TOOLS_PREDICT_H
#define MB_TOOLS_PREDICT_H

#include "cli.h"

/* One file's images in the row of all. */
typedef struct mb_predicted_file {
    const char *path;
    size_t count;  /* images of it */
    bool numbered; /* an IDX file, whose images are numbered */
} mb_predicted_file;

typedef struct mb_predictions {
    const mb_predicted_file *files; /* (file_count), in the order of the images */
    size_t file_count, classes;
    const float *logits, *probabilities; /* (images, classes) */
} mb_predictions;

/* Prints one JSON array with an object an image. MB_ERROR_MEMORY. */
mb_status mb_predictions_print_json(const mb_predictions *predictions, mb_error *error);

/* Prints for people: a picture of its own as class and bars, as wide as the terminal; images of an
 * IDX file one a line. MB_ERROR_MEMORY. */
mb_status mb_predictions_print(const mb_predictions *predictions, mb_error *error);

#endif

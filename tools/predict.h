/* Predictions of the predict command, and their output. */
#ifndef MB_TOOLS_PREDICT_H
#define MB_TOOLS_PREDICT_H

#include "cli.h"

/* A file and its images. */
typedef struct mb_predicted_file {
    const char *path;
    size_t count;  /* images of it */
    bool numbered; /* images of an IDX file */
} mb_predicted_file;

typedef struct mb_predictions {
    const mb_predicted_file *files; /* (file_count), in the order of the images */
    size_t file_count, classes;
    const float *logits, *probabilities; /* (images, classes) */
} mb_predictions;

/* Prints a JSON array with one object per image. MB_ERROR_MEMORY. */
mb_status mb_predictions_print_json(const mb_predictions *predictions, mb_error *error);

/* Prints text: class and bars, as wide as the terminal, for a picture; one line per image of an IDX
 * file. MB_ERROR_MEMORY. */
mb_status mb_predictions_print(const mb_predictions *predictions, mb_error *error);

#endif

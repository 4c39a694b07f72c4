/* Test images with what a network predicts for them, in a grid. */
#ifndef MB_REPORT_PREDICTIONS_H
#define MB_REPORT_PREDICTIONS_H

#include "report/image_grid.h"
#include "report/select_examples.h"

enum { MB_PREDICTION_COLUMNS = 8 };

/* The grid, whose first row is at `top`. Captions with names (NULL: numbers) need a line more. */
mb_image_grid mb_prediction_grid(const char *const *names, double top);

/* Draws image `index`. Captions: the predicted class, if it is wrong also the true one, and the
 * probability. */
void mb_draw_prediction(const mb_image_grid *grid, const mb_canvas *canvas, size_t index,
                        const mb_dataset *dataset, const char *const *names,
                        const mb_prediction *prediction, bool marked);

#endif

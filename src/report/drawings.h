/* The drawings of a run. Each function draws one into *figure, whose format is set, and fills in
 * text, size and bytes. MB_ERROR_UNAVAILABLE: no font is installed; MB_ERROR_MEMORY. */
#ifndef MB_REPORT_DRAWINGS_H
#define MB_REPORT_DRAWINGS_H

#include "report/figures.h"

typedef mb_status mb_drawing_fn(const mb_report *report, mb_figure *figure, mb_error *error);

mb_drawing_fn mb_draw_loss;        /* loss and accuracy by epoch */
mb_drawing_fn mb_draw_predictions; /* test images from all over the split */
mb_drawing_fn mb_draw_mistakes;    /* misclassified test images, the most confident first */
mb_drawing_fn mb_draw_confusion;   /* true against predicted classes, recall, precision */
mb_drawing_fn mb_draw_reliability; /* accuracy by the probability of the predicted class */
mb_drawing_fn mb_draw_weights;     /* the first layer, one image per unit or kernel */
mb_drawing_fn mb_draw_augmented;   /* training images, plain and as some epochs saw them */

#endif

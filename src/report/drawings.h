/* Each picture of a run, by name. Every function draws one into *picture, whose file, title and
 * kind are set, and fills the rest. MB_ERROR_UNAVAILABLE: no font is installed; MB_ERROR_MEMORY. */
#ifndef MB_REPORT_DRAWINGS_H
#define MB_REPORT_DRAWINGS_H

#include "report/picture.h"
#include "report/report.h"

/* Loss and accuracy over the epochs. */
mb_status mb_draw_loss(const mb_report *report, mb_picture *picture, mb_error *error);
/* Test images from all over the split, with what the network says. */
mb_status mb_draw_predictions(const mb_report *report, mb_picture *picture, mb_error *error);
/* Test images that it gets wrong, the most confident first. */
mb_status mb_draw_mistakes(const mb_report *report, mb_picture *picture, mb_error *error);
/* True against predicted classes, with recall and precision. */
mb_status mb_draw_confusion(const mb_report *report, mb_picture *picture, mb_error *error);
/* The weights of the first layer, a small image a unit or kernel. */
mb_status mb_draw_weights(const mb_report *report, mb_picture *picture, mb_error *error);

/* Training images, each as it is and as some epochs saw it. */
mb_status mb_draw_augmented(const mb_report *report, mb_picture *picture, mb_error *error);

#endif

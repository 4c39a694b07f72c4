/* Predictions for test images, and the choice of those that a report shows. */
#ifndef MB_REPORT_SELECT_EXAMPLES_H
#define MB_REPORT_SELECT_EXAMPLES_H

#include "report/report.h"

/* A test image's index, its true class, the most probable class (the lower of equal ones) and its
 * probability. */
typedef struct mb_prediction {
    size_t image;
    size_t truth, predicted;
    double confidence;
} mb_prediction;

mb_prediction mb_prediction_of(const mb_report *report, size_t image);

/* Predictions for up to `max` test images spread evenly over the split, in its order, with as
 * many classes as possible, right or wrong. Returns their number. */
size_t mb_select_spread(const mb_report *report, size_t max, mb_prediction *predictions);

/* Puts a prediction into a list of `count` predictions, `max` at most: the most confident first,
 * the earlier of equal ones first. Returns their number. */
size_t mb_prediction_insert(mb_prediction *predictions, size_t count, size_t max,
                            const mb_prediction *prediction);

/* Up to `max` wrong predictions, the most confident first, the earlier of equal ones first. Returns
 * their number. */
size_t mb_select_mistakes(const mb_report *report, size_t max, mb_prediction *predictions);

#endif

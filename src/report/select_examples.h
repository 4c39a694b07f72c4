/* What the network said to test images, and which of them are worth a look. */
#ifndef MB_REPORT_SELECT_EXAMPLES_H
#define MB_REPORT_SELECT_EXAMPLES_H

#include "report/report.h"

/* One test image: its number, its class, the likeliest class (the lower of equals) and how likely
 * that is, 0 .. 1. */
typedef struct mb_prediction {
    size_t image;
    size_t truth, class;
    double confidence;
} mb_prediction;

mb_prediction mb_prediction_of(const mb_report *report, size_t image);

/* Up to `most` guesses for test images spread evenly over the split, in its order, of as many
 * classes as there is room for; what was guessed plays no part. Returns how many. */
size_t mb_select_spread(const mb_report *report, size_t most, mb_prediction *guesses);

/* Up to `most` wrong guesses, the most confident first, the earlier of equals first. Returns how
 * many. */
size_t mb_select_mistakes(const mb_report *report, size_t most, mb_prediction *guesses);

#endif

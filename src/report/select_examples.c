#include "report/select_examples.h"

#include <mnist_blas/classifier.h>

enum { MAX_CLASSES = 256 };

mb_prediction mb_prediction_of(const mb_report *report, size_t image)
{
    const size_t classes = report->run->dataset->classes;
    const float *row = report->probabilities + image * classes;
    const size_t best = mb_argmax(row, classes);
    return (mb_prediction){image, report->run->dataset->test.labels[image], best,
                           (double)row[best]};
}

/* The first of the images first .. end-1 whose class was shown least often so far. */
static size_t rarest_shown(const uint8_t *labels, const size_t *shown, size_t first, size_t end)
{
    size_t best = first;
    for (size_t i = first + 1; i < end; i++)
        if (shown[labels[i]] < shown[labels[best]])
            best = i;
    return best;
}

size_t mb_select_spread(const mb_report *report, size_t max, mb_prediction *predictions)
{
    const mb_split *test = &report->run->dataset->test;
    const size_t count = test->images.count < max ? test->images.count : max;
    size_t shown[MAX_CLASSES] = {0};
    for (size_t i = 0; i < count; i++) {
        const size_t first = i * test->images.count / count,
                     end = (i + 1) * test->images.count / count;
        const size_t image = rarest_shown(test->labels, shown, first, end);
        shown[test->labels[image]]++;
        predictions[i] = mb_prediction_of(report, image);
    }
    return count;
}

size_t mb_prediction_insert(mb_prediction *predictions, size_t count, size_t max,
                            const mb_prediction *prediction)
{
    size_t place = count;
    while (place > 0 && predictions[place - 1].confidence < prediction->confidence)
        place--;
    if (place == max)
        return count;
    count += count < max;
    for (size_t i = count - 1; i > place; i--)
        predictions[i] = predictions[i - 1];
    predictions[place] = *prediction;
    return count;
}

size_t mb_select_mistakes(const mb_report *report, size_t max, mb_prediction *predictions)
{
    size_t count = 0;
    for (size_t image = 0; image < report->run->dataset->test.images.count; image++) {
        const mb_prediction p = mb_prediction_of(report, image);
        if (p.predicted != p.truth)
            count = mb_prediction_insert(predictions, count, max, &p);
    }
    return count;
}

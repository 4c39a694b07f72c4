#include "report/select_examples.h"

enum { MOST_CLASSES = 256 };

mb_prediction mb_prediction_of(const mb_report *report, size_t image)
{
    const size_t classes = report->dataset->classes;
    const float *row = report->probabilities + image * classes;
    size_t best = 0;
    for (size_t class = 1; class < classes; class ++)
        if (row[class] > row[best])
            best = class;
    return (mb_prediction){image, report->dataset->test.labels[image], best, (double)row[best]};
}

/* Of the images first .. end-1, the first whose class was shown least often so far. */
static size_t least_shown(const uint8_t *labels, const size_t *shown, size_t first, size_t end)
{
    size_t best = first;
    for (size_t i = first + 1; i < end; i++)
        if (shown[labels[i]] < shown[labels[best]])
            best = i;
    return best;
}

size_t mb_select_spread(const mb_report *report, size_t most, mb_prediction *guesses)
{
    const mb_split *test = &report->dataset->test;
    const size_t count = test->images.count < most ? test->images.count : most;
    size_t shown[MOST_CLASSES] = {0};
    for (size_t i = 0; i < count; i++) {
        const size_t first = i * test->images.count / count,
                     end = (i + 1) * test->images.count / count;
        const size_t image = least_shown(test->labels, shown, first, end);
        shown[test->labels[image]]++;
        guesses[i] = mb_prediction_of(report, image);
    }
    return count;
}

size_t mb_select_mistakes(const mb_report *report, size_t most, mb_prediction *guesses)
{
    size_t count = 0;
    for (size_t image = 0; image < report->dataset->test.images.count; image++) {
        const mb_prediction guess = mb_prediction_of(report, image);
        if (guess.class == guess.truth)
            continue;
        size_t place = count;
        while (place > 0 && guesses[place - 1].confidence < guess.confidence)
            place--;
        if (place == most)
            continue;
        count += count < most;
        for (size_t i = count - 1; i > place; i--)
            guesses[i] = guesses[i - 1];
        guesses[place] = guess;
    }
    return count;
}

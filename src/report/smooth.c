#include "report/smooth.h"

#include <math.h>

static const double reach = 3.0; /* neighbours beyond this many widths have no weight */

static double fit(const double *values, size_t count, size_t here, double width)
{
    const size_t radius = (size_t)(reach * width) + 1;
    const size_t first = here > radius ? here - radius : 0;
    const size_t last = count - 1 - here > radius ? here + radius : count - 1;
    double weights = 0.0, offsets = 0.0, squares = 0.0, sum = 0.0, moment = 0.0;
    double min = values[here], max = values[here];
    for (size_t i = first; i <= last; i++) {
        const double offset = (double)i - (double)here;
        const double weight = exp(-0.5 * offset * offset / (width * width));
        weights += weight;
        offsets += weight * offset;
        squares += weight * offset * offset;
        sum += weight * values[i];
        moment += weight * offset * values[i];
        min = fmin(min, values[i]);
        max = fmax(max, values[i]);
    }
    if (first == last)
        return values[here];
    const double value =
        (squares * sum - offsets * moment) / (weights * squares - offsets * offsets);
    return fmax(min, fmin(max, value));
}

void mb_smooth(const double *values, size_t count, double *smooth)
{
    const double max_width = fmax(1.0, (double)count / 80.0);
    for (size_t i = 0; i < count; i++)
        smooth[i] = fit(values, count, i, fmin(max_width, 1.0 + (double)i / 6.0));
}

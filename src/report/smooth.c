#include "report/smooth.h"

#include <math.h>

static const double reach = 3.0; /* widths of the Gaussian that count */

static double fit(const double *values, size_t count, size_t here, double width)
{
    const size_t most = (size_t)(reach * width) + 1;
    const size_t first = here > most ? here - most : 0;
    const size_t last = count - 1 - here > most ? here + most : count - 1;
    double weights = 0.0, offsets = 0.0, squares = 0.0, sum = 0.0, moment = 0.0;
    double least = values[here], greatest = values[here];
    for (size_t i = first; i <= last; i++) {
        const double offset = (double)i - (double)here;
        const double weight = exp(-0.5 * offset * offset / (width * width));
        weights += weight;
        offsets += weight * offset;
        squares += weight * offset * offset;
        sum += weight * values[i];
        moment += weight * offset * values[i];
        least = fmin(least, values[i]);
        greatest = fmax(greatest, values[i]);
    }
    if (first == last)
        return values[here];
    const double value =
        (squares * sum - offsets * moment) / (weights * squares - offsets * offsets);
    return fmax(least, fmin(greatest, value));
}

void mb_smooth(const double *values, size_t count, double *smooth)
{
    const double widest = fmax(1.0, (double)count / 80.0);
    for (size_t i = 0; i < count; i++)
        smooth[i] = fit(values, count, i, fmin(widest, 1.0 + (double)i / 6.0));
}

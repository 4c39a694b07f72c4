/* McNemar's exact test: a sum of binomial probabilities. */
#include "core/util.h"

#include <math.h>
#include <mnist_blas/comparison.h>

double mb_mcnemar_p_value(size_t only_first, size_t only_second)
{
    const size_t n = only_first + only_second, min = mb_min_size(only_first, only_second);
    double sum = 0.0;
    int sign;
    /* C(n, min) / 2^n by logarithms, the smaller terms by their ratios. */
    double term = exp(lgamma_r((double)n + 1.0, &sign) - lgamma_r((double)min + 1.0, &sign) -
                      lgamma_r((double)(n - min) + 1.0, &sign) - (double)n * log(2.0));
    for (size_t i = min + 1; i-- > 0;) {
        sum += term;
        term *= (double)i / (double)(n - i + 1);
    }
    return fmin(1.0, 2.0 * sum);
}

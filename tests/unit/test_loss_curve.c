#include "core/rng.h"
#include "test.h"
#include "train/history.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_STEPS = 9 * MB_LOSS_CURVE_POINTS };

/* Steps are added in pieces of random size; each point is the mean of its steps, and the stride is
 * the smallest power of two with which the points hold all steps. */
TEST(points_are_means_of_their_steps)
{
    static const size_t steps[] = {1,
                                   2,
                                   938,
                                   MB_LOSS_CURVE_POINTS,
                                   MB_LOSS_CURVE_POINTS + 1,
                                   2 * MB_LOSS_CURVE_POINTS,
                                   5 * MB_LOSS_CURVE_POINTS + 3,
                                   MOST_STEPS};
    float *losses = malloc(MOST_STEPS * sizeof *losses);
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    for (size_t i = 0; i < MOST_STEPS; i++)
        losses[i] = mb_rng_uniform(&rng);
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        mb_loss_curve curve = {0};
        size_t stride = 1;
        for (size_t done = 0, piece; done < steps[s]; done += piece) {
            piece = 1 + mb_rng_below(&rng, 100);
            if (piece > steps[s] - done)
                piece = steps[s] - done;
            mb_loss_curve_add(&curve, losses + done, piece);
        }
        while (stride * MB_LOSS_CURVE_POINTS < steps[s])
            stride *= 2;
        assert_int_equal(curve.stride, stride);
        assert_int_equal(mb_loss_curve_points(&curve), (steps[s] + stride - 1) / stride);
        for (size_t point = 0; point < mb_loss_curve_points(&curve); point++) {
            double sum = 0.0;
            size_t count = 0;
            for (size_t i = point * stride; i < (point + 1) * stride && i < steps[s]; i++) {
                sum += (double)losses[i];
                count++;
            }
            assert_true(mb_loss_curve_mean(&curve, point) == (float)(sum / (double)count));
        }
    }
    free(losses);
}

TEST(an_empty_curve_has_no_points)
{
    mb_loss_curve curve = {0};
    assert_int_equal(mb_loss_curve_points(&curve), 0);
    mb_loss_curve_add(&curve, NULL, 0);
    assert_int_equal(mb_loss_curve_points(&curve), 0);
}

#include "data/affine.h"

#include <math.h>

static const double degree = 3.14159265358979323846 / 180.0, unit = 256.0;

/* Uniform in -most .. most. */
static double up_to(double most, mb_rng *rng)
{
    return most * (2.0 * (double)mb_rng_uniform(rng) - 1.0);
}

/* With R the rotation, H the slant and S the scales, a point p about the centre goes to RHSp + t; a
 * pixel q comes from the inverse of RHS times (q - t). */
mb_warp mb_random_affine(const mb_augmentation *options, size_t rows, size_t columns, mb_rng *rng)
{
    const double angle = up_to(options->rotate, rng) * degree;
    const double wide = 1.0 + up_to(options->scale, rng), high = 1.0 + up_to(options->scale, rng);
    const double slant = up_to(options->shear, rng);
    const double right = up_to(options->shift, rng), down = up_to(options->shift, rng);
    const double cosine = cos(angle), sine = sin(angle);
    const double xx = (cosine + slant * sine) / wide, xy = (sine - slant * cosine) / wide;
    const double yx = -sine / high, yy = cosine / high;
    const double frame_x = 0.5 * (double)(columns + 1), frame_y = 0.5 * (double)(rows + 1);
    return (mb_warp){.xx = (float)(unit * xx),
                     .xy = (float)(unit * xy),
                     .x0 = (float)(unit * (frame_x - xx * right - xy * down)),
                     .yx = (float)(unit * yx),
                     .yy = (float)(unit * yy),
                     .y0 = (float)(unit * (frame_y - yx * right - yy * down)),
                     .max_x = (float)(unit * (double)(columns + 1)),
                     .max_y = (float)(unit * (double)(rows + 1)),
                     .stride = columns + 2};
}

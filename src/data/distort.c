#include "data/distort.h"

#include "core/rng.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

mb_status mb_distorter_open(const mb_distortion *distortion, const mb_sample_source *source,
                            mb_arena *arena, mb_augmenter *augmenter, mb_error *error)
{
    const mb_augmentation affine = {.kind = MB_AUGMENT_AFFINE};
    const mb_status status = mb_augmenter_open(&affine, 0, source, arena, augmenter, error);
    augmenter->distortion = distortion;
    return status;
}

/* Uniform in 0 .. 2 pi. */
static double random_direction(mb_rng *rng) { return 2.0 * pi * (double)mb_rng_uniform(rng); }

/* Two standard normal numbers: Box and Muller, "A note on the generation of random normal
 * deviates", 1958. */
static void normal_pair(mb_rng *rng, double pair[2])
{
    const double radius = sqrt(-2.0 * log(1.0 - (double)mb_rng_uniform(rng)));
    const double direction = random_direction(rng);
    pair[0] = radius * cos(direction);
    pair[1] = radius * sin(direction);
}

static void add_noise(double sigma, mb_rng *rng, size_t n, const uint8_t *original, uint8_t *image)
{
    double normal[2];
    for (size_t i = 0; i < n; i++) {
        if (i % 2 == 0)
            normal_pair(rng, normal);
        const double value = (double)original[i] + 255.0 * sigma * normal[i % 2];
        image[i] = (uint8_t)lrint(fmin(fmax(value, 0.0), 255.0));
    }
}

static mb_affine shift_by(double distance, mb_rng *rng)
{
    const double direction = random_direction(rng);
    return (mb_affine){.wide = 1.0,
                       .high = 1.0,
                       .right = distance * cos(direction),
                       .down = distance * sin(direction)};
}

static mb_affine rotate_by(double degrees, mb_rng *rng)
{
    const double sign = mb_rng_below(rng, 2) == 1 ? 1.0 : -1.0;
    return (mb_affine){.wide = 1.0, .high = 1.0, .angle = sign * degrees * pi / 180.0};
}

void mb_distort_image(const mb_augmenter *augmenter, const mb_kernels *kernels, size_t index,
                      void *scratch, uint8_t *image)
{
    const mb_distortion *distortion = augmenter->distortion;
    const double strength = distortion->strength;
    const uint8_t *original = mb_sample_source_image(augmenter->source, index);
    mb_rng rng = mb_rng_at(distortion->seed, MB_RNG_DISTORTION, distortion->kind, index);
    if (distortion->kind == MB_DISTORTION_NOISE) {
        add_noise(strength, &rng, augmenter->source->pixels, original, image);
        return;
    }
    const mb_affine map = distortion->kind == MB_DISTORTION_SHIFT ? shift_by(strength, &rng)
                                                                  : rotate_by(strength, &rng);
    mb_map_image(augmenter, kernels, &map, original, scratch, image);
}

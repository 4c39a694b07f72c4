/* How the images of a dataset look in its files: names, and measuring. */
#include "core/util.h"

#include <mnist_blas/dataset.h>
#include <mnist_blas/options.h>

static const mb_enum_value grounds[] = {
    [MB_GROUND_DARK] = {"dark", NULL},
    [MB_GROUND_LIGHT] = {"light", NULL},
};
static const mb_enum_value framings[] = {
    [MB_FRAMING_MNIST] = {"mnist", NULL},
    [MB_FRAMING_NONE] = {"none", NULL},
};

/* At most MEASURED images are looked at, evenly spaced. */
enum { MEASURED = 4096, VALUES = 256 };

/* A ground is light if at least half of the pixels at the border have values within WINDOW of each
 * other, all of them at least LIGHT. They are 99.9 % on MNIST inverted, and 10 % on CIFAR-10 in
 * gray, which has no ground. */
enum { LIGHT = 192, WINDOW = 32 };

static void count_border(const uint8_t *pixels, size_t rows, size_t columns, size_t counts[VALUES])
{
    for (size_t row = 0; row < rows; row++) {
        const size_t step = row == 0 || row + 1 == rows || columns == 1 ? 1 : columns - 1;
        for (size_t column = 0; column < columns; column += step)
            counts[pixels[row * columns + column]]++;
    }
}

static mb_ground measure_ground(const mb_images *images)
{
    const size_t step = mb_divide_up(images->count, MEASURED);
    size_t counts[VALUES] = {0}, all = 0, within = 0, max = 0;
    for (size_t i = 0; i < images->count; i += step)
        for (size_t channel = 0; channel < images->channels; channel++)
            count_border(images->pixels +
                             (i * images->channels + channel) * images->rows * images->columns,
                         images->rows, images->columns, counts);
    for (size_t value = 0; value < VALUES; value++) {
        all += counts[value];
        within += value >= LIGHT ? counts[value] : 0;
        within -= value >= LIGHT + WINDOW ? counts[value - WINDOW] : 0;
        max = mb_max_size(max, within);
    }
    return 2 * max >= all ? MB_GROUND_LIGHT : MB_GROUND_DARK;
}

mb_image_form mb_images_measure(const mb_images *images)
{
    return (mb_image_form){.ground = measure_ground(images)};
}

const mb_enum mb_ground_names = {grounds, MB_COUNT_OF(grounds)};
const mb_enum mb_framing_names = {framings, MB_COUNT_OF(framings)};

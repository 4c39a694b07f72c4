/* How the images of a dataset look in its files: names, and measuring. */
#include "core/util.h"
#include "data/dataset.h"

#include <mnist_blas/options.h>

#include <math.h>

static const mb_enum_value grounds[] = {
    [MB_GROUND_DARK] = {"dark", NULL},
    [MB_GROUND_LIGHT] = {"light", NULL},
};
static const mb_enum_value framings[] = {
    [MB_FRAMING_MNIST] = {"mnist", NULL},
    [MB_FRAMING_NONE] = {"none", NULL},
    [MB_FRAMING_EMNIST] = {"emnist", NULL},
};
/* In the order in which they are measured. */
static const mb_frame frames[] = {
    [MB_FRAMING_MNIST] = {20.0, true},
    [MB_FRAMING_NONE] = {0.0, false},
    [MB_FRAMING_EMNIST] = {24.0, false},
};

mb_frame mb_frame_of(mb_framing framing) { return frames[framing]; }

/* At most MEASURED images are looked at, evenly spaced. */
enum { MEASURED = 4096, VALUES = 256 };

/* Images have a light ground if at least half of the pixels at the border have values within WINDOW
 * of each other, all of them at least LIGHT, and a dark one if their inverted values do. They are
 * 99.9 % on MNIST and MNIST inverted; CIFAR-10 in gray has no ground: 11 % dark, 10 % light. */
enum { LIGHT = 192, WINDOW = 32 };

static void count_border(const uint8_t *pixels, size_t rows, size_t columns, size_t counts[VALUES])
{
    for (size_t row = 0; row < rows; row++) {
        const size_t step = row == 0 || row + 1 == rows || columns == 1 ? 1 : columns - 1;
        for (size_t column = 0; column < columns; column += step)
            counts[pixels[row * columns + column]]++;
    }
}

bool mb_images_have_ground(const mb_images *images, mb_ground ground)
{
    const size_t step = mb_divide_up(images->count, MEASURED);
    size_t counts[VALUES] = {0}, all = 0, within = 0, max = 0;
    for (size_t i = 0; i < images->count; i += step)
        for (size_t channel = 0; channel < images->channels; channel++)
            count_border(images->pixels +
                             (i * images->channels + channel) * images->rows * images->columns,
                         images->rows, images->columns, counts);
    const size_t inverted = ground == MB_GROUND_LIGHT ? 0 : VALUES - 1;
    for (size_t value = 0; value < VALUES; value++) {
        all += counts[value];
        within += value >= LIGHT ? counts[value ^ inverted] : 0;
        within -= value >= LIGHT + WINDOW ? counts[(value - WINDOW) ^ inverted] : 0;
        max = mb_max_size(max, within);
    }
    return 2 * max >= all;
}

/* Ink is at least INK; the larger side of its box and its center are those of the frame, both
 * within TOLERANCE of 1/28 of the side. All of MNIST's images are so in MNIST's frame; of the same
 * digits 74 % if they are centered by their boxes, 20 % if shifted by up to 3 pixels, and none if
 * fitted into 24/28 of the image or all of it. */
enum { INK = 16 };
#define TOLERANCE 1.6

/* True if the ink is in the frame; *blank if there is none. */
static bool is_framed(const mb_frame *frame, const uint8_t *pixels, size_t rows, size_t columns,
                      uint8_t ground, bool *blank)
{
    size_t top = rows, bottom = 0, left = columns, right = 0;
    double mass = 0.0, down = 0.0, across = 0.0;
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            const uint8_t ink = pixels[row * columns + column] ^ ground;
            mass += ink;
            down += ink * ((double)row + 0.5);
            across += ink * ((double)column + 0.5);
            if (ink < INK)
                continue;
            top = row < top ? row : top;
            left = column < left ? column : left;
            bottom = row + 1;
            right = mb_max_size(right, column + 1);
        }
    *blank = bottom == 0;
    if (*blank)
        return false;
    const double unit[2] = {(double)rows / 28.0, (double)columns / 28.0};
    const double height = (double)(bottom - top), width = (double)(right - left);
    const double y = frame->by_mass ? down / mass : (double)top + height / 2.0;
    const double x = frame->by_mass ? across / mass : (double)left + width / 2.0;
    return fabs(fmax(height / unit[0], width / unit[1]) - frame->box) <= TOLERANCE &&
           fabs(y / unit[0] - 14.0) <= TOLERANCE && fabs(x / unit[1] - 14.0) <= TOLERANCE;
}

/* True if at least 9 of 10 images, without blank ones, are in the frame. */
static bool are_framed(const mb_frame *frame, const mb_images *images, mb_ground ground)
{
    const size_t step = mb_divide_up(images->count, MEASURED), stride = mb_images_stride(images);
    size_t framed = 0, all = 0;
    for (size_t i = 0; i < images->count; i += step) {
        bool blank;
        framed += is_framed(frame, images->pixels + i * stride, images->rows, images->columns,
                            ground == MB_GROUND_LIGHT ? 255 : 0, &blank);
        all += !blank;
    }
    return all > 0 && 10 * framed >= 9 * all;
}

/* The first framing that the images have; those of more than one channel have none. */
static mb_framing measure_framing(const mb_images *images, mb_ground ground)
{
    for (size_t f = 0; images->channels == 1 && f < MB_COUNT_OF(frames); f++)
        if (frames[f].box > 0.0 && are_framed(&frames[f], images, ground))
            return (mb_framing)f;
    return MB_FRAMING_NONE;
}

mb_image_form mb_images_measure(const mb_images *images)
{
    const mb_ground ground =
        mb_images_have_ground(images, MB_GROUND_LIGHT) ? MB_GROUND_LIGHT : MB_GROUND_DARK;
    mb_image_form form = {.ground = ground, .framing = measure_framing(images, ground)};
    if (ground == MB_GROUND_DARK && !mb_images_have_ground(images, MB_GROUND_DARK))
        form.standardization = mb_images_standardization(images);
    return form;
}

mb_standardization mb_images_standardization(const mb_images *images)
{
    const size_t plane = images->rows * images->columns;
    const double count = (double)images->count * (double)plane * 255.0;
    mb_standardization standard = {{0.0f}, {0.0f}};
    for (size_t channel = 0; channel < images->channels; channel++) {
        uint64_t sum = 0, squares = 0;
        for (size_t i = 0; i < images->count; i++) {
            const uint8_t *pixels = images->pixels + (i * images->channels + channel) * plane;
            uint64_t part = 0, part_squares = 0;
            for (size_t p = 0; p < plane; p++) {
                part += pixels[p];
                part_squares += (unsigned)pixels[p] * pixels[p];
            }
            sum += part;
            squares += part_squares;
        }
        const double mean = (double)sum / count;
        const double variance = (double)squares / count / 255.0 - mean * mean;
        standard.mean[channel] = (float)mean;
        standard.std[channel] = variance > 1e-9 ? (float)sqrt(variance) : 1.0f;
    }
    return standard;
}

const mb_enum mb_ground_names = {grounds, MB_COUNT_OF(grounds)};
const mb_enum mb_framing_names = {framings, MB_COUNT_OF(framings)};

#include "picture/ink.h"

#include "picture/clutter.h"

#include <math.h>
#include <stdlib.h>

/* Skewness of the differences from the mean below which they tell nothing about the ink. */
#define MIN_SKEWNESS 0.6

static int max_of(int a, int b) { return a > b ? a : b; }

/* Distribution of the values of a picture. */
typedef struct levels {
    float median, max;
    float
        noise; /* standard deviation, from the lower half: ink, in the upper, does not change it */
} levels;

static levels levels_of(PIX *pix)
{
    levels of = {0};
    float low = 0.0f;
    int min = 0, max = 0;
    NUMA *histogram = NULL;
    pixGetRankValueMasked(pix, NULL, 0, 0, 1, 0.5f, &of.median, &histogram);
    numaHistogramGetValFromRank(histogram, 0.16f, &low);
    numaGetNonzeroRange(histogram, 0.0f, &min, &max);
    numaDestroy(&histogram);
    of.noise = of.median - low;
    of.max = (float)max - floorf(of.median);
    pixAddConstantGray(pix, -(int)of.median);
    return of;
}

/* Ink is what there is less of: values differ much from their surroundings where it is, little
 * elsewhere, and the sum of the cubed differences from the local mean has the sign of the ink. If
 * there is about as much ink as background, as in a picture cropped to thick strokes, the
 * background has more of the picture's edge. */
static bool ink_is_light(PIX *gray)
{
    const int width = pixGetWidth(gray), height = pixGetHeight(gray);
    PIX *means = pixBlockconv(gray, (width - 1) / 2, (height - 1) / 2);
    double squares = 0.0, cubes = 0.0, edge = 0.0;
    for (int y = 0; means != NULL && y < height; y++) {
        const l_uint32 *line = pixGetData(gray) + (size_t)y * (size_t)pixGetWpl(gray);
        const l_uint32 *mean = pixGetData(means) + (size_t)y * (size_t)pixGetWpl(means);
        for (int x = 0; x < width; x++) {
            const int rounded = (int)GET_DATA_BYTE(line, x) - (int)GET_DATA_BYTE(mean, x);
            const double difference = abs(rounded) <= 2 ? 0.0 : rounded;
            squares += difference * difference;
            cubes += pow(difference, 3.0);
            if (x == 0 || y == 0 || x == width - 1 || y == height - 1)
                edge += difference;
        }
    }
    pixDestroy(&means);
    if (squares == 0.0) /* blank: any value below 128 has room for light ink only */
        return GET_DATA_BYTE(pixGetData(gray), 0) < 128;
    const double skewness = cubes * sqrt((double)width * height) / pow(squares, 1.5);
    return fabs(skewness) > MIN_SKEWNESS ? skewness > 0.0 : edge < 0.0;
}

/* 1 where `pix` is at least `value`. */
static PIX *at_least(PIX *pix, float value)
{
    PIX *below = pixThresholdToBinary(pix, (int)ceilf(value));
    return pixInvert(below, below);
}

/* Strength of the ink, 0 .. 255: the fraction of the background's light that it takes away. The
 * background is what a closing leaves of the picture, blurred by `radius`; its size is 1 / `part`
 * of the side. The border, as wide, leaves the closing the picture's dark corners. */
static PIX *ink_strength(PIX *gray, int part, int radius)
{
    enum { REDUCTION = 2, MIN_BORDER = 10 };
    const int size = max_of(pixGetWidth(gray), pixGetHeight(gray)) / part / REDUCTION | 1;
    const int border = max_of(MIN_BORDER, REDUCTION * size);
    PIX *pix = pixAddContinuedBorder(gray, border, border, border, border), *background = NULL;
    if (ink_is_light(gray))
        pixInvert(pix, pix);
    PIX *blurred = pixBlockconv(pix, radius, radius);
    pixGetBackgroundGrayMapMorph(blurred, NULL, REDUCTION, size, &background);
    pixDestroy(&blurred);
    mb_pix_replace(&background, pixGetInvBackgroundMap(background, 255, 0, 0));
    mb_pix_replace(&pix, pixApplyInvBackgroundGrayMap(pix, background, REDUCTION, REDUCTION));
    pixDestroy(&background);
    mb_pix_replace(&pix, pixRemoveBorder(pix, border));
    return pixInvert(pix, pix);
}

/* Sets to 0 all of `strength` that does not belong to the drawing, which has a quarter of the
 * strongest ink in each of its components. */
static void clear_background(PIX *strength, const levels *of, float min)
{
    PIX *seeds = at_least(strength, 0.25f * of->max), *ink = at_least(strength, min);
    mb_pix_replace(&ink, pixSeedfillBinary(NULL, seeds, ink, 8));
    pixDestroy(&seeds);
    mb_remove_specks(ink);
    pixInvert(ink, ink);
    pixSetMasked(strength, ink, 0);
    pixDestroy(&ink);
}

/* Sets lines and frames to 0. */
static void clear_lines(PIX *strength, float min)
{
    PIX *ink = at_least(strength, min), *lines = mb_lines_of(ink);
    pixSetMasked(strength, lines, 0);
    pixDestroy(&ink);
    pixDestroy(&lines);
}

mb_ink mb_find_ink(PIX *gray)
{
    mb_ink found = {0};
    /* Ink drawn on a uniform background may be of any width; a photograph has noise and dark
     * corners, which a small closing follows. */
    PIX *strength = ink_strength(gray, 3, 0);
    levels of = levels_of(strength);
    float min = fmaxf(2.0f, 0.04f * of.max), max = 4.0f;
    if (of.noise >= 1.0f) {
        mb_pix_replace(&strength, ink_strength(gray, 6, 3));
        of = levels_of(strength);
        min = fmaxf(4.0f * of.noise, 0.15f * of.max);
        max = fmaxf(6.0f * of.noise, 8.0f);
    }
    found.blank = strength != NULL && of.max <= max;
    if (strength != NULL && !found.blank) {
        BOX *box = NULL;
        clear_lines(strength, min);
        clear_background(strength, &of, min);
        PIX *ink = at_least(strength, min);
        int empty = 0;
        pixZero(ink, &empty);
        found.blank = empty != 0;
        found.digits = mb_count_digits(ink);
        pixClipToForeground(ink, NULL, &box);
        boxGetGeometry(box, &found.left, &found.top, NULL, NULL);
        found.strength = pixClipRectangle(strength, box, NULL);
        boxDestroy(&box);
        pixDestroy(&ink);
    }
    pixDestroy(&strength);
    return found;
}

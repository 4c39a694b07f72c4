#include "picture/ink.h"

#include "picture/clutter.h"

#include <math.h>
#include <stdlib.h>

/* Skewness of the differences from the mean below which they tell nothing about the ink. */
#define MIN_SKEWNESS 0.6

static int max_of(int a, int b) { return a > b ? a : b; }

/* Distribution of the values of a picture. */
typedef struct levels {
    float background, max; /* max: above the background */
    float noise; /* standard deviation, from the lower half of the background: above it is ink */
} levels;

/* Subtracts the background: the median of the picture. In one that is cropped to thick strokes ink
 * and its edges are half of the picture, and the background is the lowest quarter of the rest. */
static levels levels_of(PIX *pix)
{
    enum { MIN_CROPPED = 64 }; /* weaker ink is told from noise only with more background */
    levels of = {0};
    float low = 0.0f, rank = 0.5f, below = 0.0f;
    int min = 0, max = 0;
    NUMA *histogram = NULL;
    pixGetRankValueMasked(pix, NULL, 0, 0, 1, rank, &of.background, &histogram);
    numaGetNonzeroRange(histogram, 0.0f, &min, &max);
    numaHistogramGetRankFromVal(histogram, 0.5f * (float)max, &below);
    if (of.background > 0.2f * (float)max && below < 0.7f && max > MIN_CROPPED) {
        rank = 0.25f * below;
        numaHistogramGetValFromRank(histogram, rank, &of.background);
    }
    numaHistogramGetValFromRank(histogram, 0.32f * rank, &low);
    numaDestroy(&histogram);
    of.noise = of.background - low;
    of.max = (float)max - floorf(of.background);
    pixAddConstantGray(pix, -(int)of.background);
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
            cubes += difference * difference * difference;
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
    const bool is_dark = /* every pixel that it samples is black: no ink takes light away */
        pixGetBackgroundGrayMapMorph(blurred, NULL, REDUCTION, size, &background) != 0 &&
        blurred != NULL;
    pixDestroy(&blurred);
    if (is_dark) {
        pixDestroy(&pix);
        return pixCreateTemplate(gray);
    }
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

static int pixels_of(PIX *binary)
{
    int count = 0;
    pixCountPixels(binary, &count, NULL);
    return count;
}

/* Sets lines and frames to 0, except ink that is little else and away from the edge of the picture:
 * a thin 1. */
static void clear_lines(PIX *strength, float min)
{
    PIX *ink = at_least(strength, min), *lines = mb_lines_of(ink);
    PIX *rest = pixSubtract(NULL, ink, lines), *inside = pixCopy(NULL, ink);
    pixSetOrClearBorder(inside, 1, 1, 1, 1, PIX_CLR);
    const int all = pixels_of(ink);
    if (pixels_of(inside) < all || 10 * pixels_of(rest) > all)
        pixSetMasked(strength, lines, 0);
    pixDestroy(&ink);
    pixDestroy(&lines);
    pixDestroy(&rest);
    pixDestroy(&inside);
}

/* Width of the sharpest edge: 1 if neighbours have the strongest ink and none. */
static double edge_width(PIX *strength)
{
    int max = 0, step = 1;
    const int width = pixGetWidth(strength), height = pixGetHeight(strength);
    for (int y = 0; y < height; y++) {
        const l_uint32 *line = pixGetData(strength) + (size_t)y * (size_t)pixGetWpl(strength);
        const l_uint32 *above = y > 0 ? line - pixGetWpl(strength) : line;
        for (int x = 0; x < width; x++) {
            const int value = GET_DATA_BYTE(line, x),
                      before = GET_DATA_BYTE(line, max_of(0, x - 1));
            max = max_of(max, value);
            step = max_of(step, abs(value - before));
            step = max_of(step, abs(value - (int)GET_DATA_BYTE(above, x)));
        }
    }
    return (double)max / step;
}

/* Box of the ink, from the middle of its edges: `min`, which separates it from its background, is
 * passed farther outside if the edges are blurred. */
static BOX *box_of(PIX *strength, PIX *ink, float min, float max)
{
    BOX *box = NULL;
    int left = 0, top = 0, width = 0, height = 0;
    pixClipToForeground(ink, NULL, &box);
    boxGetGeometry(box, &left, &top, &width, &height);
    const double outside = (edge_width(strength) - 1.0) * fmax(0.0, 0.5 - (double)(min / max));
    const int margin = (int)fmin(lround(outside), (width < height ? width : height) / 4);
    boxSetGeometry(box, left + margin, top + margin, width - 2 * margin, height - 2 * margin);
    return box;
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
        clear_lines(strength, min);
        clear_background(strength, &of, min);
        PIX *ink = at_least(strength, min);
        int empty = 0;
        pixZero(ink, &empty);
        found.blank = empty != 0;
        found.digits = mb_count_digits(ink);
        BOX *box = box_of(strength, ink, min, of.max);
        boxGetGeometry(box, &found.left, &found.top, NULL, NULL);
        found.strength = pixClipRectangle(strength, box, NULL);
        boxDestroy(&box);
        pixDestroy(&ink);
    }
    pixDestroy(&strength);
    return found;
}

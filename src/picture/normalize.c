#include "picture/normalize.h"

#include "picture/pix.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Pictures are reduced to at most this side: fine enough for ink on a twentieth of it, and the mean
 * of many pixels of a large photograph has little noise. */
enum { MAX_SIDE = 400 };

static int max_of(int a, int b) { return a > b ? a : b; }

static PIX *pix_of(const uint8_t *pixels, size_t rows, size_t columns)
{
    PIX *pix = pixCreateNoInit((int)columns, (int)rows, 8);
    for (size_t row = 0; pix != NULL && row < rows; row++) {
        l_uint32 *line = pixGetData(pix) + row * (size_t)pixGetWpl(pix);
        for (size_t column = 0; column < columns; column++)
            SET_DATA_BYTE(line, column, pixels[row * columns + column]);
    }
    return pix;
}

/* Divides both sides by the smallest integer that leaves at most MAX_SIDE, by means of blocks. */
static PIX *reduced(const uint8_t *pixels, size_t rows, size_t columns)
{
    PIX *pix = pix_of(pixels, rows, columns);
    const int width = (int)columns, height = (int)rows;
    const int factor = (max_of(width, height) - 1) / MAX_SIDE + 1;
    if (factor > 1)
        mb_pix_replace(
            &pix, pixScaleAreaMapToSize(pix, (width - 1) / factor + 1, (height - 1) / factor + 1));
    return pix;
}

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

/* Foreground values are few and far from the median, shading is everywhere and near it: the sum of
 * the cubed differences has the sign of the foreground. */
static bool ink_is_light(PIX *gray)
{
    double cubes = 0.0;
    float median = 0.0f, count = 0.0f;
    NUMA *histogram = NULL;
    pixGetRankValueMasked(gray, NULL, 0, 0, 1, 0.5f, &median, &histogram);
    for (int value = 0; value < 256; value++) {
        numaGetFValue(histogram, value, &count);
        cubes += (double)count * pow(value - floor((double)median), 3.0);
    }
    numaDestroy(&histogram);
    return cubes > 0.0 || (cubes == 0.0 && median < 128.0f);
}

/* 1 where `pix` is at least `value`. */
static PIX *at_least(PIX *pix, float value)
{
    PIX *below = pixThresholdToBinary(pix, (int)ceilf(value));
    return pixInvert(below, below);
}

/* Strength of the ink, 0 .. 255: the fraction of the background's light that it takes away. The
 * background is what a closing leaves of the picture, blurred by `radius`; its size is 1 / `part`
 * of the side. The border makes the smallest pictures large enough. */
static PIX *ink_strength(PIX *gray, int part, int radius)
{
    enum { REDUCTION = 2, BORDER = 10 };
    const int size = max_of(pixGetWidth(gray), pixGetHeight(gray)) / part / REDUCTION | 1;
    PIX *pix = pixAddContinuedBorder(gray, BORDER, BORDER, BORDER, BORDER), *background = NULL;
    if (ink_is_light(gray))
        pixInvert(pix, pix);
    PIX *blurred = pixBlockconv(pix, radius, radius);
    pixGetBackgroundGrayMapMorph(blurred, NULL, REDUCTION, size, &background);
    pixDestroy(&blurred);
    mb_pix_replace(&background, pixGetInvBackgroundMap(background, 255, 0, 0));
    mb_pix_replace(&pix, pixApplyInvBackgroundGrayMap(pix, background, REDUCTION, REDUCTION));
    pixDestroy(&background);
    mb_pix_replace(&pix, pixRemoveBorder(pix, BORDER));
    return pixInvert(pix, pix);
}

/* Removes components that are small relative to the largest: specks and dust. */
static PIX *without_specks(PIX *ink)
{
    PIXA *components = NULL;
    BOXA *boxes = pixConnComp(ink, &components, 8);
    NUMA *areas = pixaCountPixels(components);
    float largest = 0.0f;
    numaGetMax(areas, &largest, NULL);
    boxaDestroy(&boxes);
    pixaDestroy(&components);
    numaDestroy(&areas);
    return pixSelectByArea(ink, 0.02f * largest, 8, L_SELECT_IF_GTE, NULL);
}

/* Sets to 0 all of `strength` that does not belong to the drawing, which has a quarter of the
 * strongest ink in each of its components. */
static void clear_background(PIX *strength, const levels *of, float min)
{
    PIX *seeds = at_least(strength, 0.25f * of->max), *ink = at_least(strength, min);
    mb_pix_replace(&ink, pixSeedfillBinary(NULL, seeds, ink, 8));
    pixDestroy(&seeds);
    mb_pix_replace(&ink, without_specks(ink));
    pixInvert(ink, ink);
    pixSetMasked(strength, ink, 0);
    pixDestroy(&ink);
}

/* Clips the ink of the picture, whose corner is at (*left, *top) then, or returns NULL with *blank
 * set if it has none. Ink drawn on a uniform background may be of any width; a photograph has noise
 * and dark corners, which a small closing follows. */
static PIX *find_ink(PIX *gray, bool *blank, int *left, int *top)
{
    PIX *strength = ink_strength(gray, 3, 0), *clipped = NULL;
    levels of = levels_of(strength);
    float min = fmaxf(2.0f, 0.04f * of.max), max = 4.0f;
    if (of.noise >= 1.0f) {
        mb_pix_replace(&strength, ink_strength(gray, 6, 3));
        of = levels_of(strength);
        min = fmaxf(4.0f * of.noise, 0.15f * of.max);
        max = fmaxf(6.0f * of.noise, 8.0f);
    }
    *blank = strength != NULL && of.max <= max;
    if (strength != NULL && !*blank) {
        BOX *box = NULL;
        clear_background(strength, &of, min);
        PIX *ink = at_least(strength, min);
        pixClipToForeground(ink, NULL, &box);
        boxGetGeometry(box, left, top, NULL, NULL);
        clipped = pixClipRectangle(strength, box, NULL);
        boxDestroy(&box);
        pixDestroy(&ink);
    }
    pixDestroy(&strength);
    return clipped;
}

/* MNIST's digits fill 20 of 28 pixels. */
static double box_side(size_t side) { return fmax(1.0, round((double)side * 20.0 / 28.0)); }

/* Ink that is smaller than the box by at most this much is not resampled: smooth edges have no
 * clear end. */
static const double tolerance = 1.0;

static double scale_of(PIX *ink, size_t to_rows, size_t to_columns)
{
    const double down = box_side(to_rows), across = box_side(to_columns);
    const double rows = pixGetHeight(ink), columns = pixGetWidth(ink);
    const double left = fmin(down - rows, across - columns);
    return left >= 0.0 && left <= tolerance ? 1.0 : fmin(down / rows, across / columns);
}

/* Length of the overlap of pixel `i`, from i to i + 1, and the range from `begin` to `end`. */
static double overlap(int i, double begin, double end)
{
    return fmin(end, (double)i + 1.0) - fmax(begin, (double)i);
}

/* The mean of a rectangle of the picture, whose sides need not be at pixels. */
static double area_mean(PIX *pix, double left, double top, double width, double height)
{
    double sum = 0.0;
    for (int row = (int)top; row < pixGetHeight(pix) && row < top + height; row++)
        for (int column = (int)left; column < pixGetWidth(pix) && column < left + width; column++) {
            l_uint32 value = 0;
            pixGetPixel(pix, column, row, &value);
            sum += value * overlap(row, top, top + height) * overlap(column, left, left + width);
        }
    return sum / (width * height);
}

/* Scales to a larger size by linear interpolation, and to a smaller one by the means of areas:
 * pixScaleAreaMap takes a sample instead of the mean in the last row and column. */
static PIX *scaled(PIX *ink, double scale)
{
    const int width = pixGetWidth(ink), height = pixGetHeight(ink);
    const int to_width = max_of(1, (int)lround(width * scale));
    const int to_height = max_of(1, (int)lround(height * scale));
    const double x = (double)width / to_width, y = (double)height / to_height;
    if (scale > 1.0)
        return pixScaleGrayLI(ink, (float)(1.0 / x), (float)(1.0 / y));
    PIX *pix = pixCreate(to_width, to_height, 8);
    for (int row = 0; ink != NULL && row < to_height; row++)
        for (int column = 0; column < to_width; column++)
            pixSetPixel(pix, column, row,
                        (l_uint32)lround(area_mean(ink, column * x, row * y, x, y)));
    return pix;
}

/* Where a side of `count` begins in one of `side`, so that its center of mass is at side / 2. It
 * stays at `now` (NAN: nowhere) if that is about as good: close to the half of a pixel, the
 * faintest ink would move it by a whole one. */
static int offset(double center, int count, size_t side, double now)
{
    const double exact = (double)(side / 2) - center;
    const double wanted = fabs(exact - now) < 0.6 ? now : ceil(exact - 0.5);
    return (int)fmin(fmax(wanted, 0.0), (double)side - count);
}

/* Puts the fitted ink with its center of mass in the middle of `image`, the strongest at 255. */
static void put_centered(PIX *fit, double left_now, double top_now, uint8_t *image, size_t to_rows,
                         size_t to_columns)
{
    float across = 0.0f, down = 0.0f;
    const int width = pixGetWidth(fit), height = pixGetHeight(fit);
    PIX *bright = pixMaxDynamicRange(fit, L_LINEAR_SCALE);
    pixCentroid(fit, NULL, NULL, &across, &down);
    const int left = offset((double)across, width, to_columns, left_now);
    const int top = offset((double)down, height, to_rows, top_now);
    memset(image, 0, to_rows * to_columns);
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++) {
            l_uint32 value = 0;
            pixGetPixel(bright, column, row, &value);
            image[(size_t)(top + row) * to_columns + (size_t)(left + column)] = (uint8_t)value;
        }
    pixDestroy(&bright);
}

mb_status mb_picture_normalize(const char *name, const uint8_t *pixels, size_t rows, size_t columns,
                               uint8_t *image, size_t to_rows, size_t to_columns, mb_error *error)
{
    bool blank = false;
    int left = 0, top = 0;
    const int severity = setMsgSeverity(L_SEVERITY_NONE);
    PIX *gray = reduced(pixels, rows, columns), *ink = find_ink(gray, &blank, &left, &top);
    PIX *fit = scaled(ink, scale_of(ink, to_rows, to_columns));
    mb_status status = MB_OK;
    if (blank)
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: nothing stands out on it: no ink to be seen",
                         name);
    else if (ink == NULL || fit == NULL)
        status = mb_fail_memory(error, name, rows * columns);
    else {
        const bool same = rows == to_rows && columns == to_columns &&
                          pixGetWidth(fit) == pixGetWidth(ink) &&
                          pixGetHeight(fit) == pixGetHeight(ink);
        put_centered(fit, same ? left : NAN, same ? top : NAN, image, to_rows, to_columns);
    }
    pixDestroy(&gray);
    pixDestroy(&ink);
    pixDestroy(&fit);
    setMsgSeverity(severity);
    return status;
}

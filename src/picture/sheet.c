#include "picture/sheet.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* 1 where the picture, blurred against noise, is on the lighter side of Otsu's threshold. */
static PIX *bright_parts(PIX *gray, int *threshold)
{
    PIX *blurred = pixBlockconv(gray, 1, 1), *dark = NULL, *thresholds = NULL;
    l_uint32 value = 0;
    pixOtsuAdaptiveThreshold(blurred, pixGetWidth(gray), pixGetHeight(gray), 0, 0, 0.0f,
                             &thresholds, NULL);
    pixGetPixel(thresholds, 0, 0, &value);
    *threshold = (int)value;
    dark = pixThresholdToBinary(blurred, *threshold);
    pixDestroy(&blurred);
    pixDestroy(&thresholds);
    return pixInvert(dark, dark);
}

/* The component with the most pixels, in a picture of the same size. */
static PIX *largest_component(PIX *binary)
{
    PIXA *components = NULL;
    BOXA *boxes = pixConnComp(binary, &components, 8);
    NUMA *areas = pixaCountPixels(components);
    PIX *largest = pixCreateTemplate(binary);
    int which = 0, left = 0, top = 0, width = 0, height = 0;
    float area = 0.0f;
    numaGetMax(areas, &area, &which);
    if (boxaGetCount(boxes) > 0) {
        PIX *component = pixaGetPix(components, which, L_CLONE);
        boxaGetBoxGeometry(boxes, which, &left, &top, &width, &height);
        pixRasterop(largest, left, top, width, height, PIX_SRC, component, 0, 0);
        pixDestroy(&component);
    }
    boxaDestroy(&boxes);
    pixaDestroy(&components);
    numaDestroy(&areas);
    return largest;
}

/* Area of the smallest rectangle at this angle around the points. */
static double rectangle_area(PTA *points, double angle)
{
    double across[2] = {INFINITY, -INFINITY}, down[2] = {INFINITY, -INFINITY};
    const double cosine = cos(angle), sine = sin(angle);
    for (int i = 0; i < ptaGetCount(points); i++) {
        float x = 0.0f, y = 0.0f;
        ptaGetPt(points, i, &x, &y);
        const double u = (double)x * cosine + (double)y * sine,
                     v = (double)y * cosine - (double)x * sine;
        across[0] = u < across[0] ? u : across[0];
        across[1] = u > across[1] ? u : across[1];
        down[0] = v < down[0] ? v : down[0];
        down[1] = v > down[1] ? v : down[1];
    }
    return (across[1] - across[0] + 1.0) * (down[1] - down[0] + 1.0);
}

static double pixels_of(PIX *binary)
{
    int count = 0;
    pixCountPixels(binary, &count, NULL);
    return count;
}

/* The fraction of the smallest rectangle around it that `region` fills: 1 for a rectangle, 0.79 for
 * an ellipse. *angle: of the rectangle's sides, -pi / 4 to pi / 4. */
static double rectangularity(PIX *region, double *angle)
{
    const double degree = acos(-1.0) / 180.0;
    double smallest = INFINITY;
    PIX *boundary = pixExtractBoundary(region, 1);
    PTA *points = ptaGetPixelsFromPix(boundary, NULL);
    for (int degrees = -45; points != NULL && degrees < 45; degrees += 3) {
        const double area = rectangle_area(points, degrees * degree);
        *angle = area < smallest ? degrees * degree : *angle;
        smallest = fmin(smallest, area);
    }
    ptaDestroy(&points);
    pixDestroy(&boundary);
    return pixels_of(region) / smallest;
}

static float median_of(PIX *gray, PIX *where)
{
    float median = 0.0f;
    pixGetRankValueMasked(gray, where, 0, 0, 1, 0.5f, &median, NULL);
    return median;
}

/* True if `region`, a bright component with its holes filled, is paper: a rectangle, neither a part
 * of a drawing nor about all of the picture, much lighter than the rest, all of which is dark, with
 * something dark in it. *angle: of its sides. */
static bool is_sheet(PIX *gray, PIX *bright, PIX *region, double *angle)
{
    const double all = (double)pixGetWidth(gray) * pixGetHeight(gray), area = pixels_of(region);
    if (area < 0.1 * all || area > 0.97 * all)
        return false;
    PIX *paper = pixAnd(NULL, bright, region), *outside = pixInvert(NULL, region);
    PIX *other = pixAnd(NULL, bright, outside);
    const double ink = 1.0 - pixels_of(paper) / area;
    const bool is = ink > 0.002 && ink < 0.35 && pixels_of(other) < 0.1 * (all - area) &&
                    median_of(gray, outside) < 0.65f * median_of(gray, paper) &&
                    rectangularity(region, angle) > 0.85;
    pixDestroy(&paper);
    pixDestroy(&outside);
    pixDestroy(&other);
    return is;
}

/* Sets the pixels of a row outside `region` to the nearest one inside, to `value` if there is none.
 */
static void extend_row(PIX *gray, PIX *region, int y, int value)
{
    l_uint32 *line = pixGetData(gray) + (size_t)y * (size_t)pixGetWpl(gray);
    const l_uint32 *inside = pixGetData(region) + (size_t)y * (size_t)pixGetWpl(region);
    const int width = pixGetWidth(gray);
    int first = 0, last = width - 1;
    while (first < width && !GET_DATA_BIT(inside, first))
        first++;
    while (last > first && !GET_DATA_BIT(inside, last))
        last--;
    for (int x = 0; x < width; x++)
        if (first == width)
            SET_DATA_BYTE(line, x, value);
        else if (x < first || x > last)
            SET_DATA_BYTE(line, x, GET_DATA_BYTE(line, x < first ? first : last));
}

/* Clips to the sheet, without its edge, and turns it upright: what is outside of it becomes paper.
 */
static void clip(PIX **gray, PIX *region, double angle)
{
    BOX *box = NULL;
    const int edge = 2 * (1 + (pixGetWidth(*gray) + pixGetHeight(*gray)) / 200) + 1;
    PIX *inner = pixErodeBrick(NULL, region, edge, edge), *clipped = NULL;
    const int paper = (int)median_of(*gray, inner);
    pixClipToForeground(inner, &clipped, &box);
    if (box != NULL) {
        mb_pix_replace(gray, pixClipRectangle(*gray, box, NULL));
        for (int y = 0; *gray != NULL && y < pixGetHeight(*gray); y++)
            extend_row(*gray, clipped, y, paper);
        mb_pix_replace(gray, pixRotateAMGray(*gray, (float)-angle, (l_uint8)paper));
    }
    boxDestroy(&box);
    pixDestroy(&clipped);
    pixDestroy(&inner);
}

void mb_clip_to_sheet(PIX **gray)
{
    enum { MIN_SIDE = 32 };
    int threshold = 0;
    double angle = 0.0;
    if (*gray == NULL || pixGetWidth(*gray) < MIN_SIDE || pixGetHeight(*gray) < MIN_SIDE)
        return;
    PIX *bright = bright_parts(*gray, &threshold), *region = largest_component(bright);
    PIX *holes = pixHolesByFilling(region, 4);
    pixOr(region, region, holes);
    if (region != NULL && is_sheet(*gray, bright, region, &angle))
        clip(gray, region, angle);
    pixDestroy(&bright);
    pixDestroy(&region);
    pixDestroy(&holes);
}

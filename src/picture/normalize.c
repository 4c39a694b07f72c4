#include "picture/normalize.h"

#include "data/dataset.h"
#include "picture/ink.h"
#include "picture/sheet.h"

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

/* The image that a picture is brought to. */
typedef struct target {
    uint8_t *image;
    size_t rows, columns;
    mb_frame frame;
} target;

static double box_side(const target *to, size_t side)
{
    return fmax(1.0, round((double)side * to->frame.box / 28.0));
}

/* Ink that is smaller than the box by at most TOLERANCE is not resampled: smooth edges have no
 * clear end. */
#define TOLERANCE 1.0

static double scale_of(PIX *ink, const target *to)
{
    const double down = box_side(to, to->rows), across = box_side(to, to->columns);
    const double rows = pixGetHeight(ink), columns = pixGetWidth(ink);
    const double left = fmin(down - rows, across - columns);
    return left >= 0.0 && left <= TOLERANCE ? 1.0 : fmin(down / rows, across / columns);
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
    const int rows = pixGetHeight(pix), columns = pixGetWidth(pix);
    for (int row = (int)top; row < rows && row < top + height; row++) {
        const l_uint32 *line = pixGetData(pix) + (size_t)row * (size_t)pixGetWpl(pix);
        double row_sum = 0.0;
        for (int column = (int)left; column < columns && column < left + width; column++)
            row_sum += GET_DATA_BYTE(line, column) * overlap(column, left, left + width);
        sum += row_sum * overlap(row, top, top + height);
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

/* Where a side of `count` begins in one of `side`, so that its center is at side / 2. It
 * stays at `now` (NAN: unknown) if that is about as good: close to the half of a pixel, the
 * faintest ink would move it by a whole one. */
static int offset(double center, int count, size_t side, double now)
{
    const double exact = (double)(side / 2) - center;
    const double wanted = fabs(exact - now) < 0.6 ? now : ceil(exact - 0.5);
    return (int)fmin(fmax(wanted, 0.0), (double)side - count);
}

/* Puts the fitted ink with its center in the middle of the image, the strongest at 255. */
static void put_centered(PIX *fit, double left_now, double top_now, const target *to)
{
    const int width = pixGetWidth(fit), height = pixGetHeight(fit);
    float across = 0.5f * (float)width, down = 0.5f * (float)height;
    PIX *bright = pixMaxDynamicRange(fit, L_LINEAR_SCALE);
    if (to->frame.by_mass)
        pixCentroid(fit, NULL, NULL, &across, &down);
    const int left = offset((double)across, width, to->columns, left_now);
    const int top = offset((double)down, height, to->rows, top_now);
    memset(to->image, 0, to->rows * to->columns);
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++) {
            l_uint32 value = 0;
            pixGetPixel(bright, column, row, &value);
            to->image[(size_t)(top + row) * to->columns + (size_t)(left + column)] = (uint8_t)value;
        }
    pixDestroy(&bright);
}

/* Width of the strokes: twice their area by the length of their boundary. */
static double stroke_width(PIX *ink)
{
    int area = 0, length = 0, max = 0;
    pixGetExtremeValue(ink, 1, L_SELECT_MAX, NULL, NULL, NULL, &max);
    PIX *rest = pixThresholdToBinary(ink, (max + 1) / 2), *boundary = NULL;
    pixInvert(rest, rest);
    boundary = pixExtractBoundary(rest, 1);
    pixCountPixels(rest, &area, NULL);
    pixCountPixels(boundary, &length, NULL);
    pixDestroy(&rest);
    pixDestroy(&boundary);
    return 2.0 * area / fmax(1.0, length);
}

/* Widens strokes that would be thinner than any of MNIST's, and pale: those are 1.15 to 5.6 wide in
 * 28 x 28, half of them below 2.5. */
static void thicken(PIX **ink, const target *to)
{
    const double thin = 0.7 / 20.0, wanted = 1.3 / 20.0;
    const double box = fmin(box_side(to, to->rows), box_side(to, to->columns));
    const double scale = *ink != NULL ? scale_of(*ink, to) : 1.0;
    const double width = scale < 1.0 ? scale * stroke_width(*ink) / box : wanted;
    if (width >= thin)
        return;
    const int by = (int)lround((wanted - width) * box / scale) / 2;
    mb_pix_replace(ink, pixAddBorderGeneral(*ink, by, by, by, by, 0));
    mb_pix_replace(ink, pixDilateGray(*ink, 2 * by + 1, 2 * by + 1));
}

mb_status mb_picture_normalize(const char *name, const uint8_t *pixels, size_t rows, size_t columns,
                               mb_framing framing, uint8_t *image, size_t to_rows,
                               size_t to_columns, mb_error *error)
{
    const target to = {image, to_rows, to_columns, mb_frame_of(framing)};
    mb_pix_messages_off();
    PIX *gray = reduced(pixels, rows, columns);
    mb_clip_to_sheet(&gray);
    mb_ink ink = mb_find_ink(gray);
    thicken(&ink.strength, &to);
    PIX *fit = scaled(ink.strength, scale_of(ink.strength, &to));
    mb_status status = MB_OK;
    if (ink.blank)
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: nothing stands out on it: no ink to be seen",
                         name);
    else if (ink.digits > 1)
        status = mb_fail(error, MB_ERROR_FORMAT,
                         "%s: looks like %d digits: a picture has one, cut them apart", name,
                         ink.digits);
    else if (fit == NULL)
        status = mb_fail_memory(error, name, rows * columns);
    else {
        const double across = (double)to_columns / pixGetWidth(gray);
        const double down = (double)to_rows / pixGetHeight(gray);
        const bool in_form =
            fabs(across * pixGetWidth(ink.strength) - pixGetWidth(fit)) <= TOLERANCE &&
            fabs(down * pixGetHeight(ink.strength) - pixGetHeight(fit)) <= TOLERANCE;
        put_centered(fit, in_form ? round(across * ink.left) : NAN,
                     in_form ? round(down * ink.top) : NAN, &to);
    }
    pixDestroy(&gray);
    pixDestroy(&ink.strength);
    pixDestroy(&fit);
    mb_pix_messages_on();
    return status;
}

/* Median of the pixels at the border. */
static uint8_t border_of(const uint8_t *pixels, size_t rows, size_t columns)
{
    size_t counts[256] = {0}, all = 0, below = 0;
    for (size_t row = 0; row < rows; row++) {
        const size_t step = row == 0 || row + 1 == rows || columns == 1 ? 1 : columns - 1;
        for (size_t column = 0; column < columns; column += step, all++)
            counts[pixels[row * columns + column]]++;
    }
    size_t value = 0;
    while (2 * (below + counts[value]) < all)
        below += counts[value++];
    return (uint8_t)value;
}

static mb_status fit_plane(const char *name, const uint8_t *pixels, size_t rows, size_t columns,
                           const target *to, mb_error *error)
{
    const double down = (double)to->rows / (double)rows,
                 across = (double)to->columns / (double)columns;
    PIX *gray = pix_of(pixels, rows, columns);
    if (down != 1.0 || across != 1.0)
        mb_pix_replace(&gray, scaled(gray, fmin(down, across)));
    const size_t height = (size_t)pixGetHeight(gray), width = (size_t)pixGetWidth(gray);
    const size_t top = (to->rows - height) / 2, left = (to->columns - width) / 2;
    memset(to->image, border_of(pixels, rows, columns), to->rows * to->columns);
    for (size_t row = 0; gray != NULL && row < height; row++)
        for (size_t column = 0; column < width; column++)
            to->image[(top + row) * to->columns + left + column] =
                GET_DATA_BYTE(pixGetData(gray) + row * (size_t)pixGetWpl(gray), column);
    const mb_status status = gray != NULL ? MB_OK : mb_fail_memory(error, name, rows * columns);
    pixDestroy(&gray);
    return status;
}

mb_status mb_picture_fit(const char *name, const uint8_t *pixels, size_t channels, size_t rows,
                         size_t columns, uint8_t *image, size_t to_rows, size_t to_columns,
                         mb_error *error)
{
    mb_status status = MB_OK;
    mb_pix_messages_off();
    for (size_t c = 0; c < channels && status == MB_OK; c++) {
        const target to = {
            .image = image + c * to_rows * to_columns, .rows = to_rows, .columns = to_columns};
        status = fit_plane(name, pixels + c * rows * columns, rows, columns, &to, error);
    }
    mb_pix_messages_on();
    return status;
}

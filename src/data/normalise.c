#include "data/normalise.h"

#include "data/ground.h"
#include "data/spots.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Pictures are looked at in at most this size: fine enough for ink on a twentieth of the side, and
 * the mean of many pixels of a large photograph has little noise. */
enum { LONGEST_SIDE = 400 };

static float strongest(const mb_plane *ink)
{
    float most = 0.0f;
    for (size_t i = 0; i < ink->rows * ink->columns; i++)
        most = ink->values[i] > most ? ink->values[i] : most;
    return most;
}

/* Around all that is above `least`, which something is. */
static mb_box box_around(const mb_plane *ink, float least)
{
    size_t top = ink->rows, bottom = 0, left = ink->columns, right = 0;
    for (size_t r = 0; r < ink->rows; r++)
        for (size_t c = 0; c < ink->columns; c++) {
            if (!(ink->values[r * ink->columns + c] > least))
                continue;
            top = r < top ? r : top;
            bottom = r > bottom ? r : bottom;
            left = c < left ? c : left;
            right = c > right ? c : right;
        }
    return (mb_box){top, left, bottom - top + 1, right - left + 1};
}

/* MNIST's box is 20 of 28 pixels. */
static double box_side(size_t side)
{
    const double box = round((double)side * 20.0 / 28.0);
    return box < 1.0 ? 1.0 : box;
}

static size_t scaled(size_t side, double scale)
{
    const double size = round((double)side * scale);
    return size < 1.0 ? 1 : (size_t)size;
}

/* What lacks no more than this of the box fills it: the tails of smooth edges have no clear end. */
static const double lacking = 1.0;

static double scale_of(mb_box box, size_t to_rows, size_t to_columns)
{
    const double down = box_side(to_rows), across = box_side(to_columns);
    const double left = fmin(down - (double)box.rows, across - (double)box.columns);
    if (left >= 0.0 && left <= lacking)
        return 1.0;
    return fmin(down / (double)box.rows, across / (double)box.columns);
}

/* The ink of the box in the size that it will have; the values are NULL when memory is out. */
static mb_plane fitted(const mb_plane *ink, mb_box box, size_t to_rows, size_t to_columns)
{
    const double scale = scale_of(box, to_rows, to_columns);
    mb_plane fit = mb_plane_take(scaled(box.rows, scale), scaled(box.columns, scale));
    float *between = calloc(box.rows * fit.columns, sizeof *between);
    if (fit.values != NULL && between != NULL) {
        mb_plane_resize(ink, box, between, &fit);
    } else {
        free(fit.values);
        fit.values = NULL;
    }
    free(between);
    return fit;
}

/* Where a side of `count` begins in one of `side`, when its centre of mass is to be at side / 2. It
 * stays where it is now (NAN: nowhere) if that is about as good: next to the half of a pixel, what
 * the faintest ink weighs would move it by a whole one. */
static size_t offset(double centre, size_t count, size_t side, double now)
{
    const double exact = (double)(side / 2) - centre;
    const double wanted = fabs(exact - now) < 0.6 ? now : ceil(exact - 0.5);
    const size_t most = side - count;
    if (wanted < 0.0)
        return 0;
    return wanted > (double)most ? most : (size_t)wanted;
}

/* `top_now` and `left_now` are where the ink is now, in a picture of the image's size; NAN
 * otherwise. */
static void put_centred(const mb_plane *fit, double top_now, double left_now, uint8_t *image,
                        size_t to_rows, size_t to_columns)
{
    double mass = 0.0, down = 0.0, across = 0.0;
    for (size_t i = 0; i < fit->rows * fit->columns; i++) {
        mass += (double)fit->values[i];
        down += (double)fit->values[i] * (double)(i / fit->columns);
        across += (double)fit->values[i] * (double)(i % fit->columns);
    }
    const size_t top = offset(down / mass, fit->rows, to_rows, top_now);
    const size_t left = offset(across / mass, fit->columns, to_columns, left_now);
    const float factor = 255.0f / strongest(fit);
    memset(image, 0, to_rows * to_columns);
    for (size_t r = 0; r < fit->rows; r++)
        for (size_t c = 0; c < fit->columns; c++)
            image[(top + r) * to_columns + left + c] =
                (uint8_t)lroundf(factor * fit->values[r * fit->columns + c]);
}

mb_status mb_picture_normalize(const char *name, const uint8_t *pixels, size_t rows, size_t columns,
                               uint8_t *image, size_t to_rows, size_t to_columns, mb_error *error)
{
    mb_ink_levels levels;
    mb_box box = {0};
    mb_plane fit = {0}, ink = mb_plane_reduced(pixels, rows, columns, LONGEST_SIDE);
    mb_status status = MB_OK;
    if (ink.values == NULL) {
        status = mb_fail_memory(error, name, rows * columns);
        goto done;
    }
    if (!mb_find_ink(&ink, &levels)) {
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: nothing stands out on it: no ink to be seen",
                         name);
        goto done;
    }
    if (mb_spots_clear(&ink, levels.floor, levels.most)) {
        /* Fainter than this are the tails of smooth edges. */
        box = box_around(&ink, fmaxf(levels.floor, 0.04f * strongest(&ink)));
        fit = fitted(&ink, box, to_rows, to_columns);
    }
    if (fit.values == NULL) {
        status = mb_fail_memory(error, name, rows * columns);
        goto done;
    }
    const bool stays = rows == to_rows && columns == to_columns && fit.rows == box.rows &&
                       fit.columns == box.columns;
    put_centred(&fit, stays ? (double)box.top : NAN, stays ? (double)box.left : NAN, image, to_rows,
                to_columns);
done:
    free(ink.values);
    free(fit.values);
    return status;
}

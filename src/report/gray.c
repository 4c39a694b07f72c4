#include "report/canvas.h"

typedef struct rectangle {
    double x, y, width, height;
} rectangle;

/* The image as large as its box allows, its pixels whole where they are enlarged. */
static rectangle fit_image(size_t rows, size_t columns, double x, double y, double box)
{
    const double most = (double)(rows > columns ? rows : columns);
    double scale = box / most;
    if (scale > 1.0)
        scale = (double)(size_t)scale;
    double width = (double)columns * scale, height = (double)rows * scale;
    width = width < 1.0 ? 1.0 : width;
    height = height < 1.0 ? 1.0 : height;
    return (rectangle){(double)(long)(x + 0.5 * (box - width)),
                       (double)(long)(y + 0.5 * (box - height)), width, height};
}

void mb_canvas_gray(const mb_canvas *canvas, const uint8_t *image, size_t rows, size_t columns,
                    double x, double y, double box, uint32_t *pixels)
{
    const rectangle place = fit_image(rows, columns, x, y, box);
    for (size_t i = 0; i < rows * columns; i++)
        pixels[i] = mb_mix(MB_COLOUR_BACKGROUND, MB_COLOUR_TEXT, (double)image[i] / 255.0);
    mb_canvas_image(canvas, pixels, rows, columns, place.x, place.y, place.width, place.height);
}

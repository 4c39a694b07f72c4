/* Images side by side in rows, each in a frame and with captions: a figure's title and
 * explanation above them. */
#ifndef MB_REPORT_IMAGE_GRID_H
#define MB_REPORT_IMAGE_GRID_H

#include "report/canvas.h"

#include <mnist_blas/dataset.h>

/* Width of the figure, and of its margins. */
enum { MB_GRID_WIDTH = 900, MB_GRID_MARGIN = 24 };

typedef struct mb_image_grid {
    const char *title, *explanation[2]; /* lines of text; explanation: NULL: none */
    double text_width;
    size_t columns;
    double left, top;               /* of the first cell */
    double cell_width, cell_height; /* from one cell to the next */
    double box_width, box_height;   /* of the image's frame, in the middle of the top of a cell */
    size_t height;                  /* of the figure */
} mb_image_grid;

/* Lines of text below an image. */
enum { MB_GRID_CAPTIONS = 3 };

/* One image: its pixels, and lines of text below it (NULL: none). */
typedef struct mb_grid_image {
    mb_pixel_fn *pixel;
    const void *image;
    size_t rows, columns;
    const char *captions[MB_GRID_CAPTIONS];
    uint32_t frame; /* its colour */
    bool marked;    /* a thick frame with a cross at its corner instead */
} mb_grid_image;

/* An image of a dataset, (channels, rows, columns). */
typedef struct mb_drawn_image {
    const uint8_t *values;
    size_t rows, columns;
} mb_drawn_image;

/* How images with this ground in their files are drawn, mb_drawn_image each. Gray ones: dark on
 * white, as light ground is in the files, or as they are if they have no ground, because
 * photographs would look like negatives. Those of three channels: in the colours of the files. */
mb_pixel_fn *mb_pixel_of(const mb_images *images, mb_ground ground);

/* True if images are not drawn dark on white: they may be photographs. */
bool mb_images_are_natural(const mb_images *images, mb_ground ground);

/* Opens the canvas and writes the text above the images. */
void mb_image_grid_open(const mb_image_grid *grid, mb_figure_format format, mb_canvas *canvas);

/* Draws image `index`, as large as its box allows; a pixel that is enlarged has whole pixels. */
void mb_image_grid_draw(const mb_image_grid *grid, const mb_canvas *canvas, size_t index,
                        const mb_grid_image *image);

#endif

#include "report/image_grid.h"

#include "data/dataset.h"

#include <math.h>

static const double badge = 18.0;       /* side of a marked image's cross */
static const double line_height = 16.0; /* from one caption to the next */

static uint32_t ink_pixel(const void *image, size_t row, size_t column)
{
    const mb_drawn_image *gray = image;
    return mb_mix(MB_COLOUR_BACKGROUND, MB_COLOUR_TEXT,
                  (double)gray->values[row * gray->columns + column] / 255.0);
}

static uint32_t gray_pixel(const void *image, size_t row, size_t column)
{
    const mb_drawn_image *gray = image;
    return 0x010101 * (uint32_t)gray->values[row * gray->columns + column];
}

static uint32_t color_pixel(const void *image, size_t row, size_t column)
{
    const mb_drawn_image *color = image;
    const size_t pixels = color->rows * color->columns;
    const uint8_t *red = color->values + row * color->columns + column;
    return (uint32_t)red[0] << 16 | (uint32_t)red[pixels] << 8 | red[2 * pixels];
}

static uint32_t inverted_color_pixel(const void *image, size_t row, size_t column)
{
    return 0xffffff - color_pixel(image, row, column);
}

bool mb_images_are_natural(const mb_images *images, mb_ground ground)
{
    return images->channels == 3 ||
           (ground != MB_GROUND_LIGHT && !mb_images_have_ground(images, MB_GROUND_DARK));
}

mb_pixel_fn *mb_pixel_of(const mb_images *images, mb_ground ground)
{
    if (images->channels == 3)
        return ground == MB_GROUND_LIGHT ? inverted_color_pixel : color_pixel;
    return mb_images_are_natural(images, ground) ? gray_pixel : ink_pixel;
}

void mb_image_grid_open(const mb_image_grid *grid, mb_figure_format format, mb_canvas *canvas)
{
    mb_canvas_open(format, MB_GRID_WIDTH, grid->height, canvas);
    mb_text_fit(canvas, &mb_title_font, MB_GRID_MARGIN, 36.0, MB_ALIGN_LEFT, grid->text_width,
                grid->title);
    for (int i = 0; i < 2; i++)
        if (grid->explanation[i] != NULL)
            mb_text_fit(canvas, &mb_small_font, MB_GRID_MARGIN, 59.0 + 18.0 * i, MB_ALIGN_LEFT,
                        grid->text_width, grid->explanation[i]);
}

/* The image as large as its box allows, in its middle. */
static mb_rectangle fit(const mb_grid_image *image, mb_rectangle box)
{
    const double columns = (double)image->columns, rows = (double)image->rows;
    double scale = fmin(box.width / columns, box.height / rows);
    scale = scale > 1.0 ? floor(scale) : scale;
    const double width = fmax(1.0, columns * scale), height = fmax(1.0, rows * scale);
    return (mb_rectangle){floor(box.x + 0.5 * (box.width - width)),
                          floor(box.y + 0.5 * (box.height - height)), width, height};
}

/* A white cross, its middle near the upper right corner of the box. */
static void draw_badge(const mb_canvas *canvas, mb_rectangle box)
{
    const double inset = 5.0, right = box.x + box.width + 9.0, top = box.y - 7.0;
    const double x = right - badge;
    mb_canvas_fill(canvas, (mb_rectangle){x, top, badge, badge});
    mb_canvas_colour(canvas, MB_COLOUR_BACKGROUND);
    cairo_set_line_width(canvas->cairo, 2.5);
    mb_canvas_line(canvas, x + inset, top + inset, right - inset, top + badge - inset);
    mb_canvas_line(canvas, right - inset, top + inset, x + inset, top + badge - inset);
}

void mb_image_grid_draw(const mb_image_grid *grid, const mb_canvas *canvas, size_t index,
                        const mb_grid_image *image)
{
    const double x = grid->left + (double)(index % grid->columns) * grid->cell_width;
    const double y = grid->top + (double)(index / grid->columns) * grid->cell_height;
    const mb_rectangle box = {floor(x + 0.5 * (grid->cell_width - grid->box_width) + 0.5), y,
                              grid->box_width, grid->box_height};
    mb_font font = mb_text_font;
    mb_canvas_image(canvas, image->pixel, image->image, image->rows, image->columns,
                    fit(image, box));
    mb_canvas_colour(canvas, image->marked ? MB_COLOUR_VERMILION : image->frame);
    mb_canvas_frame(canvas, box, image->marked ? 3.0 : 1.0);
    if (image->marked) {
        font.colour = MB_COLOUR_VERMILION;
        draw_badge(canvas, box);
    }
    for (int i = 0; i < MB_GRID_CAPTIONS; i++)
        if (image->captions[i] != NULL)
            mb_text_fit(canvas, &font, x + 0.5 * grid->cell_width,
                        y + grid->box_height + 19.0 + i * line_height, MB_ALIGN_CENTRE,
                        grid->cell_width - 8.0, image->captions[i]);
}

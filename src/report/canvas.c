#include "report/canvas.h"

#include <cairo-svg.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1 << 16, LONGEST_SIDE = 32767 };

static cairo_status_t append(void *closure, const unsigned char *data, unsigned size)
{
    mb_canvas *canvas = closure;
    if (size > canvas->room - canvas->bytes.size) {
        size_t room = canvas->room > 0 ? canvas->room : FIRST_ROOM;
        while (size > room - canvas->bytes.size)
            if (__builtin_mul_overflow(room, 2, &room))
                return CAIRO_STATUS_NO_MEMORY;
        uint8_t *grown = realloc(canvas->bytes.data, room);
        if (grown == NULL)
            return CAIRO_STATUS_NO_MEMORY;
        canvas->bytes.data = grown;
        canvas->room = room;
    }
    memcpy(canvas->bytes.data + canvas->bytes.size, data, size);
    canvas->bytes.size += size;
    return CAIRO_STATUS_SUCCESS;
}

static mb_status fail_cairo(cairo_status_t status, mb_error *error)
{
    return mb_fail(error, status == CAIRO_STATUS_NO_MEMORY ? MB_ERROR_MEMORY : MB_ERROR_UNAVAILABLE,
                   "pictures: cairo cannot draw: %s", cairo_status_to_string(status));
}

static void discard(mb_canvas *canvas)
{
    cairo_destroy(canvas->cairo);
    cairo_surface_destroy(canvas->surface); /* an unfinished SVG still writes its end */
    free(canvas->bytes.data);
    *canvas = (mb_canvas){0};
}

/* Letters fit the pixel grid in a PNG, and keep their shapes in an SVG, which may be enlarged. */
static void set_letters(const mb_canvas *canvas)
{
    const bool png = canvas->kind == MB_PICTURE_PNG;
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options,
                                      png ? CAIRO_HINT_STYLE_SLIGHT : CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options,
                                        png ? CAIRO_HINT_METRICS_ON : CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(canvas->cairo, options);
    cairo_font_options_destroy(options);
}

mb_status mb_canvas_open(mb_picture_format kind, size_t width, size_t height, mb_canvas *canvas,
                         mb_error *error)
{
    *canvas = (mb_canvas){.kind = kind, .width = (double)width, .height = (double)height};
    if (kind == MB_PICTURE_SVG) {
        canvas->surface =
            cairo_svg_surface_create_for_stream(append, canvas, canvas->width, canvas->height);
        cairo_svg_surface_set_document_unit(canvas->surface, CAIRO_SVG_UNIT_PX);
    } else {
        canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    }
    canvas->cairo = cairo_create(canvas->surface);
    set_letters(canvas);
    mb_canvas_colour(canvas, MB_COLOUR_BACKGROUND);
    cairo_paint(canvas->cairo);
    const mb_font font = {.size = 12.0, .colour = MB_COLOUR_TEXT};
    const double width_of_0 = mb_text_width(canvas, &font, "0");
    const cairo_status_t drawn = cairo_status(canvas->cairo);
    mb_status status = MB_OK;
    if (drawn == CAIRO_STATUS_NO_MEMORY)
        status = fail_cairo(drawn, error);
    else if (drawn != CAIRO_STATUS_SUCCESS || !(width_of_0 > 0.0))
        status = mb_fail(error, MB_ERROR_UNAVAILABLE,
                         "pictures: no font is installed; DejaVu Sans will do");
    if (status != MB_OK)
        discard(canvas);
    return status;
}

mb_status mb_canvas_close(mb_canvas *canvas, char *text, mb_picture *picture, mb_error *error)
{
    mb_status status = MB_OK;
    cairo_status_t drawn = cairo_status(canvas->cairo);
    if (drawn == CAIRO_STATUS_SUCCESS && canvas->kind == MB_PICTURE_PNG)
        drawn = cairo_surface_write_to_png_stream(canvas->surface, append, canvas);
    cairo_surface_finish(canvas->surface);
    if (drawn == CAIRO_STATUS_SUCCESS)
        drawn = cairo_surface_status(canvas->surface);
    if (drawn != CAIRO_STATUS_SUCCESS)
        status = fail_cairo(drawn, error);
    else if (text == NULL)
        status = mb_fail_memory(error, "pictures", canvas->bytes.size);
    if (status == MB_OK) {
        picture->text = text;
        picture->width = (size_t)canvas->width;
        picture->height = (size_t)canvas->height;
        picture->bytes = canvas->bytes;
        canvas->bytes = (mb_bytes){0};
    } else {
        free(text);
    }
    discard(canvas);
    return status;
}

void mb_canvas_colour(const mb_canvas *canvas, uint32_t colour)
{
    cairo_set_source_rgb(canvas->cairo, (double)(colour >> 16 & 255) / 255.0,
                         (double)(colour >> 8 & 255) / 255.0, (double)(colour & 255) / 255.0);
}

void mb_canvas_line(const mb_canvas *canvas, double x0, double y0, double x1, double y1)
{
    cairo_move_to(canvas->cairo, x0, y0);
    cairo_line_to(canvas->cairo, x1, y1);
    cairo_stroke(canvas->cairo);
}

void mb_canvas_frame(const mb_canvas *canvas, double x, double y, double width, double height,
                     double thickness)
{
    cairo_set_line_width(canvas->cairo, thickness);
    cairo_rectangle(canvas->cairo, x - 0.5 * thickness, y - 0.5 * thickness, width + thickness,
                    height + thickness);
    cairo_stroke(canvas->cairo);
}

void mb_canvas_fill(const mb_canvas *canvas, double x, double y, double width, double height)
{
    cairo_rectangle(canvas->cairo, x, y, width, height);
    cairo_fill(canvas->cairo);
}

void mb_canvas_image(const mb_canvas *canvas, const uint32_t *pixels, size_t rows, size_t columns,
                     double x, double y, double width, double height)
{
    cairo_t *cairo = canvas->cairo;
    if (rows > LONGEST_SIDE || columns > LONGEST_SIDE)
        return;
    cairo_surface_t *image =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)columns, (int)rows);
    unsigned char *bytes = cairo_image_surface_get_data(image);
    const size_t stride = (size_t)cairo_image_surface_get_stride(image);
    for (size_t row = 0; bytes != NULL && row < rows; row++)
        memcpy(bytes + row * stride, pixels + row * columns, columns * sizeof *pixels);
    cairo_surface_mark_dirty(image);
    const double across = width / (double)columns, down = height / (double)rows;
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_scale(cairo, across, down);
    cairo_set_source_surface(cairo, image, 0.0, 0.0);
    cairo_pattern_t *pattern = cairo_get_source(cairo);
    cairo_pattern_set_filter(pattern,
                             across < 1.0 || down < 1.0 ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
    cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD);
    cairo_rectangle(cairo, 0.0, 0.0, (double)columns, (double)rows);
    cairo_fill(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(image);
}

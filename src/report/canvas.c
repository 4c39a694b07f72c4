#include "report/canvas.h"

#include "core/memory_stream.h"

#include <cairo-svg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIDE = 32767 };

static cairo_status_t append(void *closure, const unsigned char *data, unsigned size)
{
    const mb_canvas *canvas = closure;
    return canvas->out != NULL && fwrite(data, 1, size, canvas->out) == size
               ? CAIRO_STATUS_SUCCESS
               : CAIRO_STATUS_NO_MEMORY;
}

/* Letters fit the pixel grid in a PNG, and keep their shapes in an SVG, which may be enlarged. */
static void set_letters(const mb_canvas *canvas)
{
    const bool png = canvas->format == MB_FIGURE_PNG;
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options,
                                      png ? CAIRO_HINT_STYLE_SLIGHT : CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options,
                                        png ? CAIRO_HINT_METRICS_ON : CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(canvas->cairo, options);
    cairo_font_options_destroy(options);
}

void mb_canvas_open(mb_figure_format format, size_t width, size_t height, mb_canvas *canvas)
{
    *canvas = (mb_canvas){.format = format, .width = width, .height = height};
    canvas->out = mb_memory_stream_open(&canvas->bytes);
    if (format == MB_FIGURE_SVG) {
        canvas->surface =
            cairo_svg_surface_create_for_stream(append, canvas, (double)width, (double)height);
        cairo_svg_surface_set_document_unit(canvas->surface, CAIRO_SVG_UNIT_PX);
    } else {
        canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    }
    canvas->cairo = cairo_create(canvas->surface);
    set_letters(canvas);
    mb_canvas_colour(canvas, MB_COLOUR_BACKGROUND);
    cairo_paint(canvas->cairo);
    /* an error before there is any text is none of the fonts' */
    canvas->no_font = cairo_status(canvas->cairo) == CAIRO_STATUS_SUCCESS &&
                      !(mb_text_width(canvas, &mb_text_font, "0") > 0.0);
}

static mb_status check(const mb_canvas *canvas, cairo_status_t drawn, const char *text,
                       mb_error *error)
{
    if (drawn == CAIRO_STATUS_NO_MEMORY || text == NULL)
        return mb_fail_memory(error, "pictures", 4 * canvas->width * canvas->height);
    if (canvas->no_font)
        return mb_fail(error, MB_ERROR_UNAVAILABLE,
                       "pictures: no font is installed; DejaVu Sans will do");
    if (drawn != CAIRO_STATUS_SUCCESS)
        return mb_fail(error, MB_ERROR_UNAVAILABLE, "pictures: cairo cannot draw: %s",
                       cairo_status_to_string(drawn));
    return MB_OK;
}

mb_status mb_canvas_close(mb_canvas *canvas, char *text, mb_figure *figure, mb_error *error)
{
    cairo_status_t drawn = cairo_status(canvas->cairo);
    if (drawn == CAIRO_STATUS_SUCCESS && canvas->format == MB_FIGURE_PNG)
        drawn = cairo_surface_write_to_png_stream(canvas->surface, append, canvas);
    cairo_surface_finish(canvas->surface);
    if (drawn == CAIRO_STATUS_SUCCESS)
        drawn = cairo_surface_status(canvas->surface);
    cairo_destroy(canvas->cairo);
    cairo_surface_destroy(canvas->surface);
    if (!mb_memory_stream_close(canvas->out, &canvas->bytes) && drawn == CAIRO_STATUS_SUCCESS)
        drawn = CAIRO_STATUS_NO_MEMORY;
    const mb_status status = check(canvas, drawn, text, error);
    if (status != MB_OK) {
        free(text);
        free(canvas->bytes.data);
        return status;
    }
    figure->text = text;
    figure->width = canvas->width;
    figure->height = canvas->height;
    figure->bytes = canvas->bytes;
    return MB_OK;
}

mb_status mb_canvas_write(mb_canvas *canvas, const char *path, mb_error *error)
{
    mb_figure figure;
    mb_status status = mb_canvas_close(canvas, strdup(path), &figure, error);
    if (status != MB_OK)
        return status;
    status = mb_file_write_named(path, figure.bytes.data, figure.bytes.size, error);
    free(figure.text);
    free(figure.bytes.data);
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

void mb_canvas_fill(const mb_canvas *canvas, mb_rectangle area)
{
    cairo_rectangle(canvas->cairo, area.x, area.y, area.width, area.height);
    cairo_fill(canvas->cairo);
}

void mb_canvas_frame(const mb_canvas *canvas, mb_rectangle area, double thickness)
{
    cairo_set_line_width(canvas->cairo, thickness);
    cairo_rectangle(canvas->cairo, area.x - 0.5 * thickness, area.y - 0.5 * thickness,
                    area.width + thickness, area.height + thickness);
    cairo_stroke(canvas->cairo);
}

static cairo_surface_t *make_surface(mb_pixel_fn *pixel, const void *image, size_t rows,
                                     size_t columns)
{
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)columns, (int)rows);
    unsigned char *bytes = cairo_image_surface_get_data(surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    for (size_t row = 0; bytes != NULL && row < rows; row++) {
        for (size_t column = 0; column < columns; column++) {
            const uint32_t colour = pixel(image, row, column);
            memcpy(bytes + row * stride + column * sizeof colour, &colour, sizeof colour);
        }
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

void mb_canvas_image(const mb_canvas *canvas, mb_pixel_fn *pixel, const void *image, size_t rows,
                     size_t columns, mb_rectangle area)
{
    cairo_t *cairo = canvas->cairo;
    if (rows > MAX_SIDE || columns > MAX_SIDE)
        return;
    cairo_surface_t *surface = make_surface(pixel, image, rows, columns);
    const double across = area.width / (double)columns, down = area.height / (double)rows;
    cairo_save(cairo);
    cairo_translate(cairo, area.x, area.y);
    cairo_scale(cairo, across, down);
    cairo_set_source_surface(cairo, surface, 0.0, 0.0);
    cairo_pattern_t *pattern = cairo_get_source(cairo);
    cairo_pattern_set_filter(pattern,
                             across < 1.0 || down < 1.0 ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
    cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD);
    cairo_rectangle(cairo, 0.0, 0.0, (double)columns, (double)rows);
    cairo_fill(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(surface);
}

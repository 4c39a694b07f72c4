#include "report/canvas.h"

#include <string.h>

enum { MAX_LENGTH = 256 }; /* bytes of a line that was cut short, its end included */

const mb_font mb_title_font = {.size = 18.0, .bold = true, .colour = MB_COLOUR_TEXT};
const mb_font mb_name_font = {.size = 13.0, .bold = true, .colour = MB_COLOUR_TEXT};
const mb_font mb_text_font = {.size = 12.5, .colour = MB_COLOUR_TEXT};
const mb_font mb_small_font = {.size = 12.5, .colour = MB_COLOUR_MUTED};

/* Letters below this size cannot be read without enlarging. */
static const double min_size = 11.0;

double mb_text_width(const mb_canvas *canvas, const mb_font *font, const char *text)
{
    cairo_text_extents_t extents = {0};
    cairo_select_font_face(canvas->cairo, "sans", CAIRO_FONT_SLANT_NORMAL,
                           font->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(canvas->cairo, font->size);
    cairo_text_extents(canvas->cairo, text, &extents);
    return extents.x_advance;
}

void mb_text(const mb_canvas *canvas, const mb_font *font, double x, double y, mb_align align,
             const char *text)
{
    const double width = mb_text_width(canvas, font, text);
    const double left = x - (align == MB_ALIGN_LEFT    ? 0.0
                             : align == MB_ALIGN_RIGHT ? width
                                                       : 0.5 * width);
    mb_canvas_colour(canvas, font->colour);
    /* whole pixels keep the letters of a PNG sharp */
    cairo_move_to(canvas->cairo,
                  canvas->format == MB_FIGURE_PNG ? (double)(long)(left + 0.5) : left, y);
    cairo_show_text(canvas->cairo, text);
}

void mb_text_fit(const mb_canvas *canvas, const mb_font *font, double x, double y, mb_align align,
                 double width, const char *text)
{
    mb_font smaller = *font;
    while (smaller.size > min_size && mb_text_width(canvas, &smaller, text) > width)
        smaller.size = smaller.size - 0.5 > min_size ? smaller.size - 0.5 : min_size;
    char shortened[MAX_LENGTH];
    const char *shown = text;
    size_t length = strnlen(text, MAX_LENGTH - 4);
    while (mb_text_width(canvas, &smaller, shown) > width && length > 0) {
        do
            length--;
        while (length > 0 && (text[length] & 0xc0) == 0x80); /* whole characters */
        memcpy(shortened, text, length);
        memcpy(shortened + length, "...", 4);
        shown = shortened;
    }
    mb_text(canvas, &smaller, x, y, align, shown);
}

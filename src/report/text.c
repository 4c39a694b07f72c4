#include "report/canvas.h"

#include <string.h>

enum { LONGEST = 256 }; /* letters of a line that had to be shortened, its end included */

const mb_font mb_title_font = {.size = 18.0, .bold = true, .colour = MB_COLOUR_TEXT};
const mb_font mb_name_font = {.size = 13.0, .bold = true, .colour = MB_COLOUR_TEXT};
const mb_font mb_text_font = {.size = 12.5, .colour = MB_COLOUR_TEXT};
const mb_font mb_small_font = {.size = 12.5, .colour = MB_COLOUR_MUTED};

/* Letters below this size cannot be read without enlarging. */
static const double smallest = 11.0;

static void choose(const mb_canvas *canvas, const mb_font *font)
{
    cairo_select_font_face(canvas->cairo, "sans", CAIRO_FONT_SLANT_NORMAL,
                           font->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(canvas->cairo, font->size);
}

double mb_text_width(const mb_canvas *canvas, const mb_font *font, const char *text)
{
    cairo_text_extents_t extents = {0};
    choose(canvas, font);
    cairo_text_extents(canvas->cairo, text, &extents);
    return extents.x_advance;
}

void mb_text(const mb_canvas *canvas, const mb_font *font, double x, double y, mb_align align,
             const char *text)
{
    const double width = mb_text_width(canvas, font, text);
    const double left = align == MB_ALIGN_LEFT    ? x
                        : align == MB_ALIGN_RIGHT ? x - width
                                                  : x - 0.5 * width;
    mb_canvas_colour(canvas, font->colour);
    /* whole pixels keep the letters of a PNG sharp, and as good as centred */
    cairo_move_to(canvas->cairo, canvas->kind == MB_PICTURE_PNG ? (double)(long)(left + 0.5) : left,
                  y);
    cairo_show_text(canvas->cairo, text);
}

void mb_text_fit(const mb_canvas *canvas, const mb_font *font, double x, double y, mb_align align,
                 double room, const char *text)
{
    mb_font smaller = *font;
    while (smaller.size > smallest && mb_text_width(canvas, &smaller, text) > room)
        smaller.size = smaller.size - 0.5 > smallest ? smaller.size - 0.5 : smallest;
    if (mb_text_width(canvas, &smaller, text) <= room) {
        mb_text(canvas, &smaller, x, y, align, text);
        return;
    }
    char shortened[LONGEST];
    size_t length = strnlen(text, LONGEST - 4);
    do {
        memcpy(shortened, text, length);
        memcpy(shortened + length, "...", 4);
    } while (length-- > 0 && mb_text_width(canvas, &smaller, shortened) > room);
    mb_text(canvas, &smaller, x, y, align, shortened);
}

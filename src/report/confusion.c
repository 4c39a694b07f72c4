/* confusion.svg */
#include "core/util.h"
#include "report/canvas.h"
#include "report/drawings.h"
#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBERED = 30 }; /* cells have no counts with more classes */
enum { SIDE = 700, MIN_WIDTH = 720, LEFT = 100, TOP = 126, RIGHT = 86, BOTTOM = 44 };
/* Pixels: of a name beside a row at most, and above a column; of a letter, about; above a column's
 * number, and between the middles of two names. */
enum {
    MAX_BESIDE = 160,
    MAX_ABOVE = 120,
    BESIDE = 45,
    LETTER = 8,
    NUMBER_ABOVE = 18,
    NAME_DISTANCE = 14
};

static const double pi = 3.14159265358979323846;

/* The matrix on its figure. */
typedef struct layout {
    const mb_evaluation *evaluation;
    const char *const *names; /* NULL: numbers */
    size_t classes;
    size_t left, top;     /* of all cells */
    size_t beside, above; /* pixels of the classes beside rows and above columns */
    bool upright;         /* names above columns are rotated */
    size_t across, down;  /* pixels of a cell */
    bool numbered;
    mb_rectangle area; /* of all cells */
    size_t max_wrong;  /* the largest count off the diagonal */
    size_t mistake;    /* its cell */
} layout;

/* Makes place for the names. */
static void place_names(layout *l)
{
    size_t letters = 0;
    for (size_t class = 0; class < l->classes; class ++)
        letters = mb_max_size(letters, strlen(l->names[class]));
    l->beside = mb_max_size(mb_min_size(LETTER * letters, MAX_BESIDE), l->beside);
    l->left = LEFT + l->beside - BESIDE;
    l->upright = LETTER * letters + 6 > l->across && l->across < MAX_ABOVE;
    if (l->upright)
        l->above = mb_min_size(LETTER * letters, MAX_ABOVE) + 8;
    l->top = TOP + l->above - NUMBER_ABOVE;
}

static layout lay_out(const mb_evaluation *evaluation, const char *const *names)
{
    const size_t classes = evaluation->classes;
    const size_t tall = classes < 6 ? 240 / classes : 40;
    layout l = {.evaluation = evaluation,
                .names = names,
                .classes = classes,
                .left = LEFT,
                .top = TOP,
                .beside = BESIDE,
                .above = NUMBER_ABOVE,
                .numbered = classes <= MAX_NUMBERED};
    l.across = classes < 5 ? 140 : SIDE / classes;
    if (l.numbered && l.across < 27)
        l.across = 27;
    l.down = !l.numbered || l.across < tall ? l.across : tall;
    if (names != NULL)
        place_names(&l);
    l.area = (mb_rectangle){(double)l.left, (double)l.top, (double)(l.across * classes),
                            (double)(l.down * classes)};
    for (size_t i = 0; i < classes * classes; i++) {
        if (i / classes != i % classes && evaluation->confusion[i] > l.max_wrong) {
            l.max_wrong = evaluation->confusion[i];
            l.mistake = i;
        }
    }
    return l;
}

static mb_rectangle cell_of(const layout *l, size_t truth, size_t predicted)
{
    return (mb_rectangle){(double)(l->left + predicted * l->across),
                          (double)(l->top + truth * l->down), (double)l->across, (double)l->down};
}

/* Strength of a cell's colour, 0 .. 1: of the diagonal by recall, of the rest by the most frequent
 * mistake, so that few mistakes show beside many hits. */
static double strength(const layout *l, size_t truth, size_t predicted)
{
    const size_t count = l->evaluation->confusion[truth * l->classes + predicted];
    if (count == 0)
        return 0.0;
    if (truth == predicted)
        return 0.1 + 0.8 * l->evaluation->scores[truth].recall;
    return 0.08 + 0.82 * (double)count / (double)l->max_wrong;
}

static uint32_t shade(const layout *l, size_t truth, size_t predicted)
{
    return mb_mix(MB_COLOUR_BACKGROUND, truth == predicted ? MB_COLOUR_BLUE : MB_COLOUR_VERMILION,
                  strength(l, truth, predicted));
}

static void draw_cell(const mb_canvas *canvas, const layout *l, size_t truth, size_t predicted)
{
    const size_t count = l->evaluation->confusion[truth * l->classes + predicted];
    const mb_rectangle cell = cell_of(l, truth, predicted);
    mb_font font = truth == predicted ? mb_name_font : mb_text_font;
    font.size = l->classes > 20 ? 11.0 : font.size;
    font.colour = strength(l, truth, predicted) > 0.8 ? MB_COLOUR_BACKGROUND : MB_COLOUR_TEXT;
    char text[32];
    if (count == 0)
        return;
    snprintf(text, sizeof text, "%zu", count);
    const double width = mb_text_width(canvas, &font, text), available = cell.width - 3.0;
    if (width > available)
        font.size *= available / width; /* a number cut short would be another number */
    mb_canvas_colour(canvas, shade(l, truth, predicted));
    mb_canvas_fill(canvas, cell);
    mb_text(canvas, &font, cell.x + 0.5 * cell.width, cell.y + 0.5 * cell.height + 4.5,
            MB_ALIGN_CENTRE, text);
}

static void draw_cells(const mb_canvas *canvas, const layout *l)
{
    for (size_t i = 0; i < l->classes * l->classes; i++)
        draw_cell(canvas, l, i / l->classes, i % l->classes);
    mb_canvas_colour(canvas, MB_COLOUR_GRID);
    cairo_set_line_width(canvas->cairo, 1.0);
    for (size_t i = 1; i < l->classes; i++) {
        const mb_rectangle cell = cell_of(l, i, i);
        mb_canvas_line(canvas, cell.x, l->area.y, cell.x, l->area.y + l->area.height);
        mb_canvas_line(canvas, l->area.x, cell.y, l->area.x + l->area.width, cell.y);
    }
}

/* Many cells are one image: an SVG with a shape for each would be megabytes. */
static uint32_t matrix_pixel(const void *image, size_t row, size_t column)
{
    const layout *l = image;
    return shade(l, row / l->across, column / l->across);
}

/* Text that reads upwards from (x, y). */
static void draw_upright(const mb_canvas *canvas, const mb_font *font, double x, double y,
                         mb_align align, double length, const char *text)
{
    cairo_save(canvas->cairo);
    cairo_translate(canvas->cairo, x, y);
    cairo_rotate(canvas->cairo, -0.5 * pi);
    mb_text_fit(canvas, font, 0.0, 0.0, align, length, text);
    cairo_restore(canvas->cairo);
}

/* The classes beside their rows and above their columns, as many as fit. */
static void draw_classes(const mb_canvas *canvas, const layout *l)
{
    size_t every = 1;
    while (every * l->across < (l->upright ? NAME_DISTANCE : 26))
        every = every == 1 ? 2 : every == 2 ? 5 : 2 * every;
    for (size_t class = 0; class < l->classes; class += every) {
        const mb_rectangle cell = cell_of(l, class, class);
        const double x = cell.x + 0.5 * cell.width, y = l->area.y - 8.0;
        char number[MB_COUNT_LENGTH];
        const char *text = mb_format_class(l->names, class, number);
        mb_text_fit(canvas, &mb_text_font, l->area.x - 9.0, cell.y + 0.5 * cell.height + 4.5,
                    MB_ALIGN_RIGHT, (double)l->beside, text);
        if (l->upright)
            draw_upright(canvas, &mb_text_font, x + 4.5, y, MB_ALIGN_LEFT, (double)l->above - 8.0,
                         text);
        else
            mb_text_fit(canvas, &mb_text_font, x, y, MB_ALIGN_CENTRE, (double)(every * l->across),
                        text);
    }
}

/* Recall at the right of each row, precision under each column. */
static void draw_margins(const mb_canvas *canvas, const layout *l)
{
    const bool narrow = l->across < 44;
    mb_font font = mb_text_font;
    font.size = narrow ? 11.0 : font.size;
    const mb_rectangle *area = &l->area;
    const double right = area->x + area->width + 62.0, bottom = area->y + area->height + 20.0;
    mb_text(canvas, &mb_small_font, right, area->y - 8.0, MB_ALIGN_RIGHT, "recall, %");
    mb_text(canvas, &mb_small_font, area->x - 9.0, bottom, MB_ALIGN_RIGHT, "precision, %");
    for (size_t class = 0; class < l->classes; class ++) {
        const mb_class_score *score = &l->evaluation->scores[class];
        const mb_rectangle cell = cell_of(l, class, class);
        const bool has_images = score->support > 0;
        char text[32] = "-";
        if (has_images)
            snprintf(text, sizeof text, "%.1f", 100.0 * score->recall);
        mb_text(canvas, &font, right, cell.y + 0.5 * cell.height + 4.5, MB_ALIGN_RIGHT, text);
        if (has_images)
            snprintf(text, sizeof text, "%.*f", narrow ? 0 : 1, 100.0 * score->precision);
        mb_text(canvas, &font, cell.x + 0.5 * cell.width, bottom, MB_ALIGN_CENTRE, text);
    }
}

static void draw_titles(const mb_canvas *canvas, const layout *l)
{
    const mb_evaluation *evaluation = l->evaluation;
    const double width = (double)canvas->width - 48.0;
    char text[160], images[MB_COUNTED_LENGTH], right[MB_COUNT_LENGTH];
    mb_format_counted(images, evaluation->samples, "test image");
    snprintf(text, sizeof text, "%s: %s right (%.2f %%)", images,
             mb_format_count(right, evaluation->correct), 100.0 * evaluation->accuracy);
    mb_text_fit(canvas, &mb_title_font, 24.0, 36.0, MB_ALIGN_LEFT, width, text);
    snprintf(
        text, sizeof text,
        "Blue, on the diagonal: right, stronger with recall. Orange: mistakes, strongest at %zu. "
        "Empty: none.",
        l->max_wrong);
    if (l->max_wrong == 0)
        snprintf(text, sizeof text, "Blue, on the diagonal: right. There are no mistakes.");
    mb_text_fit(canvas, &mb_small_font, 24.0, 59.0, MB_ALIGN_LEFT, width, text);
    mb_text(canvas, &mb_name_font, l->area.x + 0.5 * l->area.width,
            l->area.y - 10.0 - (double)l->above, MB_ALIGN_CENTRE, "predicted class");
    draw_upright(canvas, &mb_name_font, 32.0, l->area.y + 0.5 * l->area.height, MB_ALIGN_CENTRE,
                 INFINITY, "true class");
}

static char *describe(const layout *l)
{
    const mb_evaluation *evaluation = l->evaluation;
    const mb_class_score *scores = evaluation->scores;
    size_t worst = l->classes;
    for (size_t class = 0; class < l->classes; class ++)
        if (scores[class].support > 0 &&
            (worst == l->classes || scores[class].recall < scores[worst].recall))
            worst = class;
    char images[MB_COUNTED_LENGTH], right[MB_COUNT_LENGTH], times[MB_COUNTED_LENGTH];
    char number[MB_COUNT_LENGTH], other[MB_COUNT_LENGTH];
    char common[384] = "There are no mistakes", *text = NULL;
    if (l->max_wrong > 0)
        snprintf(common, sizeof common, "The most common mistake is class %s predicted as %s, %s",
                 mb_format_class(l->names, l->mistake / l->classes, number),
                 mb_format_class(l->names, l->mistake % l->classes, other),
                 mb_format_counted(times, l->max_wrong, "time"));
    const int written =
        asprintf(&text,
                 "Confusion matrix of %zu classes over %s, %s of them on the diagonal. Recall is "
                 "lowest for class %s, %.1f %%. %s.",
                 l->classes, mb_format_counted(images, evaluation->samples, "test image"),
                 mb_format_count(right, evaluation->correct),
                 mb_format_class(l->names, worst, number), 100.0 * scores[worst].recall, common);
    return written < 0 ? NULL : text;
}

mb_status mb_draw_confusion(const mb_report *report, mb_figure *figure, mb_error *error)
{
    const layout l = lay_out(report->run->evaluation, mb_network_class_names(report->run->network));
    const size_t width = (size_t)l.area.width + l.left + RIGHT;
    mb_canvas canvas;
    mb_canvas_open(figure->format, width > MIN_WIDTH ? width : MIN_WIDTH,
                   (size_t)l.area.height + l.top + (l.numbered ? BOTTOM : 24), &canvas);
    if (l.numbered)
        draw_cells(&canvas, &l);
    else
        mb_canvas_image(&canvas, matrix_pixel, &l, l.across * l.classes, l.across * l.classes,
                        l.area);
    mb_canvas_colour(&canvas, MB_COLOUR_FRAME);
    mb_canvas_frame(&canvas, l.area, 1.0);
    draw_classes(&canvas, &l);
    if (l.numbered)
        draw_margins(&canvas, &l);
    draw_titles(&canvas, &l);
    return mb_canvas_close(&canvas, describe(&l), figure, error);
}

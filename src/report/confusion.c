/* confusion.svg */
#include "report/canvas.h"
#include "report/drawings.h"
#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* More classes than this have no numbers in their cells. */
enum {
    MOST_NUMBERED = 30,
    SIDE = 700,
    NARROWEST = 720,
    LEFT = 100,
    TOP = 126,
    RIGHT = 86,
    BOTTOM = 44
};

/* The matrix on its picture. */
typedef struct layout {
    const mb_evaluation *evaluation;
    size_t classes;
    size_t across, down; /* pixels of a cell */
    bool numbered;
    double width, height; /* of all cells */
    size_t most_wrong;    /* the largest count off the diagonal */
} layout;

static layout plan(const mb_evaluation *evaluation)
{
    const size_t classes = evaluation->classes;
    layout made = {
        .evaluation = evaluation, .classes = classes, .numbered = classes <= MOST_NUMBERED};
    const size_t tall = classes < 6 ? 240 / classes : 40;
    made.across = classes < 5 ? 140 : SIDE / classes;
    if (made.numbered && made.across < 27)
        made.across = 27;
    made.down = !made.numbered || made.across < tall ? made.across : tall;
    made.width = (double)(made.across * classes);
    made.height = (double)(made.down * classes);
    for (size_t i = 0; i < classes * classes; i++)
        if (i / classes != i % classes && evaluation->confusion[i] > made.most_wrong)
            made.most_wrong = evaluation->confusion[i];
    return made;
}

/* How dark a cell is, 0 .. 1. A diagonal is measured by its row, the rest by the worst mistake, so
 * that few mistakes show beside many hits. */
static double strength(const layout *l, size_t truth, size_t class)
{
    const size_t count = l->evaluation->confusion[truth * l->classes + class];
    if (count == 0)
        return 0.0;
    if (truth == class)
        return 0.1 + 0.8 * l->evaluation->scores[truth].recall;
    return 0.08 + 0.82 * (double)count / (double)l->most_wrong;
}

static uint32_t shade(const layout *l, size_t truth, size_t class)
{
    return mb_mix(MB_COLOUR_BACKGROUND, truth == class ? MB_COLOUR_BLUE : MB_COLOUR_VERMILION,
                  strength(l, truth, class));
}

static void draw_count(const mb_canvas *canvas, const layout *l, size_t truth, size_t class)
{
    const size_t count = l->evaluation->confusion[truth * l->classes + class];
    const double x = LEFT + (double)(class * l->across), y = TOP + (double)(truth * l->down);
    mb_font font = truth == class ? mb_name_font : mb_text_font;
    font.size = l->classes > 20 ? 11.0 : font.size;
    font.colour = strength(l, truth, class) > 0.8 ? MB_COLOUR_BACKGROUND : MB_COLOUR_TEXT;
    char text[32];
    snprintf(text, sizeof text, "%zu", count);
    const double width = mb_text_width(canvas, &font, text), room = (double)l->across - 3.0;
    if (width > room)
        font.size *= room / width; /* a number cut short would be another number */
    mb_text(canvas, &font, x + 0.5 * (double)l->across, y + 0.5 * (double)l->down + 4.5,
            MB_ALIGN_CENTRE, text);
}

static void draw_cells(const mb_canvas *canvas, const layout *l)
{
    for (size_t truth = 0; truth < l->classes; truth++) {
        for (size_t class = 0; class < l->classes; class ++) {
            if (l->evaluation->confusion[truth * l->classes + class] == 0)
                continue;
            mb_canvas_colour(canvas, shade(l, truth, class));
            mb_canvas_fill(canvas, LEFT + (double)(class * l->across),
                           TOP + (double)(truth * l->down), (double)l->across, (double)l->down);
            draw_count(canvas, l, truth, class);
        }
    }
    mb_canvas_colour(canvas, MB_COLOUR_GRID);
    cairo_set_line_width(canvas->cairo, 1.0);
    for (size_t i = 1; i < l->classes; i++) {
        const double x = LEFT + (double)(i * l->across), y = TOP + (double)(i * l->down);
        mb_canvas_line(canvas, x, TOP, x, TOP + l->height);
        mb_canvas_line(canvas, LEFT, y, LEFT + l->width, y);
    }
}

/* Many cells are one image: an SVG of a shape each would be megabytes. */
static mb_status draw_image(const mb_canvas *canvas, const layout *l, mb_error *error)
{
    const size_t side = l->across * l->classes; /* at most SIDE */
    uint32_t *pixels = calloc(side * side, sizeof *pixels);
    if (pixels == NULL)
        return mb_fail_memory(error, "pictures", side * side * sizeof *pixels);
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++)
            pixels[y * side + x] = shade(l, y / l->across, x / l->across);
    mb_canvas_image(canvas, pixels, side, side, LEFT, TOP, l->width, l->height);
    free(pixels);
    return MB_OK;
}

/* The classes beside their rows and under their columns, as many as have room. */
static void draw_classes(const mb_canvas *canvas, const layout *l)
{
    size_t every = 1;
    while (every * l->across < 26)
        every = every == 1 ? 2 : every == 2 ? 5 : 2 * every;
    for (size_t class = 0; class < l->classes; class += every) {
        const double x = LEFT + ((double)class + 0.5) * (double)l->across;
        const double y = TOP + ((double)class + 0.5) * (double)l->down;
        char text[32];
        snprintf(text, sizeof text, "%zu", class);
        mb_text(canvas, &mb_text_font, LEFT - 9.0, y + 4.5, MB_ALIGN_RIGHT, text);
        mb_text(canvas, &mb_text_font, x, TOP - 8.0, MB_ALIGN_CENTRE, text);
    }
}

/* Recall at the right of each row, precision under each column. */
static void draw_margins(const mb_canvas *canvas, const layout *l)
{
    const bool narrow = l->across < 44;
    mb_font font = mb_text_font;
    font.size = narrow ? 11.0 : font.size;
    const double right = LEFT + l->width + 62.0, bottom = TOP + l->height;
    mb_text(canvas, &mb_small_font, right, TOP - 8.0, MB_ALIGN_RIGHT, "recall, %");
    mb_text(canvas, &mb_small_font, LEFT - 9.0, bottom + 20.0, MB_ALIGN_RIGHT, "precision, %");
    for (size_t class = 0; class < l->classes; class ++) {
        const mb_class_score *score = &l->evaluation->scores[class];
        char text[32];
        snprintf(text, sizeof text, "%.1f", 100.0 * score->recall);
        mb_text(canvas, &font, right, TOP + ((double)class + 0.5) * (double)l->down + 4.5,
                MB_ALIGN_RIGHT, text);
        snprintf(text, sizeof text, narrow ? "%.0f" : "%.1f", 100.0 * score->precision);
        mb_text(canvas, &font, LEFT + ((double)class + 0.5) * (double)l->across, bottom + 20.0,
                MB_ALIGN_CENTRE, text);
    }
}

static void draw_names(const mb_canvas *canvas, const layout *l)
{
    const mb_evaluation *evaluation = l->evaluation;
    const double room = canvas->width - 48.0;
    char text[160], images[MB_COUNTED_LENGTH], right[MB_COUNT_LENGTH];
    mb_format_counted(images, evaluation->samples, "test image");
    snprintf(text, sizeof text, "%s: %s right (%.2f %%)", images,
             mb_format_count(right, evaluation->correct), 100.0 * evaluation->accuracy);
    mb_text_fit(canvas, &mb_title_font, 24.0, 36.0, MB_ALIGN_LEFT, room, text);
    snprintf(text, sizeof text,
             "Blue, on the diagonal: right, darker with recall. Orange: mistakes, darkest at %zu. "
             "Empty: none.",
             l->most_wrong);
    if (l->most_wrong == 0)
        snprintf(text, sizeof text, "Blue, on the diagonal: right. There are no mistakes.");
    mb_text_fit(canvas, &mb_small_font, 24.0, 59.0, MB_ALIGN_LEFT, room, text);
    mb_text(canvas, &mb_name_font, LEFT + 0.5 * l->width, TOP - 28.0, MB_ALIGN_CENTRE,
            "predicted class");
    cairo_save(canvas->cairo);
    cairo_translate(canvas->cairo, 32.0, TOP + 0.5 * l->height);
    cairo_rotate(canvas->cairo, -1.57079632679489662);
    mb_text(canvas, &mb_name_font, 0.0, 0.0, MB_ALIGN_CENTRE, "true class");
    cairo_restore(canvas->cairo);
}

static char *describe(const layout *l)
{
    const mb_evaluation *evaluation = l->evaluation;
    size_t worst = l->classes, mistake = 0, most = 0;
    for (size_t class = 0; class < l->classes; class ++)
        if (evaluation->scores[class].support > 0 &&
            (worst == l->classes ||
             evaluation->scores[class].recall < evaluation->scores[worst].recall))
            worst = class;
    for (size_t i = 0; i < l->classes * l->classes; i++) {
        if (i / l->classes != i % l->classes && evaluation->confusion[i] > most) {
            most = evaluation->confusion[i];
            mistake = i;
        }
    }
    char images[MB_COUNTED_LENGTH], right[MB_COUNT_LENGTH], times[MB_COUNTED_LENGTH];
    char common[128] = "There are no mistakes", *text = NULL;
    if (most > 0)
        snprintf(common, sizeof common, "The most common mistake is %zu for %zu, %s",
                 mistake % l->classes, mistake / l->classes,
                 mb_format_counted(times, most, "time"));
    const int written =
        asprintf(&text,
                 "Confusion matrix of %zu classes over %s, %s of them on the diagonal. Recall is "
                 "lowest for class %zu, %.1f %%. %s.",
                 l->classes, mb_format_counted(images, evaluation->samples, "test image"),
                 mb_format_count(right, evaluation->correct), worst,
                 100.0 * evaluation->scores[worst].recall, common);
    return written < 0 ? NULL : text;
}

mb_status mb_draw_confusion(const mb_report *report, mb_picture *picture, mb_error *error)
{
    const layout l = plan(report->evaluation);
    const size_t width = (size_t)l.width + LEFT + RIGHT;
    mb_canvas canvas;
    mb_status status =
        mb_canvas_open(picture->kind, width > NARROWEST ? width : NARROWEST,
                       (size_t)l.height + TOP + (l.numbered ? BOTTOM : 24), &canvas, error);
    if (status != MB_OK)
        return status;
    if (l.numbered)
        draw_cells(&canvas, &l);
    else
        status = draw_image(&canvas, &l, error);
    mb_canvas_colour(&canvas, MB_COLOUR_FRAME);
    mb_canvas_frame(&canvas, LEFT, TOP, l.width, l.height, 1.0);
    draw_classes(&canvas, &l);
    if (l.numbered)
        draw_margins(&canvas, &l);
    draw_names(&canvas, &l);
    char *text = status == MB_OK ? describe(&l) : NULL;
    const mb_status closed =
        mb_canvas_close(&canvas, text, picture, status == MB_OK ? error : NULL);
    return status == MB_OK ? closed : status;
}

/* predictions.png and mistakes.png: test images with what the network says. */
#include "report/canvas.h"
#include "report/drawings.h"
#include "report/format.h"
#include "report/select_examples.h"

#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 900, MARGIN = 24, COLUMNS = 8, ROWS = 6, MOST = COLUMNS * ROWS, TOLD = 8 };
enum { HEADER = 92, BOX = 84, CELL_WIDTH = (WIDTH - 2 * MARGIN) / COLUMNS, CELL_HEIGHT = BOX + 36 };
enum { LINE = 16 };

static const double badge = 18.0; /* of a wrong image: a white cross at its corner */

/* A picture of images. */
typedef struct sheet {
    const char *title, *explanation;
    const mb_prediction *guesses;
    size_t count;
    bool mark_wrong; /* not where all are wrong */
} sheet;

static void draw_badge(const mb_canvas *canvas, double right, double top)
{
    const double x = right - badge, inset = 5.0;
    mb_canvas_colour(canvas, MB_COLOUR_VERMILION);
    mb_canvas_fill(canvas, x, top, badge, badge);
    mb_canvas_colour(canvas, MB_COLOUR_BACKGROUND);
    cairo_set_line_width(canvas->cairo, 2.5);
    mb_canvas_line(canvas, x + inset, top + inset, right - inset, top + badge - inset);
    mb_canvas_line(canvas, right - inset, top + inset, x + inset, top + badge - inset);
}

/* Numbers of three digits leave no room for the probability beside them. */
static bool two_lines(const mb_report *report) { return report->dataset->classes > 100; }

static size_t cell_height(const mb_report *report)
{
    return CELL_HEIGHT + (two_lines(report) ? LINE : 0);
}

static void draw_caption(const mb_canvas *canvas, const mb_prediction *guess, const mb_font *font,
                         double x, double y, bool in_two_lines)
{
    const double room = CELL_WIDTH - 8.0;
    char class[48], probability[16], both[72];
    if (guess->class == guess->truth)
        snprintf(class, sizeof class, "%zu", guess->class);
    else
        snprintf(class, sizeof class, "%zu not %zu", guess->class, guess->truth);
    snprintf(probability, sizeof probability, "%u %%", (unsigned)(100.0 * guess->confidence + 0.5));
    snprintf(both, sizeof both, "%s  %s", class, probability);
    mb_text_fit(canvas, font, x, y, MB_ALIGN_CENTRE, room, in_two_lines ? class : both);
    if (in_two_lines)
        mb_text_fit(canvas, font, x, y + LINE, MB_ALIGN_CENTRE, room, probability);
}

static void draw_cell(const mb_canvas *canvas, const mb_report *report, const mb_prediction *guess,
                      bool mark_wrong, double x, double y, uint32_t *pixels)
{
    const bool marked = mark_wrong && guess->class != guess->truth;
    const double box = x + 0.5 * (CELL_WIDTH - BOX);
    mb_font font = mb_text_font;
    const mb_dataset *data = report->dataset;
    mb_canvas_gray(canvas,
                   data->test.images.pixels + guess->image * mb_images_stride(&data->test.images),
                   data->test.images.rows, data->test.images.columns, box, y, BOX, pixels);
    mb_canvas_colour(canvas, marked ? MB_COLOUR_VERMILION : MB_COLOUR_FRAME);
    mb_canvas_frame(canvas, box, y, BOX, BOX, marked ? 3.0 : 1.0);
    if (marked) {
        font.colour = MB_COLOUR_VERMILION;
        draw_badge(canvas, box + BOX + 9.0, y - 7.0);
    }
    draw_caption(canvas, guess, &font, x + 0.5 * CELL_WIDTH, y + BOX + 19.0, two_lines(report));
}

/* Takes `text`. */
static mb_status draw_sheet(const mb_report *report, const sheet *s, char *text,
                            mb_picture *picture, mb_error *error)
{
    const size_t rows = (s->count + COLUMNS - 1) / COLUMNS;
    const size_t size = mb_images_stride(&report->dataset->test.images) * sizeof(uint32_t);
    uint32_t *pixels = malloc(size);
    mb_canvas canvas;
    mb_status status = pixels != NULL
                           ? mb_canvas_open(picture->kind, WIDTH,
                                            HEADER + rows * cell_height(report), &canvas, error)
                           : mb_fail_memory(error, "pictures", size);
    if (status != MB_OK) {
        free(pixels);
        free(text);
        return status;
    }
    const double room = WIDTH - 2.0 * MARGIN;
    mb_text_fit(&canvas, &mb_title_font, MARGIN, 36.0, MB_ALIGN_LEFT, room, s->title);
    mb_text_fit(&canvas, &mb_small_font, MARGIN, 59.0, MB_ALIGN_LEFT, room, s->explanation);
    for (size_t i = 0; i < s->count; i++)
        draw_cell(&canvas, report, &s->guesses[i], s->mark_wrong,
                  MARGIN + (double)(i % COLUMNS * CELL_WIDTH),
                  HEADER - 8.0 + (double)(i / COLUMNS * cell_height(report)), pixels);
    free(pixels);
    return mb_canvas_close(&canvas, text, picture, error);
}

/* `beginning`, then the first wrong guesses: ": 4 not 9 (83 %), ...". NULL when memory is out. */
static char *describe(const char *beginning, const mb_prediction *guesses, size_t count)
{
    char *text = NULL;
    size_t size = 0, told = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fputs(beginning, out);
    for (size_t i = 0; i < count && told < TOLD; i++)
        if (guesses[i].class != guesses[i].truth)
            fprintf(out, "%s%zu not %zu (%.0f %%)", told++ > 0 ? ", " : ": ", guesses[i].class,
                    guesses[i].truth, 100.0 * guesses[i].confidence);
    fputs(".", out);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

mb_status mb_draw_predictions(const mb_report *report, mb_picture *picture, mb_error *error)
{
    mb_prediction guesses[MOST];
    const size_t count = mb_select_spread(report, MOST, guesses);
    size_t wrong = 0;
    char title[128], beginning[256], images[MB_COUNTED_LENGTH];
    for (size_t i = 0; i < count; i++)
        wrong += guesses[i].class != guesses[i].truth;
    mb_format_counted(images, report->dataset->test.images.count, "test image");
    snprintf(title, sizeof title, "%zu of %s: %zu right, %zu wrong", count, images, count - wrong,
             wrong);
    snprintf(beginning, sizeof beginning,
             "%zu of %s, each with the predicted class and its probability; %zu are right, %zu "
             "wrong",
             count, images, count - wrong, wrong);
    const sheet s = {title,
                     "Under each image: predicted class and its probability. Framed and crossed: "
                     "wrong, predicted not true class.",
                     guesses, count, true};
    return draw_sheet(report, &s, describe(beginning, guesses, count), picture, error);
}

mb_status mb_draw_mistakes(const mb_report *report, mb_picture *picture, mb_error *error)
{
    mb_prediction guesses[MOST];
    const size_t count = mb_select_mistakes(report, MOST, guesses);
    const mb_evaluation *evaluation = report->evaluation;
    char title[160], beginning[256], images[MB_COUNTED_LENGTH], all[MB_COUNTED_LENGTH];
    mb_format_counted(images, evaluation->samples, "test image");
    mb_format_counted(all, evaluation->samples - evaluation->correct, "mistake");
    if (count == 0)
        snprintf(title, sizeof title, "No mistakes in %s", images);
    else if (count < MOST)
        snprintf(title, sizeof title, "%s in %s", all, images);
    else
        snprintf(title, sizeof title, "The most confident of %s in %s", all, images);
    snprintf(beginning, sizeof beginning, "%s%s", title,
             count > 0 ? ", the most confident first" : "");
    const sheet s = {title,
                     count > 0 ? "Under each image: predicted not true class, and the probability "
                                 "of the prediction. The most confident come first."
                               : "Every prediction is right.",
                     guesses, count, false};
    return draw_sheet(report, &s, describe(beginning, guesses, count), picture, error);
}

/* predictions.png and mistakes.png: test images with what the network predicts. */
#include "report/predictions.h"

#include "core/memory_stream.h"
#include "report/drawings.h"
#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS = MB_PREDICTION_COLUMNS, MAX_IMAGES = 6 * COLUMNS, MAX_LISTED = 8, HEADER = 92 };
enum { BOX = 84, CELL_HEIGHT = BOX + 52, LINE = 16 };

/* The images of a figure and its texts. */
typedef struct content {
    const char *title, *explanation;
    const mb_prediction *predictions;
    size_t count;
    bool mark_wrong; /* false if all are wrong */
} content;

mb_image_grid mb_prediction_grid(const char *const *names, double top)
{
    const double text_width = MB_GRID_WIDTH - 2 * MB_GRID_MARGIN;
    return (mb_image_grid){.text_width = text_width,
                           .columns = COLUMNS,
                           .left = MB_GRID_MARGIN,
                           .top = top,
                           .cell_width = floor(text_width / COLUMNS),
                           .cell_height = CELL_HEIGHT + (names != NULL ? LINE : 0),
                           .box_width = BOX,
                           .box_height = BOX};
}

void mb_draw_prediction(const mb_image_grid *grid, const mb_canvas *canvas, size_t index,
                        const mb_dataset *dataset, const char *const *names, const mb_prediction *p,
                        bool marked)
{
    const mb_images *images = &dataset->test.images;
    const bool wrong = p->predicted != p->truth;
    const mb_drawn_image drawn = {images->pixels + p->image * mb_images_stride(images),
                                  images->rows, images->columns};
    const char *captions[MB_GRID_CAPTIONS] = {NULL};
    char class[128], probability[16];
    size_t lines = 0;
    snprintf(class, sizeof class, wrong ? "%zu (true %zu)" : "%zu", p->predicted, p->truth);
    captions[lines++] = names != NULL ? names[p->predicted] : class;
    if (names != NULL && wrong) {
        snprintf(class, sizeof class, "true %s", names[p->truth]);
        captions[lines++] = class;
    }
    snprintf(probability, sizeof probability, "%u %%", (unsigned)(100.0 * p->confidence + 0.5));
    captions[lines] = probability;
    const mb_grid_image image = {.pixel = mb_pixel_of(images, dataset->form.ground),
                                 .image = &drawn,
                                 .rows = images->rows,
                                 .columns = images->columns,
                                 .captions = {captions[0], captions[1], captions[2]},
                                 .frame = MB_COLOUR_FRAME,
                                 .marked = marked};
    mb_image_grid_draw(grid, canvas, index, &image);
}

/* Takes over `text`. */
static mb_status draw(const mb_report *report, const content *c, char *text, mb_figure *figure,
                      mb_error *error)
{
    const char *const *names = mb_network_class_names(report->run->network);
    mb_image_grid grid = mb_prediction_grid(names, HEADER - 8);
    grid.title = c->title;
    grid.explanation[0] = c->explanation;
    grid.height = HEADER + (c->count + COLUMNS - 1) / COLUMNS * (size_t)grid.cell_height;
    const mb_dataset *data = report->run->dataset;
    mb_canvas canvas;
    figure->natural = mb_images_are_natural(&data->test.images, data->form.ground);
    mb_image_grid_open(&grid, figure->format, &canvas);
    for (size_t i = 0; i < c->count; i++)
        mb_draw_prediction(&grid, &canvas, i, data, names, &c->predictions[i],
                           c->mark_wrong && c->predictions[i].predicted != c->predictions[i].truth);
    return mb_canvas_close(&canvas, text, figure, error);
}

/* `beginning` and the first wrong predictions: ": 4 (true 9), 83 %; ...". NULL if memory runs out.
 */
static char *describe(const char *beginning, const content *c, const char *const *names)
{
    mb_bytes text;
    size_t listed = 0;
    FILE *out = mb_memory_stream_open(&text);
    if (out == NULL)
        return NULL;
    fputs(beginning, out);
    for (size_t i = 0; i < c->count && listed < MAX_LISTED; i++) {
        const mb_prediction *p = &c->predictions[i];
        char number[MB_COUNT_LENGTH], true_number[MB_COUNT_LENGTH];
        if (p->predicted != p->truth)
            fprintf(out, "%s%s (true %s), %.0f %%", listed++ > 0 ? "; " : ": ",
                    mb_format_class(names, p->predicted, number),
                    mb_format_class(names, p->truth, true_number), 100.0 * p->confidence);
    }
    fputs(".", out);
    return mb_memory_stream_close(out, &text) ? (char *)text.data : NULL;
}

mb_status mb_draw_predictions(const mb_report *report, mb_figure *figure, mb_error *error)
{
    mb_prediction predictions[MAX_IMAGES];
    const size_t count = mb_select_spread(report, MAX_IMAGES, predictions);
    size_t wrong = 0;
    char title[128], beginning[256], images[MB_COUNTED_LENGTH];
    for (size_t i = 0; i < count; i++)
        wrong += predictions[i].predicted != predictions[i].truth;
    mb_format_counted(images, report->run->dataset->test.images.count, "test image");
    snprintf(title, sizeof title, "%zu of %s: %zu right, %zu wrong", count, images, count - wrong,
             wrong);
    snprintf(beginning, sizeof beginning,
             "%zu of %s, each with the predicted class and its probability; %zu are right, %zu "
             "wrong",
             count, images, count - wrong, wrong);
    const content c = {title,
                       "Under each image: predicted class and its probability. Framed and "
                       "crossed: wrong, with the true class.",
                       predictions, count, true};
    return draw(report, &c, describe(beginning, &c, mb_network_class_names(report->run->network)),
                figure, error);
}

mb_status mb_draw_mistakes(const mb_report *report, mb_figure *figure, mb_error *error)
{
    mb_prediction predictions[MAX_IMAGES];
    const size_t count = mb_select_mistakes(report, MAX_IMAGES, predictions);
    const mb_evaluation *evaluation = report->run->evaluation;
    char title[160], beginning[256], images[MB_COUNTED_LENGTH], all[MB_COUNTED_LENGTH];
    mb_format_counted(images, evaluation->samples, "test image");
    mb_format_counted(all, evaluation->samples - evaluation->correct, "mistake");
    if (count == 0)
        snprintf(title, sizeof title, "No mistakes in %s", images);
    else
        snprintf(title, sizeof title, "%s%s in %s",
                 count < MAX_IMAGES ? "" : "The most confident of ", all, images);
    snprintf(beginning, sizeof beginning, "%s%s", title,
             count > 0 ? ", the most confident first" : "");
    const content c = {title,
                       count > 0 ? "Under each image: predicted class, true class, and the "
                                   "probability of the prediction. The most confident come first."
                                 : "Every prediction is right.",
                       predictions, count, false};
    return draw(report, &c, describe(beginning, &c, mb_network_class_names(report->run->network)),
                figure, error);
}

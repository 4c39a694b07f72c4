/* Test images that one of two networks classifies correctly and the other does not. */
#include "core/util.h"
#include "report/comparison.h"
#include "report/comparison_figures.h"
#include "report/format.h"
#include "report/predictions.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_IMAGES = 2 * MB_PREDICTION_COLUMNS, HEADER = 76, HEADING = 44 };
enum { MAX_TEXT = 1024 }; /* bytes of a line */

/* The number of images that `right` classifies correctly and `wrong` does not, and of those that
 * are shown the wrong predictions. */
typedef struct side {
    size_t right, wrong, count, shown;
    mb_prediction predictions[MAX_IMAGES];
} side;

static side select_images(const mb_comparison *comparison, size_t right, size_t wrong)
{
    const mb_split *test = &comparison->storage->dataset->test;
    const mb_run_predictions *predicted = &comparison->storage->predictions[wrong];
    side s = {.right = right, .wrong = wrong};
    for (size_t i = 0; i < test->images.count; i++) {
        if (!mb_comparison_is_right(comparison, right, i) ||
            mb_comparison_is_right(comparison, wrong, i))
            continue;
        const mb_prediction p = {i, test->labels[i], predicted->classes[i],
                                 (double)predicted->confidences[i]};
        s.shown = mb_prediction_insert(s.predictions, s.shown, MAX_IMAGES, &p);
        s.count++;
    }
    return s;
}

/* Draws a side from `top` on, unless canvas is NULL; returns its height. */
static double draw_side(const mb_comparison *comparison, const mb_canvas *canvas, const side *s,
                        double top)
{
    const mb_dataset *dataset = comparison->storage->dataset;
    const char *const *names = dataset->class_names;
    const mb_image_grid grid = mb_prediction_grid(names, top + HEADING - 20.0);
    char line[MAX_TEXT], text[MAX_TEXT], images[MB_COUNTED_LENGTH];
    snprintf(line, sizeof line, "Only %s is right: %s%s", comparison->names[s->right],
             mb_format_counted(images, s->count, "image"),
             s->shown < s->count ? "; these are the most confident mistakes" : "");
    mb_printable(line, text, sizeof text); /* a line that was cut may end in half a character */
    if (canvas != NULL)
        mb_text_fit(canvas, &mb_name_font, MB_GRID_MARGIN, top + 8.0, MB_ALIGN_LEFT,
                    grid.text_width, text);
    for (size_t i = 0; i < s->shown && canvas != NULL; i++)
        mb_draw_prediction(&grid, canvas, i, dataset, names, &s->predictions[i], false);
    return HEADING + (double)mb_divide_up(s->shown, grid.columns) * grid.cell_height;
}

mb_status mb_draw_disagreements(const mb_comparison *comparison, const mb_run_pair *pair,
                                mb_figure *figure, mb_error *error)
{
    const mb_dataset *dataset = comparison->storage->dataset;
    const char *first = comparison->names[0], *other = comparison->names[pair->run];
    const side sides[] = {select_images(comparison, 0, pair->run),
                          select_images(comparison, pair->run, 0)};
    double top = HEADER + 16.0;
    char line[MAX_TEXT], title[MAX_TEXT], *text = NULL;
    mb_canvas canvas;
    snprintf(line, sizeof line, "%s and %s disagree", first, other);
    mb_printable(line, title, sizeof title);
    mb_image_grid header = mb_prediction_grid(NULL, 0.0);
    header.title = title;
    header.explanation[0] =
        "Under each image: the wrong prediction, the true class, and the probability of the "
        "prediction.";
    header.height = HEADER;
    for (size_t i = 0; i < MB_COUNT_OF(sides); i++)
        header.height += (size_t)draw_side(comparison, NULL, &sides[i], 0.0);
    *figure =
        (mb_figure){.title = "Disagreement",
                    .format = MB_FIGURE_PNG,
                    .natural = mb_images_are_natural(&dataset->test.images, dataset->form.ground)};
    snprintf(figure->file, sizeof figure->file, "pair%zu.png", pair->run);
    mb_image_grid_open(&header, MB_FIGURE_PNG, &canvas);
    for (size_t i = 0; i < MB_COUNT_OF(sides); i++)
        top += draw_side(comparison, &canvas, &sides[i], top);
    if (asprintf(&text,
                 "%s classifies %zu test images correctly that %s does not, and %s %zu that %s "
                 "does not.",
                 first, pair->only_first, other, other, pair->only_run, first) < 0)
        text = NULL;
    return mb_canvas_close(&canvas, text, figure, error);
}

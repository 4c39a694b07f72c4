/* mb_robustness_draw: accuracies on distorted images. */
#include "core/features.h"
#include "core/status.h"

#include <mnist_blas/robustness.h>

#if MB_WITH_REPORT
#include "report/format.h"
#include "report/panel.h"

#include <math.h>
#include <stdio.h>

enum {
    WIDTH = 900,
    HEIGHT = 470,
    MARGIN = 24,
    LEFT = 58,
    GAP = 64 /* with the labels of a panel */
};

/* From the tens of percent below all accuracies. */
static mb_axis accuracy_axis(const mb_robustness *robustness)
{
    double min = 0.99;
    for (size_t c = 0; c < robustness->count; c++)
        for (size_t i = 0; i < MB_ROBUSTNESS_POINTS; i++)
            min = fmin(min, robustness->curves[c].accuracy[i]);
    return mb_axis_linear(10.0 * floor(10.0 * min), 100.0, 0.0);
}

static void draw_curve(const mb_canvas *canvas, const mb_robustness_curve *curve,
                       const mb_axis *accuracy, mb_rectangle area)
{
    double strength[MB_ROBUSTNESS_POINTS], percent[MB_ROBUSTNESS_POINTS];
    char label[MB_OPTION_TEXT_SIZE];
    for (size_t i = 0; i < MB_ROBUSTNESS_POINTS; i++) {
        strength[i] = curve->strength[i];
        percent[i] = 100.0 * curve->accuracy[i];
    }
    const mb_series series = {.colour = MB_COLOUR_BLUE,
                              .thickness = 2.0,
                              .marker = MB_MARKER_DISC,
                              .count = MB_ROBUSTNESS_POINTS,
                              .x = strength,
                              .y = percent};
    const mb_panel panel = {.canvas = canvas,
                            .title = "Accuracy, %",
                            .area = area,
                            .across = mb_axis_linear(0.0, strength[MB_ROBUSTNESS_POINTS - 1], 0.0),
                            .up = *accuracy,
                            .labels_across = true,
                            .marker_stride = 1};
    mb_panel_draw(&panel, &series, 1);
    mb_text(canvas, &mb_small_font, area.x + 0.5 * area.width, HEIGHT - 26.0, MB_ALIGN_CENTRE,
            mb_option_label(&mb_robustness_option_table[curve->kind], label));
}

static void draw(const mb_canvas *canvas, const mb_robustness *robustness)
{
    const double count = (double)robustness->count;
    const double width = (WIDTH - LEFT - MARGIN - GAP * (count - 1.0)) / count;
    const mb_axis accuracy = accuracy_axis(robustness);
    char text[128], images[MB_COUNTED_LENGTH];
    mb_format_counted(images, robustness->samples, "distorted test image");
    snprintf(text, sizeof text, "Accuracy on %s", images);
    mb_text(canvas, &mb_title_font, MARGIN, 36.0, MB_ALIGN_LEFT, text);
    snprintf(text, sizeof text,
             "Each image is distorted with the strength on the axis. Not distorted: %.2f %%.",
             100.0 * robustness->curves[0].accuracy[0]);
    mb_text(canvas, &mb_small_font, MARGIN, 59.0, MB_ALIGN_LEFT, text);
    for (size_t c = 0; c < robustness->count; c++)
        draw_curve(canvas, &robustness->curves[c], &accuracy,
                   (mb_rectangle){LEFT + (double)c * (width + GAP), 110.0, width, 290.0});
}

static mb_status write_figure(const mb_robustness *robustness, const char *path, mb_error *error)
{
    mb_canvas canvas;
    mb_canvas_open(MB_FIGURE_PNG, WIDTH, HEIGHT, &canvas);
    draw(&canvas, robustness);
    return mb_canvas_write(&canvas, path, error);
}
#else
static mb_status write_figure(const mb_robustness *robustness, const char *path, mb_error *error)
{
    (void)robustness;
    return mb_fail_feature(error, path, MB_FEATURE_REPORT);
}
#endif

mb_status mb_robustness_draw(const mb_robustness *robustness, const char *path, mb_error *error)
{
    if (robustness == NULL || path == NULL || robustness->count == 0)
        return mb_fail(error, MB_ERROR_INVALID, "robustness: needs a curve, and a path");
    return write_figure(robustness, path, error);
}

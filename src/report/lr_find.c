/* mb_lr_find_draw: the losses of a learning-rate range test. */
#include "core/features.h"
#include "core/status.h"

#include <mnist_blas/lr_find.h>

#if MB_WITH_REPORT
#include "report/panel.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 900, HEIGHT = 470, MARGIN = 24, LEFT = 68 };

/* Its top is above the smoothed losses up to the least one; what comes after it may leave it. */
static mb_axis loss_axis(const mb_lr_find_result *result)
{
    double max = 0.0;
    for (size_t i = 0; i < result->count && result->lr[i] <= result->min_loss_lr; i++)
        max = fmax(max, result->smoothed[i]);
    return mb_axis_linear(0.0, 1.3 * max, 0.0);
}

static void draw(const mb_canvas *canvas, mb_lr_find_result *result)
{
    const mb_series series[] = {{"each step", 0x9cc8e3, 1.0, MB_MARKER_NONE, result->count,
                                 result->lr, result->loss, false},
                                {"smoothed", MB_COLOUR_BLUE, 2.0, MB_MARKER_NONE, result->count,
                                 result->lr, result->smoothed, false}};
    char text[128];
    const mb_panel panel = {.canvas = canvas,
                            .title = "Training loss, nats",
                            .area = {LEFT, 110.0, WIDTH - LEFT - MARGIN, 290.0},
                            .across = mb_axis_log(result->lr[0], result->lr[result->count - 1]),
                            .up = loss_axis(result),
                            .labels_across = true,
                            .marker_stride = 1,
                            .mark = result->suggested_lr,
                            .mark_name = "suggested"};
    snprintf(text, sizeof text, "Learning rate: %.2g", result->suggested_lr);
    mb_text(canvas, &mb_title_font, MARGIN, 36.0, MB_ALIGN_LEFT, text);
    snprintf(text, sizeof text, "Half of %.2g, where the loss is least. It falls fastest at %.2g.",
             result->min_loss_lr, result->steepest_lr);
    mb_text(canvas, &mb_small_font, MARGIN, 59.0, MB_ALIGN_LEFT, text);
    mb_panel_draw(&panel, series, sizeof series / sizeof *series);
    mb_text(canvas, &mb_small_font, LEFT + 0.5 * panel.area.width, HEIGHT - 26.0, MB_ALIGN_CENTRE,
            "learning rate (logarithmic), one step each");
}

static mb_status write_figure(const mb_lr_find_result *result, const char *path, mb_error *error)
{
    mb_lr_find_result drawn = *result; /* a series has pointers to its values */
    mb_canvas canvas;
    mb_canvas_open(MB_FIGURE_PNG, WIDTH, HEIGHT, &canvas);
    draw(&canvas, &drawn);
    return mb_canvas_write(&canvas, path, error);
}
#else
static mb_status write_figure(const mb_lr_find_result *result, const char *path, mb_error *error)
{
    (void)result;
    return mb_fail_feature(error, path, MB_FEATURE_REPORT);
}
#endif

mb_status mb_lr_find_draw(const mb_lr_find_result *result, const char *path, mb_error *error)
{
    if (result == NULL || path == NULL || result->count < 2)
        return mb_fail(error, MB_ERROR_INVALID, "lr-find: needs a result of 2 steps, and a path");
    return write_figure(result, path, error);
}

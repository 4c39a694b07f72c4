/* reliability.svg: how often the predicted class is right, by its probability. */
#include "report/drawings.h"
#include "report/panel.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    WIDTH = 720,
    HEIGHT = 560,
    MARGIN = 24,
    LEFT = 68,
    AREA_WIDTH = WIDTH - LEFT - MARGIN,
    AREA_HEIGHT = 380
};

static void draw(const mb_canvas *canvas, const mb_evaluation *evaluation)
{
    double confidence[MB_CONFIDENCE_BINS], accuracy[MB_CONFIDENCE_BINS], ends[] = {0.0, 100.0};
    size_t count = 0;
    char text[128];
    for (size_t i = 0; i < MB_CONFIDENCE_BINS; i++) {
        const mb_confidence_bin *bin = &evaluation->bins[i];
        if (bin->samples == 0)
            continue;
        confidence[count] = 100.0 * bin->confidence / (double)bin->samples;
        accuracy[count++] = 100.0 * (double)bin->correct / (double)bin->samples;
    }
    const mb_series series[] = {
        {"calibrated", MB_COLOUR_MUTED, 1.0, MB_MARKER_NONE, 2, ends, ends, false},
        {"test images", MB_COLOUR_BLUE, 2.0, MB_MARKER_DISC, count, confidence, accuracy, false}};
    const mb_panel panel = {.canvas = canvas,
                            .title = "Accuracy, %",
                            .area = {LEFT, 110.0, AREA_WIDTH, AREA_HEIGHT},
                            .across = mb_axis_linear(0.0, 100.0, 0.0),
                            .up = mb_axis_linear(0.0, 100.0, 0.0),
                            .labels_across = true,
                            .marker_stride = 1};
    snprintf(text, sizeof text, "Calibration error %.2f %%", 100.0 * evaluation->calibration_error);
    mb_text(canvas, &mb_title_font, MARGIN, 36.0, MB_ALIGN_LEFT, text);
    snprintf(text, sizeof text,
             "Test images in %d bins of the probability of the predicted class. Above the thin "
             "line: too cautious.",
             MB_CONFIDENCE_BINS);
    mb_text_fit(canvas, &mb_small_font, MARGIN, 59.0, MB_ALIGN_LEFT, WIDTH - 2.0 * MARGIN, text);
    mb_panel_draw(&panel, series, sizeof series / sizeof *series);
    mb_text(canvas, &mb_small_font, LEFT + 0.5 * AREA_WIDTH, HEIGHT - 26.0, MB_ALIGN_CENTRE,
            "mean probability of the predicted class, %");
}

mb_status mb_draw_reliability(const mb_report *report, mb_figure *figure, mb_error *error)
{
    const mb_evaluation *evaluation = report->run->evaluation;
    char *text = NULL;
    mb_canvas canvas;
    if (asprintf(&text,
                 "Accuracy by the probability of the predicted class: the two differ by %.2f %% in "
                 "the mean.",
                 100.0 * evaluation->calibration_error) < 0)
        text = NULL;
    mb_canvas_open(figure->format, WIDTH, HEIGHT, &canvas);
    draw(&canvas, evaluation);
    return mb_canvas_close(&canvas, text, figure, error);
}

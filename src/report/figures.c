#include "report/drawings.h"

#include <stdio.h>
#include <stdlib.h>

static bool always(const mb_report *report)
{
    (void)report;
    return true;
}

static bool if_augmented(const mb_report *report)
{
    return report->run->options->augmentation.kind != MB_AUGMENT_NONE;
}

enum { SVG = 1 << MB_FIGURE_SVG, PNG = 1 << MB_FIGURE_PNG };

static const char *const extensions[MB_FIGURE_FORMATS] = {"svg", "png"};

static const struct drawing {
    const char *name, *title;
    unsigned formats; /* the page shows the first */
    bool (*applies)(const mb_report *report);
    mb_drawing_fn *draw;
} drawings[] = {
#define FIGURE(name, title, formats, applies) {#name, title, formats, applies, mb_draw_##name},
#include "report/figures.inc"
#undef FIGURE
};

enum { DRAWINGS = sizeof drawings / sizeof drawings[0] };

/* Draws one drawing in all its formats. */
static mb_status draw(const struct drawing *drawing, const mb_report *report, mb_figures *figures,
                      mb_error *error)
{
    bool on_page = true;
    for (unsigned format = 0; format < MB_FIGURE_FORMATS; format++) {
        if ((drawing->formats & 1u << format) == 0)
            continue;
        mb_figure *figure = &figures->list[figures->count++];
        *figure = (mb_figure){.title = drawing->title, .format = format, .on_page = on_page};
        snprintf(figure->file, sizeof figure->file, "%s.%s", drawing->name, extensions[format]);
        const mb_status status = drawing->draw(report, figure, error);
        if (status != MB_OK)
            return status;
        on_page = false;
    }
    return MB_OK;
}

mb_status mb_figures_draw(const mb_report *report, mb_figures *figures, mb_error *error)
{
    mb_status status = MB_OK;
    *figures = (mb_figures){0};
    for (size_t i = 0; i < DRAWINGS && status == MB_OK; i++)
        if (drawings[i].applies(report))
            status = draw(&drawings[i], report, figures, error);
    return status;
}

mb_status mb_figures_remove_others(const mb_report *report, const char *folder, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < DRAWINGS && status == MB_OK; i++)
        if (!drawings[i].applies(report))
            status = mb_figure_remove(folder, drawings[i].name, error);
    return status;
}

void mb_figures_free(mb_figures *figures)
{
    for (size_t i = 0; i < figures->count; i++) {
        free(figures->list[i].text);
        free(figures->list[i].bytes.data);
    }
    *figures = (mb_figures){0};
}

#include "report/pictures.h"

#include "report/drawings.h"

typedef mb_status drawing_fn(const mb_report *report, mb_picture *picture, mb_error *error);

static const struct {
    const char *file, *title;
    mb_picture_kind kind;
    drawing_fn *draw;
} drawings[MB_PICTURES] = {
    {"loss.svg", "Loss and accuracy", MB_SVG, mb_draw_loss},
    {"loss.png", "Loss and accuracy", MB_PNG, mb_draw_loss},
    {"predictions.png", "Predictions", MB_PNG, mb_draw_predictions},
    {"mistakes.png", "Most confident mistakes", MB_PNG, mb_draw_mistakes},
    {"confusion.svg", "Confusion matrix", MB_SVG, mb_draw_confusion},
    {"weights.png", "First layer's weights", MB_PNG, mb_draw_weights},
};

mb_status mb_pictures_draw(const mb_report *report, mb_picture pictures[MB_PICTURES],
                           mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < MB_PICTURES; i++)
        pictures[i] = (mb_picture){
            .file = drawings[i].file, .title = drawings[i].title, .kind = drawings[i].kind};
    for (size_t i = 0; i < MB_PICTURES && status == MB_OK; i++)
        status = drawings[i].draw(report, &pictures[i], error);
    for (size_t i = 0; i < MB_PICTURES && status != MB_OK; i++)
        mb_picture_free(&pictures[i]);
    return status;
}

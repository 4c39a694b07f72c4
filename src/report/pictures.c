#include "report/pictures.h"

#include "report/drawings.h"

typedef mb_status drawing_fn(const mb_report *report, mb_picture *picture, mb_error *error);

static const struct {
    const char *file, *title;
    mb_picture_format kind;
    drawing_fn *draw;
} drawings[MB_MOST_PICTURES] = {
    {"loss.svg", "Loss and accuracy", MB_PICTURE_SVG, mb_draw_loss},
    {"loss.png", "Loss and accuracy", MB_PICTURE_PNG, mb_draw_loss},
    {"predictions.png", "Predictions", MB_PICTURE_PNG, mb_draw_predictions},
    {"mistakes.png", "Most confident mistakes", MB_PICTURE_PNG, mb_draw_mistakes},
    {"confusion.svg", "Confusion matrix", MB_PICTURE_SVG, mb_draw_confusion},
    {"weights.png", "First layer's weights", MB_PICTURE_PNG, mb_draw_weights},
    {"augmented.png", "Training images as they were varied", MB_PICTURE_PNG, mb_draw_augmented},
};

size_t mb_pictures_count(const mb_report *report)
{
    const bool augments = report->run->options->augmentation.kind != MB_AUGMENT_NONE;
    return augments ? MB_MOST_PICTURES : MB_PICTURES;
}

const char *mb_picture_file(size_t number) { return drawings[number].file; }

mb_status mb_pictures_draw(const mb_report *report, mb_picture *pictures, mb_error *error)
{
    const size_t count = mb_pictures_count(report);
    mb_status status = MB_OK;
    for (size_t i = 0; i < count; i++)
        pictures[i] = (mb_picture){
            .file = drawings[i].file, .title = drawings[i].title, .kind = drawings[i].kind};
    for (size_t i = 0; i < count && status == MB_OK; i++)
        status = drawings[i].draw(report, &pictures[i], error);
    for (size_t i = 0; i < count && status != MB_OK; i++)
        mb_picture_free(&pictures[i]);
    return status;
}

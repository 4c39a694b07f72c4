/* augmented.png: training images, original and as the first epochs saw them. */
#include "data/augment.h"
#include "report/drawings.h"
#include "report/format.h"
#include "report/image_grid.h"
#include "train/validation.h"

#include <mnist_blas/options.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_IMAGES = 10, MAX_EPOCHS = 7, HEADER = 104 };
enum { CELL_WIDTH = (MB_GRID_WIDTH - 2 * MB_GRID_MARGIN) / MAX_IMAGES, BOX = CELL_WIDTH - 1 };
enum { CELL_HEIGHT = BOX + 22 };

/* The images that are shown, and what augmenting them needs. */
typedef struct sheet {
    mb_arena arena;
    mb_sample_source source;
    mb_augmenter augmenter;
    size_t number[MAX_IMAGES], count, epochs;
    mb_pixel_fn *pixel;
    uint8_t *image;
    void *scratch;
} sheet;

/* Chooses the image of each class that is number `occurrence` of its class among the `count` images
 * of `trained`, in the order of the classes, until there are MAX_IMAGES. Returns false if no class
 * has one. */
static bool choose(const uint8_t *labels, const uint32_t *trained, size_t count, size_t occurrence,
                   sheet *s)
{
    size_t chosen[MB_MAX_CLASSES], seen[MB_MAX_CLASSES] = {0}, left = MAX_IMAGES - s->count;
    const size_t before = s->count;
    for (size_t i = 0; i < count && left > 0; i++) {
        const uint8_t class = labels[trained[i]];
        if (++seen[class] == occurrence) {
            chosen[class] = trained[i];
            left--;
        }
    }
    for (size_t class = 0; class < MB_MAX_CLASSES; class ++)
        if (seen[class] >= occurrence)
            s->number[s->count++] = chosen[class];
    return s->count > before;
}

static mb_status open_sheet(const mb_report *report, sheet *s, mb_error *error)
{
    const mb_dataset *data = report->run->dataset;
    const mb_training_options *options = report->run->options;
    const size_t pixels = mb_images_stride(&data->train.images);
    s->source = (mb_sample_source){.split = data->train, .pixels = pixels};
    s->pixel = mb_pixel_of(&data->test.images, data->form.ground);
    const uint8_t *labels = data->train.labels;
    const size_t images = data->train.images.count;
    const size_t held_out = mb_validation_count(options, data);
    uint32_t *order = mb_arena_alloc(&s->arena, images, sizeof *order);
    if (order == NULL)
        return mb_fail_memory(error, "pictures", images * sizeof *order);
    mb_validation_order(options, data, order);
    for (size_t i = 1; s->count < MAX_IMAGES && choose(labels, order, images - held_out, i, s); i++)
        continue;
    const mb_status status = mb_augmenter_open(&options->augmentation, options->seed, &s->source,
                                               &s->arena, &s->augmenter, error);
    if (status != MB_OK)
        return status;
    const size_t epochs = report->run->history->finished;
    s->epochs = epochs < MAX_EPOCHS ? epochs : MAX_EPOCHS;
    s->augmenter.plain_from = options->epochs - options->augmentation.plain_epochs;
    s->image = mb_arena_alloc(&s->arena, pixels, 1);
    s->scratch = mb_arena_alloc(&s->arena, s->augmenter.scratch, 1);
    if (s->image == NULL || s->scratch == NULL)
        return mb_fail_memory(error, "pictures", s->augmenter.scratch);
    return MB_OK;
}

/* Row 0 shows the originals, row e what epoch e saw. */
static void draw_image(const sheet *s, const mb_image_grid *grid, const mb_canvas *canvas,
                       size_t index)
{
    const mb_augmenter *augmenter = &s->augmenter;
    const size_t number = s->number[index % s->count], epoch = index / s->count;
    mb_drawn_image drawn = {s->source.split.images.pixels + number * s->source.pixels,
                            augmenter->rows, augmenter->columns};
    if (epoch > 0) {
        mb_augment_image(augmenter, mb_kernels_best(), number, epoch - 1, s->scratch, s->image);
        drawn.values = s->image;
    }
    const mb_grid_image image = {.pixel = s->pixel,
                                 .image = &drawn,
                                 .rows = augmenter->rows,
                                 .columns = augmenter->columns,
                                 .frame = MB_COLOUR_FRAME};
    mb_image_grid_draw(grid, canvas, index, &image);
}

static void draw_row_titles(size_t rows, const mb_canvas *canvas)
{
    for (size_t row = 0; row < rows; row++) {
        char text[32] = "original";
        if (row > 0)
            snprintf(text, sizeof text, "epoch %zu", row);
        mb_text(canvas, &mb_text_font, MB_GRID_MARGIN, HEADER + (double)(row * CELL_HEIGHT) - 6.0,
                MB_ALIGN_LEFT, text);
    }
}

static mb_status draw(const mb_report *report, const sheet *s, mb_figure *figure, mb_error *error)
{
    char title[192], strengths[320], explanation[400], *text = NULL;
    char images[MB_COUNTED_LENGTH], epochs[MB_COUNTED_LENGTH];
    mb_format_counted(images, s->count, "training image");
    mb_format_counted(epochs, s->epochs, "epoch");
    snprintf(title, sizeof title, "%s, original and as augmented in the first %s", images,
             s->epochs == 1 ? "epoch" : epochs);
    mb_options_describe(mb_training_option_table, report->run->options, &mb_augmentation_names,
                        strengths, sizeof strengths);
    snprintf(explanation, sizeof explanation, "Random for each image in each epoch: %s.",
             strengths);
    const mb_image_grid grid = {.title = title,
                                .explanation = {explanation},
                                .text_width = MB_GRID_WIDTH - 2 * MB_GRID_MARGIN,
                                .columns = s->count,
                                .left = MB_GRID_MARGIN,
                                .top = HEADER,
                                .cell_width = CELL_WIDTH,
                                .cell_height = CELL_HEIGHT,
                                .box_width = BOX,
                                .box_height = BOX,
                                .height = HEADER + (1 + s->epochs) * CELL_HEIGHT};
    const mb_dataset *data = report->run->dataset;
    mb_canvas canvas;
    figure->natural = mb_images_are_natural(&data->test.images, data->form.ground);
    mb_image_grid_open(&grid, figure->format, &canvas);
    draw_row_titles(1 + s->epochs, &canvas);
    for (size_t i = 0; i < s->count * (1 + s->epochs); i++)
        draw_image(s, &grid, &canvas, i);
    if (asprintf(&text, "%s (%s).", title, strengths) < 0)
        text = NULL;
    return mb_canvas_close(&canvas, text, figure, error);
}

mb_status mb_draw_augmented(const mb_report *report, mb_figure *figure, mb_error *error)
{
    sheet s = {.count = 0};
    mb_status status = open_sheet(report, &s, error);
    if (status == MB_OK)
        status = draw(report, &s, figure, error);
    mb_arena_free(&s.arena);
    return status;
}

/* augmented.png: training images, original and as the first epochs saw them. */
#include "data/augment.h"
#include "data/sampler.h"
#include "report/drawings.h"
#include "report/format.h"
#include "report/image_grid.h"

#include <mnist_blas/options.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_IMAGES = 10, MAX_EPOCHS = 8, COLUMNS = 1 + MAX_EPOCHS, HEADER = 100, BOX = 84 };
enum { CELL_WIDTH = (MB_GRID_WIDTH - 2 * MB_GRID_MARGIN) / COLUMNS, CELL_HEIGHT = BOX + 4 };

/* The images that are shown, and what augmenting them needs. */
typedef struct sheet {
    mb_arena arena;
    mb_sample_source source;
    mb_augmenter augmenter;
    size_t number[MAX_IMAGES], count, epochs;
    uint8_t *image;
    void *scratch;
} sheet;

/* Chooses the first image of each class until there are MAX_IMAGES, in the order of the classes. */
static void choose(const mb_split *split, const uint32_t *trained, size_t count, sheet *s)
{
    size_t first[MB_MAX_CLASSES], seen = 0;
    for (size_t class = 0; class < MB_MAX_CLASSES; class ++)
        first[class] = SIZE_MAX;
    for (size_t i = 0; i < count && seen < MAX_IMAGES; i++) {
        size_t *one = &first[split->labels[trained[i]]];
        seen += *one == SIZE_MAX;
        *one = *one == SIZE_MAX ? trained[i] : *one;
    }
    for (size_t class = 0; class < MB_MAX_CLASSES; class ++)
        if (first[class] != SIZE_MAX)
            s->number[s->count++] = first[class];
}

static mb_status open_sheet(const mb_report *report, sheet *s, mb_error *error)
{
    const mb_dataset *data = report->run->dataset;
    const mb_training_options *options = report->run->options;
    const size_t pixels = mb_images_stride(&data->train.images);
    s->source = (mb_sample_source){.split = data->train, .pixels = pixels};
    const size_t images = data->train.images.count;
    const size_t held_out = mb_validation_count(options, images);
    uint32_t *order = mb_arena_alloc(&s->arena, images, sizeof *order);
    if (order == NULL)
        return mb_fail_memory(error, "pictures", images * sizeof *order);
    mb_sampler_hold_out(options->seed, data->train.labels, images, held_out, order);
    choose(&s->source.split, order, images - held_out, s);
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

/* Column 0 shows the original, column e what epoch e saw. */
static void draw_image(const sheet *s, const mb_image_grid *grid, const mb_canvas *canvas,
                       size_t index)
{
    const mb_augmenter *augmenter = &s->augmenter;
    const size_t number = s->number[index / grid->columns], epoch = index % grid->columns;
    mb_gray_image gray = {s->source.split.images.pixels + number * s->source.pixels,
                          augmenter->columns};
    if (epoch > 0) {
        mb_augment_image(augmenter, mb_kernels_best(), number, epoch - 1, s->scratch, s->image);
        gray.values = s->image;
    }
    const mb_grid_image image = {.pixel = mb_gray_pixel,
                                 .image = &gray,
                                 .rows = augmenter->rows,
                                 .columns = augmenter->columns,
                                 .frame = epoch > 0 ? MB_COLOUR_FRAME : MB_COLOUR_TEXT};
    mb_image_grid_draw(grid, canvas, index, &image);
}

static void draw_column_titles(const mb_image_grid *grid, const mb_canvas *canvas)
{
    for (size_t column = 0; column < grid->columns; column++) {
        char text[32] = "original";
        if (column > 0)
            snprintf(text, sizeof text, "epoch %zu", column);
        mb_text_fit(canvas, &mb_text_font, grid->left + ((double)column + 0.5) * CELL_WIDTH,
                    HEADER - 10.0, MB_ALIGN_CENTRE, CELL_WIDTH - 8.0, text);
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
                                .columns = 1 + s->epochs,
                                .left = MB_GRID_MARGIN,
                                .top = HEADER,
                                .cell_width = CELL_WIDTH,
                                .cell_height = CELL_HEIGHT,
                                .box_width = BOX,
                                .box_height = BOX,
                                .height = HEADER + s->count * CELL_HEIGHT + MB_GRID_MARGIN - 4};
    mb_canvas canvas;
    mb_image_grid_open(&grid, figure->format, &canvas);
    draw_column_titles(&grid, &canvas);
    for (size_t i = 0; i < s->count * grid.columns; i++)
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

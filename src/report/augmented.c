/* augmented.png: what training saw instead of its images. */
#include "data/augment.h"
#include "report/canvas.h"
#include "report/drawings.h"
#include "report/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 900, MARGIN = 24, MOST_IMAGES = 10, MOST_EPOCHS = 8, COLUMNS = 1 + MOST_EPOCHS };
enum { HEADER = 100, BOX = 84, CELL_WIDTH = (WIDTH - 2 * MARGIN) / COLUMNS, CELL_HEIGHT = BOX + 4 };

/* The images that are shown, and what it takes to vary them. */
typedef struct sheet {
    mb_arena arena;
    mb_sample_source source;
    mb_augmenter augmenter;
    size_t number[MOST_IMAGES], count, epochs;
    uint8_t *image;
    uint32_t *pixels;
    void *scratch;
} sheet;

/* The first image of each class, up to MOST_IMAGES. */
static void choose(const mb_split *split, sheet *s)
{
    bool seen[MB_MAX_CLASSES] = {false};
    for (size_t i = 0; i < split->images.count && s->count < MOST_IMAGES; i++) {
        bool *one = &seen[split->labels[i]];
        if (!*one)
            s->number[s->count++] = i;
        *one = true;
    }
}

static int by_label(const mb_split *split, size_t a, size_t b)
{
    return (int)split->labels[a] - (int)split->labels[b];
}

static void sort(const mb_split *split, sheet *s)
{
    for (size_t i = 1; i < s->count; i++)
        for (size_t k = i; k > 0 && by_label(split, s->number[k - 1], s->number[k]) > 0; k--) {
            const size_t other = s->number[k];
            s->number[k] = s->number[k - 1];
            s->number[k - 1] = other;
        }
}

static mb_status open_sheet(const mb_report *report, sheet *s, mb_error *error)
{
    const mb_dataset *data = report->dataset;
    const mb_training_options *options = report->run->options;
    const size_t pixels = mb_images_stride(&data->train.images);
    s->source = (mb_sample_source){.split = data->train, .pixels = pixels};
    s->source.split.images.count -= options->validation;
    choose(&s->source.split, s);
    sort(&s->source.split, s);
    const mb_status status = mb_augmenter_open(&options->augmentation, options->seed, &s->source,
                                               &s->arena, &s->augmenter, error);
    if (status != MB_OK)
        return status;
    s->epochs = options->epochs < MOST_EPOCHS ? options->epochs : MOST_EPOCHS;
    if (s->epochs > 0) /* the run may have ended before all of those that were to come */
        s->augmenter.plain_from =
            report->run->epochs[0].epochs - options->augmentation.plain_epochs;
    s->image = mb_arena_alloc(&s->arena, pixels, 1);
    s->pixels = mb_arena_alloc(&s->arena, pixels, sizeof *s->pixels);
    s->scratch = mb_arena_alloc(&s->arena, s->augmenter.scratch, 1);
    if (s->image == NULL || s->pixels == NULL || s->scratch == NULL)
        return mb_fail_memory(error, "pictures", pixels * sizeof *s->pixels);
    return MB_OK;
}

/* Version 0 is the image itself, the others are those of the epochs from 1 on. */
static void draw_cell(const mb_canvas *canvas, const sheet *s, size_t row, size_t version)
{
    const mb_augmenter *augmenter = &s->augmenter;
    const size_t number = s->number[row];
    const uint8_t *image = s->source.split.images.pixels + number * s->source.pixels;
    const double x = MARGIN + (double)(version * CELL_WIDTH) + 0.5 * (CELL_WIDTH - BOX);
    const double y = HEADER + (double)(row * CELL_HEIGHT);
    if (version > 0) {
        mb_augment_image(augmenter, mb_kernels_best(), number, version - 1, s->scratch, s->image);
        image = s->image;
    }
    mb_canvas_gray(canvas, image, augmenter->rows, augmenter->columns, x, y, BOX, s->pixels);
    mb_canvas_colour(canvas, version > 0 ? MB_COLOUR_FRAME : MB_COLOUR_TEXT);
    mb_canvas_frame(canvas, x, y, BOX, BOX, 1.0);
}

static void draw_header(const mb_canvas *canvas, const sheet *s, const char *title,
                        const char *explanation)
{
    const double room = WIDTH - 2.0 * MARGIN;
    mb_text_fit(canvas, &mb_title_font, MARGIN, 36.0, MB_ALIGN_LEFT, room, title);
    mb_text_fit(canvas, &mb_small_font, MARGIN, 59.0, MB_ALIGN_LEFT, room, explanation);
    for (size_t version = 0; version <= s->epochs; version++) {
        char text[32] = "as it is";
        if (version > 0)
            snprintf(text, sizeof text, "epoch %zu", version);
        mb_text_fit(canvas, &mb_text_font, MARGIN + ((double)version + 0.5) * CELL_WIDTH,
                    HEADER - 10.0, MB_ALIGN_CENTRE, CELL_WIDTH - 8.0, text);
    }
}

static void write_strengths(const mb_augmentation *augmentation, char *text, size_t size)
{
    int length =
        snprintf(text, size, "rotate %g, scale %g, shear %g, shift %g", augmentation->rotate,
                 augmentation->scale, augmentation->shear, augmentation->shift);
    if (augmentation->kind == MB_AUGMENT_ELASTIC)
        length += snprintf(text + length, size - (size_t)length, ", elastic: alpha %g, sigma %g",
                           augmentation->elastic_alpha, augmentation->elastic_sigma);
    if (augmentation->plain_epochs > 0) {
        char plain[MB_COUNTED_LENGTH];
        mb_format_counted(plain, augmentation->plain_epochs, "plain epoch");
        snprintf(text + length, size - (size_t)length, ", %s", plain);
    }
}

/* "10 training images, as they are and in the first 8 epochs" */
static void write_title(const sheet *s, char *text, size_t size)
{
    char images[MB_COUNTED_LENGTH], epochs[MB_COUNTED_LENGTH];
    mb_format_counted(images, s->count, "training image");
    mb_format_counted(epochs, s->epochs, "epoch");
    snprintf(text, size, "%s, as %s and in the first %s", images,
             s->count == 1 ? "it is" : "they are", s->epochs == 1 ? "epoch" : epochs);
}

static mb_status draw(const mb_report *report, const sheet *s, mb_picture *picture, mb_error *error)
{
    char title[160], strengths[256], explanation[320], *text = NULL;
    mb_canvas canvas;
    write_title(s, title, sizeof title);
    write_strengths(&report->run->options->augmentation, strengths, sizeof strengths);
    snprintf(explanation, sizeof explanation, "Drawn anew for each image in each epoch: %s.",
             strengths);
    const mb_status status = mb_canvas_open(
        picture->kind, WIDTH, HEADER + s->count * CELL_HEIGHT + MARGIN - 4, &canvas, error);
    if (status != MB_OK)
        return status;
    draw_header(&canvas, s, title, explanation);
    for (size_t row = 0; row < s->count; row++)
        for (size_t version = 0; version <= s->epochs; version++)
            draw_cell(&canvas, s, row, version);
    if (asprintf(&text, "%s (%s).", title, strengths) < 0)
        text = NULL;
    return mb_canvas_close(&canvas, text, picture, error);
}

mb_status mb_draw_augmented(const mb_report *report, mb_picture *picture, mb_error *error)
{
    sheet s = {.count = 0};
    mb_status status = open_sheet(report, &s, error);
    if (status == MB_OK)
        status = draw(report, &s, picture, error);
    mb_arena_free(&s.arena);
    return status;
}

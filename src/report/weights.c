/* weights.png: the weights of the first layer, one image per unit or kernel. */
#include "report/drawings.h"
#include "report/format.h"
#include "report/image_grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADER = 110, GAP = 4, MAX_HEIGHT = 640, BAR_WIDTH = 180, BAR_HEIGHT = 12, SHADES = 8 };
enum { MIN_TILES = 32, MAX_TILES = 128, MAX_TILE_SIDE = 120, MAX_PIXELS = 120000 };
static const double max_pitch = 1.5; /* of tiles in a row, in widths of a tile */
enum { MAX_WEIGHTS = 1 << 26, MAX_SAMPLED = 1 << 14, MAX_SIDE = 4096 };

/* Tiles, each an image of the weights of one unit or one kernel. */
typedef struct tiles {
    mb_tensor_info tensor;
    size_t channels;                /* planes of a tile; 3 are drawn as a colour picture */
    size_t rows, columns;           /* values of a plane: weights, or means of squares of them */
    size_t full_rows, full_columns; /* weights of a plane */
    size_t all, count;              /* tiles that there are, and that are drawn */
    size_t stride;                  /* values from one tile to the next */
    float *weights;                 /* the whole tensor */
    double limit;                   /* the absolute value that has full colour */
    size_t across;                  /* tiles in a row */
    size_t scale, side;             /* pixels per value, and side of the squares of weights */
} tiles;

/* A tile is an image of the input if the layer sees the whole input, a kernel if it convolves, else
 * a line. */
static void choose_tiles(tiles *t, const mb_shape *input)
{
    const mb_tensor_info *tensor = &t->tensor;
    t->all = tensor->dimensions == 1 ? 1 : tensor->shape[0];
    t->channels = t->rows = 1;
    t->columns = tensor->elements / t->all;
    const bool color = input->channels == 3;
    if (tensor->dimensions == 4) {
        t->channels = color && tensor->shape[1] == 3 ? 3 : 1;
        t->all *= tensor->shape[1] / t->channels;
        t->rows = tensor->shape[2];
        t->columns = tensor->shape[3];
    } else if (tensor->dimensions == 2 && (color || input->channels == 1) &&
               input->channels * input->rows * input->columns == tensor->shape[1]) {
        t->channels = input->channels;
        t->rows = input->rows;
        t->columns = input->columns;
    }
    t->full_rows = t->rows;
    t->full_columns = t->columns;
    t->stride = t->channels * t->rows * t->columns;
    t->count = MAX_PIXELS / (t->rows * t->columns);
    t->count = t->count > MAX_TILES ? MAX_TILES : t->count;
    t->count = t->count < MIN_TILES ? MIN_TILES : t->count;
    t->count = t->count > t->all ? t->all : t->count;
}

/* True if all tiles fit with `scale` pixels per value, each the mean of side x side weights; sets
 * the tiles in a row. */
static bool try_scale(tiles *t, size_t scale, size_t side)
{
    const size_t width = (t->columns + side - 1) / side * scale;
    const size_t height = (t->rows + side - 1) / side * scale;
    t->scale = scale;
    t->side = side;
    if (scale > 1 && (width > MAX_TILE_SIDE || height > MAX_TILE_SIDE))
        return false;
    if (scale == 1 && t->count * width * height > MAX_PIXELS)
        return false;
    t->across = (MB_GRID_WIDTH - 2 * MB_GRID_MARGIN + GAP) / (width + GAP);
    if (t->across == 0)
        return false;
    const size_t lines = (t->count + t->across - 1) / t->across;
    t->across = (t->count + lines - 1) / lines; /* rows of about equal length */
    return lines * (height + GAP) <= MAX_HEIGHT;
}

/* The largest tiles that fit. */
static void choose_scale(tiles *t)
{
    for (size_t scale = MAX_TILE_SIDE; scale >= 1; scale--)
        if (try_scale(t, scale, 1))
            return;
    while (!try_scale(t, 1, t->side + 1))
        continue;
}

static float mean_of(const tiles *t, const float *plane, size_t row, size_t column)
{
    const size_t row_end = row + t->side < t->rows ? row + t->side : t->rows;
    const size_t column_end = column + t->side < t->columns ? column + t->side : t->columns;
    double sum = 0.0;
    for (size_t r = row; r < row_end; r++)
        for (size_t c = column; c < column_end; c++)
            sum += (double)plane[r * t->columns + c];
    return (float)(sum / (double)((row_end - row) * (column_end - column)));
}

/* Replaces each square of weights by its mean. In place: what is written is never read later. */
static void reduce(tiles *t)
{
    float *next = t->weights;
    for (size_t plane = 0; plane < t->count * t->channels; plane++)
        for (size_t row = 0; row < t->rows; row += t->side)
            for (size_t column = 0; column < t->columns; column += t->side)
                *next++ = mean_of(t, t->weights + plane * t->rows * t->columns, row, column);
    t->rows = (t->rows + t->side - 1) / t->side;
    t->columns = (t->columns + t->side - 1) / t->side;
    t->stride = t->channels * t->rows * t->columns;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The 99.5 % quantile of the absolute values, of a sample of them: a few large ones would leave the
 * rest pale. `sorted` is scratch (MAX_SAMPLED). */
static double find_limit(const tiles *t, float *sorted)
{
    const size_t weights = t->count * t->stride, every = (weights - 1) / MAX_SAMPLED + 1;
    const size_t sampled = (weights - 1) / every + 1;
    for (size_t i = 0; i < sampled; i++)
        sorted[i] = fabsf(t->weights[i * every]);
    qsort(sorted, sampled, sizeof *sorted, ascending);
    return (double)sorted[(sampled - 1) - (sampled - 1) / 200];
}

/* A colour for `value` of -1 .. 1 and beyond. There are few shades: many make a large file. */
static uint32_t colour_of(double value)
{
    return mb_mix(MB_COLOUR_BACKGROUND, value < 0.0 ? MB_COLOUR_BLUE : MB_COLOUR_VERMILION,
                  floor(SHADES * fmin(1.0, fabs(value)) + 0.5) / SHADES);
}

/* The same for one channel of a colour, 0 .. 255; 0 is in the middle. */
static uint32_t level_of(double value)
{
    const double shade = floor(SHADES * fmax(-1.0, fmin(1.0, value)) + 0.5) / SHADES;
    return (uint32_t)(127.5 + 127.5 * shade);
}

typedef struct tile {
    const tiles *tiles;
    const float *values;
} tile;

static uint32_t tile_pixel(const void *image, size_t row, size_t column)
{
    const tile *one = image;
    const double limit = one->tiles->limit;
    const double value = (double)one->values[row * one->tiles->columns + column];
    return colour_of(limit > 0.0 ? value / limit : 0.0);
}

static uint32_t color_pixel(const void *image, size_t row, size_t column)
{
    const tile *one = image;
    const tiles *t = one->tiles;
    uint32_t colour = 0;
    for (size_t channel = 0; channel < 3; channel++) {
        const double value = (double)one->values[(channel * t->rows + row) * t->columns + column];
        colour = colour << 8 | level_of(t->limit > 0.0 ? value / t->limit : 0.0);
    }
    return colour;
}

static uint32_t gray_bar_pixel(const void *image, size_t row, size_t column)
{
    (void)image, (void)row;
    return 0x010101 * level_of(2.0 * ((double)column + 0.5) / BAR_WIDTH - 1.0);
}

static uint32_t bar_pixel(const void *image, size_t row, size_t column)
{
    (void)image, (void)row;
    return colour_of(2.0 * ((double)column + 0.5) / BAR_WIDTH - 1.0);
}

/* The colours with the weights that they stand for. */
static void draw_bar(const mb_canvas *canvas, const tiles *t)
{
    const mb_rectangle bar = {MB_GRID_WIDTH - MB_GRID_MARGIN - BAR_WIDTH, 56.0, BAR_WIDTH,
                              BAR_HEIGHT};
    const double y = bar.y + 28.0;
    char text[32];
    mb_canvas_image(canvas, t->channels == 3 ? gray_bar_pixel : bar_pixel, NULL, 1, BAR_WIDTH, bar);
    mb_canvas_colour(canvas, MB_COLOUR_FRAME);
    mb_canvas_frame(canvas, bar, 1.0);
    snprintf(text, sizeof text, "-%.2g", t->limit);
    mb_text(canvas, &mb_small_font, bar.x, y, MB_ALIGN_LEFT, text);
    mb_text(canvas, &mb_small_font, bar.x + 0.5 * BAR_WIDTH, y, MB_ALIGN_CENTRE, "0");
    mb_text(canvas, &mb_small_font, bar.x + BAR_WIDTH, y, MB_ALIGN_RIGHT, text + 1);
}

/* "128 units, each with 28x28 weights". */
static void describe(const tiles *t, char *text, size_t size)
{
    char all[MB_COUNTED_LENGTH], first[64] = "", means[64] = "";
    mb_format_counted(all, t->all, t->tensor.dimensions == 4 ? "kernel" : "unit");
    if (t->count < t->all)
        snprintf(first, sizeof first, "%zu of ", t->count);
    if (t->side > 1)
        snprintf(means, sizeof means, ", shown as means of %zux%zu", t->side, t->side);
    snprintf(text, size, "%s%s, each with %s%zux%zu weights%s", first, all,
             t->channels == 3 ? "3x" : "", t->full_rows, t->full_columns, means);
}

/* From one tile to the next: full rows end at the right margin, unless the gaps would be wide. */
static double tile_pitch(const tiles *t, size_t width)
{
    const double gaps = (double)(t->across - 1);
    const double full =
        gaps > 0.0 ? (MB_GRID_WIDTH - 2 * MB_GRID_MARGIN - (double)width) / gaps : 0.0;
    return full <= max_pitch * (double)width ? fmax(full, (double)(width + GAP))
                                             : (double)(width + GAP);
}

static mb_status draw(const tiles *t, mb_figure *figure, mb_error *error)
{
    const size_t width = t->columns * t->scale, height = t->rows * t->scale;
    const size_t lines = (t->count + t->across - 1) / t->across;
    const double pitch = tile_pitch(t, width);
    char kind[160], *text = NULL;
    describe(t, kind, sizeof kind);
    const mb_image_grid grid = {
        .title = "Weights of the first layer",
        .explanation = {kind,
                        t->channels == 3
                            ? "Red, green and blue: of these channels. Gray: 0, light: positive."
                            : "Blue: negative, orange: positive. Full colour: at the limit and "
                              "beyond."},
        .text_width = MB_GRID_WIDTH - 3 * MB_GRID_MARGIN - BAR_WIDTH,
        .columns = t->across,
        .left = MB_GRID_MARGIN - 0.5 * (pitch - (double)width),
        .top = HEADER,
        .cell_width = pitch,
        .cell_height = (double)(height + GAP),
        .box_width = (double)width,
        .box_height = (double)height,
        .height = HEADER + lines * (height + GAP) + MB_GRID_MARGIN - GAP};
    mb_canvas canvas;
    figure->natural = t->channels == 3;
    mb_image_grid_open(&grid, figure->format, &canvas);
    draw_bar(&canvas, t);
    for (size_t i = 0; i < t->count; i++) {
        const tile one = {t, t->weights + i * t->stride};
        const mb_grid_image image = {t->channels == 3 ? color_pixel : tile_pixel,
                                     &one,
                                     t->rows,
                                     t->columns,
                                     {NULL},
                                     MB_COLOUR_FRAME,
                                     false};
        mb_image_grid_draw(&grid, &canvas, i, &image);
    }
    if (asprintf(&text,
                 "Weights of the first layer, %s: %s, from %.2g (%s) over 0 to %.2g "
                 "(%s).",
                 t->tensor.name, kind, -t->limit, t->channels == 3 ? "dark" : "blue", t->limit,
                 t->channels == 3 ? "light" : "orange") < 0)
        text = NULL;
    return mb_canvas_close(&canvas, text, figure, error);
}

/* A figure with words instead of weights. */
static mb_status draw_refusal(const tiles *t, mb_figure *figure, mb_error *error)
{
    char weights[MB_COUNTED_LENGTH], *text = NULL;
    mb_canvas canvas;
    if (asprintf(&text, "The first layer is too large to draw: %s.",
                 mb_format_counted(weights, t->tensor.elements, "weight")) < 0)
        text = NULL;
    mb_canvas_open(figure->format, MB_GRID_WIDTH, 80, &canvas);
    mb_text_fit(&canvas, &mb_text_font, MB_GRID_MARGIN, 46.0, MB_ALIGN_LEFT,
                MB_GRID_WIDTH - 2.0 * MB_GRID_MARGIN, text != NULL ? text : "");
    return mb_canvas_close(&canvas, text, figure, error);
}

mb_status mb_draw_weights(const mb_report *report, mb_figure *figure, mb_error *error)
{
    const mb_network *network = report->run->network;
    const mb_shape input = mb_network_input(network);
    tiles t = {.tensor = mb_network_tensor_info(network, 0)};
    choose_tiles(&t, &input);
    if (t.tensor.elements > MAX_WEIGHTS || t.rows > MAX_SIDE || t.columns > MAX_SIDE)
        return draw_refusal(&t, figure, error);
    const size_t size = (t.tensor.elements + MAX_SAMPLED) * sizeof *t.weights;
    t.weights = malloc(size);
    if (t.weights == NULL)
        return mb_fail_memory(error, "pictures", size);
    mb_network_get_tensor(network, 0, t.weights);
    choose_scale(&t);
    reduce(&t);
    t.limit = find_limit(&t, t.weights + t.tensor.elements);
    const mb_status status = draw(&t, figure, error);
    free(t.weights);
    return status;
}

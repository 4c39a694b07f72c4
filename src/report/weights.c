/* weights.png */
#include "report/canvas.h"
#include "report/drawings.h"
#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 900, MARGIN = 24, HEADER = 110, GAP = 4, MOST_TILES = 128 };
enum { LARGEST_TILE = 120, HIGHEST = 640, BAR_WIDTH = 180, BAR_HEIGHT = 12 };
enum { FEWEST_TILES = 32, MOST_PIXELS = 120000 }; /* that differ */
enum { MOST_WEIGHTS = 1 << 26, MOST_SAMPLED = 1 << 14, LONGEST_SIDE = 4096, SHADES = 8 };

/* Tiles, each an image of the weights of one unit or one kernel. */
typedef struct tiles {
    mb_tensor_info tensor;
    size_t rows, columns;           /* weights of a tile, or means of them */
    size_t full_rows, full_columns; /* weights of a tile */
    size_t all, count;              /* how many there are, and are drawn */
    size_t stride;                  /* weights from one to the next */
    float *weights;                 /* the whole tensor */
    double limit;                   /* the weight that has full colour */
    size_t across;                  /* tiles in a line */
    double width, height;           /* pixels of a tile */
    size_t side;                    /* of the square of weights that share a pixel */
} tiles;

/* What a tile is: an image of the input where the layer sees the whole input, a kernel where it
 * convolves, else a line. */
static void cut(tiles *t, const mb_shape *input)
{
    const mb_tensor_info *tensor = &t->tensor;
    if (tensor->dimensions == 4) {
        t->all = tensor->shape[0] * tensor->shape[1];
        t->rows = tensor->shape[2];
        t->columns = tensor->shape[3];
    } else if (tensor->dimensions == 2) {
        const bool image = input->channels == 1 && input->rows * input->columns == tensor->shape[1];
        t->all = tensor->shape[0];
        t->rows = image ? input->rows : 1;
        t->columns = image ? input->columns : tensor->shape[1];
    } else {
        t->all = 1;
        t->rows = 1;
        t->columns = tensor->elements;
    }
    t->full_rows = t->rows;
    t->full_columns = t->columns;
    t->stride = t->rows * t->columns;
    t->count = MOST_PIXELS / t->stride;
    t->count = t->count > MOST_TILES ? MOST_TILES : t->count;
    t->count = t->count < FEWEST_TILES ? FEWEST_TILES : t->count;
    t->count = t->count > t->all ? t->all : t->count;
}

/* Whether all tiles fit at this size; sets how they lie. */
static bool try_scale(tiles *t, double scale)
{
    const double room = WIDTH - 2.0 * MARGIN + GAP;
    t->width = ceil((double)t->columns * scale);
    t->height = ceil((double)t->rows * scale);
    if (scale > 1.0 && fmax(t->width, t->height) > LARGEST_TILE)
        return false;
    if (scale <= 1.0 && (double)t->count * t->width * t->height > MOST_PIXELS)
        return false;
    t->across = (size_t)(room / (t->width + GAP));
    if (t->across == 0)
        return false;
    const size_t lines = (t->count + t->across - 1) / t->across;
    t->across = (t->count + lines - 1) / lines; /* lines of about equal length */
    return (double)lines * (t->height + GAP) <= HIGHEST;
}

/* The largest whole number of pixels a weight, or of weights a pixel to either side. */
static void lay_out(tiles *t)
{
    t->side = 1;
    for (int scale = LARGEST_TILE; scale >= 1; scale--)
        if (try_scale(t, (double)scale))
            return;
    while (!try_scale(t, 1.0 / (double)++t->side))
        continue;
}

static float mean_of(const tiles *t, const float *tile, size_t row, size_t column)
{
    const size_t row_end = row + t->side < t->rows ? row + t->side : t->rows;
    const size_t column_end = column + t->side < t->columns ? column + t->side : t->columns;
    double sum = 0.0;
    for (size_t r = row; r < row_end; r++)
        for (size_t c = column; c < column_end; c++)
            sum += (double)tile[r * t->columns + c];
    return (float)(sum / (double)((row_end - row) * (column_end - column)));
}

/* Makes each square of weights that shares a pixel one weight, its mean. In place: what is written
 * never lies beyond what is read next. */
static void reduce(tiles *t)
{
    float *next = t->weights;
    for (size_t tile = 0; tile < t->count; tile++)
        for (size_t row = 0; row < t->rows; row += t->side)
            for (size_t column = 0; column < t->columns; column += t->side)
                *next++ = mean_of(t, t->weights + tile * t->stride, row, column);
    t->rows = (t->rows + t->side - 1) / t->side;
    t->columns = (t->columns + t->side - 1) / t->side;
    t->stride = t->rows * t->columns;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* All but the largest of two hundred weights are within the limit: a few far ones would leave the
 * rest pale. A sample of them tells. */
static mb_status find_limit(tiles *t, mb_error *error)
{
    const size_t weights = t->count * t->stride, every = (weights - 1) / MOST_SAMPLED + 1;
    const size_t sampled = (weights - 1) / every + 1;
    float *sizes = malloc(sampled * sizeof *sizes);
    if (sizes == NULL)
        return mb_fail_memory(error, "pictures", sampled * sizeof *sizes);
    for (size_t i = 0; i < sampled; i++)
        sizes[i] = fabsf(t->weights[i * every]);
    qsort(sizes, sampled, sizeof *sizes, ascending);
    t->limit = (double)sizes[(sampled - 1) - (sampled - 1) / 200];
    free(sizes);
    return MB_OK;
}

/* In few shades, for noise of many makes a large file. */
static uint32_t colour_of(double weight, double limit)
{
    const double share = limit > 0.0 ? fmin(1.0, fabs(weight) / limit) : 0.0;
    return mb_mix(MB_COLOUR_BACKGROUND, weight < 0.0 ? MB_COLOUR_BLUE : MB_COLOUR_VERMILION,
                  floor(SHADES * share + 0.5) / SHADES);
}

static mb_status draw_tiles(const mb_canvas *canvas, const tiles *t, mb_error *error)
{
    uint32_t *pixels = malloc(t->stride * sizeof *pixels);
    if (pixels == NULL)
        return mb_fail_memory(error, "pictures", t->stride * sizeof *pixels);
    for (size_t tile = 0; tile < t->count; tile++) {
        const double x = MARGIN + (double)(tile % t->across) * (t->width + GAP);
        const double y = HEADER + (double)(tile / t->across) * (t->height + GAP);
        for (size_t i = 0; i < t->stride; i++)
            pixels[i] = colour_of((double)t->weights[tile * t->stride + i], t->limit);
        mb_canvas_image(canvas, pixels, t->rows, t->columns, x, y, t->width, t->height);
        mb_canvas_colour(canvas, MB_COLOUR_FRAME);
        mb_canvas_frame(canvas, x, y, t->width, t->height, 1.0);
    }
    free(pixels);
    return MB_OK;
}

/* The colours with the weights that they stand for. */
static void draw_scale(const mb_canvas *canvas, const tiles *t)
{
    const double left = WIDTH - MARGIN - BAR_WIDTH, top = 56.0;
    uint32_t pixels[BAR_WIDTH];
    char text[32];
    for (size_t i = 0; i < BAR_WIDTH; i++)
        pixels[i] = colour_of(2.0 * ((double)i + 0.5) / BAR_WIDTH - 1.0, 1.0);
    mb_canvas_image(canvas, pixels, 1, BAR_WIDTH, left, top, BAR_WIDTH, BAR_HEIGHT);
    mb_canvas_colour(canvas, MB_COLOUR_FRAME);
    mb_canvas_frame(canvas, left, top, BAR_WIDTH, BAR_HEIGHT, 1.0);
    snprintf(text, sizeof text, "-%.2g", t->limit);
    mb_text(canvas, &mb_small_font, left, top + 28.0, MB_ALIGN_LEFT, text);
    mb_text(canvas, &mb_small_font, left + 0.5 * BAR_WIDTH, top + 28.0, MB_ALIGN_CENTRE, "0");
    snprintf(text, sizeof text, "%.2g", t->limit);
    mb_text(canvas, &mb_small_font, left + BAR_WIDTH, top + 28.0, MB_ALIGN_RIGHT, text);
}

/* "128 units, each with 28x28 weights". */
static void write_kind(const tiles *t, char *text, size_t size)
{
    char all[MB_COUNTED_LENGTH], first[64] = "", means[64] = "";
    mb_format_counted(all, t->all, t->tensor.dimensions == 4 ? "kernel" : "unit");
    if (t->count < t->all)
        snprintf(first, sizeof first, "%zu of ", t->count);
    if (t->side > 1)
        snprintf(means, sizeof means, ", shown as means of %zux%zu", t->side, t->side);
    snprintf(text, size, "%s%s, each with %zux%zu weights%s", first, all, t->full_rows,
             t->full_columns, means);
}

static mb_status draw(const tiles *t, mb_picture *picture, mb_error *error)
{
    const double room = WIDTH - 3.0 * MARGIN - BAR_WIDTH;
    const size_t lines = (t->count + t->across - 1) / t->across;
    mb_canvas canvas;
    mb_status status =
        mb_canvas_open(picture->kind, WIDTH,
                       HEADER + lines * ((size_t)t->height + GAP) + MARGIN - GAP, &canvas, error);
    if (status != MB_OK)
        return status;
    char kind[160], *text = NULL;
    write_kind(t, kind, sizeof kind);
    mb_text(&canvas, &mb_title_font, MARGIN, 36.0, MB_ALIGN_LEFT, "Weights of the first layer");
    mb_text_fit(&canvas, &mb_small_font, MARGIN, 62.0, MB_ALIGN_LEFT, room, kind);
    mb_text_fit(&canvas, &mb_small_font, MARGIN, 80.0, MB_ALIGN_LEFT, room,
                "Blue: negative, orange: positive. Full colour: at the limit and beyond.");
    draw_scale(&canvas, t);
    status = draw_tiles(&canvas, t, error);
    if (status == MB_OK && asprintf(&text,
                                    "Weights of the first layer, %s: %s, from %.2g (blue) over 0 "
                                    "(white) to %.2g (orange).",
                                    t->tensor.name, kind, -t->limit, t->limit) < 0)
        text = NULL;
    const mb_status closed =
        mb_canvas_close(&canvas, text, picture, status == MB_OK ? error : NULL);
    return status == MB_OK ? closed : status;
}

/* A picture with words instead of weights. */
static mb_status draw_refusal(const tiles *t, mb_picture *picture, mb_error *error)
{
    mb_canvas canvas;
    const mb_status status = mb_canvas_open(picture->kind, WIDTH, 80, &canvas, error);
    if (status != MB_OK)
        return status;
    char elements[MB_COUNTED_LENGTH], *text = NULL;
    if (asprintf(&text, "The first layer is too large to draw: %s.",
                 mb_format_counted(elements, t->tensor.elements, "weight")) < 0)
        text = NULL;
    else
        mb_text_fit(&canvas, &mb_text_font, MARGIN, 46.0, MB_ALIGN_LEFT, WIDTH - 2.0 * MARGIN,
                    text);
    return mb_canvas_close(&canvas, text, picture, error);
}

mb_status mb_draw_weights(const mb_report *report, mb_picture *picture, mb_error *error)
{
    const mb_network *network = report->run->network;
    const mb_shape input = mb_network_input(network);
    tiles t = {.tensor = mb_network_tensor_info(network, 0)};
    cut(&t, &input);
    if (t.tensor.elements > MOST_WEIGHTS || t.rows > LONGEST_SIDE || t.columns > LONGEST_SIDE)
        return draw_refusal(&t, picture, error);
    t.weights = malloc(t.tensor.elements * sizeof *t.weights);
    if (t.weights == NULL)
        return mb_fail_memory(error, "pictures", t.tensor.elements * sizeof *t.weights);
    mb_network_get_tensor(network, 0, t.weights);
    lay_out(&t);
    reduce(&t);
    mb_status status = find_limit(&t, error);
    if (status == MB_OK)
        status = draw(&t, picture, error);
    free(t.weights);
    return status;
}

/* mb_contact_sheet_write: the classes of a dataset, each with a sample of its training images. */
#include "core/features.h"
#include "core/status.h"
#include "core/util.h"
#include "kernels/kernels.h"

#include <mnist_blas/inspection.h>

#if MB_WITH_REPORT
#include "report/format.h"
#include "report/image_grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lengths in pixels. Below HEADER each class has a block: a line with its name and its number of
 * images, and the images. */
enum { HEADER = 84, HEADING = 26, LINE_GAP = 16, BLOCK_GAP = 24, IMAGE_GAP = 4, BOTTOM = 24 };
enum { WIDTH = MB_GRID_WIDTH - 2 * MB_GRID_MARGIN };

/* Images are enlarged to sides of up to ENLARGED, and reduced if a side is above MAX_BOX. */
enum { ENLARGED = 64, MAX_BOX = 100, MIN_BOX = 16, MAX_COLUMNS = 24 };

/* The rows of images of all blocks are at most FULL if the classes are few. */
enum { FULL = 12, MAX_ROWS = 4 };

/* Blocks side by side if there are at most so many classes; the last holds for more. They are
 * wide enough for two images, and so few that the sheet is never near cairo's limit of 32,767. */
static const struct {
    size_t classes, across;
} blocks[] = {{20, 1}, {60, 2}, {MB_MAX_CLASSES, 3}};

typedef struct sheet {
    mb_split split;
    size_t classes, class_images[MB_MAX_CLASSES];
    const char *const *names;
    size_t across;        /* blocks side by side */
    size_t columns, rows; /* of the images of a block */
    double block_width, block_height;
    double box_width, box_height; /* of an image */
    mb_pixel_fn *pixel;
} sheet;

/* The columns of a block, and the size at which the images are drawn: with whole pixels if they are
 * enlarged; as large as fills the columns if they are reduced. */
static void set_columns(sheet *s)
{
    const double rows = (double)s->split.images.rows, columns = (double)s->split.images.columns;
    const double side = fmax(rows, columns), width = s->block_width + IMAGE_GAP;
    double scale = fmax(1.0, floor(ENLARGED / side));
    if (side > MAX_BOX) {
        scale = MAX_BOX / side;
        const double fit = ceil(width / (fmax(MIN_BOX, columns * scale) + IMAGE_GAP));
        scale = fmin(scale, (floor(width / fit) - IMAGE_GAP) / columns);
    }
    s->box_width = fmax(MIN_BOX, floor(columns * scale + 0.5));
    s->box_height = fmax(MIN_BOX, floor(rows * scale + 0.5));
    s->columns = mb_min_size((size_t)(width / (s->box_width + IMAGE_GAP)), MAX_COLUMNS);
}

static void set_layout(sheet *s)
{
    size_t i = 0, max = 1;
    while (s->classes > blocks[i].classes)
        i++;
    for (size_t class = 0; class < s->classes; class ++)
        max = mb_max_size(max, s->class_images[class]);
    s->across = blocks[i].across;
    s->block_width = (double)(WIDTH - (s->across - 1) * BLOCK_GAP) / (double)s->across;
    set_columns(s);
    s->rows = mb_min_size(mb_max_size(FULL / s->classes, 1), MAX_ROWS);
    s->rows = mb_min_size(s->rows, mb_divide_up(max, s->columns));
    s->block_height =
        HEADING + (double)s->rows * (s->box_height + IMAGE_GAP) - IMAGE_GAP + LINE_GAP;
}

static size_t height_of(const sheet *s)
{
    return HEADER + mb_divide_up(s->classes, s->across) * (size_t)s->block_height + BOTTOM -
           LINE_GAP;
}

/* Images of a class that are shown. */
static size_t shown_of(const sheet *s, size_t class_number)
{
    return mb_min_size(s->class_images[class_number], s->columns * s->rows);
}

/* The images of a block: the first and the last column end with the block. */
static mb_image_grid grid_of(const sheet *s, size_t class_number)
{
    const double x =
        MB_GRID_MARGIN + (double)(class_number % s->across) * (s->block_width + BLOCK_GAP);
    const double y = HEADER + (double)(class_number / s->across) * s->block_height;
    const double cell =
        s->columns > 1 ? (s->block_width - s->box_width) / (double)(s->columns - 1) : s->box_width;
    return (mb_image_grid){.columns = s->columns,
                           .left = x - 0.5 * (cell - s->box_width),
                           .top = y + HEADING,
                           .cell_width = cell,
                           .cell_height = s->box_height + IMAGE_GAP,
                           .box_width = s->box_width,
                           .box_height = s->box_height};
}

/* The line above the images of a block. */
static void draw_heading(const sheet *s, const mb_canvas *canvas, size_t class_number)
{
    char number[MB_COUNT_LENGTH], images[MB_COUNTED_LENGTH];
    const mb_image_grid grid = grid_of(s, class_number);
    const double left = grid.left + 0.5 * (grid.cell_width - grid.box_width);
    const double right = left + s->block_width, baseline = grid.top - 11.0;
    mb_format_counted(images, s->class_images[class_number], "image");
    mb_text(canvas, &mb_small_font, right, baseline, MB_ALIGN_RIGHT, images);
    mb_text_fit(canvas, &mb_name_font, left, baseline, MB_ALIGN_LEFT,
                s->block_width - mb_text_width(canvas, &mb_small_font, images) - 12.0,
                mb_format_class(s->names, class_number, number));
    mb_canvas_colour(canvas, MB_COLOUR_GRID);
    mb_canvas_fill(canvas, (mb_rectangle){floor(left), baseline + 5.0, s->block_width, 1.0});
}

static void draw_image(const sheet *s, const mb_canvas *canvas, size_t class_number, size_t place,
                       size_t image)
{
    const mb_images *images = &s->split.images;
    const mb_image_grid grid = grid_of(s, class_number);
    const mb_drawn_image drawn = {images->pixels + image * mb_images_stride(images), images->rows,
                                  images->columns};
    const mb_grid_image placed = {.pixel = s->pixel,
                                  .image = &drawn,
                                  .rows = images->rows,
                                  .columns = images->columns,
                                  .frame = MB_COLOUR_FRAME};
    mb_image_grid_draw(&grid, canvas, place, &placed);
}

/* Of the n images of a class, in their order, numbers 0, n / shown, 2 n / shown, ... */
static void draw_images(const sheet *s, const mb_canvas *canvas)
{
    size_t seen[MB_MAX_CLASSES] = {0}, drawn[MB_MAX_CLASSES] = {0};
    for (size_t i = 0; i < s->split.images.count; i++) {
        const size_t class = s->split.labels[i], shown = shown_of(s, class);
        if (drawn[class] < shown && seen[class] == drawn[class] * s->class_images[class] / shown) {
            draw_image(s, canvas, class, drawn[class], i);
            drawn[class]++;
        }
        seen[class]++;
    }
}

static mb_status draw(const sheet *s, const char *path, mb_error *error)
{
    const mb_images *images = &s->split.images;
    char title[192], explanation[128], count[MB_COUNTED_LENGTH];
    mb_canvas canvas;
    mb_format_counted(count, images->count, "training image");
    snprintf(title, sizeof title, "%s of %zux%zu in %zu classes", count, images->rows,
             images->columns, s->classes);
    snprintf(explanation, sizeof explanation,
             "Up to %zu of each class, evenly spaced in the order of the data.",
             s->columns * s->rows);
    const mb_image_grid header = {
        .title = title, .explanation = {explanation}, .text_width = WIDTH, .height = height_of(s)};
    mb_image_grid_open(&header, MB_FIGURE_PNG, &canvas);
    for (size_t class = 0; class < s->classes; class ++)
        draw_heading(s, &canvas, class);
    draw_images(s, &canvas);
    return mb_canvas_write(&canvas, path, error);
}

static mb_status write_sheet(const mb_dataset *dataset, const char *path, mb_error *error)
{
    sheet s = {.split = mb_dataset_part(dataset, MB_PART_TRAIN),
               .classes = dataset->classes,
               .names = dataset->class_names};
    for (size_t i = 0; i < s.split.images.count; i++)
        s.class_images[s.split.labels[i]]++;
    s.pixel = mb_pixel_of(&s.split.images, dataset->form.ground);
    set_layout(&s);
    return draw(&s, path, error);
}
#else
static mb_status write_sheet(const mb_dataset *dataset, const char *path, mb_error *error)
{
    (void)dataset;
    return mb_fail_feature(error, path, MB_FEATURE_REPORT);
}
#endif

mb_status mb_contact_sheet_write(const mb_dataset *dataset, const char *path, mb_error *error)
{
    if (dataset == NULL || path == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "contact sheet: dataset and path must not be NULL");
    if (dataset->classes < 1 || dataset->classes > MB_MAX_CLASSES ||
        mb_dataset_part(dataset, MB_PART_TRAIN).images.count == 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "contact sheet: needs training images, and at most %d classes",
                       MB_MAX_CLASSES);
    return write_sheet(dataset, path, error);
}

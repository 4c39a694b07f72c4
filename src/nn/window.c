#include "nn/window.h"

#include "core/parse.h"

#include <string.h>

enum { MAX_NUMBER = 65536 };

/* Takes `name` from the start of *text. */
static bool take_name(const char **text, const char *name)
{
    const size_t length = strlen(name);
    if (strncmp(*text, name, length) != 0)
        return false;
    *text += length;
    return true;
}

typedef struct window_option {
    const char *name;
    size_t min, *number;
    bool given;
} window_option;

static bool take_option(const char **text, window_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (take_name(text, options[i].name)) {
            const bool twice = options[i].given;
            options[i].given = true;
            return !twice && mb_take_size(text, options[i].min, MAX_NUMBER, options[i].number);
        }
    return false;
}

static bool take_options(const char *text, bool grouped, mb_window *window)
{
    window_option options[] = {{"/stride", 1, &window->stride, false},
                               {"/pad", 0, &window->padding, false},
                               {"/groups", 1, &window->groups, false}};
    const size_t count = sizeof options / sizeof *options - !grouped;
    bool good = true;
    while (good && *text != '\0')
        good = take_option(&text, options, count);
    return good;
}

mb_status mb_window_parse(const mb_layer *layer, const char *argument, size_t stride,
                          size_t *channels, mb_window *window, mb_error *error)
{
    const char *text = argument != NULL ? argument : "", *name = layer->ops->name;
    size_t kernel = 0;
    *window = (mb_window){.groups = 1};
    bool good =
        channels == NULL || (mb_take_size(&text, 1, MAX_NUMBER, channels) && take_name(&text, "x"));
    good = good && mb_take_size(&text, 1, MAX_NUMBER, &kernel);
    window->rows = window->columns = kernel;
    window->stride = stride > 0 ? stride : kernel;
    if (good && take_options(text, channels != NULL, window))
        return MB_OK;
    return mb_fail(error, MB_ERROR_INVALID, "%s takes %s, each option once, as in %s:%s", name,
                   layer->ops->syntax, name, channels != NULL ? "16x5/pad2" : "2");
}

mb_status mb_window_count(mb_shape in, mb_window window, size_t *rows, size_t *columns,
                          mb_error *error)
{
    const size_t padded_rows = in.rows + 2 * window.padding,
                 padded_columns = in.columns + 2 * window.padding;
    if (window.padding >= window.rows)
        return mb_fail(error, MB_ERROR_INVALID,
                       "padding %zu must be smaller than the kernel, %zux%zu", window.padding,
                       window.rows, window.columns);
    if (padded_rows < window.rows || padded_columns < window.columns)
        return mb_fail(
            error, MB_ERROR_INVALID,
            "a kernel of %zux%zu does not fit into %zux%zux%zu (channels, rows, columns) "
            "with padding %zu",
            window.rows, window.columns, in.channels, in.rows, in.columns, window.padding);
    *rows = (padded_rows - window.rows) / window.stride + 1;
    *columns = (padded_columns - window.columns) / window.stride + 1;
    return MB_OK;
}

mb_status mb_window_check_size(const mb_layer *layer, mb_error *error)
{
    const mb_shape in = layer->in, out = layer->out;
    const size_t padding = mb_layer_window(layer)->padding;
    size_t elements;
    const bool fits = mb_multiply(in.rows + 2 * padding, in.columns + 2 * padding, &elements) &&
                      mb_multiply(elements, in.channels, &elements) && elements <= INT32_MAX &&
                      mb_multiply(out.rows, out.columns, &elements) &&
                      mb_multiply(elements, out.channels, &elements) && elements <= INT32_MAX;
    return fits ? MB_OK
                : mb_fail(error, MB_ERROR_INVALID,
                          "input of %zux%zux%zu (channels, rows, columns) with padding %zu, or its "
                          "output of %zux%zux%zu, is too large",
                          in.channels, in.rows, in.columns, padding, out.channels, out.rows,
                          out.columns);
}

/* Contiguous rows of an image: those of all channels, one channel after the other, in NCHW. */
typedef struct image_rows {
    size_t count, length;
} image_rows;

static image_rows rows_of(const mb_layer *layer, mb_layout layout)
{
    const mb_shape in = layer->in;
    return layout == MB_LAYOUT_NCHW ? (image_rows){in.channels * in.rows, in.columns}
                                    : (image_rows){in.rows, in.columns * in.channels};
}

/* Index in the padded image of the first element of row `row` that is not padding. */
static size_t padded_index(const mb_layer *layer, mb_layout layout, size_t row)
{
    const mb_shape in = layer->in;
    const size_t padding = mb_layer_window(layer)->padding;
    const size_t padded_row = row / in.rows * (in.rows + 2 * padding) + row % in.rows + padding;
    return (padded_row * (in.columns + 2 * padding) + padding) *
           (layout == MB_LAYOUT_NCHW ? 1 : in.channels);
}

void mb_window_pad(const mb_layer *layer, mb_layout layout, const float *image, float *padded)
{
    const image_rows rows = rows_of(layer, layout);
    for (size_t row = 0; row < rows.count; row++)
        memcpy(padded + padded_index(layer, layout, row), image + row * rows.length,
               rows.length * sizeof *padded);
}

void mb_window_unpad(const mb_layer *layer, mb_layout layout, const float *padded, float *image)
{
    const image_rows rows = rows_of(layer, layout);
    for (size_t row = 0; row < rows.count; row++)
        memcpy(image + row * rows.length, padded + padded_index(layer, layout, row),
               rows.length * sizeof *image);
}

#include "nn/window.h"

#include <string.h>

enum { MOST = 65536 };

/* A number from `least` on, and *text behind it. */
static bool take_number(const char **text, size_t least, size_t *number)
{
    size_t value = 0;
    const char *digit = *text;
    for (; *digit >= '0' && *digit <= '9' && value <= MOST; digit++)
        value = 10 * value + (size_t)(*digit - '0');
    if (digit == *text || value < least || value > MOST)
        return false;
    *text = digit;
    *number = value;
    return true;
}

/* "/strideN" and its like; the name is skipped where it is the next. */
static bool skip(const char **text, const char *name)
{
    const size_t length = strlen(name);
    if (strncmp(*text, name, length) != 0)
        return false;
    *text += length;
    return true;
}

/* What may stand behind the kernel, each once. */
typedef struct window_option {
    const char *name;
    size_t least, *number;
    bool given;
} window_option;

static bool take_option(const char **text, window_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (skip(text, options[i].name)) {
            const bool twice = options[i].given;
            options[i].given = true;
            return !twice && take_number(text, options[i].least, options[i].number);
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

mb_status mb_window_parse(const char *name, const char *argument, size_t stride, size_t *channels,
                          mb_window *window, mb_error *error)
{
    const char *text = argument != NULL ? argument : "";
    size_t kernel = 0;
    *window = (mb_window){.groups = 1};
    bool good = channels == NULL || (take_number(&text, 1, channels) && skip(&text, "x"));
    good = good && take_number(&text, 1, &kernel);
    window->rows = window->columns = kernel;
    window->stride = stride > 0 ? stride : kernel;
    if (good && take_options(text, channels != NULL, window))
        return MB_OK;
    return channels != NULL
               ? mb_fail(error, MB_ERROR_INVALID,
                         "%s takes CHANNELSxKERNEL[/strideN][/padN][/groupsN], each "
                         "once, as in %s:16x5/pad2",
                         name, name)
               : mb_fail(error, MB_ERROR_INVALID,
                         "%s takes KERNEL[/strideN][/padN], each once, as in %s:2", name, name);
}

mb_status mb_window_count(mb_shape in, mb_window window, size_t *rows, size_t *columns,
                          mb_error *error)
{
    const size_t padded_rows = in.rows + 2 * window.padding,
                 padded_columns = in.columns + 2 * window.padding;
    if (window.padding >= window.rows)
        return mb_fail(error, MB_ERROR_INVALID,
                       "padding %zu is not smaller than the kernel, %zux%zu", window.padding,
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

/* Images in numbers must be in range, as activations are. */
mb_status mb_window_check_size(const mb_layer *layer, mb_error *error)
{
    const mb_shape in = layer->in, out = layer->out;
    const size_t padding = layer->window.padding;
    size_t numbers;
    const bool fits = mb_multiply(in.rows + 2 * padding, in.columns + 2 * padding, &numbers) &&
                      mb_multiply(numbers, in.channels, &numbers) && numbers <= INT32_MAX &&
                      mb_multiply(out.rows, out.columns, &numbers) &&
                      mb_multiply(numbers, out.channels, &numbers) && numbers <= INT32_MAX;
    return fits
               ? MB_OK
               : mb_fail(error, MB_ERROR_INVALID,
                         "images of %zux%zux%zu (channels, rows, columns) with padding %zu, or the "
                         "%zux%zux%zu made of them, are too large",
                         in.channels, in.rows, in.columns, padding, out.channels, out.rows,
                         out.columns);
}

/* Rows of all planes, one plane after the other, or of pixels. */
typedef struct image_rows {
    size_t rows, length; /* numbers of a row */
} image_rows;

static image_rows rows_of(const mb_layer *layer, bool planes)
{
    const mb_shape in = layer->in;
    return planes ? (image_rows){in.channels * in.rows, in.columns}
                  : (image_rows){in.rows, in.columns * in.channels};
}

/* Where row `row` begins between its borders. */
static size_t place_of_row(const mb_layer *layer, bool planes, size_t row)
{
    const mb_shape in = layer->in;
    const size_t padding = layer->window.padding, pixel = planes ? 1 : in.channels;
    const size_t padded_row = row / in.rows * (in.rows + 2 * padding) + row % in.rows + padding;
    return (padded_row * (in.columns + 2 * padding) + padding) * pixel;
}

void mb_window_pad(const mb_layer *layer, bool planes, const float *image, float *padded)
{
    const image_rows all = rows_of(layer, planes);
    for (size_t row = 0; row < all.rows; row++)
        memcpy(padded + place_of_row(layer, planes, row), image + row * all.length,
               all.length * sizeof *padded);
}

void mb_window_unpad(const mb_layer *layer, bool planes, const float *padded, float *image)
{
    const image_rows all = rows_of(layer, planes);
    for (size_t row = 0; row < all.rows; row++)
        memcpy(image + row * all.length, padded + place_of_row(layer, planes, row),
               all.length * sizeof *image);
}

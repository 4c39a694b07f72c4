#include "data/csv_layout.h"

#include "core/file_format.h"
#include "core/status.h"
#include "core/util.h"
#include "data/csv_field.h"
#include "data/dataset.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLORS = 3, MAX_COLUMNS = MB_IMAGE_MAX_PIXELS + MB_CSV_MAX_OTHERS, MAX_VALUE = 255 };

/* The first line in fields. */
typedef struct first_line {
    mb_csv_field *fields; /* (count) */
    size_t count;
    const char *next; /* the next line */
} first_line;

/* The one that the first line has most often, outside of quotes. */
static char find_delimiter(const char *at, const char *end)
{
    static const char delimiters[] = {',', ';', '\t'};
    size_t counts[sizeof delimiters] = {0}, best = 0;
    for (bool quoted = false; at < end && *at != '\n'; at++) {
        quoted ^= *at == '"';
        for (size_t i = 0; i < sizeof delimiters && !quoted; i++)
            counts[i] += *at == delimiters[i];
    }
    for (size_t i = 1; i < sizeof delimiters; i++)
        best = counts[i] > counts[best] ? i : best;
    return delimiters[best];
}

/* Says what the file is, where that is known, or that it is no text. */
static mb_status check_text(const char *path, const mb_bytes *table, const char *start,
                            mb_error *error)
{
    const char *end = (const char *)table->data + table->size;
    const char *format = mb_file_format(table);
    const bool is_text =
        format == NULL || strcmp(format, "a CSV table") == 0 || strcmp(format, "a text") == 0;
    if (!is_text)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: not a CSV table: is %s", path, format);
    while (start < end && isspace((unsigned char)*start))
        start++;
    if (start == end)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: empty: a table has a line for each image",
                       path);
    for (; start < end && *start != '\n'; start++)
        if ((unsigned char)*start < ' ' && !isspace((unsigned char)*start))
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: not a CSV table in UTF-8: byte %zu is 0x%02x", path,
                           (size_t)(start - (const char *)table->data), (unsigned char)*start);
    return MB_OK;
}

static mb_status take_line(const char *path, const char *at, const char *end, char delimiter,
                           first_line *line, mb_error *error)
{
    size_t capacity = 0;
    /* numpy.savetxt writes a header as a comment */
    for (; at < end && (*at == '#' || *at == ' '); at++)
        ;
    for (;;) {
        if (line->count == MAX_COLUMNS)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: line 1 has more than %d columns: images have at most %d pixels",
                           path, MAX_COLUMNS, MB_IMAGE_MAX_PIXELS);
        if (line->count == capacity) {
            capacity = 2 * capacity + 64;
            mb_csv_field *larger = reallocarray(line->fields, capacity, sizeof *larger);
            if (larger == NULL)
                return mb_fail_memory(error, path, capacity * sizeof *larger);
            line->fields = larger;
        }
        at = mb_csv_take_field(at, end, delimiter, &line->fields[line->count++]);
        if (at == NULL)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: line 1, column %zu: a quoted field without its end", path,
                           line->count);
        if (at == end || *at != delimiter)
            break;
        at++;
    }
    at = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    line->next = at != NULL ? at + 1 : end;
    return MB_OK;
}

/* ---- the header ---- */

static bool is_label(const mb_csv_field *field)
{
    return mb_csv_field_is(field, "label") || mb_csv_field_is(field, "class");
}

/* A column of numbers of the lines, as pandas writes. */
static bool is_index(const mb_csv_field *field)
{
    return field->size == 0 || mb_csv_field_is(field, "id") || mb_csv_field_is(field, "index") ||
           mb_csv_field_is(field, "Unnamed: 0");
}

/* Names of columns that are numbers, as pandas has them: ascending from the second on, and too
 * large for pixels at the end. */
static bool is_sequence(const first_line *line)
{
    double first, value;
    bool is = line->count > 2 && mb_csv_field_number(&line->fields[1], &first);
    for (size_t i = 2; i < line->count && is; i++)
        is = mb_csv_field_number(&line->fields[i], &value) && value == first + (double)(i - 1);
    return is && value > MAX_VALUE;
}

/* A line of names. A single text is an error in a line of pixels, or the label. */
static bool is_header(const first_line *line)
{
    double value;
    size_t texts = 0;
    bool has_label = false;
    for (size_t i = 0; i < line->count; i++) {
        const mb_csv_field *field = &line->fields[i];
        texts += field->size > 0 && !mb_csv_field_number(field, &value);
        has_label = has_label || is_label(field);
    }
    return has_label || (texts > 1 && 2 * texts >= line->count) || is_sequence(line);
}

/* "28x28", the name of the last pixel, says the size. */
static bool size_of_name(const mb_csv_field *last, mb_shape *shape)
{
    size_t sizes[2] = {0}, part = 0, digits = 0;
    for (size_t i = 0; i < last->size; i++) {
        const char c = last->text[i];
        if ((c == 'x' || c == 'X') && part == 0 && digits > 0) {
            part = 1;
            digits = 0;
        } else if (isdigit((unsigned char)c) && digits < 5) {
            sizes[part] = 10 * sizes[part] + (size_t)(c - '0');
            digits++;
        } else {
            return false;
        }
    }
    *shape = (mb_shape){1, sizes[0], sizes[1]};
    return part == 1 && digits > 0;
}

/* "pixel0" and "pixel1": equal but for the digits at the end. */
static bool have_one_stem(const mb_csv_field *a, const mb_csv_field *b)
{
    size_t sizes[2] = {a->size, b->size};
    for (size_t i = 0; i < 2; i++) {
        const char *text = i == 0 ? a->text : b->text;
        while (sizes[i] > 0 && isdigit((unsigned char)text[sizes[i] - 1]))
            sizes[i]--;
    }
    return sizes[0] > 0 && sizes[0] == sizes[1] && sizes[0] < a->size && sizes[1] < b->size &&
           strncasecmp(a->text, b->text, sizes[0]) == 0;
}

/* ---- columns ---- */

/* The shape of images of this many pixels: of the expected size, or square. */
static bool find_shape(size_t pixels, mb_shape expected, mb_shape *shape)
{
    for (size_t channels = 1; channels <= COLORS; channels += COLORS - 1) {
        const size_t plane = pixels / channels;
        const size_t side = (size_t)floor(sqrt((double)plane) + 0.5);
        if (pixels % channels != 0 || plane == 0 || pixels > MB_IMAGE_MAX_PIXELS)
            continue;
        *shape = (mb_shape){channels, side, side};
        if (expected.rows > 0 && expected.rows * expected.columns == plane)
            *shape = (mb_shape){channels, expected.rows, expected.columns};
        if (shape->rows * shape->columns == plane)
            return true;
    }
    return false;
}

static void add_other(mb_csv_layout *layout, size_t column)
{
    size_t at = layout->other_count++;
    for (; at > 0 && layout->others[at - 1] > column; at--)
        layout->others[at] = layout->others[at - 1];
    layout->others[at] = column;
}

static mb_status find_named(const char *path, const first_line *line, mb_csv_layout *layout,
                            mb_error *error)
{
    for (size_t i = 0; i < line->count && layout->has_header; i++) {
        const bool label = is_label(&line->fields[i]);
        if (!label && !is_index(&line->fields[i]))
            continue;
        if (label && layout->label < layout->columns)
            return mb_fail(error, MB_ERROR_FORMAT, "%s: columns %zu and %zu are both labels", path,
                           layout->label + 1, i + 1);
        if (layout->other_count == MB_CSV_MAX_OTHERS)
            return mb_fail(error, MB_ERROR_FORMAT, "%s: column %zu has no name", path, i + 1);
        add_other(layout, i);
        layout->label = label ? i : layout->label;
    }
    return MB_OK;
}

/* Without a label by name the first column is it, unless all columns are the pixels of an image. */
static mb_status find_pixels(const char *path, const first_line *line, mb_shape size,
                             mb_csv_layout *layout, mb_error *error)
{
    const size_t pixels = layout->columns - layout->other_count;
    const bool named = layout->label < layout->columns;
    size_t first = 0;
    while (first < layout->other_count && layout->others[first] == first)
        first++;
    const bool one_stem = layout->has_header && first + 1 < line->count &&
                          have_one_stem(&line->fields[first], &line->fields[first + 1]);
    if (layout->has_header && size.rows == 0 &&
        !size_of_name(&line->fields[line->count - 1], &size))
        size = (mb_shape){0};
    if (!named && !one_stem && pixels > 0 && find_shape(pixels - 1, size, &layout->shape)) {
        if (layout->other_count == MB_CSV_MAX_OTHERS)
            return mb_fail(error, MB_ERROR_FORMAT, "%s: no column is named label", path);
        layout->label = first;
        add_other(layout, first);
        return MB_OK;
    }
    if (pixels > 1 && find_shape(pixels, size, &layout->shape))
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: line 1 has %zu column%s: must be a label and the pixels of square images "
                   "(28x28: 785 columns, in color 2353); --size ROWSxCOLUMNS says another shape",
                   path, layout->columns, layout->columns == 1 ? "" : "s");
}

mb_status mb_csv_find_layout(const char *path, const mb_bytes *table, mb_shape size,
                             mb_csv_layout *layout, mb_error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8 */
    const bool marked = table->size >= 3 && memcmp(table->data, mark, 3) == 0;
    const char *start = (const char *)table->data + (marked ? 3 : 0);
    const char *end = (const char *)table->data + table->size;
    first_line line = {0};
    mb_status status = check_text(path, table, start, error);
    if (status != MB_OK)
        return status;
    *layout = (mb_csv_layout){.delimiter = find_delimiter(start, end)};
    status = take_line(path, start, end, layout->delimiter, &line, error);
    if (status != MB_OK)
        goto done;
    layout->columns = layout->label = line.count;
    layout->has_header = is_header(&line);
    layout->start = (size_t)((layout->has_header ? line.next : start) - (const char *)table->data);
    status = find_named(path, &line, layout, error);
    if (status == MB_OK)
        status = find_pixels(path, &line, size, layout, error);
done:
    free(line.fields);
    return status;
}

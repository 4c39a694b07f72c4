#include "data/csv_rows.h"

#include "core/status.h"
#include "core/util.h"
#include "data/csv_field.h"
#include "machine/machine.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 << 10, MAX_BYTE = 255 };

/* The lines that start within CHUNK bytes of the text. */
typedef struct mb_csv_chunk {
    size_t start; /* of the first of them; the next chunk's: there is none */
    size_t row, rows;
    mb_csv_found found;
} chunk;

static const mb_csv_found nothing_found = {
    .problem = {.row = MB_CSV_NO_ROW}, .fraction = MB_CSV_NO_ROW, .above_1 = MB_CSV_NO_ROW};

typedef struct work {
    const mb_csv_rows *rows;
    const char *text, *end;
    atomic_size_t next; /* chunk */
    bool fractions;
    uint8_t *pixels;
    int64_t *labels;
} work;

static void run(mb_machine *machine, mb_team_fn *each, void *context)
{
    const mb_worker alone = {NULL, 0, 1};
    if (machine != NULL)
        mb_team_run(mb_machine_team(machine), each, context);
    else
        each(&alone, context);
}

/* The end of the line that starts at `at`, without LF and CR, and the start of the next one. */
static const char *line_end(const char *at, const char *end, const char **next)
{
    const char *line = memchr(at, '\n', (size_t)(end - at));
    *next = line != NULL ? line + 1 : end;
    line = line != NULL ? line : end;
    return line > at && line[-1] == '\r' ? line - 1 : line;
}

/* ---- a row ---- */

/* Pixels that are integers up to 255 and directly followed by a delimiter, as nearly all are. */
static const char *take_bytes(const char *at, char delimiter, uint8_t **to, const uint8_t *end,
                              unsigned *bits)
{
    uint8_t *pixel = *to;
    unsigned seen = *bits;
    for (; pixel < end; pixel++) {
        const char *next = at + 1;
        unsigned value = (unsigned)(*at - '0'), digit;
        if (value > 9)
            break;
        for (; (digit = (unsigned)(*next - '0')) <= 9 && value <= MAX_BYTE; next++)
            value = 10 * value + digit;
        if (*next != delimiter || value > MAX_BYTE)
            break;
        *pixel = (uint8_t)value;
        seen |= value;
        at = next + 1;
    }
    *to = pixel;
    *bits = seen;
    return at;
}

typedef struct row_state {
    size_t row;
    mb_csv_found *found;
    unsigned bits; /* of all pixels */
    uint8_t *pixel;
} row_state;

/* Fractions "0.DIGITS" that are directly followed by a delimiter, as nearly all are. */
static const char *take_fractions(const char *at, char delimiter, row_state *state,
                                  const uint8_t *end)
{
    enum { MAX_DIGITS = 18 };
    static const double powers[MAX_DIGITS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                                  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                                  1e14, 1e15, 1e16, 1e17, 1e18};
    for (; state->pixel < end && at[0] == '0' && at[1] == '.'; state->pixel++) {
        const char *first = at + 2, *next = first;
        uint64_t value = 0;
        for (unsigned digit; (digit = (unsigned)(*next - '0')) <= 9 && next < first + MAX_DIGITS;
             next++)
            value = 10 * value + digit;
        if (*next != delimiter)
            break;
        if (value > 0 && state->found->fraction == MB_CSV_NO_ROW)
            state->found->fraction = state->row;
        state->bits |= value > 0;
        *state->pixel = (uint8_t)(MAX_BYTE * ((double)value / powers[next - first]) + 0.5);
        at = next + 1;
    }
    return at;
}

static bool take_pixel(const mb_csv_field *field, bool fractions, row_state *state)
{
    double value;
    if (!mb_csv_field_number(field, &value) || !(value >= 0.0 && value <= MAX_BYTE))
        return false;
    if (value != floor(value) && state->found->fraction == MB_CSV_NO_ROW)
        state->found->fraction = state->row;
    state->bits |= value > 1.0 ? 2 : value > 0.0;
    *state->pixel++ = (uint8_t)floor(fractions && value <= 1.0 ? MAX_BYTE * value + 0.5 : value);
    return true;
}

static bool fail(row_state *state, unsigned kind, size_t column)
{
    state->found->problem = (mb_csv_problem){kind, state->row, column};
    return false;
}

/* Reads a line from `at` to `end`. */
static bool read_row(const work *all, row_state *state, const char *at, const char *end)
{
    const mb_csv_layout *layout = &all->rows->csv->layout;
    size_t column = 0, other = 0;
    mb_csv_field field;
    for (;; at++, column++) {
        const size_t next_other =
            other < layout->other_count ? layout->others[other] : layout->columns;
        const uint8_t *from = state->pixel, *to = from + (next_other - column);
        at = all->fractions ? take_fractions(at, layout->delimiter, state, to)
                            : take_bytes(at, layout->delimiter, &state->pixel, to, &state->bits);
        column += (size_t)(state->pixel - from);
        if (column == layout->columns)
            return fail(state, MB_CSV_COLUMNS, column);
        const char *next = mb_csv_take_field(at, end, layout->delimiter, &field);
        if (next == NULL)
            return fail(state, MB_CSV_QUOTE, column);
        if (column == layout->label)
            all->labels[state->row] = at - all->text;
        else if (column != next_other && !take_pixel(&field, all->fractions, state))
            return fail(state, MB_CSV_PIXEL, column);
        other += column == next_other;
        at = next;
        if (at == end)
            break;
    }
    return column + 1 == layout->columns || fail(state, MB_CSV_COLUMNS, column);
}

static void read_chunk(const work *all, chunk *one)
{
    const mb_csv_layout *layout = &all->rows->csv->layout;
    const size_t stride = layout->columns - layout->other_count;
    const char *at = all->text + one->start, *next;
    row_state state = {one->row, &one->found, 0, all->pixels + one->row * stride};
    one->found = nothing_found;
    for (size_t i = 0; i < one->rows; i++, at = next, state.row++) {
        const char *end = line_end(at, all->end, &next);
        if (!read_row(all, &state, at, end))
            break;
        if (state.bits > 1 && one->found.above_1 == MB_CSV_NO_ROW)
            one->found.above_1 = state.row;
    }
    one->found.above_0 = state.bits > 0;
}

static void read_chunks(const mb_worker *worker, void *context)
{
    (void)worker;
    work *all = context;
    for (size_t i; (i = atomic_fetch_add(&all->next, 1)) < all->rows->chunk_count;)
        if (all->rows->chunks[i].rows > 0)
            read_chunk(all, &all->rows->chunks[i]);
}

void mb_csv_rows_read(const mb_csv_rows *rows, bool fractions, uint8_t *pixels, int64_t *labels,
                      mb_csv_found *found)
{
    const mb_bytes *text = &rows->csv->text;
    work all = {.rows = rows, .text = (const char *)text->data, .fractions = fractions};
    all.end = all.text + text->size;
    all.pixels = pixels;
    all.labels = labels;
    run(rows->machine, read_chunks, &all);
    *found = nothing_found;
    for (size_t i = 0; i < rows->chunk_count; i++) {
        const mb_csv_found *one = &rows->chunks[i].found;
        if (rows->chunks[i].rows == 0)
            continue;
        if (one->problem.row < found->problem.row)
            found->problem = one->problem;
        found->fraction = mb_min_size(found->fraction, one->fraction);
        found->above_1 = mb_min_size(found->above_1, one->above_1);
        found->above_0 = found->above_0 || one->above_0;
    }
}

/* ---- counting ---- */

/* A chunk's first line, and its lines: those that follow an LF, or start the table. */
static void count_chunk(const work *all, size_t number)
{
    chunk *one = &all->rows->chunks[number];
    const size_t start = all->rows->csv->layout.start;
    const size_t from = start + number * CHUNK;
    const char *end = all->text + mb_min_size(from + CHUNK, (size_t)(all->end - all->text));
    const char *at = all->text + from, *line = at - 1;
    if (number > 0 && at[-1] != '\n') {
        line = memchr(at, '\n', (size_t)(end - at));
        at = line != NULL ? line + 1 : end;
    }
    one->start = (size_t)(at - all->text);
    for (one->rows = 0; at < end; one->rows++) {
        line = memchr(at, '\n', (size_t)(end - at));
        at = line != NULL ? line + 1 : end;
    }
}

static void count_chunks(const mb_worker *worker, void *context)
{
    (void)worker;
    work *all = context;
    for (size_t i; (i = atomic_fetch_add(&all->next, 1)) < all->rows->chunk_count;)
        count_chunk(all, i);
}

mb_status mb_csv_rows_open(const mb_csv *csv, mb_machine *machine, mb_csv_rows *rows,
                           mb_error *error)
{
    const size_t size = csv->text.size - mb_min_size(csv->layout.start, csv->text.size);
    const size_t chunks = mb_divide_up(size, CHUNK);
    *rows = (mb_csv_rows){.csv = csv, .machine = machine, .chunk_count = chunks};
    rows->chunks = calloc(chunks + 1, sizeof *rows->chunks);
    if (rows->chunks == NULL)
        return mb_fail_memory(error, csv->path, (chunks + 1) * sizeof *rows->chunks);
    work all = {.rows = rows, .text = (const char *)csv->text.data};
    all.end = all.text + csv->text.size;
    run(machine, count_chunks, &all);
    for (size_t i = 0; i < chunks; i++) {
        rows->chunks[i].row = rows->count;
        rows->count += rows->chunks[i].rows;
    }
    return MB_OK;
}

const char *mb_csv_row(const mb_csv_rows *rows, size_t row, const char **end)
{
    const char *text = (const char *)rows->csv->text.data, *next = text;
    const char *text_end = text + rows->csv->text.size;
    size_t i = 0;
    while (i + 1 < rows->chunk_count && rows->chunks[i].row + rows->chunks[i].rows <= row)
        i++;
    const char *at = text + rows->chunks[i].start;
    for (size_t r = rows->chunks[i].row; r <= row; r++) {
        at = r == rows->chunks[i].row ? at : next;
        *end = line_end(at, text_end, &next);
    }
    return at;
}

void mb_csv_rows_close(mb_csv_rows *rows)
{
    free(rows->chunks);
    *rows = (mb_csv_rows){0};
}

/* ---- colors ---- */

enum { COLORS = 3 };

typedef struct separation {
    size_t count, plane;
    uint8_t *pixels;
    atomic_size_t next; /* image */
    atomic_bool out_of_memory;
} separation;

static void separate(const mb_worker *worker, void *context)
{
    (void)worker;
    separation *all = context;
    const size_t plane = all->plane;
    uint8_t *copy = malloc(COLORS * plane);
    if (copy == NULL)
        atomic_store(&all->out_of_memory, true);
    for (size_t i; copy != NULL && (i = atomic_fetch_add(&all->next, 1)) < all->count;) {
        uint8_t *image = all->pixels + i * COLORS * plane;
        memcpy(copy, image, COLORS * plane);
        for (size_t color = 0; color < COLORS; color++)
            for (size_t p = 0; p < plane; p++)
                image[color * plane + p] = copy[COLORS * p + color];
    }
    free(copy);
}

mb_status mb_csv_separate_colors(const char *path, const mb_images *images, mb_machine *machine,
                                 uint8_t *pixels, mb_error *error)
{
    separation all = {images->count, images->rows * images->columns, pixels, 0, false};
    run(machine, separate, &all);
    return !all.out_of_memory ? MB_OK : mb_fail_memory(error, path, COLORS * all.plane);
}

/* Bytes to floats, and the products with sparse images. */
#include "check.h"

#include <string.h>

/* ---- bytes_to_float ---- */

void mb_reference_bytes_to_float(size_t n, const uint8_t *bytes, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)bytes[i] / 255.0f;
}

void mb_check_bytes_to_float(const mb_kernels *kernels)
{
    const size_t n = mb_test_random_size(0, 512);
    uint8_t *bytes = mb_input(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i < 256 ? i : mb_test_random_size(0, 255));
    const mb_output out = mb_draw_output(n, MB_ANY);
    MB_BOTH (k, i)
        k->bytes_to_float(n, bytes, out.at[i]);
    mb_check_equal();
}

static void run_bytes_to_float(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t r = 0; r < w->rows; r++)
        kernels->bytes_to_float(MB_PIXELS, w->images + r * MB_PIXELS, w->out + r * MB_PIXELS);
}

MB_TIMING(bytes_to_float, "bytes_to_float", w->rows *MB_PIXELS, 5, 0, w->rows *MB_PIXELS)

/* ---- products ---- */

static size_t index_of(mb_weight_strides strides, size_t pixel, size_t column)
{
    return pixel * strides.pixel_stride + column / MB_LANES * strides.vector_stride +
           column % MB_LANES;
}

void mb_reference_sparse_product(size_t rows, const mb_sparse_row *x, const float *gray,
                                 mb_weight_strides strides, const float *w, float *z, size_t ldz)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < strides.columns; c++) {
            double sum = (double)z[r * ldz + c];
            for (size_t k = 0, pixel = 0; k < x[r].count; k++) {
                pixel += x[r].nonzeros[k].delta;
                sum +=
                    (double)gray[x[r].nonzeros[k].value] * (double)w[index_of(strides, pixel, c)];
            }
            z[r * ldz + c] = (float)sum;
        }
}

void mb_reference_sparse_gradient(size_t pixels, const uint64_t *mask, const uint8_t *value,
                                  const float *gray, const float *d, size_t ldd,
                                  mb_weight_strides strides, bool add, float *g)
{
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < strides.columns; c++) {
            float *out = &g[index_of(strides, p, c)];
            double sum = add ? (double)*out : 0.0;
            for (size_t r = 0; r < MB_BLOCK_ROWS; r++)
                if (mask[p] >> r & 1)
                    sum += (double)gray[value[p * MB_BLOCK_ROWS + r]] * (double)d[r * ldd + c];
            *out = (float)sum;
        }
}

enum { MAX_PIXELS = 60, MAX_GAP = 5 };

static const float *gray_values(void)
{
    float *gray = mb_input(256 * sizeof *gray);
    for (size_t v = 0; v < 256; v++)
        gray[v] = (float)v / 255.0f;
    return gray;
}

/* A pixel of images of which some rows and some columns are blank. */
static uint8_t draw_pixel(size_t row, size_t pixel)
{
    const bool blank = row % 7 == 3 || pixel % 5 == 2 || mb_test_random_size(0, 2) > 0;
    return blank ? 0 : (uint8_t)mb_test_random_size(1, 255);
}

/* Four panels of one vector each, one after the other, or one panel of any width. */
static mb_weight_strides draw_strides(size_t pixels)
{
    const bool full = mb_test_random_size(0, 2) == 0;
    const size_t columns =
        full ? MB_MAX_SPARSE_COLUMNS : mb_test_random_size(1, MB_MAX_SPARSE_COLUMNS);
    const size_t whole = columns / MB_LANES * MB_LANES;
    if (mb_test_random_size(0, 1) == 0)
        return (mb_weight_strides){whole > 0 ? whole : columns, MB_LANES, pixels * MB_LANES};
    return (mb_weight_strides){columns, columns, MB_LANES};
}

static size_t weights_of(mb_weight_strides strides, size_t pixels)
{
    return index_of(strides, pixels - 1, strides.columns - 1) + 1;
}

void mb_check_sparse_product(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(0, 16), pixels = mb_test_random_size(1, MAX_PIXELS);
    const mb_weight_strides strides = draw_strides(pixels);
    const size_t ldz = strides.columns + mb_test_random_size(0, MAX_GAP);
    static mb_nonzero nonzeros[16][MAX_PIXELS];
    mb_sparse_row x[16];
    for (size_t r = 0; r < rows; r++) {
        x[r] = (mb_sparse_row){nonzeros[r], 0};
        for (size_t p = 0, last = 0; p < pixels; p++) {
            const uint8_t value = draw_pixel(r, p);
            if (value != 0) {
                nonzeros[r][x[r].count++] = (mb_nonzero){(uint8_t)(p - last), value};
                last = p;
            }
        }
    }
    const float *gray = gray_values(), *w = mb_draw_input(weights_of(strides, pixels), MB_ANY);
    const mb_output z = mb_draw_output(rows > 0 ? (rows - 1) * ldz + strides.columns : 0, MB_ANY);
    MB_BOTH (k, i)
        k->sparse_product(rows, x, gray, strides, w, z.at[i], ldz);
    mb_check_near(1e-4);
}

void mb_check_sparse_gradient(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, MB_BLOCK_ROWS),
                 pixels = mb_test_random_size(1, MAX_PIXELS);
    const mb_weight_strides strides = draw_strides(pixels);
    const size_t ldd = strides.columns + mb_test_random_size(0, MAX_GAP);
    const bool add = mb_test_random_size(0, 1) == 1;
    uint64_t *mask = mb_input(pixels * sizeof *mask);
    uint8_t *value = mb_input(pixels * MB_BLOCK_ROWS);
    memset(value, 99, pixels * MB_BLOCK_ROWS);
    for (size_t p = 0; p < pixels; p++) {
        mask[p] = 0;
        for (size_t r = 0; r < rows; r++) {
            const uint8_t pixel = draw_pixel(r, p);
            if (pixel != 0) {
                mask[p] |= (uint64_t)1 << r;
                value[p * MB_BLOCK_ROWS + r] = pixel;
            }
        }
    }
    const float *gray = gray_values(),
                *d = mb_draw_input((rows - 1) * ldd + strides.columns, MB_ANY);
    const mb_output g = mb_draw_output(weights_of(strides, pixels), MB_ANY);
    MB_BOTH (k, i)
        k->sparse_gradient(pixels, mask, value, gray, d, ldd, strides, add, g.at[i]);
    mb_check_near(1e-4);
}

/* ---- timing: the first layer; weights in panels of one vector, one after the other ---- */

enum { TILE_ROWS = 32, SEGMENT = 196, SEGMENTS = MB_PIXELS / SEGMENT };

static const mb_weight_strides panels = {MB_MAX_SPARSE_COLUMNS, MB_LANES,
                                         (size_t)MB_PIXELS *MB_LANES};

/* The first images of the workload by row, and by pixel. */
static struct {
    float gray[256];
    mb_sparse_row *rows; /* (rows, SEGMENTS) */
    uint64_t *mask;      /* (blocks, MB_PIXELS) */
    uint8_t *value;      /* (blocks, MB_PIXELS, MB_BLOCK_ROWS) */
    size_t nonzeros;
} sparse;

static void prepare(mb_workload *w)
{
    const size_t blocks = (w->rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS;
    mb_nonzero *nonzeros = mb_workload_alloc(w, w->rows * MB_PIXELS, sizeof *nonzeros);
    sparse.rows = mb_workload_alloc(w, w->rows * SEGMENTS, sizeof *sparse.rows);
    sparse.mask = mb_workload_alloc(w, blocks * MB_PIXELS, sizeof *sparse.mask);
    sparse.value = mb_workload_alloc(w, blocks * MB_PIXELS, MB_BLOCK_ROWS);
    sparse.nonzeros = 0;
    for (size_t v = 0; v < 256; v++)
        sparse.gray[v] = (float)v / 255.0f;
    for (size_t i = 0; i < w->rows * SEGMENTS && w->status == MB_OK; i++) {
        mb_nonzero *row = nonzeros + sparse.nonzeros;
        sparse.rows[i] = (mb_sparse_row){
            row, mb_reference_find_nonzero_pixels(SEGMENT, w->images + i * SEGMENT, row)};
        sparse.nonzeros += sparse.rows[i].count;
    }
    for (size_t i = 0; i < w->rows * MB_PIXELS && w->status == MB_OK; i++) {
        const size_t row = i / MB_PIXELS, at = row / MB_BLOCK_ROWS * MB_PIXELS + i % MB_PIXELS;
        sparse.mask[at] |= (uint64_t)(w->images[i] != 0) << row % MB_BLOCK_ROWS;
        sparse.value[at * MB_BLOCK_ROWS + row % MB_BLOCK_ROWS] = w->images[i];
    }
}

static void run_product(const mb_kernels *kernels, mb_workload *w)
{
    mb_sparse_row x[TILE_ROWS];
    memset(w->out, 0, w->rows * MB_UNITS1 * sizeof *w->out);
    for (size_t unit = 0; unit < MB_UNITS1; unit += MB_MAX_SPARSE_COLUMNS)
        for (size_t row = 0; row < w->rows; row += TILE_ROWS)
            for (size_t segment = 0; segment < SEGMENTS; segment++) {
                const size_t rows = w->rows - row < TILE_ROWS ? w->rows - row : TILE_ROWS;
                for (size_t r = 0; r < rows; r++)
                    x[r] = sparse.rows[(row + r) * SEGMENTS + segment];
                kernels->sparse_product(rows, x, sparse.gray, panels,
                                        w->a + unit * MB_PIXELS + segment * SEGMENT * MB_LANES,
                                        w->out + row * MB_UNITS1 + unit, MB_UNITS1);
            }
}

static void run_gradient(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t unit = 0; unit < MB_UNITS1; unit += MB_MAX_SPARSE_COLUMNS)
        for (size_t row = 0; row < w->rows; row += MB_BLOCK_ROWS) {
            const size_t first = row / MB_BLOCK_ROWS * MB_PIXELS;
            kernels->sparse_gradient(MB_PIXELS, sparse.mask + first,
                                     sparse.value + first * MB_BLOCK_ROWS, sparse.gray,
                                     w->a + row * MB_UNITS1 + unit, MB_UNITS1, panels, row > 0,
                                     w->out + unit * MB_PIXELS);
        }
}

void mb_time_sparse_product(mb_workload *w)
{
    prepare(w);
    const double n = (double)sparse.nonzeros, products = n * MB_UNITS1;
    mb_time(w, "sparse_product", run_product,
            (mb_cost){.elements = products,
                      .bytes = 4 * products + 2 * n + (double)(w->rows * MB_UNITS1 * 4),
                      .flops = 2 * products},
            w->rows * MB_UNITS1);
}

void mb_time_sparse_gradient(mb_workload *w)
{
    prepare(w);
    const double n = (double)sparse.nonzeros, products = n * MB_UNITS1;
    const double blocks = (double)((w->rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS);
    mb_time(
        w, "sparse_gradient", run_gradient,
        (mb_cost){.elements = products,
                  .bytes = 4 * products + n + 8 * blocks * MB_PIXELS + 4.0 * MB_PIXELS * MB_UNITS1,
                  .flops = 2 * products},
        (size_t)MB_PIXELS * MB_UNITS1);
}

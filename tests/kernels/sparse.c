/* Bytes to floats, and the products with sparse images. */
#include "check.h"

#include <string.h>

/* ---- bytes_to_float ---- */

void mb_reference_bytes_to_float(size_t n, const uint8_t *bytes, float zero, float unit, float *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ((float)bytes[i] - zero) / unit;
}

void mb_check_bytes_to_float(const mb_kernels *kernels)
{
    const size_t n = mb_test_random_size(0, 512);
    uint8_t *bytes = mb_input(n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(i < 256 ? i : mb_test_random_size(0, 255));
    const mb_output out = mb_draw_output(n, MB_ANY);
    const bool plain = mb_test_random_size(0, 1) == 0;
    const float zero = plain ? 0.0f : 110.25f, unit = plain ? 255.0f : 61.7f;
    MB_BOTH (k, i)
        k->bytes_to_float(n, bytes, zero, unit, out.at[i]);
    mb_check_equal();
}

static void run_bytes_to_float(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t r = 0; r < w->rows; r++)
        kernels->bytes_to_float(MB_PIXELS, w->images + r * MB_PIXELS, 0.0f, 255.0f,
                                w->out + r * MB_PIXELS);
}

MB_TIMING(bytes_to_float, "bytes_to_float", w->rows *MB_PIXELS, 5, 0, w->rows *MB_PIXELS)

/* ---- transpose_bytes ---- */

void mb_reference_transpose_bytes(size_t rows, const uint8_t *const *x, size_t pixels,
                                  uint8_t *value, uint64_t *mask)
{
    for (size_t p = 0; p < pixels; p++) {
        mask[p] = 0;
        for (size_t r = 0; r < MB_BLOCK_ROWS; r++) {
            const uint8_t byte = r < rows ? x[r][p] : 0;
            value[p * MB_BLOCK_ROWS + r] = byte;
            mask[p] |= (uint64_t)(byte != 0) << r;
        }
    }
}

enum { MAX_PIXELS = 60, MAX_GAP = 5 };

/* A pixel of images of which some rows and some columns are blank. */
static uint8_t draw_pixel(size_t row, size_t pixel)
{
    const bool blank = row % 7 == 3 || pixel % 5 == 2 || mb_test_random_size(0, 2) > 0;
    return blank ? 0 : (uint8_t)mb_test_random_size(1, 255);
}

/* The last row ends where memory ends, so that a read beyond it is found. */
static void draw_rows(size_t rows, size_t pixels, const uint8_t **x)
{
    uint8_t *images = mb_input(rows * pixels);
    for (size_t i = 0; i < rows * pixels; i++)
        images[i] = draw_pixel(i / pixels, i % pixels);
    for (size_t r = 0; r < rows; r++)
        x[r] = images + r * pixels;
}

void mb_check_transpose_bytes(const mb_kernels *kernels)
{
    static const uint8_t blank[MAX_PIXELS * MB_BLOCK_ROWS];
    const size_t rows = mb_test_random_size(0, MB_BLOCK_ROWS),
                 pixels = mb_test_random_size(1, MAX_PIXELS);
    const uint8_t *x[MB_BLOCK_ROWS];
    draw_rows(rows, pixels, x);
    const mb_output value = mb_output_of(blank, pixels * MB_BLOCK_ROWS),
                    mask = mb_output_of(blank, pixels * sizeof(uint64_t));
    MB_BOTH (k, i)
        k->transpose_bytes(rows, x, pixels, value.at[i], mask.at[i]);
    mb_check_equal();
}

/* ---- products ---- */

static size_t index_of(mb_weight_strides strides, size_t pixel, size_t column)
{
    return pixel * strides.pixel_stride + column / MB_LANES * strides.vector_stride +
           column % MB_LANES;
}

void mb_reference_sparse_product(size_t pixels, uint64_t rows, const uint64_t *mask,
                                 const uint8_t *value, const float *gray, mb_weight_strides strides,
                                 const float *w, float *z, size_t ldz)
{
    for (size_t r = 0; r < MB_BLOCK_ROWS; r++)
        for (size_t c = 0; c < strides.columns && (rows >> r & 1); c++) {
            double sum = (double)z[r * ldz + c];
            for (size_t p = 0; p < pixels; p++)
                if (mask[p] >> r & 1)
                    sum += (double)gray[value[p * MB_BLOCK_ROWS + r]] *
                           (double)w[index_of(strides, p, c)];
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

static const float *gray_values(void)
{
    float *gray = mb_input(256 * sizeof *gray);
    for (size_t v = 0; v < 256; v++)
        gray[v] = (float)v / 255.0f;
    return gray;
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

/* Random images by pixel. */
static void draw_block(size_t rows, size_t pixels, uint64_t **mask, uint8_t **value)
{
    const uint8_t *x[MB_BLOCK_ROWS];
    *mask = mb_input(pixels * sizeof **mask);
    *value = mb_input(pixels * MB_BLOCK_ROWS);
    draw_rows(rows, pixels, x);
    mb_reference_transpose_bytes(rows, x, pixels, *value, *mask);
}

void mb_check_sparse_product(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, MB_BLOCK_ROWS),
                 pixels = mb_test_random_size(1, MAX_PIXELS);
    const mb_weight_strides strides = draw_strides(pixels);
    const size_t ldz = strides.columns + mb_test_random_size(0, MAX_GAP);
    const uint64_t wanted = mb_test_random_size(0, 1) == 0 ? UINT64_MAX : 0x5555555500ff00ff;
    uint64_t *mask;
    uint8_t *value;
    draw_block(rows, pixels, &mask, &value);
    const float *gray = gray_values(), *w = mb_draw_input(weights_of(strides, pixels), MB_ANY);
    const mb_output z = mb_draw_output((MB_BLOCK_ROWS - 1) * ldz + strides.columns, MB_ANY);
    MB_BOTH (k, i)
        k->sparse_product(pixels, wanted, mask, value, gray, strides, w, z.at[i], ldz);
    mb_check_near(1e-4);
}

void mb_check_sparse_gradient(const mb_kernels *kernels)
{
    const size_t rows = mb_test_random_size(1, MB_BLOCK_ROWS),
                 pixels = mb_test_random_size(1, MAX_PIXELS);
    const mb_weight_strides strides = draw_strides(pixels);
    const size_t ldd = strides.columns + mb_test_random_size(0, MAX_GAP);
    const bool add = mb_test_random_size(0, 1) == 1;
    uint64_t *mask;
    uint8_t *value;
    draw_block(rows, pixels, &mask, &value);
    const float *gray = gray_values(),
                *d = mb_draw_input((rows - 1) * ldd + strides.columns, MB_ANY);
    const mb_output g = mb_draw_output(weights_of(strides, pixels), MB_ANY);
    MB_BOTH (k, i)
        k->sparse_gradient(pixels, mask, value, gray, d, ldd, strides, add, g.at[i]);
    mb_check_near(1e-4);
}

/* ---- timing: the first layer; weights in panels of one vector, one after the other ---- */

static const mb_weight_strides panels = {MB_MAX_SPARSE_COLUMNS, MB_LANES,
                                         (size_t)MB_PIXELS *MB_LANES};

/* The first images of the workload by pixel. */
static struct {
    float gray[256];
    uint64_t *mask; /* (blocks, MB_PIXELS) */
    uint8_t *value; /* (blocks, MB_PIXELS, MB_BLOCK_ROWS) */
    size_t nonzeros;
} sparse;

static size_t blocks_of(const mb_workload *w)
{
    return (w->rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS;
}

static void run_transpose_bytes(const mb_kernels *kernels, mb_workload *w)
{
    for (size_t b = 0; b < blocks_of(w); b++) {
        const uint8_t *x[MB_BLOCK_ROWS];
        const size_t left = w->rows - b * MB_BLOCK_ROWS;
        for (size_t r = 0; r < MB_BLOCK_ROWS; r++)
            x[r] = w->images + (b * MB_BLOCK_ROWS + r) * MB_PIXELS;
        kernels->transpose_bytes(left < MB_BLOCK_ROWS ? left : MB_BLOCK_ROWS, x, MB_PIXELS,
                                 sparse.value + b * MB_PIXELS * MB_BLOCK_ROWS,
                                 sparse.mask + b * MB_PIXELS);
    }
}

static void prepare(mb_workload *w)
{
    const size_t blocks = blocks_of(w);
    sparse.mask = mb_workload_alloc(w, blocks * MB_PIXELS, sizeof *sparse.mask);
    sparse.value = mb_workload_alloc(w, blocks * MB_PIXELS, MB_BLOCK_ROWS);
    sparse.nonzeros = 0;
    for (size_t v = 0; v < 256; v++)
        sparse.gray[v] = (float)v / 255.0f;
    if (w->status == MB_OK)
        run_transpose_bytes(&mb_reference_kernels, w);
    for (size_t i = 0; i < w->rows * MB_PIXELS && w->status == MB_OK; i++)
        sparse.nonzeros += w->images[i] != 0;
}

static void run_product(const mb_kernels *kernels, mb_workload *w)
{
    memset(w->out, 0, w->rows * MB_UNITS1 * sizeof *w->out);
    for (size_t unit = 0; unit < MB_UNITS1; unit += MB_MAX_SPARSE_COLUMNS)
        for (size_t row = 0; row < w->rows; row += MB_BLOCK_ROWS) {
            const size_t first = row / MB_BLOCK_ROWS * MB_PIXELS;
            kernels->sparse_product(MB_PIXELS, UINT64_MAX, sparse.mask + first,
                                    sparse.value + first * MB_BLOCK_ROWS, sparse.gray, panels,
                                    w->a + unit * MB_PIXELS, w->out + row * MB_UNITS1 + unit,
                                    MB_UNITS1);
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

void mb_time_transpose_bytes(mb_workload *w)
{
    prepare(w);
    const double n = (double)(blocks_of(w) * MB_PIXELS * MB_BLOCK_ROWS);
    mb_time_exact(w, "transpose_bytes", run_transpose_bytes,
                  (mb_cost){.elements = n, .bytes = 2.125 * n}, sparse.value, (size_t)n);
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
    const double blocks = (double)blocks_of(w);
    mb_time(
        w, "sparse_gradient", run_gradient,
        (mb_cost){.elements = products,
                  .bytes = 4 * products + n + 8 * blocks * MB_PIXELS + 4.0 * MB_PIXELS * MB_UNITS1,
                  .flops = 2 * products},
        (size_t)MB_PIXELS * MB_UNITS1);
}

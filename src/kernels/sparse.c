/* Images by pixel, and the products with them that skip zeros. Neighbouring pixels differ from 0 in
 * mostly the same rows, so the products take two or three at once, in all rows where any does:
 * fewer loads and stores per multiply-add, fewer loops whose length no CPU predicts, and some
 * products with 0, which change no sum. */
#include "kernels/vector.h"

#include <string.h>

void MB_KERNEL_FN(bytes_to_float)(size_t n, const uint8_t *restrict bytes, float zero, float unit,
                                  float *restrict out)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        out[i] = ((float)bytes[i] - zero) / unit;
}

/* ---- rows to pixels ---- */

enum { SIDE = 16 };
typedef uint8_t sixteen __attribute__((vector_size(SIDE)));

MB_ALWAYS_INLINE sixteen interleave_low(sixteen a, sixteen b)
{
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

MB_ALWAYS_INLINE sixteen interleave_high(sixteen a, sixteen b)
{
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                   31);
}

/* Four of these transpose 16 x 16: each moves one bit of the place from the row to the column. */
MB_ALWAYS_INLINE void interleave(const sixteen in[SIDE], sixteen out[SIDE])
{
    for (size_t i = 0; i < SIDE / 2; i++) {
        out[2 * i] = interleave_low(in[i], in[i + SIDE / 2]);
        out[2 * i + 1] = interleave_high(in[i], in[i + SIDE / 2]);
    }
}

/* SIDE pixels from `pixel` on, of `rows` rows, and zeros after them. */
MB_ALWAYS_INLINE void transpose_square(const size_t rows, const uint8_t *const *x, size_t pixel,
                                       uint8_t *restrict value)
{
    sixteen a[SIDE] = {0}, b[SIDE];
    for (size_t r = 0; r < rows; r++)
        memcpy(&a[r], x[r] + pixel, SIDE);
    interleave(a, b);
    interleave(b, a);
    interleave(a, b);
    interleave(b, a);
    for (size_t p = 0; p < SIDE; p++)
        memcpy(value + (pixel + p) * MB_BLOCK_ROWS, &a[p], SIDE);
}

/* Bit i of the result says that byte i, in memory, is not 0. */
static inline uint8_t nonzero_bytes(uint64_t bytes)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7f;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    bytes = (((bytes & low) + low) | bytes) >> 7 & 0x0101010101010101;
    return (uint8_t)(bytes * 0x0102040810204080 >> 56);
}

static inline uint64_t nonzero_rows(const uint8_t *value)
{
    uint64_t bytes[MB_BLOCK_ROWS / 8], mask;
    uint8_t bits[MB_BLOCK_ROWS / 8];
    memcpy(bytes, value, sizeof bytes);
    for (size_t i = 0; i < MB_BLOCK_ROWS / 8; i++)
        bits[i] = nonzero_bytes(bytes[i]);
    memcpy(&mask, bits, sizeof mask);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    mask = __builtin_bswap64(mask);
#endif
    return mask;
}

/* The last pixels, fewer than SIDE. */
static void transpose_rest(size_t rows, const uint8_t *const *x, size_t pixel, size_t pixels,
                           uint8_t *value)
{
    for (; pixel < pixels; pixel++)
        for (size_t r = 0; r < MB_BLOCK_ROWS; r++)
            value[pixel * MB_BLOCK_ROWS + r] = r < rows ? x[r][pixel] : 0;
}

void MB_KERNEL_FN(transpose_bytes)(size_t rows, const uint8_t *const *x, size_t pixels,
                                   uint8_t *restrict value, uint64_t *restrict mask)
{
    const size_t whole = rows / SIDE * SIDE;
    for (size_t pixel = 0; pixel < pixels; pixel += SIDE) {
        const size_t now = pixels - pixel < SIDE ? pixels - pixel : SIDE;
        if (now < SIDE)
            transpose_rest(rows, x, pixel, pixels, value);
        for (size_t r = 0; r < whole && now == SIDE; r += SIDE)
            transpose_square(SIDE, x + r, pixel, value + r);
        for (size_t r = whole; r < MB_BLOCK_ROWS && now == SIDE; r += SIDE)
            transpose_square(rows > r ? rows - r : 0, x + whole, pixel, value + r);
        for (size_t p = pixel; p < pixel + now; p++)
            mask[p] = nonzero_rows(value + p * MB_BLOCK_ROWS);
    }
}

/* ---- neighbouring pixels ---- */

/* Pixels that the products take at once, as many as the registers hold: their weights beside a row
 * of z, or their sums. */
enum { PRODUCT_PIXELS = MB_ACCUMULATORS >= 12 ? 3 : 2, GRADIENT_PIXELS = 2 };

/* Up to three pixels: the rows where any is not 0, and the values of each. */
typedef struct neighbours {
    uint64_t rows;
    const uint8_t *value[3];
} neighbours;

/* The `n` pixels, a constant, from the first of mask and value on. Those after `pixels` are 0. */
MB_ALWAYS_INLINE neighbours neighbours_at(const size_t n, size_t pixels, const uint64_t *mask,
                                          const uint8_t *value)
{
    static const uint8_t zeros[MB_BLOCK_ROWS];
    neighbours x = {.rows = 0};
    for (size_t i = 0; i < n; i++) {
        x.rows |= i < pixels ? mask[i] : 0;
        x.value[i] = i < pixels ? value + i * MB_BLOCK_ROWS : zeros;
    }
    return x;
}

MB_ALWAYS_INLINE size_t next_row(uint64_t *rows)
{
    const size_t row = (size_t)__builtin_ctzll(*rows);
    *rows &= *rows - 1;
    return row;
}

/* Place of a column in a row of w or g. */
static inline size_t place_of(mb_weight_strides strides, size_t column)
{
    return column / MB_LANES * strides.vector_stride + column % MB_LANES;
}

/* ---- four registers of columns ---- */

/* Two of these hold sums or factors of a pair of pixels, and one the operand of both. */
typedef struct four {
    mb_register a, b, c, d;
} four;
enum { REGISTER = MB_REGISTER_LANES, FOUR = 4 * REGISTER };

/* The columns from `column` on of a row of w or g at `at`. */
typedef struct four_places {
    size_t a, b, c, d;
} four_places;

static inline four_places places_of(mb_weight_strides strides, size_t column)
{
    return (four_places){place_of(strides, column), place_of(strides, column + REGISTER),
                         place_of(strides, column + 2 * REGISTER),
                         place_of(strides, column + 3 * REGISTER)};
}

MB_ALWAYS_INLINE four load_places(const float *at, four_places place)
{
    return (four){mb_load(at + place.a), mb_load(at + place.b), mb_load(at + place.c),
                  mb_load(at + place.d)};
}

MB_ALWAYS_INLINE void store_places(four x, float *at, four_places place)
{
    mb_store(x.a, at + place.a);
    mb_store(x.b, at + place.b);
    mb_store(x.c, at + place.c);
    mb_store(x.d, at + place.d);
}

MB_ALWAYS_INLINE four load_four_once(const float *at)
{
    return (four){mb_load_once(at), mb_load_once(at + REGISTER), mb_load_once(at + 2 * REGISTER),
                  mb_load_once(at + 3 * REGISTER)};
}

static const four_places in_a_row = {0, REGISTER, 2 * REGISTER, 3 * REGISTER};

MB_ALWAYS_INLINE four add_product(float factor, four x, four sum)
{
    return (four){
        mb_register_add_product(factor, x.a, sum.a), mb_register_add_product(factor, x.b, sum.b),
        mb_register_add_product(factor, x.c, sum.c), mb_register_add_product(factor, x.d, sum.d)};
}

/* ---- products ---- */

/* z (rows, FOUR) += PRODUCT_PIXELS pixels times w, their rows of the weights. */
MB_ALWAYS_INLINE void product_four(neighbours x, const float *restrict gray, const four *w,
                                   float *restrict z, size_t ldz)
{
    const four first = w[0], second = w[1], third = w[PRODUCT_PIXELS - 1];
    while (x.rows != 0) {
        const size_t row = next_row(&x.rows);
        float *to = z + row * ldz;
        four sum = load_places(to, in_a_row);
        sum = add_product(gray[x.value[0][row]], first, sum);
        sum = add_product(gray[x.value[1][row]], second, sum);
        if (PRODUCT_PIXELS == 3)
            sum = add_product(gray[x.value[2][row]], third, sum);
        store_places(sum, to, in_a_row);
    }
}

/* z (rows, up to MB_LANES columns) += one pixel times w. */
static void product_narrow(uint64_t rows, const uint8_t *restrict value, const float *restrict gray,
                           size_t columns, const float *restrict w, float *restrict z, size_t ldz)
{
    while (rows != 0) {
        const size_t row = next_row(&rows);
        const float factor = gray[value[row]];
        float *to = z + row * ldz;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            to[c] = mb_multiply_add(factor, w[c], to[c]);
    }
}

void MB_KERNEL_FN(sparse_product)(size_t pixels, uint64_t rows, const uint64_t *mask,
                                  const uint8_t *value, const float *gray,
                                  mb_weight_strides strides, const float *w, float *z, size_t ldz)
{
    size_t column = 0;
    for (; column + FOUR <= strides.columns; column += FOUR) {
        const four_places place = places_of(strides, column);
        for (size_t p = 0; p < pixels; p += PRODUCT_PIXELS) {
            neighbours x =
                neighbours_at(PRODUCT_PIXELS, pixels - p, mask + p, value + p * MB_BLOCK_ROWS);
            four weights[PRODUCT_PIXELS];
            for (size_t i = 0; i < PRODUCT_PIXELS; i++) {
                const size_t pixel = p + i < pixels ? p + i : p;
                weights[i] = load_places(w + pixel * strides.pixel_stride, place);
            }
            x.rows &= rows;
            product_four(x, gray, weights, z + column, ldz);
        }
    }
    for (; column < strides.columns; column += MB_LANES) {
        const size_t left = strides.columns - column, columns = left < MB_LANES ? left : MB_LANES;
        const float *from = w + place_of(strides, column);
        for (size_t p = 0; p < pixels; p++)
            product_narrow(mask[p] & rows, value + p * MB_BLOCK_ROWS, gray, columns,
                           from + p * strides.pixel_stride, z + column, ldz);
    }
}

/* first, second (FOUR) += two pixels times d. */
MB_ALWAYS_INLINE void gradient_four(neighbours x, const float *restrict gray,
                                    const float *restrict d, size_t ldd, four *restrict first,
                                    four *restrict second)
{
    four a = *first, b = *second;
    while (x.rows != 0) {
        const size_t row = next_row(&x.rows);
        const four both = load_four_once(d + row * ldd);
        a = add_product(gray[x.value[0][row]], both, a);
        b = add_product(gray[x.value[1][row]], both, b);
    }
    *first = a;
    *second = b;
}

/* g (up to MB_LANES columns) = or += one pixel times d. */
static void gradient_narrow(uint64_t rows, const uint8_t *restrict value,
                            const float *restrict gray, size_t columns, const float *restrict d,
                            size_t ldd, bool add, float *restrict g)
{
    for (size_t c = 0; c < columns && !add; c++)
        g[c] = 0.0f;
    while (rows != 0) {
        const size_t row = next_row(&rows);
        const float factor = gray[value[row]];
        const float *from = d + row * ldd;
#pragma omp simd
        for (size_t c = 0; c < columns; c++)
            g[c] = mb_multiply_add(factor, from[c], g[c]);
    }
}

void MB_KERNEL_FN(sparse_gradient)(size_t pixels, const uint64_t *mask, const uint8_t *value,
                                   const float *gray, const float *d, size_t ldd,
                                   mb_weight_strides strides, bool add, float *g)
{
    size_t column = 0;
    for (; column + FOUR <= strides.columns; column += FOUR) {
        const four_places place = places_of(strides, column);
        for (size_t p = 0; p < pixels; p += GRADIENT_PIXELS) {
            float *at = g + p * strides.pixel_stride;
            float *next = at + (p + 1 < pixels ? strides.pixel_stride : 0);
            four first = {0}, second = {0};
            if (add) {
                first = load_places(at, place);
                second = load_places(next, place);
            }
            gradient_four(
                neighbours_at(GRADIENT_PIXELS, pixels - p, mask + p, value + p * MB_BLOCK_ROWS),
                gray, d + column, ldd, &first, &second);
            store_places(second, next, place); /* which is `at` if there is no second */
            store_places(first, at, place);
        }
    }
    for (; column < strides.columns; column += MB_LANES) {
        const size_t left = strides.columns - column, columns = left < MB_LANES ? left : MB_LANES;
        float *to = g + place_of(strides, column);
        for (size_t p = 0; p < pixels; p++)
            gradient_narrow(mask[p], value + p * MB_BLOCK_ROWS, gray, columns, d + column, ldd, add,
                            to + p * strides.pixel_stride);
    }
}

#include "png.h"
#include "core/endian.h"
#include "test.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

bool mb_test_has_alpha(int color)
{
    return color == MB_PNG_GRAY_ALPHA || color == MB_PNG_RGB_ALPHA;
}

static size_t channels_of(int color)
{
    return color == MB_PNG_RGB_ALPHA    ? 4
           : color == MB_PNG_RGB        ? 3
           : color == MB_PNG_GRAY_ALPHA ? 2
                                        : 1;
}

static unsigned max_level(int depth) { return (1u << (depth < 8 ? depth : 8)) - 1; }

static unsigned level_at(size_t row, size_t column, int depth)
{
    return (unsigned)(row * 37 + column * 11) % (max_level(depth) + 1);
}

uint8_t mb_test_gray_at(size_t row, size_t column, int depth)
{
    return (uint8_t)(level_at(row, column, depth) * 255 / max_level(depth));
}

uint8_t mb_test_alpha_at(size_t column) { return column < MB_TEST_COLUMNS / 2 ? 0 : 255; }

mb_bytes mb_test_bytes(const void *data, size_t size)
{
    const mb_bytes bytes = {malloc(size + 1), size};
    assert_non_null(bytes.data);
    memcpy(bytes.data, data, size);
    return bytes;
}

mb_bytes mb_test_add_chunk(mb_bytes png, const char *type, mb_bytes data)
{
    uint8_t head[8], end[4];
    mb_store_be32(head, (uint32_t)data.size);
    memcpy(head + 4, type, 4);
    const uint32_t crc = libdeflate_crc32(0, type, 4);
    mb_store_be32(end, libdeflate_crc32(crc, data.data, data.size));
    png = mb_test_join(mb_test_join(png, mb_test_bytes(head, 8)), data);
    return mb_test_join(png, mb_test_bytes(end, 4));
}

static mb_bytes compressed(const uint8_t *data, size_t size)
{
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    mb_bytes packed = mb_test_bytes("", 0);
    packed.size = libdeflate_zlib_compress_bound(compressor, size);
    packed.data = realloc(packed.data, packed.size);
    assert_non_null(packed.data);
    packed.size = libdeflate_zlib_compress(compressor, data, size, packed.data, packed.size);
    libdeflate_free_compressor(compressor);
    return packed;
}

/* Packs the samples of pixel (row, column) into the bits from *bit on. */
static void put_pixel(mb_test_png f, size_t row, size_t column, uint8_t *line, size_t *bit)
{
    const size_t channels = channels_of(f.color);
    for (size_t i = 0; i < channels; i++) {
        const bool alpha = mb_test_has_alpha(f.color) && i == channels - 1;
        const unsigned value = alpha ? mb_test_alpha_at(column) : level_at(row, column, f.depth);
        if (f.depth < 8)
            line[*bit / 8] |= (uint8_t)(value << (8 - (size_t)f.depth - *bit % 8));
        else
            memset(line + *bit / 8, (int)value, (size_t)f.depth / 8); /* 16 bits: 257 times it */
        *bit += (size_t)f.depth;
    }
}

/* Appends the scanlines of the pixels from (top, left) on that are `down` and `right` apart. */
static size_t put_pass(mb_test_png f, const size_t pass[4], uint8_t *to)
{
    const size_t top = pass[0], left = pass[1], down = pass[2], right = pass[3];
    uint8_t *at = to;
    for (size_t row = top; row < MB_TEST_ROWS && left < MB_TEST_COLUMNS; row += down) {
        size_t bit = 8; /* after the filter's byte */
        for (size_t column = left; column < MB_TEST_COLUMNS; column += right)
            put_pixel(f, row, column, at, &bit);
        at += (bit + 7) / 8;
    }
    return (size_t)(at - to);
}

mb_bytes mb_test_write_png(mb_test_png f)
{
    static const size_t whole[4] = {0, 0, 1, 1};
    static const size_t adam7[7][4] = {{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4},
                                       {2, 0, 4, 2}, {0, 1, 2, 2}, {1, 0, 2, 1}};
    uint8_t header[13] = {0,
                          0,
                          0,
                          MB_TEST_COLUMNS,
                          0,
                          0,
                          0,
                          MB_TEST_ROWS,
                          (uint8_t)f.depth,
                          (uint8_t)f.color,
                          0,
                          0,
                          f.interlaced};
    uint8_t samples[4 * MB_TEST_ROWS * (1 + MB_TEST_COLUMNS * 8)] = {0}, palette[3 * 256];
    size_t size = 0;
    for (size_t pass = 0; pass < (f.interlaced ? 7 : 1); pass++)
        size += put_pass(f, f.interlaced ? adam7[pass] : whole, samples + size);
    mb_bytes png =
        mb_test_add_chunk(mb_test_bytes("\x89PNG\r\n\x1a\n", 8), "IHDR", mb_test_bytes(header, 13));
    for (unsigned i = 0; i < 256; i++)
        memset(palette + (size_t)3 * i, (int)(i * 255 / max_level(f.depth)), 3);
    if (f.color == MB_PNG_PALETTE)
        png = mb_test_add_chunk(png, "PLTE",
                                mb_test_bytes(palette, (size_t)3 * (max_level(f.depth) + 1)));
    png = mb_test_add_chunk(png, "IDAT", compressed(samples, size));
    return mb_test_add_chunk(png, "IEND", mb_test_bytes("", 0));
}

mb_bytes mb_test_png_row(int color, size_t columns, const uint8_t *samples, size_t count)
{
    const uint8_t header[13] = {0, 0, 0, (uint8_t)columns, 0, 0, 0, 1, 8, (uint8_t)color};
    const mb_bytes line = mb_test_join(mb_test_bytes("", 1), mb_test_bytes(samples, count));
    mb_bytes png = mb_test_bytes("\x89PNG\r\n\x1a\n", 8);
    png = mb_test_add_chunk(png, "IHDR", mb_test_bytes(header, 13));
    png = mb_test_add_chunk(png, "IDAT", compressed(line.data, line.size));
    free(line.data);
    return mb_test_add_chunk(png, "IEND", mb_test_bytes("", 0));
}

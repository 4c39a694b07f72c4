#include "picture/encode.h"

#include "picture/pix.h"

#include <stdbool.h>
#include <stdlib.h>

static void fill(PIX *pix, const uint8_t *pixels, size_t channels, size_t rows, size_t columns)
{
    const size_t plane = rows * columns;
    l_uint32 *data = pixGetData(pix);
    const size_t words = (size_t)pixGetWpl(pix);
    for (size_t row = 0; row < rows; row++) {
        l_uint32 *line = data + row * words;
        const uint8_t *from = pixels + row * columns;
        for (size_t column = 0; column < columns; column++)
            if (channels == 1)
                SET_DATA_BYTE(line, column, from[column]);
            else
                composeRGBPixel(from[column], from[plane + column], from[2 * plane + column],
                                line + column);
    }
}

mb_status mb_picture_encode_png(const uint8_t *pixels, size_t channels, size_t rows, size_t columns,
                                mb_bytes *png, mb_error *error)
{
    l_uint8 *data = NULL;
    size_t size = 0;
    mb_pix_messages_off();
    PIX *pix = pixCreate((l_int32)columns, (l_int32)rows, channels == 1 ? 8 : 32);
    bool made = pix != NULL;
    if (made) {
        fill(pix, pixels, channels, rows, columns);
        made = pixWriteMemPng(&data, &size, pix, 0.0f) == 0;
    }
    pixDestroy(&pix);
    mb_pix_messages_on();
    if (!made) {
        free(data);
        return mb_fail_memory(error, "PNG", channels * rows * columns);
    }
    *png = (mb_bytes){data, size};
    return MB_OK;
}

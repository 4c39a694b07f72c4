/* Decodes any bytes as a picture, gray and in color: they are refused with one line, or all pixels
 * can be read, and normalizing the gray one gives an image or one line. */
#include "fuzz/fuzz.h"

#include "core/endian.h"
#include "core/status.h"
#include "picture/normalize.h"
#include "picture/picture.h"

#include <libdeflate.h>

enum { SIDE = 28, MAX_PIXELS = 1 << 16 };

static void use(const mb_pictures *images)
{
    uint8_t normal[SIDE * SIDE];
    unsigned max = 0;
    mb_error error = {MB_OK, ""};
    const size_t pixels = images->channels * images->rows * images->columns;
    require(images->count > 0 && pixels > 0);
    for (size_t i = 0; i < images->count * pixels; i++)
        max = images->pixels[i] > max ? images->pixels[i] : max;
    if (pixels > MAX_PIXELS || images->channels > 1) /* slow, and nothing new */
        return;
    const mb_status status =
        mb_picture_normalize("fuzz", images->pixels, images->rows, images->columns,
                             MB_FRAMING_MNIST, normal, SIDE, SIDE, &error);
    if (status != MB_OK) {
        require(status == MB_ERROR_FORMAT && strncmp(error.text, "fuzz: ", 6) == 0);
        return;
    }
    require(memchr(normal, 255, sizeof normal) != NULL && max > 0);
}

/* `bytes` (freed). Returns the status. */
static mb_status parse(mb_bytes bytes, size_t channels)
{
    mb_pictures images = {0};
    mb_error error = {MB_OK, ""};
    const mb_status status = mb_pictures_parse("fuzz", channels, &bytes, &images, &error);
    require(bytes.data == NULL && bytes.size == 0);
    if (status == MB_OK) {
        require(error.text[0] == '\0' && images.channels == channels);
        use(&images);
    } else {
        require(error.status == status && strncmp(error.text, "fuzz: ", 6) == 0);
        require(strchr(error.text, '\n') == NULL && images.memory == NULL);
    }
    mb_pictures_free(&images);
    return status;
}

static void parse_both(mb_bytes bytes)
{
    const mb_status color = parse(copy_of(bytes.data, bytes.size), 3);
    require(parse(bytes, 1) == color);
}

/* Corrects the checksums of a PNG's chunks, so that damage reaches the decoder. */
static void mend_checksums(const mb_bytes *png)
{
    for (size_t at = 8; png->size - at >= 12;) {
        uint8_t *chunk = png->data + at;
        const size_t length = mb_load_be32(chunk);
        if (length > png->size - at - 12)
            return;
        mb_store_be32(chunk + 8 + length, libdeflate_crc32(0, chunk + 4, 4 + length));
        at += 12 + length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse_both(copy_of(data, size));
    if (size > 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0) {
        const mb_bytes mended = copy_of(data, size);
        mend_checksums(&mended);
        parse_both(mended);
    }
    return 0;
}

#include "picture/tiff_tags.h"

#include <string.h>

enum { SHORT = 3, LONG = 4, ENTRY = 12 };

/* The number of `bytes` at `at` in the file's byte order; 0 outside of the file. */
static uint32_t load(const uint8_t *data, size_t size, size_t at, size_t bytes)
{
    uint32_t number = 0;
    if (at > size || bytes > size - at)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | data[at + (data[0] == 'M' ? i : bytes - 1 - i)];
    return number;
}

size_t mb_tiff_first(const uint8_t *data, size_t size)
{
    if (size < 8 || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0))
        return 0;
    return load(data, size, 4, 4);
}

size_t mb_tiff_next(const uint8_t *data, size_t size, size_t directory)
{
    return load(data, size, directory + 2 + ENTRY * (size_t)load(data, size, directory, 2), 4);
}

uint32_t mb_tiff_tag(const uint8_t *data, size_t size, size_t directory, unsigned tag,
                     uint32_t otherwise)
{
    const size_t entries = load(data, size, directory, 2);
    for (size_t i = 0; i < entries; i++) {
        const size_t entry = directory + 2 + ENTRY * i;
        const uint32_t type = load(data, size, entry + 2, 2),
                       count = load(data, size, entry + 4, 4);
        const size_t bytes = type == SHORT ? 2 : 4;
        if (load(data, size, entry, 2) != tag || (type != SHORT && type != LONG) || count == 0)
            continue;
        return load(data, size, count <= 4 / bytes ? entry + 8 : load(data, size, entry + 8, 4),
                    bytes);
    }
    return otherwise;
}

int mb_exif_orientation(const uint8_t *data, size_t size)
{
    const size_t directory = mb_tiff_first(data, size);
    const uint32_t value =
        directory != 0 ? mb_tiff_tag(data, size, directory, MB_TIFF_ORIENTATION, 1) : 1;
    return value >= 1 && value <= 8 ? (int)value : 1;
}

#include "core/utf8.h"

#include "core/util.h"

bool mb_utf8_is_control(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0, 0x1f},          /* C0 */
        {0x7f, 0x9f},       /* DEL, C1 */
        {0x61c, 0x61c},     /* Arabic letter mark */
        {0x200e, 0x200f},   /* marks of direction */
        {0x2028, 0x202e},   /* separators of lines; embeddings and overrides of direction */
        {0x2060, 0x206f},   /* invisible; isolates */
        {0xfeff, 0xfeff},   /* byte order mark */
        {0xfff9, 0xfffb},   /* annotations */
        {0xe0000, 0xe0fff}, /* tags, variation selectors */
    };
    for (size_t i = 0; i < MB_COUNT_OF(ranges); i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

size_t mb_utf8_decode(const char *bytes, uint32_t *c)
{
    const uint8_t *text = (const uint8_t *)bytes;
    static const uint32_t first[] = {0, 0, 0x80, 0x800, 0x10000}; /* of this length */
    const size_t size = *text < 0x80   ? 1
                        : *text < 0xc0 ? 0
                        : *text < 0xe0 ? 2
                        : *text < 0xf0 ? 3
                                       : 4;
    if (size <= 1) {
        *c = *text;
        return size;
    }
    *c = *text & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (text[i] & 0x3fu);
    }
    const bool surrogate = *c >= 0xd800 && *c <= 0xdfff;
    return *text < 0xf8 && *c >= first[size] && *c <= 0x10ffff && !surrogate ? size : 0;
}

#include "data/image_sketch.h"

#include "core/endian.h"

#include <stdio.h>
#include <string.h>

/* Four lanes, so that a multiplication need not wait for the one before. */
uint64_t mb_image_hash(const uint8_t *pixels, size_t bytes)
{
    enum { LANES = 4 };
    static const uint64_t factor = 0x9e3779b97f4a7c15;
    uint64_t lanes[LANES] = {1, 2, 3, 4}, hash = bytes;
    size_t at = 0;
    for (; at + sizeof lanes <= bytes; at += sizeof lanes)
        for (size_t lane = 0; lane < LANES; lane++) {
            const uint64_t word = mb_load_le64(pixels + at + 8 * lane);
            lanes[lane] = (lanes[lane] ^ word ^ lanes[lane] >> 29) * factor;
        }
    for (; at < bytes; at++)
        hash = (hash ^ pixels[at] ^ hash >> 29) * factor;
    for (size_t lane = 0; lane < LANES; lane++)
        hash = (hash ^ lanes[lane] ^ hash >> 29) * factor;
    return hash ^ hash >> 32;
}

/* The place of a hash among those of the sketch, or of the next larger one. */
static size_t place_of(const mb_image_sketch *sketch, uint64_t hash)
{
    size_t place = sketch->count;
    while (place > 0 && sketch->hashes[place - 1] >= hash)
        place--;
    return place;
}

static bool is_in_range(const mb_image_sketch *sketch, uint64_t hash)
{
    return sketch->count < MB_SKETCH_HASHES || hash <= sketch->hashes[MB_SKETCH_HASHES - 1];
}

static bool has(const mb_image_sketch *sketch, uint64_t hash)
{
    const size_t place = place_of(sketch, hash);
    return place < sketch->count && sketch->hashes[place] == hash;
}

mb_image_sketch mb_image_sketch_of(const mb_images *images)
{
    const size_t bytes = mb_images_stride(images);
    mb_image_sketch sketch = {0};
    for (size_t i = 0; i < images->count; i++) {
        const uint64_t hash = mb_image_hash(images->pixels + i * bytes, bytes);
        if (!is_in_range(&sketch, hash) || has(&sketch, hash))
            continue;
        const size_t place = place_of(&sketch, hash);
        sketch.count += sketch.count < MB_SKETCH_HASHES;
        memmove(sketch.hashes + place + 1, sketch.hashes + place,
                (sketch.count - place - 1) * sizeof *sketch.hashes);
        sketch.hashes[place] = hash;
    }
    return sketch;
}

void mb_image_sketch_compare(const mb_image_sketch *sketch, const mb_images *images,
                             size_t *sampled, size_t *found)
{
    const size_t bytes = mb_images_stride(images);
    *sampled = *found = 0;
    for (size_t i = 0; i < images->count && sketch->count > 0; i++) {
        const uint64_t hash = mb_image_hash(images->pixels + i * bytes, bytes);
        *sampled += is_in_range(sketch, hash);
        *found += is_in_range(sketch, hash) && has(sketch, hash);
    }
}

void mb_image_sketch_format(const mb_image_sketch *sketch, char text[MB_SKETCH_TEXT])
{
    *text = '\0';
    for (size_t i = 0; i < sketch->count; i++)
        snprintf(text + 16 * i, 17, "%016llx", (unsigned long long)sketch->hashes[i]);
}

bool mb_image_sketch_parse(const char *text, mb_image_sketch *sketch)
{
    static const char digits[] = "0123456789abcdef";
    const size_t length = strlen(text);
    *sketch = (mb_image_sketch){.count = length / 16};
    if (length == 0 || length % 16 != 0 || length >= MB_SKETCH_TEXT ||
        strspn(text, digits) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        sketch->hashes[i / 16] =
            sketch->hashes[i / 16] << 4 | (uint64_t)(strchr(digits, text[i]) - digits);
    for (size_t i = 1; i < sketch->count; i++)
        if (sketch->hashes[i - 1] >= sketch->hashes[i])
            return false;
    return true;
}

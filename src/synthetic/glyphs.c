#include "synthetic/glyphs.h"

/* embed_glyphs.py makes glyphs.inc from glyphs.svg: MB_VARIANT(name, digit, weight, kinds of the
 * points, examples). */
#define MB_VARIANT(name, digit, weight, kinds, ...)                                                \
    static const mb_glyph_point name[][sizeof kinds - 1] = {__VA_ARGS__};
#include "synthetic/glyphs.inc"
#undef MB_VARIANT

#define MB_VARIANT(name, digit, weight, kinds, ...)                                                \
    {name[0], kinds, digit, weight, sizeof name / sizeof *name, sizeof kinds - 1},
static const mb_glyph_variant variants[] = {
#include "synthetic/glyphs.inc"
};

/* Fitted to MNIST's training images. The maximum radius keeps the loops of a digit that is scaled
 * up to full height from filling; a 1 has none, and is written straighter than the others. */
static const mb_glyph glyphs[MB_DIGITS] = {
    {.slant = 0.20f, .radius = 7.8f, .max_radius = 0.6f, .variation = 1.0f},
    {.slant = 0.24f, .radius = 7.9f, .max_radius = 0.0f, .variation = 0.6f},
    {.slant = 0.07f, .radius = 7.6f, .max_radius = 0.6f, .variation = 1.0f},
    {.slant = 0.06f, .radius = 7.3f, .max_radius = 0.6f, .variation = 1.0f},
    {.slant = 0.19f, .radius = 7.0f, .max_radius = 0.6f, .variation = 1.0f},
    {.slant = 0.07f, .radius = 7.1f, .max_radius = 0.6f, .variation = 1.0f},
    {.slant = 0.07f, .radius = 7.1f, .max_radius = 0.6f, .variation = 1.0f},
    {.slant = 0.00f, .radius = 7.3f, .max_radius = 0.6f, .variation = 1.0f},
    {.slant = 0.13f, .radius = 6.6f, .max_radius = 0.6f, .variation = 1.0f},
    {.slant = 0.10f, .radius = 6.4f, .max_radius = 0.6f, .variation = 1.0f},
};

mb_glyph mb_glyph_of(size_t digit)
{
    mb_glyph glyph = glyphs[digit];
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
        if (variants[i].digit != digit)
            continue;
        if (glyph.count++ == 0)
            glyph.variants = &variants[i];
        glyph.weight += variants[i].weight;
    }
    return glyph;
}

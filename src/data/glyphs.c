#include "data/glyphs.h"

#include "data/forms.h"

#include <stdbool.h>

/* MNIST's writers lean some digits more than others; fitting to one height makes the line of a
 * digit that is written small a bold one; and a 1 is drawn straight, with any pen. */
static const struct {
    float slant, radius, bold, loose;
} habits[MB_DIGITS] = {
    {0.20f, 7.8f, 0.6f, 1.0f}, {0.24f, 7.9f, 0.0f, 0.6f}, {0.07f, 7.6f, 0.6f, 1.0f},
    {0.06f, 7.3f, 0.6f, 1.0f}, {0.19f, 7.0f, 0.6f, 1.0f}, {0.07f, 7.1f, 0.6f, 1.0f},
    {0.07f, 7.1f, 0.6f, 1.0f}, {0.00f, 7.3f, 0.6f, 1.0f}, {0.13f, 6.6f, 0.6f, 1.0f},
    {0.10f, 6.4f, 0.6f, 1.0f},
};

mb_glyph mb_glyph_of(size_t digit)
{
    const bool low = digit < 5;
    const mb_form *forms = low ? mb_forms_0_4 : mb_forms_5_9;
    const size_t count = low ? mb_forms_0_4_count : mb_forms_5_9_count;
    mb_glyph glyph = {.slant = habits[digit].slant,
                      .radius = habits[digit].radius,
                      .bold = habits[digit].bold,
                      .loose = habits[digit].loose};
    for (size_t i = 0; i < count; i++) {
        if (forms[i].digit != digit)
            continue;
        if (glyph.count++ == 0)
            glyph.forms = &forms[i];
        glyph.weight += forms[i].weight;
    }
    return glyph;
}

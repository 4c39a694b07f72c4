#include "synthetic/glyphs.h"
#include "test.h"

#include <stdbool.h>
#include <string.h>

static void check_kinds(const mb_glyph_variant *variant)
{
    assert_int_equal(strlen(variant->kinds), variant->count);
    for (size_t i = 0; i < variant->count; i++) {
        const char kind = variant->kinds[i];
        assert_true(kind == MB_POINT_SMOOTH || kind == MB_POINT_CORNER || kind == MB_POINT_STROKE);
        const bool starts = kind == MB_POINT_STROKE;
        const bool edge =
            i == 0 || i + 1 == variant->count || variant->kinds[i - 1] == MB_POINT_STROKE;
        assert_false(starts && edge); /* every stroke has at least two points */
        assert_false(kind == MB_POINT_CORNER && (edge || variant->kinds[i + 1] == MB_POINT_STROKE));
    }
}

/* Examples fill about the unit height, and have a line between any two points of a stroke.
 */
static void check_example(const mb_glyph_variant *variant, const mb_glyph_point *points)
{
    int min = 127, max = -128;
    for (size_t i = 0; i < variant->count; i++) {
        assert_in_range(points[i].x + 10, 0, 120);
        assert_in_range(points[i].y + 10, 0, 120);
        min = points[i].y < min ? points[i].y : min;
        max = points[i].y > max ? points[i].y : max;
        if (i > 0)
            assert_false(points[i].x == points[i - 1].x && points[i].y == points[i - 1].y);
    }
    assert_true(max - min >= 60);
}

TEST(every_variant_is_valid)
{
    for (size_t digit = 0; digit < MB_DIGITS; digit++) {
        const mb_glyph glyph = mb_glyph_of(digit);
        uint32_t weight = 0;
        assert_true(glyph.count >= 3);
        assert_true(glyph.radius > 0.0f);
        assert_true(glyph.max_radius >= 0.0f);
        assert_true(glyph.variation > 0.0f);
        for (size_t f = 0; f < glyph.count; f++) {
            const mb_glyph_variant *variant = &glyph.variants[f];
            assert_int_equal(variant->digit, digit);
            assert_true(variant->weight > 0);
            assert_true(variant->examples >= 2);
            assert_in_range(variant->count, 3, MB_MAX_GLYPH_POINTS);
            weight += variant->weight;
            check_kinds(variant);
            for (size_t e = 0; e < variant->examples; e++)
                check_example(variant, variant->points + e * variant->count);
        }
        assert_int_equal(glyph.weight, weight);
    }
}

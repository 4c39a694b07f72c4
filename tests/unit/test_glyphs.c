#include "data/glyphs.h"
#include "test.h"

#include <stdbool.h>
#include <string.h>

static void check_turns(const mb_form *form)
{
    assert_int_equal(strlen(form->turns), form->count);
    for (size_t i = 0; i < form->count; i++) {
        const char turn = form->turns[i];
        assert_true(turn == MB_SMOOTH || turn == MB_CORNER || turn == MB_LIFTED);
        const bool lifted = turn == MB_LIFTED;
        const bool edge = i == 0 || i + 1 == form->count || form->turns[i - 1] == MB_LIFTED;
        assert_false(lifted && edge); /* every stroke has two dots */
        assert_false(turn == MB_CORNER && (edge || form->turns[i + 1] == MB_LIFTED));
    }
}

/* Examples fill the unit height, more or less, and have a line between any two dots of a stroke. */
static void check_example(const mb_form *form, const mb_dot *dots)
{
    int least = 127, most = -128;
    for (size_t i = 0; i < form->count; i++) {
        assert_in_range(dots[i].x + 10, 0, 120);
        assert_in_range(dots[i].y + 10, 0, 120);
        least = dots[i].y < least ? dots[i].y : least;
        most = dots[i].y > most ? dots[i].y : most;
        if (i > 0)
            assert_false(dots[i].x == dots[i - 1].x && dots[i].y == dots[i - 1].y);
    }
    assert_true(most - least >= 60);
}

TEST(every_form_is_sound)
{
    for (size_t digit = 0; digit < MB_DIGITS; digit++) {
        const mb_glyph glyph = mb_glyph_of(digit);
        uint32_t weight = 0;
        assert_true(glyph.count >= 3);
        assert_true(glyph.radius > 0.0f);
        assert_true(glyph.bold >= 0.0f);
        assert_true(glyph.loose > 0.0f);
        for (size_t f = 0; f < glyph.count; f++) {
            const mb_form *form = &glyph.forms[f];
            assert_int_equal(form->digit, digit);
            assert_true(form->weight > 0);
            assert_true(form->examples >= 2);
            assert_in_range(form->count, 3, MB_GLYPH_DOTS);
            weight += form->weight;
            check_turns(form);
            for (size_t e = 0; e < form->examples; e++)
                check_example(form, form->dots + e * form->count);
        }
        assert_int_equal(glyph.weight, weight);
    }
}

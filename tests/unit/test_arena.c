#include "core/arena.h"
#include "test.h"

#include <stdbool.h>
#include <string.h>

static bool is_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Sizes around a cache line, around the smallest block (64 KiB) and around a huge page (2 MiB). */
static const size_t sizes[] = {1,     2,     63,    64,      65,      1000,    65408,  65472,
                               65536, 65537, 70000, 2097088, 2097152, 2097153, 5000000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Each piece is filled when it is taken, so an overlap would show as bytes that are not zero, or
 * as bytes of another piece. */
TEST(pieces_are_aligned_zeroed_and_apart)
{
    enum { ROUNDS = 3 };
    mb_arena arena = {0};
    uint8_t *pieces[ROUNDS * SIZES];
    for (size_t i = 0; i < ROUNDS * SIZES; i++) {
        const size_t size = sizes[i % SIZES];
        pieces[i] = mb_arena_alloc(&arena, size, 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % MB_CACHE_LINE, 0);
        assert_true(is_zero(pieces[i], size));
        memset(pieces[i], (int)i + 1, size);
    }
    for (size_t i = 0; i < ROUNDS * SIZES; i++)
        for (size_t b = 0; b < sizes[i % SIZES]; b++)
            if (pieces[i][b] != i + 1)
                fail_msg("piece %zu has byte %u at %zu", i, pieces[i][b], b);
    mb_arena_free(&arena);
}

/* Freed memory comes back dirty from the allocator, and must be cleared again. */
TEST(memory_is_zeroed_when_used_again)
{
    for (size_t round = 0; round < 4; round++) {
        mb_arena arena = {0};
        for (size_t i = 0; i < SIZES; i++) {
            uint8_t *piece = mb_arena_alloc(&arena, sizes[i], 1);
            assert_true(is_zero(piece, sizes[i]));
            memset(piece, 0xff, sizes[i]);
        }
        mb_arena_free(&arena);
        assert_null(arena.blocks);
    }
}

TEST(elements_count_by_their_size)
{
    mb_arena arena = {0};
    double *values = mb_arena_alloc(&arena, 100000, sizeof *values);
    uint8_t *next = mb_arena_alloc(&arena, 1, 1);
    *next = 0xff;
    for (size_t i = 0; i < 100000; i++)
        values[i] = 1.0;
    assert_int_equal(*next, 0xff);
    assert_true(is_zero(next + 1, MB_CACHE_LINE - 1)); /* the rest of its line is nobody else's */
    mb_arena_free(&arena);
}

/* Once an allocation has failed, all later ones do, and the pieces from before stay. */
TEST(failure_is_remembered)
{
    static const size_t cases[][2] = {{SIZE_MAX, 2},
                                      {SIZE_MAX / 2 + 1, 2},
                                      {1, SIZE_MAX},
                                      {1, SIZE_MAX - MB_CACHE_LINE},
                                      {1, SIZE_MAX - 2 * MB_CACHE_LINE},
                                      {SIZE_MAX / 4 * 3, 1}};
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_arena arena = {0};
        mb_error error = {0};
        uint8_t *piece = mb_arena_alloc(&arena, 10, 1);
        assert_non_null(piece);
        assert_int_equal(mb_arena_status(&arena, "test", &error), MB_OK);
        assert_null(mb_arena_alloc(&arena, cases[i][0], cases[i][1]));
        assert_null(mb_arena_alloc(&arena, 1, 1));
        assert_null(mb_arena_strdup(&arena, "text"));
        assert_true(is_zero(piece, 10));
        assert_int_equal(mb_arena_status(&arena, "test", &error), MB_ERROR_MEMORY);
        assert_non_null(strstr(error.text, "test: out of memory: "));
        mb_arena_free(&arena);
        assert_non_null(mb_arena_alloc(&arena, 1, 1));
        mb_arena_free(&arena);
    }
}

TEST(nothing_is_a_valid_pointer)
{
    mb_arena arena = {0};
    assert_non_null(mb_arena_alloc(&arena, 0, 8));
    assert_non_null(mb_arena_alloc(&arena, 8, 0));
    assert_non_null(mb_arena_alloc(&arena, 0, SIZE_MAX));
    mb_arena_free(&arena);
    mb_arena_free(&arena); /* an empty one is fine */
    assert_null(arena.blocks);
}

TEST(strings_are_copies)
{
    mb_arena arena = {0};
    char text[] = "dense:10";
    char *copy = mb_arena_strdup(&arena, text);
    text[0] = 'D';
    assert_string_equal(copy, "dense:10");
    assert_string_equal(mb_arena_strdup(&arena, ""), "");
    mb_arena_free(&arena);
}

TEST(products_are_checked)
{
    size_t product = 7;
    assert_true(mb_multiply(0, SIZE_MAX, &product));
    assert_int_equal(product, 0);
    assert_true(mb_multiply(SIZE_MAX / 3, 3, &product));
    assert_int_equal(product, SIZE_MAX / 3 * 3);
    assert_false(mb_multiply(SIZE_MAX / 3 + 1, 3, &product));
    assert_false(mb_multiply(SIZE_MAX, SIZE_MAX, &product));
}

#include "nn/spec.h"
#include "support.h"
#include "test.h"

#include <stdio.h>
#include <string.h>

static mb_spec parse(mb_arena *arena, const char *text, size_t classes)
{
    mb_spec spec = {0};
    mb_error error = {0};
    if (mb_spec_parse(text, classes, arena, &spec, &error) != MB_OK)
        fail_msg("%s: %s", text, error.text);
    return spec;
}

TEST(layers_are_names_with_arguments)
{
    mb_arena arena = {0};
    char text[] = "dense:128,relu,conv:a:b,dense:";
    const mb_spec spec = parse(&arena, text, 10);
    memset(text, 'x', sizeof text - 1); /* it has copied the caller's text */
    assert_string_equal(spec.text, "dense:128,relu,conv:a:b,dense:");
    assert_int_equal(spec.count, 4);
    assert_string_equal(spec.layers[0].name, "dense");
    assert_string_equal(spec.layers[0].argument, "128");
    assert_string_equal(spec.layers[1].name, "relu");
    assert_null(spec.layers[1].argument);
    assert_string_equal(spec.layers[2].name, "conv");
    assert_string_equal(spec.layers[2].argument, "a:b");
    assert_string_equal(spec.layers[3].argument, "");
    mb_arena_free(&arena);
}

TEST(mlp_is_written_out_for_the_classes)
{
    static const size_t classes[] = {2, 10, 256};
    for (size_t i = 0; i < 3; i++) {
        mb_arena arena = {0};
        char expected[64];
        const mb_spec spec = parse(&arena, "mlp", classes[i]);
        snprintf(expected, sizeof expected, "dense:128,relu,dense:64,relu,dense:%zu", classes[i]);
        assert_string_equal(spec.text, expected);
        assert_int_equal(spec.count, 5);
        assert_string_equal(spec.layers[4].argument, strrchr(expected, ':') + 1);
        mb_arena_free(&arena);
    }
}

TEST(names_are_whole_specs_only)
{
    mb_arena arena = {0};
    mb_spec spec = parse(&arena, "mlp,relu", 10);
    assert_string_equal(spec.text, "mlp,relu");
    assert_string_equal(spec.layers[0].name, "mlp");
    spec = parse(&arena, "MLP", 10);
    assert_string_equal(spec.text, "MLP");
    spec = parse(&arena, " relu", 10); /* spaces are part of a name */
    assert_string_equal(spec.layers[0].name, " relu");
    mb_arena_free(&arena);
}

static void fails(const char *text, const char *why)
{
    mb_arena arena = {0};
    mb_spec spec;
    mb_error error = {0};
    assert_int_equal(mb_spec_parse(text, 10, &arena, &spec, &error), MB_ERROR_INVALID);
    mb_test_check_error(&error, MB_ERROR_INVALID, why);
    mb_arena_free(&arena);
}

TEST(empty_layers_are_refused)
{
    fails("", "network: layer 1 of '' is empty");
    fails(",dense:10", "network: layer 1 of ',dense:10' is empty");
    fails("dense:8,,dense:10", "network: layer 2 of 'dense:8,,dense:10' is empty");
    fails("dense:10,", "network: layer 2 of 'dense:10,' is empty");
}

/* "relu,relu,..,relu": `count` layers. */
static void many(char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        memcpy(text + 5 * i, "relu,", 5);
    text[5 * count - 1] = '\0';
}

TEST(layers_have_a_limit)
{
    mb_arena arena = {0};
    char text[5 * (MB_MAX_LAYERS + 1)];
    many(text, MB_MAX_LAYERS);
    assert_int_equal(parse(&arena, text, 10).count, MB_MAX_LAYERS);
    many(text, MB_MAX_LAYERS + 1);
    fails(text, "network: must be at most 256 layers");
    mb_arena_free(&arena);
}

TEST(text_has_a_limit)
{
    mb_arena arena = {0};
    char text[MB_MAX_SPEC + 1];
    memset(text, 'x', MB_MAX_SPEC);
    text[MB_MAX_SPEC] = '\0';
    fails(text, "network: must be at most 4095 characters");
    text[MB_MAX_SPEC - 1] = '\0';
    assert_int_equal(parse(&arena, text, 10).count, 1);
    mb_arena_free(&arena);
}

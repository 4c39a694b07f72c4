#include "core/rng.h"
#include "data/gunzip.h"
#include "support.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t no_limit = (size_t)1 << 30;

/* Bytes of 0 .. 9, which deflate compresses to about half. */
static mb_bytes digits(size_t count)
{
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, 0);
    mb_bytes bytes = {malloc(count + 1), count};
    assert_non_null(bytes.data);
    for (size_t i = 0; i < count; i++)
        bytes.data[i] = (uint8_t)mb_rng_below(&rng, 10);
    return bytes;
}

/* Unpacks and frees `packed`, and compares. */
static void check_unpacks(mb_bytes packed, const mb_bytes *expected)
{
    mb_bytes made = {0};
    mb_error error = {MB_OK, ""};
    const mb_status status = mb_gunzip("x.gz", &packed, no_limit, &made, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, MB_OK);
    assert_int_equal(made.size, expected->size);
    assert_memory_equal(made.data, expected->data, expected->size);
    free(packed.data);
    free(made.data);
}

/* Fails to unpack `packed`, frees it, and compares the text. */
static void check_fails(mb_bytes packed, size_t limit, const char *text)
{
    mb_bytes made = {0};
    mb_error error = {MB_OK, ""};
    assert_int_equal(mb_gunzip("x.gz", &packed, limit, &made, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, text);
    assert_null(made.data);
    free(packed.data);
}

TEST(one_member)
{
    const size_t sizes[] = {0, 1, 1000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const mb_bytes bytes = digits(sizes[i]);
        check_unpacks(mb_test_gzip(bytes), &bytes);
        free(bytes.data);
    }
}

/* 10 MB of zeros compress to 10 kB, far beyond the usual ratio. */
TEST(expands_1000_times)
{
    const mb_bytes zeros = {calloc(10000000, 1), 10000000};
    assert_non_null(zeros.data);
    check_unpacks(mb_test_gzip(zeros), &zeros);
    free(zeros.data);
}

TEST(members_and_padding)
{
    const mb_bytes bytes = digits(50000), short_end = {bytes.data, 10};
    const mb_bytes padding = {calloc(512, 1), 512};
    mb_bytes expected = mb_test_join(digits(50000), digits(50000));
    mb_bytes packed = mb_test_join(mb_test_gzip(bytes), mb_test_gzip(bytes));
    check_unpacks(packed, &expected);
    expected = mb_test_join(expected, digits(10));
    packed = mb_test_join(mb_test_gzip(bytes), mb_test_gzip(bytes));
    packed = mb_test_join(packed, mb_test_gzip(short_end));
    check_unpacks(mb_test_join(packed, padding), &expected);
    free(expected.data);
    free(bytes.data);
}

/* The optional fields that gzip(1) and others put between the fixed header and the data. */
TEST(optional_header_fields)
{
    static const uint8_t fields[] = "\3\0abcname\0comment\0hc";
    const mb_bytes bytes = digits(1000);
    for (int broken = 0; broken < 2; broken++) {
        mb_bytes packed = mb_test_gzip(bytes);
        mb_bytes with = {calloc(packed.size + sizeof fields - 1, 1),
                         packed.size + sizeof fields - 1};
        assert_non_null(with.data);
        memcpy(with.data, packed.data, 10);
        with.data[3] = 0x1e;
        memcpy(with.data + 10, fields, sizeof fields - 1);
        memcpy(with.data + 10 + sizeof fields - 1, packed.data + 10, packed.size - 10);
        free(packed.data);
        if (broken == 0) {
            check_unpacks(with, &bytes);
        } else {
            with.data[with.size - 8] ^= 1;
            check_fails(with, no_limit, "x.gz: bad checksum: 0x");
        }
    }
    free(bytes.data);
}

TEST(truncated_anywhere)
{
    const mb_bytes bytes = digits(20000);
    const mb_bytes whole = mb_test_gzip(bytes);
    for (size_t size = 2; size < whole.size; size += size < 20 || whole.size - size < 20 ? 1 : 97) {
        char text[128];
        mb_bytes packed = {malloc(size), size};
        assert_non_null(packed.data);
        memcpy(packed.data, whole.data, size);
        snprintf(text, sizeof text, "x.gz: truncated: the gzip data continues after all %zu bytes",
                 size);
        check_fails(packed, no_limit, text);
    }
    free(whole.data);
    free(bytes.data);
}

TEST(truncated_second_member)
{
    const mb_bytes bytes = digits(20000);
    mb_bytes packed = mb_test_join(mb_test_gzip(bytes), mb_test_gzip(bytes));
    char text[128];
    packed.size -= 1000;
    snprintf(text, sizeof text, "x.gz: truncated: the gzip data continues after all %zu bytes",
             packed.size);
    check_fails(packed, no_limit, text);
    free(bytes.data);
}

TEST(bad_checksum)
{
    const mb_bytes bytes = mb_test_text("123456789");
    mb_bytes packed = mb_test_gzip(bytes);
    packed.data[packed.size - 8] ^= 0xff; /* the CRC-32 of "123456789" is 0xcbf43926 */
    check_fails(packed, no_limit,
                "x.gz: bad checksum: 0xcbf439d9 is promised, 9 unpacked bytes have 0xcbf43926");
    free(bytes.data);
}

TEST(bad_length)
{
    const mb_bytes bytes = digits(3000);
    mb_bytes packed = mb_test_gzip(bytes);
    packed.data[packed.size - 4] ^= 1;
    check_fails(packed, no_limit, "x.gz: bad length: 3001 bytes are promised, 3000 are there");
    free(bytes.data);
}

/* A stored block is not compressed, so the position of the damage is known: 60000 good bytes, then
 * a block of the reserved type 3. */
TEST(damaged_in_the_middle)
{
    static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0x60, 0xea, 0x9f, 0x15};
    const size_t stored = 60000, size = sizeof header + stored + 2000;
    mb_bytes packed = {malloc(size), size};
    assert_non_null(packed.data);
    memset(packed.data, 0x07, size);
    memcpy(packed.data, header, sizeof header);
    check_fails(packed, no_limit, "x.gz: damaged: cannot be unpacked past its first 60000 bytes");
}

TEST(damaged_header)
{
    const mb_bytes bytes = digits(3000);
    mb_bytes packed = mb_test_gzip(bytes);
    packed.data[2] = 7;
    check_fails(packed, no_limit,
                "x.gz: damaged: the gzip header at byte 0 has method 7 and flags 0x00");
    packed = mb_test_gzip(bytes);
    packed.data[3] = 0x80;
    check_fails(packed, no_limit, "has method 8 and flags 0x80");
    free(bytes.data);
}

TEST(trailing_garbage)
{
    const mb_bytes bytes = digits(3000);
    const mb_bytes packed = mb_test_gzip(bytes);
    char text[128];
    snprintf(text, sizeof text, "x.gz: trailing garbage: 5 bytes follow the gzip data at byte %zu",
             packed.size);
    check_fails(mb_test_join(packed, mb_test_text("extra")), no_limit, text);
    free(bytes.data);
}

TEST(too_large)
{
    const mb_bytes zeros = {calloc(10000000, 1), 10000000};
    assert_non_null(zeros.data);
    check_fails(mb_test_gzip(zeros), 9999999,
                "x.gz: too large: unpacks to more than 9999999 bytes");
    mb_bytes packed = mb_test_gzip(zeros), made = {0};
    assert_int_equal(mb_gunzip("x.gz", &packed, zeros.size, &made, NULL), MB_OK);
    assert_int_equal(made.size, zeros.size);
    free(made.data);
    free(packed.data);
    free(zeros.data);
}

TEST(not_gzip)
{
    check_fails(mb_test_text("plain"), no_limit, "x.gz: not a gzip file: 5 bytes");
    const mb_bytes one = {malloc(1), 1};
    assert_non_null(one.data);
    one.data[0] = 0x1f;
    assert_false(mb_is_gzip(&one));
    free(one.data);
}

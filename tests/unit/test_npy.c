#include "core/util.h"
#include "numpy_files.h"
#include "sources/npy.h"
#include "support.h"
#include "test.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes the file and opens it; frees `bytes`. */
static mb_status open_bytes(mb_bytes bytes, mb_npy *npy, mb_error *error)
{
    mb_byte_stream stream = {0};
    char *path = mb_test_write(mb_test_folder(), "a.npy", bytes);
    mb_test_defer(free, path);
    free(bytes.data);
    assert_int_equal(mb_file_stream_open(path, &stream, NULL), MB_OK);
    *error = (mb_error){0};
    *npy = (mb_npy){.elements = 0};
    const mb_status status = mb_npy_open(&stream, npy, error);
    assert_null(stream.close);
    return status;
}

static void opens(mb_bytes bytes, mb_npy *npy)
{
    mb_error error;
    const mb_status status = open_bytes(bytes, npy, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, MB_OK);
}

static void is_refused(mb_bytes bytes, const char *why)
{
    mb_npy npy;
    mb_error error;
    assert_int_equal(open_bytes(bytes, &npy, &error), MB_ERROR_FORMAT);
    mb_test_check_error(&error, MB_ERROR_FORMAT, why);
    assert_non_null(strstr(error.text, "a.npy: "));
    assert_null(npy.stream.close);
}

/* ---- elements ---- */

/* The value as an element of this type. */
static void encode(const char *type, double value, uint8_t *to)
{
    const size_t size = (size_t)(type[2] - '0');
    const float single = (float)value;
    uint64_t bits = 0;
    if (type[1] == 'f') {
        uint32_t low;
        memcpy(&low, &single, sizeof low);
        memcpy(&bits, &value, sizeof bits);
        /* 16 bits: values that need no rounding */
        const uint32_t half =
            value == 0.0 ? 0 : (low >> 16 & 0x8000) | ((low >> 13 & 0x3ffff) - 0x1c000);
        bits = size == 4 ? low : size == 2 ? half & 0xffff : bits;
    } else {
        bits = (uint64_t)(int64_t)value;
    }
    for (size_t i = 0; i < size; i++)
        to[type[0] == '>' ? size - 1 - i : i] = (uint8_t)(bits >> 8 * i);
}

static mb_bytes npy_of(const char *type, const char *shape, const double *values, size_t count)
{
    uint8_t data[64 * 8];
    assert_in_range(count, 1, 64);
    for (size_t i = 0; i < count; i++)
        encode(type, values[i], data + i * (size_t)(type[2] - '0'));
    return mb_test_npy(type, shape, data, count * (size_t)(type[2] - '0'));
}

static const char *const types[] = {"|u1", "<u1", "<u2", ">u2", "<u4", ">u4", "<u8",
                                    ">u8", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8",
                                    "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"};

static const size_t plain_strides[] = {1};

TEST(pixels_of_all_types)
{
    static const double values[] = {0, 1, 2, 128, 255, 37};
    static const uint8_t wanted[] = {0, 1, 2, 128, 255, 37};
    for (size_t i = 0; i < TEST_COUNT(types); i++) {
        uint8_t pixels[6] = {0};
        mb_npy npy;
        opens(npy_of(types[i], "(6,)", values, 6), &npy);
        assert_int_equal(mb_npy_read_pixels(&npy, plain_strides, pixels, NULL), MB_OK);
        assert_memory_equal(pixels, wanted, 6);
        mb_npy_close(&npy);
    }
}

TEST(values_up_to_1_are_scaled)
{
    static const struct {
        const char *type;
        double values[4];
        uint8_t pixels[4];
    } cases[] = {{"<f4", {1, 0, 0.5, 1}, {255, 0, 128, 255}},
                 {">f8", {1, 0, 0.25, 1.0 / 255.0}, {255, 0, 64, 1}},
                 {"<f2", {1, 0, 0.5, 0.75}, {255, 0, 128, 191}},
                 {"<f4", {1, 0, 0, 1}, {255, 0, 0, 255}},
                 {"|b1", {1, 0, 0, 1}, {255, 0, 0, 255}},
                 {"|u1", {1, 0, 0, 1}, {255, 0, 0, 255}},
                 {"<i4", {0, 0, 0, 0}, {0, 0, 0, 0}}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        uint8_t pixels[4] = {0};
        mb_npy npy;
        opens(npy_of(cases[i].type, "(4,)", cases[i].values, 4), &npy);
        assert_int_equal(mb_npy_read_pixels(&npy, plain_strides, pixels, NULL), MB_OK);
        assert_memory_equal(pixels, cases[i].pixels, 4);
        mb_npy_close(&npy);
    }
}

/* More than one chunk: 0 and 1, then fractions; every k/255 comes back as k. */
TEST(scale_is_found_late)
{
    enum { COUNT = 10256 };
    float *values = mb_test_alloc(COUNT, sizeof *values);
    uint8_t *pixels = mb_test_alloc(COUNT, 1);
    mb_npy npy;
    for (size_t i = 0; i < COUNT; i++)
        values[i] = i < 10000 ? (float)(i % 3 == 1) : (float)(i - 10000) / 255.0f;
    opens(mb_test_npy("<f4", "(10256,)", values, COUNT * sizeof *values), &npy);
    assert_int_equal(mb_npy_read_pixels(&npy, plain_strides, pixels, NULL), MB_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(pixels[i], i < 10000 ? (i % 3 == 1 ? 255 : 0) : i - 10000);
    mb_npy_close(&npy);
}

TEST(other_values_are_refused)
{
    static const struct {
        const char *type;
        double values[3];
        const char *why;
    } cases[] = {{"<f4", {0, 0.5, 2}, "value 2 at element 2: all must be"},
                 {"<f4", {0, 2, 0.5}, "value 0.5 at element 2: all must be"},
                 {"<f4", {0, -0.5, 0.5}, "value -0.5 at element 1: all must be"},
                 {"<i2", {0, -1, 3}, "value -1 at element 1"},
                 {">i8", {0, 256, 3}, "value 256 at element 1"},
                 {"<f8", {0, NAN, 3}, "nan at element 1"},
                 {"<f4", {INFINITY, 1, 3}, "value inf at element 0"}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        uint8_t pixels[3] = {0};
        mb_npy npy;
        mb_error error = {0};
        opens(npy_of(cases[i].type, "(3,)", cases[i].values, 3), &npy);
        assert_int_equal(mb_npy_read_pixels(&npy, plain_strides, pixels, &error), MB_ERROR_FORMAT);
        mb_test_check_error(&error, MB_ERROR_FORMAT, cases[i].why);
        mb_npy_close(&npy);
    }
}

TEST(integers_of_all_types)
{
    static const double values[] = {0, 1, 200, 77};
    for (size_t i = 0; i < TEST_COUNT(types); i++) {
        int64_t found[5] = {0};
        size_t count = 0, more = 9;
        mb_npy npy;
        opens(npy_of(types[i], "(4,)", values, 4), &npy);
        assert_int_equal(mb_npy_read_integers(&npy, 3, found, &count, NULL), MB_OK);
        assert_int_equal(count, 3);
        assert_int_equal(mb_npy_read_integers(&npy, 2, found + 3, &more, NULL), MB_OK);
        assert_int_equal(more, 1);
        for (size_t k = 0; k < 4; k++)
            assert_true(found[k] == (int64_t)values[k]);
        mb_npy_close(&npy);
    }
}

TEST(integers_that_are_none)
{
    static const struct {
        const char *type;
        double value;
        const char *why;
    } cases[] = {{"<f4", 0.5, "0.5 at element 0: must be a whole number"},
                 {"<f8", NAN, "nan at element 0: must be a whole number"},
                 {"<f8", 1e300, "1e+300 at element 0: must be a whole number"},
                 {"<u8", -1, "1.84467e+19 at element 0: too large"},
                 {"<i8", -5, NULL}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        int64_t found = 0;
        size_t count = 0;
        mb_npy npy;
        mb_error error = {0};
        opens(npy_of(cases[i].type, "(1,)", &cases[i].value, 1), &npy);
        const mb_status status = mb_npy_read_integers(&npy, 9, &found, &count, &error);
        assert_int_equal(status, cases[i].why != NULL ? MB_ERROR_FORMAT : MB_OK);
        if (cases[i].why != NULL)
            mb_test_check_error(&error, MB_ERROR_FORMAT, cases[i].why);
        else
            assert_true(found == -5);
        mb_npy_close(&npy);
    }
}

/* Element (i, j, k) of either order goes to i * strides[0] + j * strides[1] + k * strides[2]. */
TEST(places_of_elements)
{
    static const size_t strides[][3] = {{12, 4, 1}, {12, 1, 3}, {1, 2, 6}, {4, 8, 1}};
    for (size_t s = 0; s < TEST_COUNT(strides); s++)
        for (int fortran = 0; fortran < 2; fortran++) {
            uint8_t data[24], pixels[24] = {0}, wanted[24];
            char header[100];
            mb_npy npy;
            for (size_t n = 0; n < 24; n++) {
                const size_t i = fortran ? n % 2 : n / 12, j = fortran ? n / 2 % 3 : n / 4 % 3;
                const size_t k = fortran ? n / 6 : n % 4;
                data[n] = (uint8_t)(10 + n);
                wanted[i * strides[s][0] + j * strides[s][1] + k * strides[s][2]] = data[n];
            }
            snprintf(header, sizeof header,
                     "{'descr': '|u1', 'fortran_order': %s, 'shape': (2, 3, 4), }",
                     fortran ? "True" : "False");
            opens(mb_test_npy_of(header, data, 24), &npy);
            assert_int_equal(mb_npy_read_pixels(&npy, strides[s], pixels, NULL), MB_OK);
            assert_memory_equal(pixels, wanted, 24);
            mb_npy_close(&npy);
        }
}

/* ---- headers ---- */

TEST(headers)
{
    static const struct {
        const char *header, *why; /* of 6 bytes; NULL: it is good */
    } cases[] = {
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,), }", NULL},
        {"{'shape': (2, 3), 'fortran_order': True, 'descr': '<u2'}",
         "the header promises 12 bytes"},
        {"{\"descr\":\"|i1\",\"fortran_order\":False,\"shape\":(2,3)}  ", NULL},
        {"{'descr': '<i2', 'fortran_order': False, 'shape': (3L,), }", NULL},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (7,), }",
         "truncated: the header promises 7 bytes of elements, 6 are there"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }",
         "trailing garbage: the header promises 5 bytes of elements, 6 are there"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (), }", "promises 1 bytes"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 6), }", "empty: shape (0, 6)"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6), }", "'shape' is not valid"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (-6,), }", "'shape' is not valid"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6 6), }", "'shape' is not valid"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': 6, }", "'shape' is not valid"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1152921504606846976,), }",
         "too large: shape (1152921504606846976,) of 1-byte elements"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 16), }",
         "too large"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }",
         "'shape' is not valid"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (6,), }", "Python objects"},
        {"{'descr': '<U3', 'fortran_order': False, 'shape': (6,), }", "'<U3', texts"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (6,), }", "'<c8', complex numbers"},
        {"{'descr': '<f3', 'fortran_order': False, 'shape': (2,), }", "type '<f3'"},
        {"{'descr': '|f1', 'fortran_order': False, 'shape': (6,), }", "type '|f1'"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (6,), }", "type '<f16'"},
        {"{'descr': '|i4', 'fortran_order': False, 'shape': (6,), }", "type '|i4'"},
        {"{'descr': '', 'fortran_order': False, 'shape': (6,), }", "type ''"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }",
         "elements with fields"},
        {"{'descr': '|u1', 'fortran_order': false, 'shape': (6,), }", "'fortran_order'"},
        {"{'descr': '|u1', 'fortran_order': False, }", "must be a dictionary"},
        {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (6,), }",
         "must be a dictionary"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,), 'more': 1}",
         "must be a dictionary"},
        {"{'descr': '|u1' 'fortran_order': False, 'shape': (6,)}", "must be a dictionary"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,)", "must be a dictionary"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,)} x", "must be a dictionary"},
        {"__import__('os')", "must be a dictionary"},
        {"", "must be a dictionary"}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_npy npy;
        const mb_bytes bytes = mb_test_npy_of(cases[i].header, "abcdef", 6);
        if (cases[i].why != NULL) {
            is_refused(bytes, cases[i].why);
        } else {
            opens(bytes, &npy);
            assert_int_equal(npy.elements * npy.size, 6);
            mb_npy_close(&npy);
        }
    }
}

/* Of versions 2 and 3, the length of the header has four bytes. */
TEST(versions)
{
    for (unsigned version = 0; version < 5; version++) {
        static const char header[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}\n";
        mb_bytes bytes = {malloc(12 + sizeof header), 12 + sizeof header};
        mb_npy npy;
        assert_non_null(bytes.data);
        memcpy(bytes.data, "\x93NUMPY\0\0\0\0\0\0", 12);
        bytes.data[6] = (uint8_t)version;
        bytes.data[8] = sizeof header - 1;
        memcpy(bytes.data + 12, header, sizeof header);
        if (version == 2 || version == 3) {
            opens(bytes, &npy);
            mb_npy_close(&npy);
        } else {
            is_refused(bytes, version == 1 ? "NPY header" : "must be 1, 2 or 3");
        }
    }
}

TEST(not_npy)
{
    is_refused(mb_test_text(""), "not an NPY array");
    is_refused(mb_test_text("\x93NUMPX\1 abcdefghijk"), "not an NPY array");
    is_refused(mb_test_text("\x93NUMPY\1"), "not an NPY array");
    is_refused(mb_test_text("\x93NUMPY\1 "), "invalid NPY header");
    is_refused(mb_test_text("\x93NUMPY\1 zz{}"), "truncated NPY header, of 31354 bytes");
    is_refused(mb_test_text("\x93NUMPY\2 zzzz{}"), "of 2054847098 bytes, at most 65536");
}

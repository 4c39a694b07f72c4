#include "core/endian.h"
#include "core/file.h"
#include "model/safetensors.h"
#include "support.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *path_of(const char *name)
{
    char *path = mb_path_join(mb_test_folder(), name);
    assert_non_null(path);
    return path;
}

/* A file of this header and data_size zero bytes, in an allocation of exactly its size, so that the
 * sanitizer detects reads past the end. */
static uint8_t *compose(const char *header, size_t data_size, size_t *size)
{
    const size_t length = strlen(header);
    *size = 8 + length + data_size;
    uint8_t *bytes = calloc(1, *size);
    assert_non_null(bytes);
    mb_store_le64(bytes, length);
    memcpy(bytes + 8, header, length);
    return bytes;
}

/* The bytes are refused with `text`; "..." stands for any end. */
static void assert_refused(const uint8_t *bytes, size_t size, const char *text)
{
    mb_error error = {0};
    uint8_t *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    mb_safetensors *file = NULL;
    assert_int_equal(mb_safetensors_parse("f", exact, size, &file, &error), MB_ERROR_FORMAT);
    assert_int_equal(error.status, MB_ERROR_FORMAT);
    const char *more = strstr(text, "...");
    if (more != NULL)
        assert_memory_equal(error.text, text, (size_t)(more - text));
    else
        assert_string_equal(error.text, text);
    assert_null(file);
    assert_int_equal(mb_safetensors_parse("f", exact, size, &file, NULL), MB_ERROR_FORMAT);
    free(exact);
}

/* Files with one defect each, and their errors. */
#define T(dtype, shape, begin, end)                                                                \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

#define NO_SIZE_IN_32_BITS(text)                                                                   \
    (SIZE_MAX > UINT32_MAX ? (text) : "f: tensor \"a\": dimension 0 is not a size")

static const struct broken {
    const char *name, *header;
    size_t data_size;
    const char *text;
} broken[] = {
    {"empty header", "", 0, "f: header is not a JSON object: its 0 bytes start without {"},
    {"header is an array", "[]", 0, "f: header is not a JSON object: its 2 bytes start without {"},
    {"header starts with a blank", " {}", 0,
     "f: header is not a JSON object: its 3 bytes start without {"},
    {"header is not JSON", "{\"a\":", 0, "f: header is not JSON: ..."},
    {"text after the header's object", "{}{}", 0, "f: header is not JSON: ..."},
    {"header is not UTF-8", "{\"\xff\":1}", 0, "f: header is not JSON: ..."},
    {"two tensors of one name", "{\"a\":" T("F32", "[0]", 0, 0) ",\"a\":" T("F32", "[0]", 0, 0) "}",
     0, "f: header is not JSON: duplicate object key..."},
    {"two shapes", "{\"a\":{\"shape\":[1],\"shape\":[1]}}", 4,
     "f: header is not JSON: duplicate object key..."},
    {"tensor is not an object", "{\"a\":7}", 0, "f: tensor \"a\": without a dtype"},
    {"no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "f: tensor \"a\": without a dtype"},
    {"unknown dtype", "{\"a\":" T("F31", "[1]", 0, 4) "}", 4,
     "f: tensor \"a\": unknown dtype \"F31\""},
    {"no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4,
     "f: tensor \"a\": without a shape"},
    {"shape is a number", "{\"a\":" T("F32", "1", 0, 4) "}", 4, "f: tensor \"a\": without a shape"},
    {"negative dimension", "{\"a\":" T("F32", "[1,-1]", 0, 4) "}", 4,
     "f: tensor \"a\": dimension 1 is not a size"},
    {"float dimension", "{\"a\":" T("F32", "[1.0]", 0, 4) "}", 4,
     "f: tensor \"a\": dimension 0 is not a size"},
    {"dimension beyond 64 bits", "{\"a\":" T("F32", "[18446744073709551617]", 0, 4) "}", 4,
     "f: header is not JSON: too big integer..."},
    {"shape's product overflows", "{\"a\":" T("F32", "[4294967296,4294967297]", 0, 4) "}", 4,
     NO_SIZE_IN_32_BITS("f: tensor \"a\": shape overflows at dimension 1: 4294967297")},
    {"shape's bytes overflow", "{\"a\":" T("F32", "[4611686018427387905]", 0, 4) "}", 4,
     NO_SIZE_IN_32_BITS("f: tensor \"a\": shape overflows: 4611686018427387905 elements of F32")},
    {"no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4,
     "f: tensor \"a\": data_offsets are not two sizes"},
    {"three offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", 4,
     "f: tensor \"a\": data_offsets are not two sizes"},
    {"negative offset", "{\"a\":" T("F32", "[1]", -4, 0) "}", 4,
     "f: tensor \"a\": data_offsets are not two sizes"},
    {"float offset", "{\"a\":" T("F32", "[1]", 0, 4.0) "}", 4,
     "f: tensor \"a\": data_offsets are not two sizes"},
    {"text for an offset", "{\"a\":" T("F32", "[1]", 0, "4") "}", 4,
     "f: tensor \"a\": data_offsets are not two sizes"},
    {"offsets go backwards", "{\"a\":" T("F32", "[1]", 8, 4) "}", 8,
     "f: tensor \"a\": data_offsets go backwards: 8 to 4"},
    {"offsets after the end", "{\"a\":" T("F32", "[2]", 0, 8) "}", 7,
     "f: tensor \"a\": truncated: ends at byte 8, 7 are there"},
    {"more elements than bytes", "{\"a\":" T("F32", "[2]", 0, 4) "}", 4,
     "f: tensor \"a\": 2 elements of F32 do not take its 4 bytes"},
    {"fewer elements than bytes", "{\"a\":" T("F16", "[1]", 0, 4) "}", 4,
     "f: tensor \"a\": 1 elements of F16 do not take its 4 bytes"},
    {"elements do not fill bytes", "{\"a\":" T("F4", "[3]", 0, 1) "}", 1,
     "f: tensor \"a\": 3 elements of F4 do not take its 1 bytes"},
    {"hole at the start", "{\"a\":" T("F32", "[1]", 4, 8) "}", 8,
     "f: tensor \"a\": hole: starts at byte 4, \"the header\" before it ends at 0"},
    {"hole between", "{\"b\":" T("F32", "[1]", 8, 12) ",\"a\":" T("F32", "[1]", 0, 4) "}", 12,
     "f: tensor \"b\": hole: starts at byte 8, \"a\" before it ends at 4"},
    {"overlap", "{\"a\":" T("F32", "[2]", 0, 8) ",\"b\":" T("F32", "[2]", 4, 12) "}", 12,
     "f: tensor \"b\": overlap: starts at byte 4, \"a\" before it ends at 8"},
    {"two tensors in one place",
     "{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 0, 4) "}", 4,
     "f: tensor \"b\": overlap: starts at byte 0, \"a\" before it ends at 4"},
    {"empty tensor inside another",
     "{\"a\":" T("F32", "[2]", 0, 8) ",\"b\":" T("F32", "[0]", 4, 4) "}", 8,
     "f: tensor \"b\": overlap: starts at byte 4, \"a\" before it ends at 8"},
    {"trailing bytes", "{\"a\":" T("F32", "[1]", 0, 4) "}", 5,
     "f: trailing bytes: the tensors end at byte 4, 5 are there"},
    {"trailing bytes without tensors", "{}", 1,
     "f: trailing bytes: the tensors end at byte 0, 1 are there"},
    {"metadata is not an object", "{\"__metadata__\":[]}", 0,
     "f: __metadata__ is not a JSON object"},
    {"metadata is not text", "{\"__metadata__\":{\"format\":\"pt\",\"classes\":10}}", 0,
     "f: __metadata__: \"classes\" is not a string"},
    {"name with a line break", "{\"a\\nb\":7}", 0, "f: tensor \"a?b\": without a dtype"},
};

/* The file of this header and data_size zero bytes is refused with `text`. */
static void assert_header_refused(const char *header, size_t data_size, const char *text)
{
    size_t size;
    uint8_t *bytes = compose(header, data_size, &size);
    assert_refused(bytes, size, text);
    free(bytes);
}

TEST(broken_files_are_refused)
{
    for (size_t i = 0; i < MB_COUNT_OF(broken); i++) {
        print_message("%s\n", broken[i].name);
        assert_header_refused(broken[i].header, broken[i].data_size, broken[i].text);
    }
}

TEST(every_truncation_is_refused)
{
    size_t size;
    uint8_t *bytes = compose("{\"a\":" T("F32", "[2]", 0, 8) "}", 8, &size);
    for (size_t cut = 0; cut < size; cut++)
        assert_refused(bytes, cut,
                       cut < size - 8 ? "f: truncated: ..." : "f: tensor \"a\": truncated: ...");
    assert_refused(bytes, 7, "f: truncated: 7 bytes, a header's length takes 8");
    assert_refused(bytes, 8, "f: truncated: 54 bytes of header promised, 0 are there");
    free(bytes);
}

TEST(huge_header_length)
{
    const uint8_t longest[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, '{', '}'};
    assert_refused(longest, sizeof longest,
                   "f: header too long: 18446744073709551615 bytes promised, at most 4194304 "
                   "are read");
    const uint8_t above[] = {0x01, 0x00, 0x40, 0x00, 0, 0, 0, 0, '{', '}'};
    assert_refused(above, sizeof above,
                   "f: header too long: 4194305 bytes promised, at most 4194304 are read");
    const uint8_t limit[] = {0x00, 0x00, 0x40, 0x00, 0, 0, 0, 0, '{', '}'};
    assert_refused(limit, sizeof limit,
                   "f: truncated: 4194304 bytes of header promised, 2 are there");
}

TEST(deep_nesting_is_refused)
{
    enum { DEPTH = 1 << 20 };
    char *header = malloc(DEPTH + 6);
    assert_non_null(header);
    memcpy(header, "{\"a\":", 5);
    memset(header + 5, '[', DEPTH);
    header[5 + DEPTH] = '\0';
    assert_header_refused(header, 0, "f: header is not JSON: maximum parsing depth reached...");
    free(header);
}

TEST(other_dtypes_and_no_dimensions_are_read)
{
    size_t size;
    uint8_t *bytes = compose("{\"half\":" T("BF16", "[3]", 4, 10) ",\"one\":" T(
                                 "F32", "[]", 0, 4) ",\"none\":" T("F32", "[5,0]", 4, 4) "}  ",
                             10, &size);
    mb_safetensors *file = NULL;
    assert_int_equal(mb_safetensors_parse("f", bytes, size, &file, NULL), MB_OK);
    assert_int_equal(mb_safetensors_count(file), 3);
    assert_string_equal(mb_safetensors_tensor(file, 0)->name, "one");
    assert_string_equal(mb_safetensors_tensor(file, 1)->name, "none");
    assert_string_equal(mb_safetensors_tensor(file, 2)->name, "half");
    assert_int_equal(mb_safetensors_find(file, "one")->elements, 1);
    assert_int_equal(mb_safetensors_find(file, "one")->dimensions, 0);
    assert_int_equal(mb_safetensors_find(file, "none")->elements, 0);
    assert_string_equal(mb_safetensors_find(file, "half")->dtype, "BF16");
    assert_ptr_equal(mb_safetensors_find(file, "half")->data, bytes + size - 6);
    assert_null(mb_safetensors_find(file, "two"));
    assert_null(mb_safetensors_metadata(file, "format"));
    mb_safetensors_close(file);
    free(bytes);
}

/* Values are copied as bits: a NaN keeps its payload. */
static const float values[6] = {1.0f,        -0.0f,     1e-45f,
                                3.14159274f, -INFINITY, __builtin_nanf("0x12345")};

static mb_safetensors_content sample_content(void)
{
    static const size_t matrix[] = {2, 3}, vector[] = {1};
    static const int64_t count = INT64_MIN + 77;
    static const mb_named_tensor tensors[] = {
        {"count", 0, NULL, &count, MB_DTYPE_I64},
        {"z.weight", 2, matrix, values, MB_DTYPE_F32},
        {"a \"quoted\" name", 1, vector, values + 3, MB_DTYPE_F32},
        {"scalar", 0, NULL, values + 1, MB_DTYPE_F32}};
    static const mb_key_value metadata[] = {{"zoo", "\xc3\xa9l\xc3\xa9phant"}, {"ant", ""}};
    return (mb_safetensors_content){tensors, 4, metadata, 2};
}

TEST(round_trip)
{
    const mb_safetensors_content content = sample_content();
    mb_safetensors *file = NULL;
    mb_bytes bytes = {0};
    assert_int_equal(mb_safetensors_serialize("file", &content, &bytes, NULL), MB_OK);
    assert_int_equal(mb_safetensors_parse("file", bytes.data, bytes.size, &file, NULL), MB_OK);
    assert_int_equal(mb_safetensors_count(file), content.tensor_count);
    for (size_t i = 0; i < content.tensor_count; i++) {
        const mb_named_tensor *want = &content.tensors[i];
        const mb_stored_tensor *have = mb_safetensors_tensor(file, i);
        int64_t copy[6]; /* of either type */
        assert_string_equal(have->name, want->name);
        assert_string_equal(have->dtype, want->dtype == MB_DTYPE_I64 ? "I64" : "F32");
        assert_int_equal(have->dimensions, want->dimensions);
        for (size_t d = 0; d < want->dimensions; d++)
            assert_int_equal(have->shape[d], want->shape[d]);
        mb_safetensors_values(have, copy);
        assert_memory_equal(copy, want->values, have->end - have->begin);
        assert_ptr_equal(mb_safetensors_find(file, want->name), have);
    }
    assert_string_equal(mb_safetensors_metadata(file, "format"), "pt");
    assert_string_equal(mb_safetensors_metadata(file, "zoo"), "\xc3\xa9l\xc3\xa9phant");
    assert_string_equal(mb_safetensors_metadata(file, "ant"), "");
    assert_null(mb_safetensors_metadata(file, "bee"));
    mb_safetensors_close(file);
    free(bytes.data);
}

/* The bytes that safetensors 0.8.0 writes for the same tensor and metadata. */
TEST(golden_bytes)
{
    static const uint8_t golden[] =
        "\x58\0\0\0\0\0\0\0"
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}} "
        "\0\0\x80\x3f\0\0\0\xc0";
    const float pair[] = {1.0f, -2.0f};
    const size_t shape[] = {1, 2};
    const mb_named_tensor tensor = {"a", 2, shape, pair, MB_DTYPE_F32};
    const mb_safetensors_content content = {&tensor, 1, NULL, 0};
    mb_bytes bytes = {0};
    assert_int_equal(mb_safetensors_serialize("file", &content, &bytes, NULL), MB_OK);
    assert_int_equal(bytes.size, sizeof golden - 1);
    assert_memory_equal(bytes.data, golden, bytes.size);
    free(bytes.data);
}

TEST(write_refuses_equal_names_and_too_much)
{
    static const size_t overflowing[] = {SIZE_MAX / 8, 3}, large[] = {1u << 29},
                        negative[] = {0, SIZE_MAX};
    static const mb_named_tensor twice[] = {{"a", 0, NULL, values, MB_DTYPE_F32},
                                            {"a", 0, NULL, values, MB_DTYPE_F32}},
                                 reserved = {"__metadata__", 0, NULL, values, MB_DTYPE_F32},
                                 many = {"a", 2, overflowing, values, MB_DTYPE_F32},
                                 much = {"a", 1, large, values, MB_DTYPE_F32},
                                 none = {"a", 2, negative, values, MB_DTYPE_F32};
    static const mb_key_value format = {"format", "np"};
    static const struct {
        mb_safetensors_content content;
        mb_status status;
        const char *text;
    } cases[] = {
        {{twice, 2, NULL, 0}, MB_ERROR_INVALID, "the name \"a\" is given twice"},
        {{&reserved, 1, NULL, 0}, MB_ERROR_INVALID, "the name \"__metadata__\" is given twice"},
        {{NULL, 0, &format, 1}, MB_ERROR_INVALID, "the name \"format\" is given twice"},
        {{&many, 1, NULL, 0}, MB_ERROR_INVALID, "tensor \"a\": its shape overflows"},
        {{&much, 1, NULL, 0}, MB_ERROR_IO, "too large: 104 bytes of header, 2147483648 of tensors"},
        {{&none, 1, NULL, 0}, MB_ERROR_INVALID, "tensor \"a\": its shape overflows"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        mb_error error = {0};
        mb_bytes bytes = {0};
        assert_int_equal(mb_safetensors_serialize("file", &cases[i].content, &bytes, &error),
                         cases[i].status);
        assert_non_null(strstr(error.text, cases[i].text));
        assert_null(bytes.data);
    }
}

TEST(open_errors_name_the_file)
{
    char *path = path_of("broken.safetensors");
    mb_safetensors *file = NULL;
    mb_error error = {0};
    assert_int_equal(mb_safetensors_open(path, &file, &error), MB_ERROR_IO);
    assert_memory_equal(error.text, path, strlen(path));
    assert_int_equal(mb_file_write(path, "short", 5, NULL), MB_OK);
    assert_int_equal(mb_safetensors_open(path, &file, &error), MB_ERROR_FORMAT);
    assert_memory_equal(error.text, path, strlen(path));
    assert_string_equal(error.text + strlen(path),
                        ": truncated: 5 bytes, a header's length takes 8");
    assert_int_equal(truncate(path, (off_t)1 << 32), 0);
    assert_int_equal(mb_safetensors_open(path, &file, &error), MB_ERROR_FORMAT);
    assert_non_null(strstr(error.text, "too large"));
    assert_null(file);
    assert_int_equal(mb_test_entries(mb_test_folder()), 1);
    free(path);
}

/* Tables in CSV, in memory. */
#include "data/csv.h"

#include "data/dataset.h"
#include "support.h"
#include "test.h"

#include <mnist_blas/machine.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads `text`; a failure is left in *error. The table is freed after the test. */
static mb_csv *try_read(const char *text, mb_shape size, mb_csv_form *form, mb_error *error)
{
    mb_csv_form own = {0};
    mb_csv *csv = mb_test_alloc(1, sizeof *csv);
    mb_bytes file = mb_test_text(text);
    mb_status status = mb_csv_open("x", &file, size, csv, error);
    assert_null(file.data);
    if (status == MB_OK) {
        status = mb_csv_read(csv, form != NULL ? form : &own, NULL, error);
        assert_null(csv->text.data);
    }
    assert_int_equal(error->status, status);
    mb_test_defer((void (*)(void *))mb_csv_free, csv);
    return csv;
}

static mb_csv *read_sized(const char *text, mb_shape size)
{
    mb_error error = {MB_OK, ""};
    mb_csv *csv = try_read(text, size, NULL, &error);
    assert_string_equal(error.text, "");
    return csv;
}

static mb_csv *read_text(const char *text) { return read_sized(text, (mb_shape){0}); }

static void refuse(const char *text, const char *part)
{
    mb_error error = {MB_OK, ""};
    try_read(text, (mb_shape){0}, NULL, &error);
    mb_test_check_error(&error, MB_ERROR_FORMAT, part);
    assert_true(strncmp(error.text, "x: ", 3) == 0);
}

static const uint8_t two_images[] = {0, 10, 200, 255, 4, 3, 2, 1};

static void check_two_images(const mb_csv *csv)
{
    assert_int_equal(csv->images.count, 2);
    assert_int_equal(csv->images.channels, 1);
    assert_int_equal(csv->images.rows, 2);
    assert_int_equal(csv->images.columns, 2);
    assert_memory_equal(csv->images.pixels, two_images, sizeof two_images);
}

/* The same two images, with labels 7 and 3. */
TEST(spellings_of_a_table)
{
    static const char *const texts[] = {
        "7,0,10,200,255\n3,4,3,2,1\n",
        "7,0,10,200,255\n3,4,3,2,1",
        "7,0,10,200,255\r\n3,4,3,2,1\r\n\r\n",
        "7;0;10;200;255\n3;4;3;2;1\n\n\n",
        "7\t0\t10\t200\t255\n3\t4\t3\t2\t1\n",
        "\xef\xbb\xbf"
        "7,0,10,200,255\n3,4,3,2,1\n",
        "\xef\xbb\xbf"
        "label,a,b,c,d\n7,0,10,200,255\n3,4,3,2,1\n",
        " 7 , 0,10 ,  200,255 \n 3,4,3,2,1\n",
        "\"7\",\"0\",\"10\",\"200\",\"255\"\n\"3\", \"4\" ,3,2,\"1\"\n",
        "label,pixel0,pixel1,pixel2,pixel3\n7,0,10,200,255\n3,4,3,2,1\n",
        "label,1x1,1x2,2x1,2x2\r\n7,0,10,200,255\r\n3,4,3,2,1\r\n",
        "\"LABEL\",\"1x1\",\"1x2\",\"2x1\",\"2x2\"\n7,0,10,200,255\n3,4,3,2,1\n",
        "pixel1,pixel2,pixel3,pixel4,class\n0,10,200,255,7\n4,3,2,1,3\n",
        "pixel1,pixel2,Label,pixel3,pixel4\n0,10,7,200,255\n4,3,3,2,1\n",
        ",label,0,1,2,3\n0,7,0,10,200,255\n1,3,4,3,2,1\n",
        "id,label,p0,p1,p2,p3\na9,7,0,10,200,255\nb,3,4,3,2,1\n",
        "target,p0,p1,p2,p3\n7,0,10,200,255\n3,4,3,2,1\n",
        "label,p0,p1,p2,p3,\n7,0,10,200,255,\n3,4,3,2,1,\n",
        "# label,p0,p1,p2,p3\n7,0,10,200,255\n3,4,3,2,1\n",
        "7.0,0.0,10.0,200.0,255.0\n3.0,4.0,3.0,2.0,1.0\n",
        "7.000e+00,0.000e+00,1.000e+01,2.000e+02,2.550e+02\n3e0,4e0,3e0,2e0,1e0\n",
        "007,000,010,200,255\n+3,+4,3,2,1\n",
    };
    for (size_t i = 0; i < TEST_COUNT(texts); i++) {
        const mb_csv *csv = read_text(texts[i]);
        check_two_images(csv);
        assert_int_equal(csv->name_count, 0);
        assert_int_equal(csv->labels[0], 7);
        assert_int_equal(csv->labels[1], 3);
    }
}

TEST(gzip_is_unpacked)
{
    mb_error error = {MB_OK, ""};
    mb_csv csv = {0};
    mb_csv_form form = {0};
    const mb_bytes plain = mb_test_text("7,0,10,200,255\n3,4,3,2,1\n");
    mb_bytes packed = mb_test_gzip(plain);
    free(plain.data);
    assert_int_equal(mb_csv_open("x", &packed, (mb_shape){0}, &csv, &error), MB_OK);
    assert_int_equal(mb_csv_read(&csv, &form, NULL, &error), MB_OK);
    check_two_images(&csv);
    mb_csv_free(&csv);
}

/* pandas names columns by numbers; those of 28 x 28 images cannot be pixels. */
TEST(a_header_of_numbers)
{
    char text[16384] = "", *at = text;
    for (int i = 0; i < 785; i++)
        at += sprintf(at, "%d%c", i, i < 784 ? ',' : '\n');
    for (int i = 0; i < 785; i++)
        at += sprintf(at, "%d%c", i % 256, i < 784 ? ',' : '\n');
    const mb_csv *csv = read_text(text);
    assert_int_equal(csv->images.count, 1);
    assert_int_equal(csv->images.rows, 28);
    assert_int_equal(csv->pixels[0], 1);
    /* A gradient is an image. */
    csv = read_text("0,1,2,3,4\n1,5,6,7,8\n");
    assert_int_equal(csv->images.count, 2);
}

TEST(a_table_without_labels)
{
    static const char *const texts[] = {
        "pixel0,pixel1,pixel2,pixel3\n0,10,200,255\n4,3,2,1\n", "0,10,200,255\n4,3,2,1\n",
        "id,pixel0,pixel1,pixel2,pixel3\n5,0,10,200,255\n6,4,3,2,1"};
    mb_error error = {MB_OK, ""};
    for (size_t i = 1; i < TEST_COUNT(texts); i += 2) /* three pixels and a label, one in color */
        assert_true(mb_csv_has_labels(read_text(texts[1])));
    for (size_t i = 0; i < TEST_COUNT(texts); i += 2) {
        const mb_csv *csv = try_read(texts[i], (mb_shape){0}, NULL, &error);
        assert_false(mb_csv_has_labels(csv));
        check_two_images(csv);
        assert_null(csv->labels);
    }
    const mb_csv *csv = read_text("1,2,3,4,5,6,7,8,9\n9,8,7,6,5,4,3,2,1\n");
    assert_false(mb_csv_has_labels(csv));
    assert_int_equal(csv->images.rows, 3);
}

TEST(labels_are_names)
{
    const mb_csv *csv = read_text("cat,1,2,3,4\n\"a \"\"b\"\", c\",5,6,7,8\ncat,9,9,9,9\n"
                                  "\"cat\",0,0,0,0\n\xc3\xa4,1,1,1,1\n");
    assert_int_equal(csv->name_count, 3);
    assert_string_equal(csv->names[0], "cat");
    assert_string_equal(csv->names[1], "a \"b\", c");
    assert_string_equal(csv->names[2], "\xc3\xa4");
    const int64_t labels[] = {0, 1, 0, 0, 2};
    assert_memory_equal(csv->labels, labels, sizeof labels);
    csv = read_text("A,1,2,3,4\n1,1,2,3,5\nA,1,2,3,6\n1,1,2,3,7\n");
    assert_int_equal(csv->name_count, 2);
}

TEST(fractions_are_scaled)
{
    const mb_csv *csv = read_text("1,0,0.5,1,0.00392156862745098\n0,1.0,1e-2,.25,9.9e-1\n");
    const uint8_t expected[] = {0, 128, 255, 1, 255, 3, 64, 252};
    assert_memory_equal(csv->pixels, expected, sizeof expected);
    /* The fraction comes late, and is in the first line only. */
    csv = read_text("1,0,1,1,0\n0,0,0,0,1\n1,0,0,0.5,0\n");
    assert_int_equal(csv->pixels[1], 255);
    assert_int_equal(csv->pixels[10], 128);
    csv = read_text("1,0.0,1.0,2.0,3.0\n0,0,0,0,0\n");
    assert_int_equal(csv->pixels[3], 3);
}

/* k / 255 in as many digits as programs write is k. */
TEST(fractions_of_255_are_exact)
{
    static const char *const formats[] = {"%.17g", "%.6f", "%.18e", "%.9g"};
    for (size_t f = 0; f < TEST_COUNT(formats); f++) {
        char line[8192] = "", table[16384], *at = line;
        for (int k = 0; k < 256; k++) {
            *at++ = ',';
            at += sprintf(at, formats[f], k / 255.0);
        }
        snprintf(table, sizeof table, "1%s\n0%s\n", line, line);
        const mb_csv *csv = read_text(table);
        for (int k = 0; k < 256; k++)
            assert_int_equal(csv->pixels[k], k);
    }
}

TEST(all_tables_of_a_dataset_have_one_scale)
{
    mb_error error = {MB_OK, ""};
    mb_csv_form form = {0};
    try_read("1,0,0,0,0\n", (mb_shape){0}, &form, &error);
    assert_int_equal(form.scale, MB_CSV_SCALE_UNKNOWN);
    try_read("1,0,9,0,0\n", (mb_shape){0}, &form, &error);
    assert_int_equal(form.scale, MB_CSV_BYTES);
    form.origin = "train.csv";
    assert_int_equal(try_read("1,0,1,0,0\n", (mb_shape){0}, &form, &error)->pixels[1], 1);
    assert_string_equal(error.text, "");
    try_read("1,0,1,0,0\n1,0,0,0,0.5\n", (mb_shape){0}, &form, &error);
    mb_test_check_error(&error, MB_ERROR_FORMAT,
                        "x: line 2, column 5: \"0.5\": pixels must be integers from 0 to 255, as "
                        "those of train.csv");
    form = (mb_csv_form){.scale = MB_CSV_FRACTIONS, .origin = "train.csv"};
    error = (mb_error){MB_OK, ""};
    try_read("label,a,b,c,d\n1,0,1,0,0\n7,0,0,2,255\n", (mb_shape){0}, &form, &error);
    mb_test_check_error(
        &error, MB_ERROR_FORMAT,
        "x: line 3, column 4: \"2\": pixels must be from 0 to 1, as those of train.csv");
}

/* Two images of 2 x 2 colors, in either order; rows are alike, so that it shows. */
TEST(colors_in_both_orders)
{
    static const uint8_t expected[] = {10, 12, 11, 13, 100, 103, 101, 102, 200, 201, 202, 203};
    const char *planar = "1,10,12,11,13,100,103,101,102,200,201,202,203\n";
    const char *interleaved = "1,10,100,200,12,103,201,11,101,202,13,102,203\n";
    for (int i = 0; i < 2; i++) {
        const mb_csv *csv = read_text(i == 0 ? planar : interleaved);
        assert_int_equal(csv->images.channels, 3);
        assert_int_equal(csv->images.rows, 2);
        assert_memory_equal(csv->pixels, expected, sizeof expected);
    }
}

TEST(sizes_that_are_not_square)
{
    const mb_csv *csv = read_sized("1,1,2,3,4,5,6\n", (mb_shape){1, 2, 3});
    assert_int_equal(csv->images.rows, 2);
    assert_int_equal(csv->images.columns, 3);
    csv = read_text("label,1x1,1x2,1x3,2x1,2x2,2x3\n1,1,2,3,4,5,6\n");
    assert_int_equal(csv->images.rows, 2);
    assert_int_equal(csv->images.columns, 3);
    /* Another size is for resizing. */
    csv = read_sized("1,1,2,3,4\n", (mb_shape){1, 2, 3});
    assert_int_equal(csv->images.rows, 2);
    assert_int_equal(csv->images.columns, 2);
    csv = read_sized("1,1,2,3,4,5,6\n", (mb_shape){1, 2, 1});
    assert_int_equal(csv->images.channels, 3);
}

#define GOOD "1,1,2,3,4\n"

TEST(bad_tables_are_refused)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "empty"},
        {"\n\n  \n", "empty"},
        {"\xef\xbb\xbf", "empty"},
        {"label,a,b,c,d\n", "no images: it has only a header"},
        {"\x89PNG\r\n\x1a\n", "not a CSV table: is a PNG picture"},
        {"<!DOCTYPE html>\n", "not a CSV table: is a web page"},
        {"{\"a\": [1,2]}\n", "not a CSV table: is a JSON file"},
        {"1,2,\x01\n", "not a CSV table in UTF-8: byte 4 is 0x01"},
        {"1,2,3,4,5,6,7\n", "line 1 has 7 columns: must be a label and the pixels"},
        {"label,class,a,b,c,d\n1,1,1,2,3,4\n", "columns 1 and 2 are both labels"},
        {",,,,,a\n1,1,1,1,1,1\n", "line 1 has 6 columns"},
        {GOOD "1,1,2,3\n" GOOD, "line 2 has 4 columns, the first line 5"},
        {GOOD "1,1,2,3,4,5\n", "line 2 has 6 columns, the first line 5"},
        {GOOD "1,1,2,3,4,\n", "line 2 has 6 columns, the first line 5"},
        {GOOD "\n" GOOD, "line 2 has 1 column, the first line 5"},
        {GOOD "1", "line 2 has 1 column, the first line 5"},
        {GOOD "1,1,2,3,", "line 2, column 5: \"\": must be a pixel"},
        {GOOD "1,1,,3,4\n",
         "line 2, column 3: \"\": must be a pixel, an integer from 0 to 255 or a "
         "fraction from 0 to 1"},
        {GOOD "1,1,256,3,4\n", "line 2, column 3: \"256\""},
        {GOOD "1,1,-1,3,4\n", "line 2, column 3: \"-1\""},
        {GOOD "1,1,nan,3,4\n", "line 2, column 3: \"nan\""},
        {GOOD "1,1,inf,3,4\n", "line 2, column 3: \"inf\""},
        {GOOD "1,1,0x10,3,4\n", "line 2, column 3: \"0x10\""},
        {GOOD "1,1,1e400,3,4\n", "line 2, column 3: \"1e400\""},
        {GOOD "1,1,99999999999999999999999999,3,4\n", "line 2, column 3: \"9999"},
        {GOOD "1,1,2 3,3,4\n", "line 2, column 3: \"2 3\""},
        {GOOD "1,1,1e,3,4\n", "line 2, column 3: \"1e\""},
        {GOOD "1,1,.,3,4\n", "line 2, column 3: \".\""},
        {GOOD "1,1,2,3,cat\n", "line 2, column 5: \"cat\""},
        {"1,1,2,3,cat\n" GOOD, "line 1, column 5: \"cat\""},
        {GOOD "1,1,2.5,3,4\n",
         "line 2, column 3: \"2.5\": pixels must be integers from 0 to 255, or "
         "all from 0 to 1"},
        {"1,0.5,0.5,0.5,0.5\n1,0.5,0.5,0.5,128\n", "line 1, column 2: \"0.5\""},
        {GOOD ",1,2,3,4\n", "line 2, column 1: \"\": must be a label"},
        {GOOD "1.5,1,2,3,4\n", "line 2, column 1: \"1.5\": must be a label, an integer or a name"},
        {GOOD "1,\"1,2,3,4\n" GOOD, "line 2, column 2: a quoted field without its end"},
        {GOOD "1,\"1\"2,2,3,4\n", "line 2, column 2: a quoted field without its end"},
        {"\"1,1,2,3,4\n" GOOD, "line 1, column 1: a quoted field without its end"},
        {GOOD GOOD GOOD GOOD GOOD GOOD GOOD GOOD GOOD GOOD GOOD GOOD "x,1,2,3,4\n",
         "line 13, column 1: \"x\": must be a number, as most labels are"},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        refuse(cases[i].text, cases[i].part);
}

TEST(columns_and_labels_have_a_limit)
{
    const size_t columns = 70000;
    char *text = mb_test_alloc(2 * columns + 1, 1);
    for (size_t i = 0; i < columns; i++)
        memcpy(text + 2 * i, "0,", 2);
    refuse(text, "line 1 has more than 65540 columns: images have at most 65536 pixels");
    char *at = text;
    for (int i = 0; i < 257; i++)
        at += sprintf(at, "%d,1,2,3,4\n", i);
    refuse(text, "line 257, column 1: \"256\": more than 256 different labels");
}

/* A first line of many columns and a great many empty ones take no memory. */
TEST(short_lines_take_no_memory)
{
    const size_t columns = 65537, lines = 1000000;
    char *text = mb_test_alloc(2 * columns + lines + 8, 1);
    for (size_t i = 0; i < columns; i++)
        memcpy(text + 2 * i, "0,", 2);
    memset(text + 2 * columns - 1, '\n', lines);
    strcpy(text + 2 * columns - 1 + lines, "1");
    refuse(text, "line 2 has 1 column, the first line 65537");
}

/* Threads read chunks of lines; the first error is reported. */
TEST(all_threads_read_the_same)
{
    enum { LINES = 60000, STRIDE = 16 };
    const mb_machine_options options = {.threads = 3};
    mb_machine *machine = NULL;
    mb_error error = {MB_OK, ""};
    char *text = mb_test_alloc(LINES, 80), *at = text;
    uint8_t *expected = mb_test_alloc(LINES, STRIDE);
    assert_int_equal(mb_machine_open(&options, &machine, &error), MB_OK);
    for (size_t i = 0; i < LINES; i++) {
        at += sprintf(at, "%zu", i % 10);
        for (size_t p = 0; p < STRIDE; p++) {
            expected[i * STRIDE + p] = (uint8_t)((i * 7919 + p * p * 31) % 256 / (1 + i % 3));
            at += sprintf(at, ",%u", expected[i * STRIDE + p]);
        }
        at += sprintf(at, i % 5 == 0 ? "\r\n" : "\n");
    }
    for (int broken = 0; broken < 2; broken++) {
        mb_csv csv = {0};
        mb_csv_form form = {0};
        mb_bytes file = mb_test_text(text);
        assert_int_equal(mb_csv_open("x", &file, (mb_shape){0}, &csv, &error), MB_OK);
        const mb_status status = mb_csv_read(&csv, &form, machine, &error);
        assert_int_equal(status, broken ? MB_ERROR_FORMAT : MB_OK);
        if (!broken) {
            assert_int_equal(csv.images.count, LINES);
            assert_memory_equal(csv.pixels, expected, (size_t)LINES * STRIDE);
            for (size_t i = 0; i < LINES; i++)
                assert_int_equal(csv.labels[i], i % 10);
            for (char *line = text; line != NULL; line = strchr(line + 1, '\n'))
                if (line - text > 400000)
                    memcpy(line - 2, "xx", 2);
        }
        mb_csv_free(&csv);
    }
    assert_non_null(strstr(error.text, ": must be a pixel"));
    char line[64];
    size_t first = 1;
    const char *end = strstr(text, "xx");
    for (const char *c = text; c < end; c++)
        first += *c == '\n';
    snprintf(line, sizeof line, "x: line %zu, column 17", first);
    mb_test_check_error(&error, MB_ERROR_FORMAT, line);
    mb_machine_close(machine);
}

/* Tables of predictions, byte by byte. */
#include "support.h"
#include "test.h"

#include <mnist_blas/report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float probabilities[] = {0.25f, 0.75f, 1.0f, 0.0f, 0.5f, 0.5f, 0.1f, 0.9f};
static const char *const class_names[] = {"plain", "a, \"b\""};
static const char *const images[] = {"x.png", "", " y", "a\nb"};
static const char *const labels[] = {"plain", NULL, "c;d", "\xc3\xa4"};

static void check_file(const char *path, const char *expected)
{
    mb_bytes bytes = {0};
    assert_int_equal(mb_file_read(path, 4096, &bytes, NULL), MB_OK);
    assert_int_equal(bytes.size, strlen(expected));
    assert_memory_equal(bytes.data, expected, bytes.size);
    free(bytes.data);
}

TEST(rows_are_written_with_what_is_known)
{
    char path[512];
    mb_prediction_table table = {.count = 4, .classes = 2, .probabilities = probabilities};
    snprintf(path, sizeof path, "%s/p.csv", mb_test_folder());
    assert_int_equal(mb_predictions_write(&table, path, NULL), MB_OK);
    check_file(path, "image,predicted,probability\n0,1,0.75\n1,0,1\n2,0,0.5\n3,1,0.899999976\n");
    assert_int_equal(mb_submission_write(&table, path, NULL), MB_OK);
    check_file(path, "ImageId,Label\n1,1\n2,0\n3,0\n4,1\n");
    table.class_names = class_names;
    table.images = images;
    table.labels = labels;
    assert_int_equal(mb_predictions_write(&table, path, NULL), MB_OK);
    check_file(path, "image,label,predicted,probability\n"
                     "x.png,plain,\"a, \"\"b\"\"\",0.75\n"
                     "\"\",,plain,1\n"
                     "\" y\",\"c;d\",plain,0.5\n"
                     "\"a\nb\",\xc3\xa4,\"a, \"\"b\"\"\",0.899999976\n");
    assert_int_equal(mb_submission_write(&table, path, NULL), MB_OK);
    check_file(path, "ImageId,Label\n1,\"a, \"\"b\"\"\"\n2,plain\n3,plain\n"
                     "4,\"a, \"\"b\"\"\"\n");
}

TEST(a_full_disk_leaves_the_file_before)
{
    enum { ROWS = 1000 };
    char path[512];
    mb_error error = {MB_OK, ""};
    const float *zeros = mb_test_alloc(ROWS, 2 * sizeof *zeros);
    const mb_prediction_table table = {.count = ROWS, .classes = 2, .probabilities = zeros};
    snprintf(path, sizeof path, "%s/p.csv", mb_test_folder());
    free(mb_test_write(mb_test_folder(), "p.csv", (mb_bytes){(uint8_t[]){'x'}, 1}));
    mb_test_limit_files(true);
    assert_int_equal(mb_predictions_write(&table, path, &error), MB_ERROR_IO);
    mb_test_limit_files(false);
    mb_test_check_error(&error, MB_ERROR_IO, "p.csv: cannot be written");
    check_file(path, "x");
    assert_int_equal(mb_test_entries(mb_test_folder()), 1);
}

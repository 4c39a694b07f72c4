#include "core/status.h"
#include "support.h"
#include "test.h"

#include <string.h>

TEST(error_has_status_and_text)
{
    mb_error error = {0};
    assert_int_equal(mb_fail(&error, MB_ERROR_FORMAT, "%s: %d of %zu", "images", 3, (size_t)7),
                     MB_ERROR_FORMAT);
    assert_int_equal(error.status, MB_ERROR_FORMAT);
    assert_string_equal(error.text, "images: 3 of 7");
    assert_int_equal(mb_fail(&error, MB_ERROR_IO, "short"), MB_ERROR_IO);
    assert_int_equal(error.status, MB_ERROR_IO);
    assert_string_equal(error.text, "short");
}

TEST(null_error_is_accepted)
{
    assert_int_equal(mb_fail(NULL, MB_ERROR_DIVERGED, "%s", "unheard"), MB_ERROR_DIVERGED);
    assert_int_equal(mb_fail_memory(NULL, "unheard", 1), MB_ERROR_MEMORY);
}

/* File names may contain anything; messages must stay one line and not control the terminal. */
TEST(text_is_one_line_of_printable_characters)
{
    mb_error error;
    mb_fail(&error, MB_ERROR_IO, "%s", "a\nb\tc\rd\x1b[1me\x7f \x01~");
    assert_string_equal(error.text, "a?b?c?d?[1me? ?~");
    mb_fail(&error, MB_ERROR_IO, "%s", "\xc3\xbc\xe2\x82\xac");
    assert_string_equal(error.text, "\xc3\xbc\xe2\x82\xac");
}

TEST(long_text_is_truncated)
{
    char text[2 * sizeof((mb_error *)NULL)->text];
    mb_error error;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(mb_fail(&error, MB_ERROR_INVALID, "%s", text), MB_ERROR_INVALID);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_memory_equal(error.text, text, sizeof error.text - 1);
}

TEST(memory_errors_name_what_and_bytes)
{
    mb_error error;
    assert_int_equal(mb_fail_memory(&error, "scratch", 4096), MB_ERROR_MEMORY);
    mb_test_check_error(&error, MB_ERROR_MEMORY, "scratch: out of memory: 4096 bytes");
}

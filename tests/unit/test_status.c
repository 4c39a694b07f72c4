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
    static const char letters[] = "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
    mb_fail(&error, MB_ERROR_IO, "%s", letters);
    assert_string_equal(error.text, letters);
    /* C1, bidirectional overrides, isolates, line separator */
    mb_fail(&error, MB_ERROR_IO, "%s", "a\xc2\x9bJ\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8z");
    assert_string_equal(error.text, "a?J???z");
    /* not UTF-8: Latin-1, overlong, surrogate, above the last code point, cut off */
    mb_fail(&error, MB_ERROR_IO, "%s",
            "M\xfcller \xc0\x9b \xed\xa0\x80 \xf4\x90\x80\x80 \xf8\x88\x80\x80\x80 \xe2\x82");
    assert_string_equal(error.text, "M?ller ?? ??? ???? ????? ??");
}

TEST(long_text_is_truncated)
{
    char text[2 * sizeof((mb_error *)NULL)->text];
    mb_error error;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(mb_fail(&error, MB_ERROR_INVALID, "%s", text), MB_ERROR_INVALID);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_memory_equal(error.text, text, sizeof error.text - 4);
    assert_string_equal(error.text + sizeof error.text - 4, "...");
    char shown[8];
    assert_string_equal(mb_printable("seven\xc3\xbc", shown, sizeof shown), "seven\xc3\xbc");
    assert_string_equal(mb_printable("abc\xc3\xbc"
                                     "def",
                                     shown, sizeof shown),
                        "abc...");
    assert_string_equal(mb_printable("\x1b[2Jabcdef", shown, sizeof shown), "?[2J...");
}

TEST(memory_errors_name_what_and_bytes)
{
    mb_error error;
    assert_int_equal(mb_fail_memory(&error, "scratch", 4096), MB_ERROR_MEMORY);
    mb_test_check_error(&error, MB_ERROR_MEMORY, "scratch: out of memory: 4096 bytes");
}

#include "report/format.h"
#include "test.h"

TEST(counts_have_groups_of_three)
{
    char text[MB_COUNT_LENGTH];
    assert_string_equal(mb_format_count(text, 0), "0");
    assert_string_equal(mb_format_count(text, 999), "999");
    assert_string_equal(mb_format_count(text, 4690), "4,690");
    assert_string_equal(mb_format_count(text, 123456), "123,456");
    assert_string_equal(mb_format_count(text, 1000000), "1,000,000");
    assert_string_equal(mb_format_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

TEST(one_is_singular)
{
    char text[MB_COUNTED_LENGTH];
    assert_string_equal(mb_format_counted(text, 0, "mistake"), "0 mistakes");
    assert_string_equal(mb_format_counted(text, 1, "test image"), "1 test image");
    assert_string_equal(mb_format_counted(text, 10000, "test image"), "10,000 test images");
}

TEST(significant_digits_are_shown)
{
    assert_int_equal(mb_decimals(0.0123, 3), 4);
    assert_int_equal(mb_decimals(-0.0123, 3), 4);
    assert_int_equal(mb_decimals(0.1, 3), 3);
    assert_int_equal(mb_decimals(1.0, 3), 2);
    assert_int_equal(mb_decimals(99.0, 3), 1);
    assert_int_equal(mb_decimals(123.0, 3), 0);
    assert_int_equal(mb_decimals(1e300, 3), 0);
    assert_int_equal(mb_decimals(1e-300, 3), 12);
    assert_int_equal(mb_decimals(0.0, 3), 12);
}

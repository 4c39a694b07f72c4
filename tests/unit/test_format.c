#include "report/format.h"
#include "test.h"

TEST(counts_have_groups_of_three)
{
    static const struct {
        size_t count;
        const char *text;
    } cases[] = {
        {0, "0"},
        {999, "999"},
        {4690, "4,690"},
        {123456, "123,456"},
        {1000000, "1,000,000"},
        {SIZE_MAX, SIZE_MAX > UINT32_MAX ? "18,446,744,073,709,551,615" : "4,294,967,295"}};
    char text[MB_COUNT_LENGTH];
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_string_equal(mb_format_count(text, cases[i].count), cases[i].text);
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
    static const struct {
        double number;
        int decimals;
    } cases[] = {{0.0123, 4}, {-0.0123, 4}, {0.1, 3},     {1.0, 2}, {99.0, 1},
                 {123.0, 0},  {1e300, 0},   {1e-300, 12}, {0.0, 12}};
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        assert_int_equal(mb_decimals(cases[i].number, 3), cases[i].decimals);
}

#include "report/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

char *mb_format_count(char text[MB_COUNT_LENGTH], size_t count)
{
    char digits[MB_COUNT_LENGTH];
    snprintf(digits, sizeof digits, "%zu", count);
    const size_t length = strlen(digits);
    char *next = text;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *next++ = ',';
        *next++ = digits[i];
    }
    *next = '\0';
    return text;
}

char *mb_format_counted(char text[MB_COUNTED_LENGTH], size_t count, const char *noun)
{
    char number[MB_COUNT_LENGTH];
    snprintf(text, MB_COUNTED_LENGTH, "%s %s%s", mb_format_count(number, count), noun,
             count == 1 ? "" : "s");
    return text;
}

const char *mb_format_class(const char *const *names, size_t class_index,
                            char number[MB_COUNT_LENGTH])
{
    if (names != NULL)
        return names[class_index];
    snprintf(number, MB_COUNT_LENGTH, "%zu", class_index);
    return number;
}

int mb_decimals(double number, int digits)
{
    enum { MAX_DECIMALS = 12 };
    const double left = (double)(digits - 1) - floor(log10(fabs(number)));
    return left > 0.0 ? (int)fmin(left, MAX_DECIMALS) : 0;
}

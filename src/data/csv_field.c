#include "data/csv_field.h"

#include "core/util.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static bool ends_line(const char *at, const char *end)
{
    return at == end || *at == '\n' || (*at == '\r' && (at + 1 == end || at[1] == '\n'));
}

static const char *take_quoted(const char *at, const char *end, char delimiter, mb_csv_field *field)
{
    const char *text = ++at;
    while (!(*at == '"' && (at + 1 == end || at[1] != '"'))) {
        at += *at == '"' ? 2 : 1;
        if (at >= end || *at == '\n')
            return NULL;
    }
    *field = (mb_csv_field){text, (size_t)(at++ - text), true};
    while (!ends_line(at, end) && *at != delimiter && is_blank(*at))
        at++;
    return ends_line(at, end) || *at == delimiter ? at : NULL;
}

const char *mb_csv_take_field(const char *at, const char *end, char delimiter, mb_csv_field *field)
{
    while (at < end && *at != delimiter && is_blank(*at))
        at++;
    if (at < end && *at == '"')
        return at + 1 < end && at[1] != '\n' ? take_quoted(at, end, delimiter, field) : NULL;
    const char *text = at;
    while (!ends_line(at, end) && *at != delimiter)
        at++;
    size_t size = (size_t)(at - text);
    while (size > 0 && is_blank(text[size - 1]))
        size--;
    *field = (mb_csv_field){text, size, false};
    return at;
}

bool mb_csv_field_is(const mb_csv_field *field, const char *word)
{
    return strlen(word) == field->size && strncasecmp(field->text, word, field->size) == 0;
}

char *mb_csv_field_copy(const mb_csv_field *field)
{
    char *copy = strndup(field->text, field->size), *to = copy;
    if (copy == NULL || !field->quoted)
        return copy;
    for (const char *from = copy; *from != '\0'; from++) {
        *to++ = *from;
        from += from[0] == '"' && from[1] == '"';
    }
    *to = '\0';
    return copy;
}

/* ---- numbers ---- */

/* Digits up to what fits in 18; those that do not are counted in *dropped. Returns how many. */
static size_t take_digits(const char **at, const char *end, uint64_t *value, size_t *dropped)
{
    const uint64_t full = 100000000000000000; /* 10^17 */
    size_t count = 0;
    for (; *at < end && (unsigned)(**at - '0') <= 9; (*at)++, count++) {
        if (*value >= full)
            (*dropped)++;
        else
            *value = 10 * *value + (unsigned)(**at - '0');
    }
    return count;
}

static bool take_exponent(const char **at, const char *end, int *exponent)
{
    uint64_t value = 0;
    size_t dropped = 0;
    if (*at == end || (**at != 'e' && **at != 'E'))
        return true;
    (*at)++;
    const bool negative = *at < end && **at == '-';
    *at += *at < end && (**at == '-' || **at == '+');
    if (take_digits(at, end, &value, &dropped) == 0)
        return false;
    const int size = value > 1000 ? 1000 : (int)value;
    *exponent = negative ? -size : size;
    return true;
}

static double scale(uint64_t digits, int exponent)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const size_t size = (size_t)abs(exponent);
    if (digits == 0)
        return 0.0;
    const double power = size < MB_COUNT_OF(powers) ? powers[size] : pow(10.0, (double)size);
    return exponent < 0 ? (double)digits / power : (double)digits * power;
}

bool mb_csv_field_number(const mb_csv_field *field, double *value)
{
    const char *at = field->text, *end = at + field->size;
    uint64_t digits = 0;
    size_t dropped = 0, ignored = 0;
    int exponent = 0;
    const bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    const size_t whole = take_digits(&at, end, &digits, &dropped);
    size_t fraction = 0;
    if (at < end && *at == '.') {
        at++;
        fraction = take_digits(&at, end, &digits, &ignored);
    }
    if (whole + fraction == 0 || !take_exponent(&at, end, &exponent) || at != end)
        return false;
    const size_t shift = mb_min_size(fraction - ignored, 1000);
    const double size = scale(digits, exponent + (int)mb_min_size(dropped, 1000) - (int)shift);
    *value = negative ? -size : size;
    return true;
}

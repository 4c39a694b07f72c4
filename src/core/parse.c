#include "core/parse.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mb_take_uint64(const char **text, uint64_t *value)
{
    char *end = NULL;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    const unsigned long long number = strtoull(*text, &end, 10);
    if (errno != 0)
        return false;
    *value = number;
    *text = end;
    return true;
}

bool mb_parse_uint64(const char *text, uint64_t *value)
{
    uint64_t number = 0;
    if (!mb_take_uint64(&text, &number) || *text != '\0')
        return false;
    *value = number;
    return true;
}

bool mb_take_size(const char **text, size_t min, size_t max, size_t *value)
{
    const char *rest = *text;
    uint64_t number = 0;
    if (!mb_take_uint64(&rest, &number) || number < min || number > max)
        return false;
    *value = (size_t)number;
    *text = rest;
    return true;
}

bool mb_parse_size(const char *text, size_t min, size_t max, size_t *value)
{
    size_t number = 0;
    if (!mb_take_size(&text, min, max, &number) || *text != '\0')
        return false;
    *value = number;
    return true;
}

bool mb_parse_real(const char *text, double *value)
{
    char *end = NULL;
    if (*text == '\0' || strchr("+-.0123456789", *text) == NULL)
        return false;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return false;
    *value = number == 0.0 ? 0.0 : number; /* -0 is 0 in all bits */
    return true;
}

char *mb_format_real(double value, char text[MB_OPTION_TEXT_SIZE])
{
    for (int digits = 6; digits <= 17; digits++) { /* fewer would write 10 as 1e+01 */
        snprintf(text, MB_OPTION_TEXT_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

bool mb_take_item(const char **list, char *item, size_t size)
{
    const size_t length = strcspn(*list, ",");
    if (length >= size)
        return false;
    memcpy(item, *list, length);
    item[length] = '\0';
    *list = (*list)[length] == ',' ? *list + length + 1 : NULL;
    return true;
}

bool mb_parse_enum(const mb_enum *names, const char *text, unsigned *value)
{
    for (unsigned i = 0; i < names->count; i++)
        if (strcmp(text, names->values[i].name) == 0) {
            *value = i;
            return true;
        }
    return false;
}

void mb_append(char *text, size_t size, const char *separator, const char *word)
{
    const size_t length = strlen(text);
    snprintf(text + length, size - length, "%s%s", length > 0 ? separator : "", word);
}

char *mb_format_names(const mb_enum *names, char *text, size_t size)
{
    *text = '\0';
    for (unsigned i = 0; i < names->count; i++)
        mb_append(text, size, i + 1 < names->count ? ", " : " or ", names->values[i].name);
    return text;
}

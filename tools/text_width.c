#include "text_width.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* The bytes at the start of `text` that take at most `max` columns; *columns is what they take. */
static size_t prefix_of(const char *text, size_t max, size_t *columns)
{
    const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    const locale_t before = utf8 != (locale_t)0 ? uselocale(utf8) : (locale_t)0;
    size_t length = 0;
    *columns = 0;
    while (text[length] != '\0') {
        wchar_t character = 0;
        mbstate_t state = {0};
        size_t bytes = 1, width = 1;
        if (utf8 != (locale_t)0) {
            bytes = mbrtowc(&character, text + length, strlen(text + length), &state);
            const int known = bytes <= strlen(text + length) ? wcwidth(character) : -1;
            bytes = known < 0 ? 1 : bytes;
            width = known < 0 ? 1 : (size_t)known;
        }
        while (((unsigned char)text[length + bytes] & 0xc0) == 0x80)
            bytes++;
        if (*columns + width > max)
            break;
        *columns += width;
        length += bytes;
    }
    if (utf8 != (locale_t)0) {
        uselocale(before);
        freelocale(utf8);
    }
    return length;
}

size_t mb_text_columns(const char *text)
{
    size_t columns;
    prefix_of(text, SIZE_MAX, &columns);
    return columns;
}

char *mb_text_shorten(const char *text, size_t columns, const char *more,
                      char shown[MB_SHORT_TEXT_SIZE])
{
    size_t taken, length = prefix_of(text, columns, &taken);
    const bool whole = text[length] == '\0' && length < MB_SHORT_TEXT_SIZE;
    if (!whole)
        length = prefix_of(text, columns - strlen(more), &taken);
    while (!whole && length > 0 && text[length - 1] == ' ')
        length--;
    if (length >= MB_SHORT_TEXT_SIZE - strlen(more))
        length = 0;
    snprintf(shown, MB_SHORT_TEXT_SIZE, "%.*s%s", (int)length, text, whole ? "" : more);
    return shown;
}

void mb_text_print(const char *text, size_t columns, bool right)
{
    char shown[MB_SHORT_TEXT_SIZE];
    const size_t taken = mb_text_columns(mb_text_shorten(text, columns, "..", shown));
    const int blanks = (int)(columns - taken);
    if (right)
        printf("%*s%s", blanks, "", shown);
    else
        printf("%s%*s", shown, blanks, "");
}

const char *mb_class_label(const char *const *names, size_t class_index,
                           char number[MB_CLASS_NUMBER_SIZE])
{
    if (names != NULL)
        return names[class_index];
    snprintf(number, MB_CLASS_NUMBER_SIZE, "%zu", class_index);
    return number;
}

size_t mb_class_label_columns(const char *const *names, size_t classes)
{
    size_t widest = 0;
    for (size_t c = 0; c < classes; c++) {
        char number[MB_CLASS_NUMBER_SIZE];
        const size_t columns = mb_text_columns(mb_class_label(names, c, number));
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

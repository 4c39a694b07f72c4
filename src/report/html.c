#include "report/html.h"

#include "report/format.h"
#include "report/summary.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What stands for bytes that say nothing: U+FFFD. */
static const char unreadable[] = "\xef\xbf\xbd";

mb_status mb_html_open(mb_html *html, mb_error *error)
{
    *html = (mb_html){0};
    html->out = open_memstream(&html->text, &html->size);
    return html->out != NULL ? MB_OK : mb_fail_memory(error, "report.html", BUFSIZ);
}

mb_status mb_html_close(mb_html *html, mb_bytes *page, mb_error *error)
{
    const bool failed = ferror(html->out) != 0;
    if (fclose(html->out) != 0 || failed) {
        free(html->text);
        return mb_fail_memory(error, "report.html", html->size);
    }
    *page = (mb_bytes){(uint8_t *)html->text, html->size};
    return MB_OK;
}

void mb_html_put(const mb_html *html, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(html->out, format, arguments);
    va_end(arguments);
}

/* Bytes of the UTF-8 character that `text` begins with: 0 where there is none (the Unicode
 * standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t character(const unsigned char *text)
{
    const unsigned char first = text[0];
    if (first < 0x80)
        return 1;
    const size_t length = first >= 0xc2 && first < 0xe0   ? 2
                          : first >= 0xe0 && first < 0xf0 ? 3
                          : first >= 0xf0 && first < 0xf5 ? 4
                                                          : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) /* the 0 at the end, too */
            return 0;
    const bool out_of_range =
        (first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
        (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f);
    return out_of_range ? 0 : length;
}

/* U+0000 .. U+001F but for tab and line feed, and U+007F .. U+009F. */
static bool is_control(const unsigned char *text)
{
    return (text[0] < 0x20 && text[0] != '\t' && text[0] != '\n') || text[0] == 0x7f ||
           (text[0] == 0xc2 && text[1] < 0xa0);
}

static const char *entity(unsigned char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* The first `size` bytes of a text. */
static void put_text(FILE *out, const char *text, size_t size, const char *breaks)
{
    const unsigned char *next = (const unsigned char *)text, *const end = next + size;
    while (next < end) {
        const size_t length = character(next);
        const char *escaped = length == 1 ? entity(*next) : NULL;
        if (length == 0 || is_control(next))
            fputs(unreadable, out);
        else if (escaped != NULL)
            fputs(escaped, out);
        else
            fwrite(next, 1, length, out);
        if (strchr(breaks, *next) != NULL)
            fputs("<wbr>", out);
        next += length > 0 ? length : 1;
    }
}

void mb_html_text(const mb_html *html, const char *text)
{
    put_text(html->out, text, strlen(text), "");
}

void mb_html_breakable(const mb_html *html, const char *text)
{
    put_text(html->out, text, strlen(text), "/,");
}

/* Browsers break lines after a hyphen. */
void mb_html_command(const mb_html *html, const char *command)
{
    while (*command != '\0') {
        const size_t word = strcspn(command, " ");
        const bool option = word > 2 && strncmp(command, "--", 2) == 0;
        fputs(option ? "<span>" : "", html->out);
        put_text(html->out, command, word, "");
        fputs(option ? "</span>" : "", html->out);
        const size_t blanks = strspn(command + word, " ");
        put_text(html->out, command + word, blanks, "");
        command += word + blanks;
    }
}

void mb_html_base64(const mb_html *html, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const unsigned group = (unsigned)bytes[i] << 16 |
                               (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0u) |
                               (left > 2 ? (unsigned)bytes[i + 2] : 0u);
        putc(digits[group >> 18], html->out);
        putc(digits[group >> 12 & 63], html->out);
        putc(left > 1 ? digits[group >> 6 & 63] : '=', html->out);
        putc(left > 2 ? digits[group & 63] : '=', html->out);
    }
}

static void begin_data(const mb_html *html, const char *key)
{
    fputs("<data", html->out);
    if (key != NULL)
        mb_html_put(html, " data-key=\"%s\"", key);
    fputs(" value=\"", html->out);
}

void mb_html_real(const mb_html *html, const char *key, double value, const char *shown, ...)
{
    va_list arguments;
    begin_data(html, key);
    mb_html_put(html, "%.*g\">", MB_SUMMARY_DIGITS, value);
    va_start(arguments, shown);
    vfprintf(html->out, shown, arguments);
    va_end(arguments);
    fputs("</data>", html->out);
}

void mb_html_count(const mb_html *html, const char *key, size_t value)
{
    char text[MB_COUNT_LENGTH];
    begin_data(html, key);
    mb_html_put(html, "%zu\">%s</data>", value, mb_format_count(text, value));
}

void mb_html_word(const mb_html *html, const char *key, const char *value)
{
    begin_data(html, key);
    mb_html_text(html, value);
    fputs("\"><bdi>", html->out);
    mb_html_breakable(html, value);
    fputs("</bdi></data>", html->out);
}

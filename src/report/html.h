/* The text of an HTML page as it grows in memory. What runs out of memory on the way is told by
 * mb_html_close. */
#ifndef MB_REPORT_HTML_H
#define MB_REPORT_HTML_H

#include "core/file.h"

#include <stdio.h>

typedef struct mb_html {
    FILE *out;
    char *text;
    size_t size;
} mb_html;

/* An empty page, for mb_html_close. MB_ERROR_MEMORY. */
mb_status mb_html_open(mb_html *html, mb_error *error);

/* Puts all that was written into *page, the caller's to free, and a 0 behind its last byte.
 * MB_ERROR_MEMORY. */
mb_status mb_html_close(mb_html *html, mb_bytes *page, mb_error *error);

/* Markup, as it is: nothing from outside may be among the arguments. */
void mb_html_put(const mb_html *html, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Text from anywhere, for an element or for an attribute in double quotes: what HTML would read as
 * markup is escaped; bytes that are not UTF-8, and control characters but tab and line feed, become
 * U+FFFD. */
void mb_html_text(const mb_html *html, const char *text);

/* The same for an element only: long paths and lists may be broken after '/' and ','. */
void mb_html_breakable(const mb_html *html, const char *text);

/* A shell's command line, for an element: each option's name is a <span>, to be kept in one piece.
 */
void mb_html_command(const mb_html *html, const char *command);

/* RFC 4648's base64, for data: URLs. */
void mb_html_base64(const mb_html *html, const uint8_t *bytes, size_t size);

/* A <data> element: `value` as precise as summary.json has it, for programs, and what is shown. The
 * attribute data-key is its name there ("samples_per_second.min"); none where `key` is NULL. */
void mb_html_real(const mb_html *html, const char *key, double value, const char *shown, ...)
    __attribute__((format(printf, 4, 5)));
void mb_html_count(const mb_html *html, const char *key, size_t value); /* shown as "4,690" */
void mb_html_word(const mb_html *html, const char *key, const char *value);

#endif

#include "report/template.h"

#include "core/memory_stream.h"
#include "report/format.h"
#include "report/json.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The values that keys are looked up in, the innermost first. */
typedef struct scope {
    const json_t *value;
    const struct scope *outer;
} scope;

typedef struct renderer {
    FILE *out;        /* NULL: nothing is written */
    char missing[64]; /* the first key without a value; "": none */
} renderer;

static const json_t *look_up(const scope *in, const char *key)
{
    const json_t *value = NULL;
    for (; in != NULL && value == NULL; in = in->outer) {
        char path[64], *rest = path;
        snprintf(path, sizeof path, "%s", key);
        value = in->value;
        for (char *part; (part = strsep(&rest, ".")) != NULL;)
            value = json_object_get(value, part);
    }
    return value;
}

static bool is_set(const json_t *value)
{
    return value != NULL && !json_is_null(value) && !json_is_false(value) &&
           !(json_is_string(value) && json_string_length(value) == 0);
}

/* Control characters, which HTML does not allow except for tab and line feed, become U+FFFD: U+0000
 * to U+001F, and U+007F to U+009F, which begin with 0xc2 in UTF-8. */
static size_t put_character(FILE *out, const char *text)
{
    static const struct {
        char character;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    const unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    const bool two = first == 0xc2 && second < 0xa0;
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
        if (text[0] == entities[i].character)
            return fputs(entities[i].entity, out), 1;
    if (two || first == 0x7f || (first < 0x20 && first != '\t' && first != '\n'))
        fputs("\xef\xbf\xbd", out);
    else
        putc(text[0], out);
    return two ? 2 : 1;
}

/* Browsers break lines after a hyphen, but not within a <span> of the page. */
static void put_text(FILE *out, const char *text, const char *format)
{
    const bool breaks = strcmp(format, "breaks") == 0, command = strcmp(format, "command") == 0;
    bool in_option = false, word_begins = true;
    if (strcmp(format, "raw") == 0) {
        fputs(text, out);
        return;
    }
    while (*text != '\0') {
        if (command && word_begins && strncmp(text, "--", 2) == 0 && text[2] != ' ' &&
            text[2] != '\0') {
            fputs("<span>", out);
            in_option = true;
        }
        if (in_option && *text == ' ') {
            fputs("</span>", out);
            in_option = false;
        }
        word_begins = *text == ' ';
        const bool may_break = breaks && (*text == '/' || *text == ',');
        text += put_character(out, text);
        if (may_break)
            fputs("<wbr>", out);
    }
    if (in_option)
        fputs("</span>", out);
}

static void put_number(FILE *out, double value, const char *format)
{
    const int digits = atoi(format + strcspn(format, "0123456789"));
    char text[MB_COUNT_LENGTH];
    switch (format[0]) {
    case '%':
        fprintf(out, "%.*f", digits, 100.0 * value);
        break;
    case 'e':
        fprintf(out, "%.*e", digits, value);
        break;
    case 'g':
        fprintf(out, "%.*g", digits, value);
        break;
    case ',':
        fputs(mb_format_count(text, (size_t)(value + 0.5)), out);
        break;
    case 's':
        fprintf(out, "%.*f", mb_decimals(value, digits), value);
        break;
    case '\0':
        fprintf(out, "%.*g", MB_JSON_DIGITS, value);
        break;
    default:
        fprintf(out, "%.*f", digits, value);
    }
}

static void put_value(renderer *r, const json_t *value, const char *key, const char *format)
{
    if (r->out == NULL)
        return;
    if (json_is_string(value))
        put_text(r->out, json_string_value(value), format);
    else if (json_is_integer(value) && format[0] == '\0')
        fprintf(r->out, "%lld", (long long)json_integer_value(value));
    else if (json_is_number(value))
        put_number(r->out, json_number_value(value), format);
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "true" : "false", r->out);
    else if (r->missing[0] == '\0')
        snprintf(r->missing, sizeof r->missing, "%s", key);
}

static const char *render(renderer *r, const char *text, const scope *in);

/* Renders a section, of which `text` follows the opening tag; returns what follows the closing tag.
 */
static const char *render_section(renderer *r, const char *tag, const char *text,
                                  const scope *outer)
{
    const json_t *value = look_up(outer, tag + 1);
    const bool array = json_is_array(value), inverted = tag[0] == '^';
    const size_t count = array ? json_array_size(value) : is_set(value);
    const size_t times = inverted ? count == 0 : count;
    const char *end = NULL;
    for (size_t i = 0; i < times; i++) {
        const scope inner = {array && !inverted ? json_array_get(value, i) : value, outer};
        end = render(r, text, &inner);
    }
    if (times == 0) {
        FILE *out = r->out;
        r->out = NULL;
        end = render(r, text, outer);
        r->out = out;
    }
    return end;
}

/* Renders up to the end of the section, or of the template; returns what follows. */
static const char *render(renderer *r, const char *text, const scope *in)
{
    for (const char *tag; (tag = strstr(text, "{{")) != NULL;) {
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(tag + 2, "}"), tag + 2);
        const bool section = strchr("#^/", key[0]) != NULL;
        if (r->out != NULL)
            fwrite(text, 1, (size_t)(tag - text), r->out);
        const char *next = strstr(tag, "}}") + 2;
        if (section && *next == '\n' && (tag == text || tag[-1] == '\n'))
            next++;
        if (key[0] == '/')
            return next;
        if (section) {
            text = render_section(r, key, next, in);
            continue;
        }
        char *format = key + strcspn(key, "|");
        if (*format != '\0')
            *format++ = '\0';
        put_value(r, look_up(in, key), key, format);
        text = next;
    }
    if (r->out != NULL)
        fputs(text, r->out);
    return text + strlen(text);
}

mb_status mb_template_render(const char *name, const char *template, const json_t *model,
                             mb_bytes *text, mb_error *error)
{
    renderer r = {.out = mb_memory_stream_open(text)};
    if (r.out == NULL)
        return mb_fail_memory(error, name, BUFSIZ);
    render(&r, template, &(scope){model, NULL});
    if (!mb_memory_stream_close(r.out, text))
        return mb_fail_memory(error, name, BUFSIZ);
    if (r.missing[0] == '\0')
        return MB_OK;
    free(text->data);
    *text = (mb_bytes){0};
    return mb_fail(error, MB_ERROR_INVALID, "%s: no value for '%s'", name, r.missing);
}

#include "report/json.h"

#include "core/utf8.h"

#include <math.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

json_t *mb_json_text(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    json_t *string = json_string(text);
    char *valid = string == NULL ? malloc(3 * strlen(text) + 1) : NULL, *next = valid;
    if (valid == NULL)
        return string;
    while (*text != '\0') {
        uint32_t c;
        const size_t length = mb_utf8_decode(text, &c);
        next = length > 0 ? mempcpy(next, text, length) : stpcpy(next, replacement);
        text += length > 0 ? length : 1;
    }
    string = json_stringn(valid, (size_t)(next - valid));
    free(valid);
    return string;
}

json_t *mb_json_real(double value) { return isnan(value) ? json_null() : json_real(value); }

json_t *mb_json_append(json_t *array, json_t *element)
{
    if (json_array_append_new(array, element) == 0)
        return array;
    json_decref(array);
    return NULL;
}

json_t *mb_json_texts(const char *const *texts, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        array = mb_json_append(array, mb_json_text(texts[i]));
    return array;
}

json_t *mb_json_merge(json_t *object, json_t *part)
{
    const int failed = json_object_update(object, part);
    json_decref(part);
    if (failed == 0)
        return object;
    json_decref(object);
    return NULL;
}

json_t *mb_json_add_real(json_t *object, const char *key, double value)
{
    return isnan(value) ? object : mb_json_merge(object, json_pack("{s:f}", key, value));
}

static int print_value(const json_t *value, FILE *out)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(MB_JSON_DIGITS);
    const size_t count = json_array_size(value);
    if (!json_is_array(json_array_get(value, 0)) && !json_is_object(json_array_get(value, 0)))
        return json_dumpf(value, out, flags);
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? "[\n    " : ",\n    ", out);
        failed |= json_dumpf(json_array_get(value, i), out, flags);
    }
    fputs("\n  ]", out);
    return failed;
}

int mb_json_print(const json_t *object, FILE *out)
{
    const char *key, *before = "{";
    json_t *value;
    int failed = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        fprintf(out, "%s\n  \"%s\": ", before, key);
        failed |= print_value(value, out);
        before = ",";
    }
    fputs("\n}\n", out);
    return failed != 0 || ferror(out) ? -1 : 0;
}

json_t *mb_json_base64(const uint8_t *bytes, size_t size)
{
    const size_t length = BASE64_ENCODE_RAW_LENGTH(size);
    char *text = malloc(length + 1);
    if (text == NULL)
        return NULL;
    base64_encode_raw(text, size, bytes);
    json_t *string = json_stringn_nocheck(text, length);
    free(text);
    return string;
}

/* JSON values of arbitrary texts and numbers. */
#ifndef MB_REPORT_JSON_H
#define MB_REPORT_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Significant digits of reals: the differences that matter, without noise. */
enum { MB_JSON_DIGITS = 9 };

/* JSON is UTF-8: bytes of `text` that are not become U+FFFD each. NULL if memory runs out. */
json_t *mb_json_text(const char *text);

/* null for NaN, which JSON does not have. */
json_t *mb_json_real(double value);

/* The texts, (count), as an array; NULL if memory is out. */
json_t *mb_json_texts(const char *const *texts, size_t count);

/* The array with one more element, which it takes over; NULL, and nothing is left of both, if
 * either is NULL or memory is out. */
json_t *mb_json_append(json_t *array, json_t *element);

/* The same for an object and the members of `part`. */
json_t *mb_json_merge(json_t *object, json_t *part);

/* The object with a number, unless that is NaN. As mb_json_merge. */
json_t *mb_json_add_real(json_t *object, const char *key, double value);

/* Prints an object: a line per member, and per element of an array of arrays or objects. Returns 0,
 * or -1 if memory runs out or `out` fails. */
int mb_json_print(const json_t *object, FILE *out);

/* RFC 4648's base64, for data: URLs. */
json_t *mb_json_base64(const uint8_t *bytes, size_t size);

#endif

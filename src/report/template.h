/* Fills an HTML template from a JSON object; a subset of Mustache:
 *
 *     {{key}}                the value of `key`, escaped; {{a.b}} is member b of object a
 *     {{key|format}}         the value in one of the formats below
 *     {{#key}} ... {{/key}}  once for each element of an array, or once if the value is something
 *                            else, except missing, null, false or ""; within it, keys are looked up
 *                            in the element or object first
 *     {{^key}} ... {{/key}}  once if {{#key}} would not be written
 *
 * A section's tag alone on a line leaves no line. The formats, for numbers (N: a digit):
 *
 *     N   N decimals              eN  scientific, N decimals
 *     %N  percent, N decimals     gN  N significant digits
 *     ,   whole, in groups of three: 4,690
 *     sN  at least N significant digits, no exponent
 *
 * and for texts: `breaks` allows line breaks after '/' and ',', `command` keeps the name of each
 * --option in one piece, `raw` does not escape. Without a format, numbers have the digits of
 * summary.json. */
#ifndef MB_REPORT_TEMPLATE_H
#define MB_REPORT_TEMPLATE_H

#include "core/file.h"

#include <jansson.h>

/* Puts the filled template into *text, the caller's to free; a 0 follows its last byte. `name` is
 * the file's in errors. MB_ERROR_MEMORY; MB_ERROR_INVALID: a value that the template names is
 * missing. */
mb_status mb_template_render(const char *name, const char *template, const json_t *model,
                             mb_bytes *text, mb_error *error);

#endif

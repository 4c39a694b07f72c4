/* One option of a table: its value from text, to text, and within its range. */
#include "core/parse.h"
#include "core/status.h"

#include <ctype.h>
#include <float.h>
#include <stdio.h>
#include <string.h>

enum { ITEM_SIZE = 64, RANGE_SIZE = 256 };

typedef struct amount {
    size_t count;
    double percent;
} amount;

/* A value of any kind. */
typedef union any_value {
    bool flag;
    size_t size;
    amount amount;
    uint64_t uint64;
    double real;
    unsigned names;
    const char *text;
    mb_shape shape;
    mb_size_list list;
    mb_text_list texts;
} any_value;

static void *member(const mb_option *option, void *options)
{
    return (char *)options + option->offset;
}

const void *mb_option_value(const mb_option *option, const void *options)
{
    return (const char *)options + option->offset;
}

static size_t size_of(const mb_option *option)
{
    static const size_t sizes[] = {
        [MB_OPTION_FLAG] = sizeof(bool),
        [MB_OPTION_SIZE] = sizeof(size_t),
        [MB_OPTION_AMOUNT] = sizeof(amount),
        [MB_OPTION_UINT64] = sizeof(uint64_t),
        [MB_OPTION_REAL] = sizeof(double),
        [MB_OPTION_ENUM] = sizeof(unsigned),
        [MB_OPTION_TEXT] = sizeof(char *),
        [MB_OPTION_IMAGE_SIZE] = sizeof(mb_shape),
        [MB_OPTION_IMAGE_SHAPE] = sizeof(mb_shape),
        [MB_OPTION_SIZE_LIST] = sizeof(mb_size_list),
        [MB_OPTION_ENUM_LIST] = sizeof(mb_size_list),
        [MB_OPTION_TEXT_LIST] = sizeof(mb_text_list),
    };
    return sizes[option->kind];
}

void mb_option_copy(const mb_option *option, const void *from, void *to)
{
    memcpy(member(option, to), mb_option_value(option, from), size_of(option));
}

/* Enumerations have the size of an unsigned int, though not its type. */
static unsigned enum_at(const void *place)
{
    unsigned value;
    memcpy(&value, place, sizeof value);
    return value;
}

bool mb_option_applies(const mb_option *option, const void *options)
{
    return option->needs == NULL ||
           (option->needs_values >> enum_at((const char *)options + option->needs_offset) & 1) != 0;
}

bool mb_option_is_zero(const mb_option *option, const void *options)
{
    static const any_value zero;
    return memcmp(mb_option_value(option, options), &zero, size_of(option)) == 0;
}

char *mb_option_key(const mb_option *option, char text[MB_OPTION_TEXT_SIZE])
{
    snprintf(text, MB_OPTION_TEXT_SIZE, "%s", option->name);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
    return text;
}

char *mb_option_label(const mb_option *option, char text[MB_OPTION_TEXT_SIZE])
{
    snprintf(text, MB_OPTION_TEXT_SIZE, "%s", option->label != NULL ? option->label : option->name);
    *text = (char)toupper((unsigned char)*text);
    for (char *c = text; option->label == NULL && *c != '\0'; c++)
        *c = *c == '-' ? ' ' : *c;
    return text;
}

/* ---- ranges ---- */

static void format_real_range(const mb_option *option, char *text, size_t size)
{
    char min[MB_OPTION_TEXT_SIZE], max[MB_OPTION_TEXT_SIZE];
    mb_format_real(option->min, min);
    mb_format_real(option->max, max);
    if (!option->min_excluded && !option->max_excluded)
        snprintf(text, size, "%s to %s", min, max);
    else if (option->max == DBL_MAX)
        snprintf(text, size, "above %s", min);
    else
        snprintf(text, size, "%s %s and %s %s", option->min_excluded ? "above" : "at least", min,
                 option->max_excluded ? "below" : "at most", max);
}

/* "1 to 1000000", "at least 0 and below 1", "sgd, adam or adamw". */
static void format_range(const mb_option *option, char *text, size_t size)
{
    switch (option->kind) {
    case MB_OPTION_FLAG:
        snprintf(text, size, "on or off");
        break;
    case MB_OPTION_REAL:
        format_real_range(option, text, size);
        break;
    case MB_OPTION_ENUM:
    case MB_OPTION_ENUM_LIST:
        mb_format_names(option->names, text, size);
        break;
    case MB_OPTION_AMOUNT:
        snprintf(text, size, "%llu to %llu, or a percentage below 100%%",
                 (unsigned long long)option->min_size, (unsigned long long)option->max_size);
        break;
    case MB_OPTION_TEXT_LIST:
        snprintf(text, size, "given at most %d times", MB_MAX_LIST);
        break;
    case MB_OPTION_IMAGE_SIZE:
    case MB_OPTION_IMAGE_SHAPE:
        snprintf(text, size, "a size such as 28x28%s, at most %llu pixels",
                 option->kind == MB_OPTION_IMAGE_SHAPE ? " or, in color, 3x28x28" : "",
                 (unsigned long long)option->max_size);
        break;
    default:
        snprintf(text, size, "%llu to %llu", (unsigned long long)option->min_size,
                 (unsigned long long)option->max_size);
    }
}

static bool size_fits(const mb_option *option, uint64_t value)
{
    return value >= option->min_size && value <= option->max_size;
}

/* All comparisons with NaN are false. */
static bool real_fits(const mb_option *option, double value)
{
    return (option->min_excluded ? value > option->min : value >= option->min) &&
           (option->max_excluded ? value < option->max : value <= option->max);
}

/* One of the two is 0. */
static bool amount_fits(const mb_option *option, const amount *value)
{
    return size_fits(option, value->count) && value->percent >= 0.0 && value->percent < 100.0 &&
           (value->count == 0 || !(value->percent > 0.0));
}

static bool list_fits(const mb_option *option, const mb_size_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (option->kind == MB_OPTION_ENUM_LIST ? list->value[i] >= option->names->count
                                                : !size_fits(option, list->value[i]))
            return false;
    return true;
}

static bool fits(const mb_option *option, const void *value)
{
    const mb_shape *shape = value;
    switch (option->kind) {
    case MB_OPTION_SIZE:
        return size_fits(option, *(const size_t *)value);
    case MB_OPTION_AMOUNT:
        return amount_fits(option, value);
    case MB_OPTION_UINT64:
        return size_fits(option, *(const uint64_t *)value);
    case MB_OPTION_REAL:
        return real_fits(option, *(const double *)value);
    case MB_OPTION_ENUM:
        return enum_at(value) < option->names->count;
    case MB_OPTION_TEXT:
        return *(const char *const *)value == NULL ||
               strlen(*(const char *const *)value) >= option->min_size;
    case MB_OPTION_IMAGE_SIZE:
    case MB_OPTION_IMAGE_SHAPE:
        return shape->columns > 0 && shape->rows <= option->max_size / shape->columns &&
               size_fits(option, shape->rows * shape->columns);
    case MB_OPTION_SIZE_LIST:
    case MB_OPTION_ENUM_LIST:
        return list_fits(option, value);
    default:
        return true;
    }
}

static mb_status refuse(const mb_option *option, const char *got, mb_error *error)
{
    char range[RANGE_SIZE];
    if (option->kind == MB_OPTION_TEXT)
        return mb_fail(error, MB_ERROR_INVALID, "%s: must not be empty", option->name);
    format_range(option, range, sizeof range);
    return mb_fail(error, MB_ERROR_INVALID, "%s: must be %s, got %s", option->name, range, got);
}

mb_status mb_option_check(const mb_option *option, const void *options, mb_error *error)
{
    char got[RANGE_SIZE];
    if (fits(option, mb_option_value(option, options)))
        return MB_OK;
    return refuse(option, mb_option_format(option, options, got, sizeof got), error);
}

/* ---- from text ---- */

static bool read_image_size(const char *text, mb_shape *shape)
{
    *shape = (mb_shape){.channels = 1};
    return mb_take_size(&text, 0, SIZE_MAX, &shape->rows) && *text++ == 'x' &&
           mb_parse_size(text, 0, SIZE_MAX, &shape->columns);
}

static bool read_image_shape(const char *text, mb_shape *shape)
{
    const char *rest = text;
    size_t channels = 1;
    const bool read = read_image_size(text, shape) ||
                      (mb_take_size(&rest, 1, MB_MAX_CHANNELS, &channels) && *rest++ == 'x' &&
                       read_image_size(rest, shape));
    shape->channels = channels;
    return read;
}

static bool read_amount(const char *text, amount *value)
{
    char number[ITEM_SIZE];
    const size_t length = strlen(text);
    *value = (amount){0};
    if (length == 0 || length >= sizeof number || text[length - 1] != '%')
        return mb_parse_size(text, 0, SIZE_MAX, &value->count);
    snprintf(number, sizeof number, "%.*s", (int)length - 1, text);
    return mb_parse_real(number, &value->percent);
}

static bool read_list(const mb_option *option, const char *text, mb_size_list *list)
{
    char item[ITEM_SIZE];
    *list = (mb_size_list){.count = 0};
    bool read = true;
    for (; read && text != NULL; list->count++) {
        unsigned value = 0;
        if (list->count == MB_MAX_LIST || !mb_take_item(&text, item, sizeof item))
            return false;
        if (option->kind == MB_OPTION_ENUM_LIST) {
            read = mb_parse_enum(option->names, item, &value);
            list->value[list->count] = value;
        } else
            read = mb_parse_size(item, 0, SIZE_MAX, &list->value[list->count]);
    }
    return read;
}

/* `read` holds what the option holds so far. */
static bool read_value(const mb_option *option, const char *text, any_value *read)
{
    switch (option->kind) {
    case MB_OPTION_FLAG:
        read->flag = strcmp(text, "on") == 0;
        return read->flag || strcmp(text, "off") == 0;
    case MB_OPTION_SIZE:
        return mb_parse_size(text, 0, SIZE_MAX, &read->size);
    case MB_OPTION_AMOUNT:
        return read_amount(text, &read->amount);
    case MB_OPTION_UINT64:
        return mb_parse_uint64(text, &read->uint64);
    case MB_OPTION_REAL:
        return mb_parse_real(text, &read->real);
    case MB_OPTION_ENUM:
        return mb_parse_enum(option->names, text, &read->names);
    case MB_OPTION_TEXT:
        read->text = text;
        return true;
    case MB_OPTION_IMAGE_SIZE:
        return read_image_size(text, &read->shape);
    case MB_OPTION_IMAGE_SHAPE:
        return read_image_shape(text, &read->shape);
    case MB_OPTION_SIZE_LIST:
    case MB_OPTION_ENUM_LIST:
        return read_list(option, text, &read->list);
    default:
        if (read->texts.count == MB_MAX_LIST)
            return false;
        read->texts.value[read->texts.count++] = text;
        return true;
    }
}

mb_status mb_option_parse(const mb_option *option, void *options, const char *text, mb_error *error)
{
    any_value read;
    memcpy(&read, member(option, options), size_of(option));
    if (!read_value(option, text, &read)) {
        char got[RANGE_SIZE];
        snprintf(got, sizeof got, "'%s'", text);
        return refuse(option, got, error);
    }
    if (!fits(option, &read))
        return refuse(option, text, error);
    memcpy(member(option, options), &read, size_of(option));
    return MB_OK;
}

/* ---- to text ---- */

static void format_list(const mb_option *option, const mb_size_list *list, char *text, size_t size)
{
    *text = '\0';
    for (size_t i = 0; i < list->count; i++) {
        char number[MB_OPTION_TEXT_SIZE];
        snprintf(number, sizeof number, "%zu", list->value[i]);
        mb_append(text, size, ",",
                  option->names != NULL ? option->names->values[list->value[i]].name : number);
    }
}

static const char *name_of(const mb_enum *names, unsigned value)
{
    return value < names->count ? names->values[value].name : "unknown";
}

char *mb_option_format(const mb_option *option, const void *options, char *text, size_t size)
{
    char real[MB_OPTION_TEXT_SIZE];
    any_value value;
    memcpy(&value, mb_option_value(option, options), size_of(option));
    switch (option->kind) {
    case MB_OPTION_FLAG:
        snprintf(text, size, "%s", value.flag ? "on" : "off");
        break;
    case MB_OPTION_SIZE:
        snprintf(text, size, "%zu", value.size);
        break;
    case MB_OPTION_AMOUNT:
        if (value.amount.percent != 0.0)
            snprintf(text, size, "%s%%", mb_format_real(value.amount.percent, real));
        else
            snprintf(text, size, "%zu", value.amount.count);
        break;
    case MB_OPTION_UINT64:
        snprintf(text, size, "%llu", (unsigned long long)value.uint64);
        break;
    case MB_OPTION_REAL:
        snprintf(text, size, "%s", mb_format_real(value.real, real));
        break;
    case MB_OPTION_ENUM:
        snprintf(text, size, "%s", name_of(option->names, value.names));
        break;
    case MB_OPTION_IMAGE_SHAPE:
        snprintf(text, size, "%zux%zux%zu", value.shape.channels, value.shape.rows,
                 value.shape.columns);
        break;
    case MB_OPTION_IMAGE_SIZE:
        snprintf(text, size, "%zux%zu", value.shape.rows, value.shape.columns);
        break;
    case MB_OPTION_SIZE_LIST:
    case MB_OPTION_ENUM_LIST:
        format_list(option, &value.list, text, size);
        break;
    default:
        snprintf(text, size, "%s",
                 option->kind == MB_OPTION_TEXT && value.text != NULL ? value.text : "");
    }
    return text;
}

char *mb_options_describe(const mb_option *table, const void *options, const mb_enum *needs,
                          char *text, size_t size)
{
    *text = '\0';
    for (const mb_option *option = table; option->name != NULL; option++) {
        char value[MB_OPTION_TEXT_SIZE];
        if (option->needs != needs || !mb_option_applies(option, options) ||
            (option->omit_zero && mb_option_is_zero(option, options)))
            continue;
        mb_append(text, size, ", ", option->name);
        mb_append(text, size, " ", mb_option_format(option, options, value, sizeof value));
    }
    return text;
}

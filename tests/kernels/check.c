#include "check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const mb_kernels mb_reference_kernels = {
#define MB_KERNEL(result, name, parameters) .name = mb_reference_##name,
#include "kernels/kernels.inc"
};

const mb_kernel_check mb_kernel_checks[] = {
#define MB_KERNEL(result, name, parameters) {#name, false, mb_check_##name, mb_time_##name},
#define MB_PRODUCT(result, name, parameters) {#name, true, mb_check_##name, mb_time_##name},
#include "kernels/kernels.inc"
};
const size_t mb_kernel_check_count = sizeof mb_kernel_checks / sizeof mb_kernel_checks[0];

/* ---- buffers ---- */

enum { MAX_BUFFERS = 8, BEFORE = 256 };

/* `bytes` at the end of a zone, before an inaccessible page. */
typedef struct output {
    uint8_t *found, *wanted, *initial;
    size_t bytes, ignored; /* ignored: the last of them */
} output;

static uint8_t *zones[4 * MAX_BUFFERS];
static output outputs[MAX_BUFFERS];
static size_t zone_count, output_count, current_round;
static uint64_t written;
static char failure[256];

static uint8_t *zone_end(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t **zone = &zones[zone_count++];
    if (zone_count > sizeof zones / sizeof zones[0])
        abort();
    if (*zone == NULL) {
        *zone = mmap(NULL, MB_CHECK_BYTES + page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (*zone == MAP_FAILED || mprotect(*zone + MB_CHECK_BYTES, page, PROT_NONE) != 0)
            abort();
    }
    return *zone + MB_CHECK_BYTES;
}

void *mb_input(size_t bytes)
{
    const bool fits = bytes <= MB_CHECK_BYTES - BEFORE;
    mb_check_that(fits, "%zu bytes are too many", bytes);
    return zone_end() - (fits ? bytes : MB_CHECK_BYTES - BEFORE);
}

mb_values mb_draw_kind(void) { return (mb_values)mb_test_random_size(MB_ANY, MB_SPECIAL); }

static void draw(float *values, size_t n, mb_values kind)
{
    static const float specials[] = {0.0f,  -0.0f, 1.0f,      1.0f,     2.0f,
                                     -1.0f, NAN,   -INFINITY, INFINITY, 0x1p-126f};
    if (kind == MB_ANY)
        mb_test_random_floats(values, n);
    else
        for (size_t i = 0; i < n; i++)
            values[i] = kind == MB_SPECIAL ? specials[mb_test_random_size(0, 9)]
                                           : (float)mb_test_random_size(0, 32) / 8.0f - 2.0f;
}

float *mb_draw_input(size_t n, mb_values values)
{
    float *input = mb_input(n * sizeof *input);
    draw(input, n, values);
    return input;
}

mb_output mb_output_of(const void *initial, size_t bytes)
{
    output *o = &outputs[output_count++];
    *o = (output){mb_input(bytes), mb_input(bytes), mb_input(bytes), bytes, 0};
    memcpy(o->initial, initial, bytes);
    memset(o->initial - BEFORE, 7, BEFORE);
    memcpy(o->found - BEFORE, o->initial - BEFORE, BEFORE + bytes);
    memcpy(o->wanted - BEFORE, o->initial - BEFORE, BEFORE + bytes);
    return (mb_output){{o->found, o->wanted}};
}

mb_output mb_draw_output(size_t n, mb_values values)
{
    return mb_output_of(mb_draw_input(n, values), n * sizeof(float));
}

void mb_output_ignore(mb_output given, size_t offset)
{
    for (size_t i = 0; i < output_count; i++)
        if (outputs[i].found == given.at[0])
            outputs[i].ignored = outputs[i].bytes - offset;
}

/* ---- comparison ---- */

void mb_check_that(bool right, const char *format, ...)
{
    va_list arguments;
    if (right || failure[0] != '\0')
        return;
    va_start(arguments, format);
    const int used = snprintf(failure, sizeof failure, "round %zu: ", current_round);
    vsnprintf(failure + used, sizeof failure - (size_t)used, format, arguments);
    va_end(arguments);
}

static double value_at(const uint8_t *bytes, size_t width)
{
    double value;
    float single;
    if (width == sizeof value)
        return memcpy(&value, bytes, sizeof value), value;
    return memcpy(&single, bytes, sizeof single), (double)single;
}

/* Elements of `width` bytes; a tolerance below 0 requires equal ones. */
static void compare(size_t width, double tolerance)
{
    for (size_t o = 0; o < output_count; o++) {
        const output *out = &outputs[o];
        const size_t bytes = out->bytes - out->ignored;
        mb_check_that(memcmp(out->found - BEFORE, out->initial - BEFORE, BEFORE) == 0,
                      "output %zu: the memory before it is written", o);
        for (size_t i = 0; i < bytes; i += width) {
            if (memcmp(out->found + i, out->wanted + i, width) == 0)
                continue;
            const double found = value_at(out->found + i, width),
                         wanted = value_at(out->wanted + i, width);
            const bool touched = memcmp(out->wanted + i, out->initial + i, width) != 0;
            mb_check_that(touched && fabs(found - wanted) <= tolerance,
                          "output %zu, element %zu: %.9g, expected %.9g", o, i / width, found,
                          wanted);
        }
        for (size_t i = 0; i < bytes; i++)
            written = (written ^ out->found[i]) * 0x100000001b3u; /* FNV-1a */
    }
}

void mb_check_equal(void)
{
    for (size_t o = 0; o < output_count; o++)
        if (memcmp(outputs[o].found, outputs[o].wanted, outputs[o].bytes - outputs[o].ignored) != 0)
            mb_check_that(false, "output %zu is not the reference's", o);
    compare(1, -1.0);
}

void mb_check_near(double tolerance) { compare(sizeof(float), tolerance); }

void mb_check_near_doubles(double tolerance) { compare(sizeof(double), tolerance); }

size_t mb_check_round(void) { return current_round; }

const char *mb_check_run(mb_check_fn *check, const mb_kernels *kernels, size_t rounds,
                         uint64_t *digest)
{
    mb_test_seed(NULL);
    failure[0] = '\0';
    written = 0xcbf29ce484222325u;
    for (current_round = 0; current_round < rounds && failure[0] == '\0'; current_round++) {
        zone_count = output_count = 0;
        check(kernels);
    }
    *digest = written;
    return failure[0] != '\0' ? failure : NULL;
}

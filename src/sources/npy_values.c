/* The elements of an NPY file, as pixels or as integers. */
#include "core/util.h"
#include "sources/npy.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 4096, MAX_ELEMENT = 8 };

/* The raw bytes of the next *count elements, at most CHUNK; 0 after the last. After it the stream
 * must end, which checks its checksum. */
static mb_status read_chunk(mb_npy *npy, size_t max, uint8_t raw[CHUNK * MAX_ELEMENT],
                            size_t *count, mb_error *error)
{
    const size_t wanted = mb_min_size(mb_min_size(max, CHUNK), npy->elements - npy->done);
    size_t got = 0, more = 0;
    uint8_t after;
    *count = 0;
    mb_status status = npy->stream.read(&npy->stream, raw, wanted * npy->size, &got, error);
    if (status == MB_OK && got < wanted * npy->size)
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: truncated: %zu elements, %zu are there",
                         npy->stream.name, npy->elements, npy->done + got / npy->size);
    if (status == MB_OK && npy->done + wanted == npy->elements)
        status = npy->stream.read(&npy->stream, &after, 1, &more, error);
    if (status == MB_OK && more > 0)
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: trailing garbage after %zu elements",
                         npy->stream.name, npy->elements);
    if (status == MB_OK) {
        npy->done += wanted;
        *count = wanted;
    }
    return status;
}

/* ---- numbers ---- */

static uint64_t load_bits(const uint8_t *bytes, size_t size, bool big_endian)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits = bits << 8 | bytes[big_endian ? i : size - 1 - i];
    return bits;
}

static double half_value(uint64_t bits)
{
    const int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
    const double magnitude = exponent == 0    ? ldexp(fraction, -24)
                             : exponent == 31 ? (fraction == 0 ? HUGE_VAL : NAN)
                                              : ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 != 0 ? -magnitude : magnitude;
}

static double float_value(uint64_t bits, size_t size)
{
    const uint32_t low = (uint32_t)bits;
    float single;
    double value;
    if (size == 2)
        return half_value(bits);
    memcpy(&single, &low, sizeof single);
    memcpy(&value, &bits, sizeof value);
    return size == 4 ? (double)single : value;
}

static int64_t signed_value(uint64_t bits, size_t size)
{
    const uint64_t sign = (uint64_t)1 << (8 * size - 1);
    return (int64_t)((bits ^ sign) - sign);
}

static void decode(const mb_npy *npy, const uint8_t *raw, size_t count, double *values)
{
    for (size_t i = 0; i < count; i++, raw += npy->size) {
        const uint64_t bits = load_bits(raw, npy->size, npy->big_endian);
        values[i] = npy->kind == MB_NPY_BOOL     ? (double)(bits != 0)
                    : npy->kind == MB_NPY_SIGNED ? (double)signed_value(bits, npy->size)
                    : npy->kind == MB_NPY_FLOAT  ? float_value(bits, npy->size)
                                                 : (double)bits;
    }
}

/* ---- places ---- */

/* Where the next element goes. Axes are from the fastest to the slowest; those that are contiguous
 * are one. */
typedef struct cursor {
    size_t count, offset;
    struct {
        size_t size, stride, index;
    } axes[MB_NPY_MAX_DIMENSIONS];
} cursor;

static cursor cursor_of(const mb_npy *npy, const size_t *strides)
{
    cursor at = {.count = 0};
    for (size_t i = 0; i < npy->dimensions; i++) {
        const size_t from = npy->fortran_order ? i : npy->dimensions - 1 - i;
        const size_t size = npy->shape[from], stride = strides[from], last = at.count - 1;
        if (size == 1)
            continue;
        if (at.count > 0 && stride == at.axes[last].size * at.axes[last].stride) {
            at.axes[last].size *= size;
        } else {
            at.axes[at.count].size = size;
            at.axes[at.count++].stride = stride;
        }
    }
    if (at.count == 0) {
        at.axes[0].size = at.axes[0].stride = 1;
        at.count = 1;
    }
    return at;
}

static void put(cursor *at, const uint8_t *values, size_t count, uint8_t *pixels)
{
    while (count > 0) {
        const size_t stride = at->axes[0].stride;
        const size_t run = mb_min_size(count, at->axes[0].size - at->axes[0].index);
        if (stride == 1)
            memcpy(pixels + at->offset, values, run);
        for (size_t i = 0; stride != 1 && i < run; i++)
            pixels[at->offset + i * stride] = values[i];
        at->axes[0].index += run;
        at->offset += run * stride;
        values += run;
        count -= run;
        for (size_t a = 0; a + 1 < at->count && at->axes[a].index == at->axes[a].size; a++) {
            at->offset += at->axes[a + 1].stride - at->axes[a].size * at->axes[a].stride;
            at->axes[a].index = 0;
            at->axes[a + 1].index++;
        }
    }
}

/* ---- pixels ---- */

/* What the values so far say of the range of all: above 1, or not whole. */
typedef struct range {
    bool above, fraction;
} range;

static mb_status check_values(const mb_npy *npy, const double *values, size_t count, range *seen,
                              mb_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const double value = values[i];
        bool good = value >= 0.0 && value <= 255.0;
        if (good) {
            seen->above |= value > 1.0;
            seen->fraction |= value != (double)(int)value;
            good = !(seen->above && seen->fraction);
        }
        if (!good)
            return mb_fail(error, MB_ERROR_FORMAT,
                           "%s: value %g at element %zu: all must be 0 to 1, or all whole numbers "
                           "0 to 255: save the images as they were before they were normalized",
                           npy->stream.name, value, npy->done - count + i);
    }
    return MB_OK;
}

static void scale_ones(uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pixels[i] = pixels[i] == 1 ? 255 : pixels[i];
}

/* The values of a chunk as bytes; those that were written before become 255 if they are 1 and this
 * chunk shows that 1 is the maximum. */
static mb_status convert(const mb_npy *npy, const uint8_t *raw, size_t count, range *seen,
                         uint8_t *bytes, uint8_t *pixels, mb_error *error)
{
    double values[CHUNK];
    const bool scaled = seen->fraction;
    if (npy->kind == MB_NPY_UNSIGNED && npy->size == 1) {
        uint8_t all = 0;
        for (size_t i = 0; i < count; i++)
            all |= raw[i];
        seen->above |= all > 1;
        memcpy(bytes, raw, count);
        return MB_OK;
    }
    decode(npy, raw, count, values);
    const mb_status status = check_values(npy, values, count, seen, error);
    if (status != MB_OK)
        return status;
    if (seen->fraction && !scaled)
        scale_ones(pixels, npy->elements);
    const double factor = seen->fraction ? 255.0 : 1.0;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(values[i] * factor + 0.5);
    return MB_OK;
}

mb_status mb_npy_read_pixels(mb_npy *npy, const size_t *strides, uint8_t *pixels, mb_error *error)
{
    uint8_t raw[CHUNK * MAX_ELEMENT], bytes[CHUNK];
    cursor at = cursor_of(npy, strides);
    range seen = {false, false};
    mb_status status = MB_OK;
    while (status == MB_OK && npy->done < npy->elements) {
        size_t count = 0;
        status = read_chunk(npy, CHUNK, raw, &count, error);
        if (status == MB_OK)
            status = convert(npy, raw, count, &seen, bytes, pixels, error);
        if (status == MB_OK)
            put(&at, bytes, count, pixels);
    }
    if (status == MB_OK && !seen.above && !seen.fraction)
        scale_ones(pixels, npy->elements);
    return status;
}

/* ---- integers ---- */

static mb_status to_integer(const mb_npy *npy, const uint8_t *raw, size_t element, int64_t *value,
                            mb_error *error)
{
    static const double exact = 9007199254740992.0; /* whole numbers above it have no fraction */
    const uint64_t bits = load_bits(raw, npy->size, npy->big_endian);
    const double real = npy->kind == MB_NPY_FLOAT ? float_value(bits, npy->size) : 0.0;
    if (!(fabs(real) <= exact) || real != floor(real))
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %g at element %zu: must be a whole number",
                       npy->stream.name, real, element);
    if (npy->kind == MB_NPY_UNSIGNED && bits > INT64_MAX)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %g at element %zu: too large", npy->stream.name,
                       (double)bits, element);
    *value = npy->kind == MB_NPY_FLOAT    ? (int64_t)real
             : npy->kind == MB_NPY_SIGNED ? signed_value(bits, npy->size)
             : npy->kind == MB_NPY_BOOL   ? bits != 0
                                          : (int64_t)bits;
    return MB_OK;
}

mb_status mb_npy_read_integers(mb_npy *npy, size_t max, int64_t *values, size_t *count,
                               mb_error *error)
{
    uint8_t raw[CHUNK * MAX_ELEMENT];
    mb_status status = read_chunk(npy, max, raw, count, error);
    for (size_t i = 0; i < *count && status == MB_OK; i++)
        status = to_integer(npy, raw + i * npy->size, npy->done - *count + i, &values[i], error);
    return status;
}

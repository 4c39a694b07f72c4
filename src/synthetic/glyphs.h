/* The shapes of the ten digits, as data.
 *
 * A variant is one way to write a digit: points on a smooth curve, in the order and direction of
 * the pen. It is given by examples with the same points in the same order; what lies between two
 * examples of a variant is another example of it. */
#ifndef MB_SYNTHETIC_GLYPHS_H
#define MB_SYNTHETIC_GLYPHS_H

#include <stddef.h>
#include <stdint.h>

enum { MB_DIGITS = 10, MB_MAX_GLYPH_POINTS = 16 };

/* Kind of a point: the curve is smooth, turns sharply, or a new stroke starts. */
enum { MB_POINT_SMOOTH = '-', MB_POINT_CORNER = 'v', MB_POINT_STROKE = '|' };

/* x to the right and y downwards, in hundredths of the digit's height. */
typedef struct mb_glyph_point {
    int8_t x, y;
} mb_glyph_point;

typedef struct mb_glyph_variant {
    const mb_glyph_point *points; /* (examples, count) */
    const char *kinds;            /* (count) MB_POINT_SMOOTH, ... */
    uint8_t digit;                /* 0 .. 9 */
    uint8_t weight;               /* frequency relative to the digit's other variants */
    uint8_t examples, count;      /* both at least 2 */
} mb_glyph_variant;

/* A digit: its variants, and what they have in common. */
typedef struct mb_glyph {
    const mb_glyph_variant *variants;
    size_t count;
    uint32_t weight;  /* sum over the variants */
    float slant;      /* mean slant to the right, per height */
    float radius;     /* mean radius of the pen, in units of a point */
    float max_radius; /* of the pen, per breadth of the digit; 0: no limit */
    float variation;  /* 1 for most digits */
} mb_glyph;

/* digit 0 .. 9. */
mb_glyph mb_glyph_of(size_t digit);

#endif

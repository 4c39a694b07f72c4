/* The ways in which people write the ten digits, as data.
 *
 * A form is one way: its strokes, in the order and direction in which a hand makes them, as dots on
 * a smooth curve. It is given by examples, which have the same dots in the same order; what lies
 * between two examples of a form is another example of it. */
#ifndef MB_DATA_GLYPHS_H
#define MB_DATA_GLYPHS_H

#include <stddef.h>
#include <stdint.h>

/* The most dots of a form, and the digits that there are. */
enum { MB_GLYPH_DOTS = 16, MB_DIGITS = 10 };

/* What is special about a dot: at a corner the curve turns sharply; a lifted one begins a new
 * stroke. */
enum { MB_SMOOTH = '-', MB_CORNER = 'v', MB_LIFTED = '|' };

/* A dot at x (to the right) and y (downwards), each in hundredths of the digit's height. */
typedef struct mb_dot {
    int8_t x, y;
} mb_dot;

typedef struct mb_form {
    const mb_dot *dots;      /* (examples, count) */
    const char *turns;       /* (count) what each dot is: MB_SMOOTH, ... */
    uint8_t digit;           /* 0 .. 9 */
    uint8_t weight;          /* how often it is written, relative to the digit's other forms */
    uint8_t examples, count; /* both at least 2 */
} mb_form;

/* One digit: its forms and what they have in common. */
typedef struct mb_glyph {
    const mb_form *forms;
    size_t count;
    uint32_t weight; /* the sum of the forms' */
    float slant;     /* how far its upright leans to the right on average, per height */
    float radius;    /* of the pen on average, in the units of a dot */
    float bold;      /* the most that radius is of the digit's breadth; 0: any pen will do */
    float loose;     /* how unsteadily it is written, 1 for most */
} mb_glyph;

/* digit 0 .. 9. */
mb_glyph mb_glyph_of(size_t digit);

#endif

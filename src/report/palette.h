/* The colours of all figures, 0xRRGGBB. The three with a meaning are distinguishable with any kind
 * of colour vision: Okabe and Ito, "Color universal design", 2008; their meaning is shown by a
 * shape, too. */
#ifndef MB_REPORT_PALETTE_H
#define MB_REPORT_PALETTE_H

#include <stdint.h>

enum {
    MB_COLOUR_BACKGROUND = 0xffffff,
    MB_COLOUR_TEXT = 0x1f2328,
    MB_COLOUR_MUTED = 0x59636e, /* secondary text; contrast 6:1 on the background */
    MB_COLOUR_FRAME = 0xd1d9e0,
    MB_COLOUR_GRID = 0xe8ecf0,
    MB_COLOUR_BLUE = 0x0072b2,      /* test; right; negative weights */
    MB_COLOUR_VERMILION = 0xc74e00, /* training; wrong; positive weights */
    MB_COLOUR_GREEN = 0x007d5b,     /* validation */
    MB_COLOUR_PURPLE = 0x9b3d7f     /* no meaning: one of several runs */
};

/* `from` with a fraction (0 .. 1) of `to` mixed in. */
static inline uint32_t mb_mix(uint32_t from, uint32_t to, double fraction)
{
    uint32_t mixed = 0;
    for (unsigned shift = 0; shift <= 16; shift += 8) {
        const double a = (double)(from >> shift & 255), b = (double)(to >> shift & 255);
        mixed |= (uint32_t)(a + fraction * (b - a) + 0.5) << shift;
    }
    return mixed;
}

#endif

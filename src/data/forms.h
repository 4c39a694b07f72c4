/* The tables of forms that glyphs.h gives out, in two files for their length. */
#ifndef MB_DATA_FORMS_H
#define MB_DATA_FORMS_H

#include "data/glyphs.h"

/* An mb_form of the table `dots` (examples, count). */
#define MB_FORM(digit, weight, dots, turns)                                                        \
    {                                                                                              \
        dots[0], turns, digit, weight, sizeof dots / sizeof dots[0],                               \
            sizeof dots[0] / sizeof dots[0][0]                                                     \
    }

/* Those of a digit stand together. */
extern const mb_form mb_forms_0_4[], mb_forms_5_9[];
extern const size_t mb_forms_0_4_count, mb_forms_5_9_count;

#endif

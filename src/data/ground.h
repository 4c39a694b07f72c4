/* What is drawn on, and what of a picture is therefore ink. */
#ifndef MB_DATA_GROUND_H
#define MB_DATA_GROUND_H

#include "data/plane.h"

#include <stdbool.h>

/* What mb_ink found. */
typedef struct mb_ink_levels {
    bool dark;   /* ink on a lighter ground */
    float floor; /* up to here it may be noise or shade */
    float most;  /* the strongest ink */
} mb_ink_levels;

/* Replaces the gray values of *plane (0 .. 255) by the strength of the ink, 0 and above. The ground
 * is the gray of the picture's margin where that is of one gray, and else a surface of second
 * degree through what lies near it: paper and its lighting. On which side of the ground the ink
 * lies is where the differences' cubes sum up to: ink is far from the ground and rare, shade is
 * near and everywhere. Dark ink is measured as a share of its ground, as it takes away a share of
 * the light. False: nothing stands out. */
bool mb_find_ink(mb_plane *plane, mb_ink_levels *levels);

#endif

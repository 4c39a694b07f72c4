/* Connected pieces of ink. */
#ifndef MB_DATA_SPOTS_H
#define MB_DATA_SPOTS_H

#include "data/plane.h"

#include <stdbool.h>

/* Leaves of the ink only what belongs to the drawing: pieces of pixels above `floor`, connected
 * also by corners, that have a quarter of the strength `most` somewhere and a fiftieth of the
 * heaviest such piece's weight. All else becomes 0: dust, noise, shade. False: out of memory. */
bool mb_spots_clear(mb_plane *ink, float floor, float most);

#endif

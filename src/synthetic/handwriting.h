/* Handwriting: from a variant of a digit to the path of the pen, different each time. */
#ifndef MB_SYNTHETIC_HANDWRITING_H
#define MB_SYNTHETIC_HANDWRITING_H

#include "synthetic/rasterizer.h"

/* Writes `digit` (0 .. 9): variant, shape, slant, width, thickness and flaws are drawn from *rng.
 * The unit of the path is arbitrary; mb_path_fit follows. */
void mb_handwriting_path(size_t digit, mb_rng *rng, mb_path *path);

#endif

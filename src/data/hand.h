/* A hand that writes digits: from a form to the path of the pen, never twice the same. */
#ifndef MB_DATA_HAND_H
#define MB_DATA_HAND_H

#include "data/pen.h"

/* Writes `digit` (0 .. 9) as the numbers of *rng will have it: which form, between which of its
 * examples, how unsteadily, how slanted and wide, how thick, with which flaws. The unit of the
 * path is arbitrary; mb_path_fit follows. */
void mb_hand_write(size_t digit, mb_rng *rng, mb_path *path);

#endif

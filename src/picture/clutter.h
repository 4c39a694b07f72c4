/* Things in the binary picture of the ink that are no digit. */
#ifndef MB_PICTURE_CLUTTER_H
#define MB_PICTURE_CLUTTER_H

#include "picture/pix.h"

/* Straight thin lines through the picture, as of ruled or squared paper, and frames around the
 * drawing: 1 where `ink` has them. NULL if memory is out. */
PIX *mb_lines_of(PIX *ink);

/* Removes components that are small relative to the largest or far away from it. */
void mb_remove_specks(PIX *ink);

/* Number of digits beside each other: groups of components of similar height with a gap between
 * them. */
int mb_count_digits(PIX *ink);

#endif

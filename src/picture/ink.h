/* The ink of a picture, separated from its background. */
#ifndef MB_PICTURE_INK_H
#define MB_PICTURE_INK_H

#include "picture/pix.h"

#include <stdbool.h>

/* Ink of a picture. {0} is none. */
typedef struct mb_ink {
    PIX *strength; /* owned: 0 .. 255, clipped to the ink; NULL if memory is out or there is none */
    int left, top; /* its corner in the picture */
    bool blank;    /* nothing stands out in the picture */
    int digits;    /* digits beside or below each other; 1 for most pictures */
} mb_ink;

/* Finds the ink of `gray`, 8 bits per pixel, which stays the caller's: what is darker or lighter
 * than its background, without specks, ruled lines and frames. */
mb_ink mb_find_ink(PIX *gray);

#endif

/* Helpers for Leptonica's pictures, for the files of this folder.
 *
 * Leptonica's functions take NULL for a picture and return NULL then: a chain of them is checked
 * once, at its end. */
#ifndef MB_PICTURE_PIX_H
#define MB_PICTURE_PIX_H

#include <leptonica/allheaders.h>

/* Frees *pix and puts `by`, made from it, in its place. */
static inline void mb_pix_replace(PIX **pix, PIX *by)
{
    pixDestroy(pix);
    *pix = by;
}

/* Leptonica prints no messages between the two, which may be nested and called from any thread. */
void mb_pix_messages_off(void);
void mb_pix_messages_on(void);

#endif

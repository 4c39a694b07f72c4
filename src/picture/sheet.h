/* A sheet of paper on a darker ground. */
#ifndef MB_PICTURE_SHEET_H
#define MB_PICTURE_SHEET_H

#include "picture/pix.h"

/* Clips *gray, 8 bits per pixel, to the sheet of paper with something drawn on it, if it shows one:
 * a bright rectangle, turned or not, on a dark ground. *gray becomes NULL if memory is out. */
void mb_clip_to_sheet(PIX **gray);

#endif

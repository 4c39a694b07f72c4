/* The pictures of a run, drawn with cairo. */
#ifndef MB_REPORT_PICTURES_H
#define MB_REPORT_PICTURES_H

#include "report/picture.h"
#include "report/report.h"

/* loss.svg, loss.png, predictions.png, mistakes.png, confusion.svg, weights.png. */
enum { MB_PICTURES = 6 };

/* Draws all of them; on success each is the caller's, for mb_picture_free. On failure none is.
 * MB_UNAVAILABLE: no font is installed; MB_MEMORY. */
mb_status mb_pictures_draw(const mb_report *report, mb_picture pictures[MB_PICTURES],
                           mb_error *error);

#endif

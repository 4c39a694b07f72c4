/* The pictures of a run, drawn with cairo. */
#ifndef MB_REPORT_PICTURES_H
#define MB_REPORT_PICTURES_H

#include "report/picture.h"
#include "report/report.h"

/* loss.svg, loss.png, predictions.png, mistakes.png, confusion.svg, weights.png; and augmented.png
 * of a run that augmented its images. */
enum { MB_PICTURES = 6, MB_MOST_PICTURES = MB_PICTURES + 1 };

/* How many this run has, the first of them. */
size_t mb_pictures_count(const mb_report *report);

/* The file of picture `number`, below MB_MOST_PICTURES. */
const char *mb_picture_file(size_t number);

/* Draws all that the run has, for which there must be room; on success each is the caller's, for
 * mb_picture_free. On failure none is. MB_ERROR_UNAVAILABLE: no font is installed; MB_ERROR_MEMORY.
 */
mb_status mb_pictures_draw(const mb_report *report, mb_picture *pictures, mb_error *error);

#endif

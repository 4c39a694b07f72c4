/* Tags of TIFF files and of EXIF data, which has their structure (TIFF 6.0, section 2). */
#ifndef MB_PICTURE_TIFF_TAGS_H
#define MB_PICTURE_TIFF_TAGS_H

#include <stddef.h>
#include <stdint.h>

/* Directory of the first page; 0 if `data` is not of this structure. */
size_t mb_tiff_first(const uint8_t *data, size_t size);

/* Directory of the page after that at `directory`, 0 if there is none. */
size_t mb_tiff_next(const uint8_t *data, size_t size, size_t directory);

enum { MB_TIFF_SUBFILE = 254, MB_TIFF_ORIENTATION = 274, MB_TIFF_SAMPLE_FORMAT = 339 };

/* The first value of a tag of 16 or 32 bits in the directory; `otherwise` if it is not there. */
uint32_t mb_tiff_tag(const uint8_t *data, size_t size, size_t directory, unsigned tag,
                     uint32_t otherwise);

/* Orientation that EXIF data asks for, 1, upright, to 8. */
int mb_exif_orientation(const uint8_t *data, size_t size);

#endif

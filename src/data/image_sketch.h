/* A bottom-k sketch of a set of images: the smallest hashes of all. Of other images, those with a
 * hash in its range are a random sample, and for each of them the sketch says whether it is in the
 * set. Broder, "On the resemblance and containment of documents", 1997. */
#ifndef MB_DATA_IMAGE_SKETCH_H
#define MB_DATA_IMAGE_SKETCH_H

#include <mnist_blas/images.h>

#include <stdbool.h>

enum { MB_SKETCH_HASHES = 64 };

/* {0}: of no images. */
typedef struct mb_image_sketch {
    size_t count;
    uint64_t hashes[MB_SKETCH_HASHES]; /* (count), ascending */
} mb_image_sketch;

/* The same on all machines: model files have it. */
uint64_t mb_image_hash(const uint8_t *pixels, size_t bytes);

mb_image_sketch mb_image_sketch_of(const mb_images *images);

/* Counts the images that have a hash in the range of the sketch, and those of them in its set. */
void mb_image_sketch_compare(const mb_image_sketch *sketch, const mb_images *images,
                             size_t *sampled, size_t *found);

/* As text of 16 hexadecimal digits per hash, and back; false: the text is not a sketch. */
enum { MB_SKETCH_TEXT = 16 * MB_SKETCH_HASHES + 1 };
void mb_image_sketch_format(const mb_image_sketch *sketch, char text[MB_SKETCH_TEXT]);
bool mb_image_sketch_parse(const char *text, mb_image_sketch *sketch);

#endif

/* Synthetic handwritten digits, for those who have no MNIST: mb_dataset_synthesize. */
#ifndef MB_SYNTHETIC_DIGITS_H
#define MB_SYNTHETIC_DIGITS_H

#include "machine/team.h"

#include <stddef.h>
#include <stdint.h>

/* Side and pixels of an image, and the images of each split: those of MNIST. */
enum {
    MB_SYNTHETIC_SIDE = 28,
    MB_SYNTHETIC_PIXELS = 784,
    MB_SYNTHETIC_TRAIN = 60000,
    MB_SYNTHETIC_TEST = 10000
};

/* Generates image number `image` of the stream `seed` into pixels (MB_SYNTHETIC_SIDE,
 * MB_SYNTHETIC_SIDE) and returns its label, 0 .. 9: a function of the two numbers alone, made of
 * single additions, products, quotients and roots, which are the same everywhere. It is prepared as
 * MNIST's images are (http://yann.lecun.com/exdb/mnist): fitted into 20 x 20 pixels, anti-aliased,
 * and moved by whole pixels so that the center of mass is the center of the image. */
uint8_t mb_synthetic_digit(uint64_t seed, uint64_t image, uint8_t *pixels);

/* Generates the images 0 .. count-1 on all threads of the team: images (count,
 * MB_SYNTHETIC_PIXELS), labels (count). The same bytes at any number of threads. */
void mb_synthetic_digits(mb_team *team, uint64_t seed, size_t count, uint8_t *images,
                         uint8_t *labels);

#endif

/* Images in memory, and the shape of one. */
#ifndef MNIST_BLAS_IMAGES_H
#define MNIST_BLAS_IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The shape of one sample; a dense layer sees it as channels * rows * columns features. */
typedef struct mb_shape {
    size_t channels, rows, columns;
} mb_shape;

/* The background of images in their files. */
typedef enum mb_ground {
    MB_GROUND_DARK, /* the value 0 is background */
    MB_GROUND_LIGHT /* 255 is: in memory the images are inverted, 255 - value */
} mb_ground;

/* The place of the ink in images. */
typedef enum mb_framing {
    MB_FRAMING_MNIST, /* fitted into 20/28 of the sides and centered by mass */
    MB_FRAMING_NONE,  /* as it comes */
    MB_FRAMING_EMNIST /* fitted into 24/28 of the sides and centered by its box */
} mb_framing;

/* Maximum number of channels. */
enum { MB_MAX_CHANNELS = 3 };

/* A network's input is (v / 255 - mean) / std for a value v of a pixel in memory, as
 * torchvision.transforms.Normalize has it; {0} has no effect: std[0] is 0. */
typedef struct mb_standardization {
    float mean[MB_MAX_CHANNELS], std[MB_MAX_CHANNELS]; /* by channel; std above 0 */
} mb_standardization;

/* The form that the images of a dataset have in its files, and the user's images that a network is
 * for; {0} is MNIST's. Images in memory have a dark ground, whatever the form says, and are not
 * standardized. */
typedef struct mb_image_form {
    mb_ground ground;
    mb_framing framing;
    mb_standardization standardization;
} mb_image_form;

static inline bool mb_form_is_standardized(const mb_image_form *form)
{
    return form->standardization.std[0] > 0.0f;
}

/* `count` images of one shape in one block of memory, layout (count, channels, rows, columns): the
 * pixel of image i, channel c, row y and column x is
 * pixels[((i * channels + c) * rows + y) * columns + x], from 0, the background, to 255. Channels
 * are 1, gray, or 3, red, green and blue. The struct does not own the pixels. */
typedef struct mb_images {
    const uint8_t *pixels;
    size_t count, channels, rows, columns;
} mb_images;

static inline mb_shape mb_images_shape(const mb_images *images)
{
    const mb_shape shape = {images->channels, images->rows, images->columns};
    return shape;
}

static inline bool mb_shape_equal(mb_shape a, mb_shape b)
{
    return a.channels == b.channels && a.rows == b.rows && a.columns == b.columns;
}

/* Pixels of one image, over all channels. */
static inline size_t mb_images_stride(const mb_images *images)
{
    return images->channels * images->rows * images->columns;
}

/* Light ground to dark and back: values become 255 - value. */
static inline void mb_pixels_invert(uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pixels[i] = (uint8_t)(255 - pixels[i]);
}

/* `count` images from image `first` on, which `images` must have. */
static inline mb_images mb_images_slice(const mb_images *images, size_t first, size_t count)
{
    mb_images slice = *images;
    slice.pixels += first * mb_images_stride(images);
    slice.count = count;
    return slice;
}

#ifdef __cplusplus
}
#endif
#endif

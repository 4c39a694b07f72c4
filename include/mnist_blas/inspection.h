/* What a dataset holds, and what may be wrong with it. */
#ifndef MNIST_BLAS_INSPECTION_H
#define MNIST_BLAS_INSPECTION_H

#include <mnist_blas/dataset.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The parts of a dataset: training images without those of the data's own validation split, these,
 * and test images. */
typedef enum mb_part { MB_PART_TRAIN, MB_PART_VALIDATION, MB_PART_TEST, MB_PARTS } mb_part;

/* An image of a part, numbered from 0, and its class. */
typedef struct mb_image_place {
    mb_part part;
    size_t image, class_number;
} mb_image_place;

/* Images of which something is said, and the first few of them. */
enum { MB_INSPECTION_EXAMPLES = 5 };
typedef struct mb_finding {
    size_t count;
    /* (min(count, MB_INSPECTION_EXAMPLES)) the image, and the earlier one that it is equal to. */
    mb_image_place images[MB_INSPECTION_EXAMPLES], earlier[MB_INSPECTION_EXAMPLES];
} mb_finding;

typedef struct mb_part_content {
    size_t images;
    size_t class_images[256]; /* of each class */
    mb_finding shared;        /* images that are equal, pixel by pixel, to one of an earlier part */
    mb_finding repeated;      /* others, equal to an earlier one of the part itself */
    mb_finding blank;         /* images of one color; `earlier` is the image itself */
} mb_part_content;

typedef struct mb_inspection {
    mb_part_content parts[MB_PARTS];
    mb_finding contradictions; /* different images that occur with different classes */
    /* By channel, of all training pixels / 255 as the files have them; as
     * mb_images_standardization. */
    mb_standardization pixels;
    double zeros; /* fraction of the training pixels in memory that are 0 */
} mb_inspection;

/* Looks at all images of a dataset, of which splits that were not read are empty. Takes a fraction
 * of a second for MNIST. MB_ERROR_INVALID: a NULL argument, or more than 256 classes;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_inspect(const mb_dataset *dataset, mb_inspection *inspection,
                                    mb_error *error);

/* Writes a PNG to `path`, whole or not at all, that shows for each class, in their order, its name,
 * its number of training images, and a sample of these: spaced evenly over the images of the class
 * in their order, so that equal data give equal pictures. Images of up to 64 pixels are enlarged by
 * a whole factor, those above 100 are reduced. The sheet is 900 pixels wide; up to 20 classes are
 * below each other, up to 60 in two columns, and more in three. Its height depends on the number of
 * classes and is less than 13,000 pixels.
 * MB_ERROR_INVALID: a NULL argument, no training images, or more than 256 classes;
 * MB_ERROR_UNAVAILABLE: no MB_FEATURE_REPORT, or no font is installed; MB_ERROR_IO;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_contact_sheet_write(const mb_dataset *dataset, const char *path,
                                        mb_error *error);

/* "training", "validation" or "test". */
MB_API const char *mb_part_name(mb_part part);

/* The images and labels of a part; without images its count is 0. */
MB_API mb_split mb_dataset_part(const mb_dataset *dataset, mb_part part);

#ifdef __cplusplus
}
#endif
#endif

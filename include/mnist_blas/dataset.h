/* Labelled images: from files of several formats, from arrays, or synthetic.
 *
 * Thread safety: a dataset is only read after it was opened and can be shared by any number of
 * threads. The functions that open one can be called from several threads, but
 * mb_dataset_synthesize only if the machines differ. */
#ifndef MNIST_BLAS_DATASET_H
#define MNIST_BLAS_DATASET_H

#include <mnist_blas/images.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/ranks.h>
#include <mnist_blas/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Images with their labels. */
typedef struct mb_split {
    mb_images images;
    const uint8_t *labels; /* (images.count) 0 .. classes-1 */
} mb_split;

/* A training and a test split. Read-only for users of an opened dataset, which owns all that it
 * points to (except arrays that were given to mb_dataset_from_arrays). A program may also fill a
 * struct of its own. */
typedef struct mb_dataset {
    const char *folder; /* the folder or file that it was read from, as given; NULL: none */
    const char *format; /* of mb_data_format_names; NULL: it was not read from files */
    size_t classes;     /* 2 .. 256 */
    /* (classes), UTF-8, all different; NULL: the classes have no names but their numbers. */
    const char *const *class_names;
    /* Both have images of one shape. A split that was not read has count 0. */
    mb_split train, test;
    /* The last training images, which are the data's own validation split; 0: it has none. */
    size_t validation;
    /* The test split is a random sample of the images, by the seed with which they were read. */
    bool test_by_seed;
    mb_image_form form;                 /* of the images in the files */
    const char *warning;                /* of files that were not used, a line; NULL: none */
    struct mb_dataset_storage *storage; /* private; NULL in a struct of the caller's */
} mb_dataset;

/* Which splits to read; they can be added. */
enum { MB_SPLIT_TRAIN = 1, MB_SPLIT_TEST = 2 };

/* How files are read. Start from mb_data_defaults() and change members. */
typedef struct mb_data_options {
    unsigned format; /* of mb_data_format_names; 0: the first that finds data at the path */
    /* Images are resized to these rows and columns, keeping the aspect ratio; channels are ignored.
     * 0 x 0: all must have the same size. */
    mb_shape size;
    /* Channels: of gray images three equal ones, of color images their luminance. Not both. Without
     * either, images of which all channels are equal have one. */
    bool color, gray;
    /* Rows become columns. EMNIST's files, which are stored so and known by their names, are
     * transposed without this option, and left as they are with it. */
    bool transpose;
    /* The share of all images, 0 < share < 1, that becomes the test split of data without one: a
     * random sample of each class by this seed. */
    double test_fraction;
    uint64_t seed;
    bool skip_bad;           /* leave out pictures that cannot be read */
    const char *class_names; /* a file with a line for each class; NULL: as the data has them */
    /* The classes that the labels must belong to, as a model has them; names NULL: their numbers.
     * expected_classes 0: those of the data. */
    size_t expected_classes;
    const char *const *expected_names;
    mb_machine *machine; /* its threads read; NULL: one thread */
} mb_data_options;

MB_API mb_data_options mb_data_defaults(void);

/* Finds the data: `folder`, also a file or what names of files start with, if not NULL, else
 * $MNIST_BLAS_DATA if set, else the first of ./data/mnist, ./data/MNIST/raw, ../data/mnist,
 * ../data/MNIST/raw, $XDG_CACHE_HOME/mnist_blas
 * (~/.cache/mnist_blas) that contains one of the files. *found is on the heap, the caller frees it;
 * NULL, with MB_OK, if none of them does. MB_ERROR_IO: the folder that the argument or the variable
 * names does not exist, or one of the others cannot be opened; MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_find(const char *folder, char **found, mb_error *error);

/* The folders that mb_dataset_find looks in if neither argument nor variable names one, in that
 * order, separated by ", ". On the heap, the caller frees it; NULL if memory is out. */
MB_API char *mb_dataset_search_path(void);

/* Fills the error of a search that found nothing: the folders, and what those hold that exist.
 * Returns MB_ERROR_IO. */
MB_API mb_status mb_dataset_fail_none(mb_error *error);

/* Reads and checks splits of the data at `path`, a folder, a file, or FOLDER/PREFIX of IDX files,
 * such as emnist/emnist-letters. options NULL: the defaults. On
 * success *dataset is the caller's, for mb_dataset_close.
 * Images on a light ground, which is measured on the training images, are inverted: then
 * (*dataset)->form says so. Without the training split they are left as they are.
 * Labels that are not 0, 1, 2, ... are numbered in ascending order, and the classes are named by
 * them. Each class must have a training image (a test image, if only that split is read).
 * MB_ERROR_INVALID: path is NULL, or splits or options are not valid; MB_ERROR_IO: a file is
 * missing or unreadable; MB_ERROR_FORMAT: the content of a file is invalid, the error names it and
 * the figures; MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_open(const char *path, unsigned splits, const mb_data_options *options,
                                 mb_dataset **dataset, mb_error *error);

/* Gives the dataset of rank 0 to ranks that have none; all call it together. `status` is that of
 * opening *dataset; where it is a failure, and the rank is not 0, *dataset becomes a copy of rank
 * 0's, without its folder and format. *received_by is the number of these ranks. That the others
 * have the same data, mb_trainer_run checks. Returns the failure of rank 0, or MB_ERROR_MEMORY, on
 * all ranks alike. */
MB_API mb_status mb_dataset_share(const mb_ranks *ranks, mb_status status, mb_dataset **dataset,
                                  size_t *received_by, mb_error *error);

/* Generates synthetic digits that look handwritten, for machines without MNIST: 60,000 training and
 * 10,000 test images of 28x28 in 10 classes of about equal size, in random order. Glyphs of strokes
 * are distorted, slanted and drawn at random, and prepared as MNIST's images are. Each image
 * depends on `seed` and its index only, so the bytes are the same for any number of threads. On
 * success *dataset is the caller's, for mb_dataset_close; it does not depend on the machine
 * afterwards. MB_ERROR_INVALID: a NULL machine or dataset; MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_synthesize(mb_machine *machine, uint64_t seed, mb_dataset **dataset,
                                       mb_error *error);

/* The form of `images`. The ground is light if most of the border is white or nearly so, and dark
 * if most is black; photographs, which have neither, count as dark, and are standardized. Ground
 * and framing are measured on at most 4096 images. */
MB_API mb_image_form mb_images_measure(const mb_images *images);

/* Mean and standard deviation by channel over all pixels of `images`, at least one; a channel whose
 * values are all equal has 1. */
MB_API mb_standardization mb_images_standardization(const mb_images *images);

/* Says that the images in the files have this form: if the ground is another than
 * dataset->form has, all pixels are inverted, those of mb_dataset_from_arrays in a copy. A test
 * split that is evaluated alone gets the form of its network in this way.
 * MB_ERROR_INVALID: a struct of the caller's; MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_set_form(mb_dataset *dataset, mb_image_form form, mb_error *error);

/* A dataset of images in memory, which are left as they are and have the form {0}: for images on a
 * light ground call mb_dataset_set_form with that of mb_images_measure. Pixels and labels are
 * borrowed: they must stay as they are until the dataset is closed. `test` may be NULL for a
 * dataset that is not trained on. Labels are below `classes`, 2 .. 256; 0: one more than the
 * largest label of both splits. On success *dataset is the caller's, for mb_dataset_close.
 * MB_ERROR_INVALID: train is NULL or has no images, a label that is not below `classes`, splits
 * with images of different shapes, or with channels other than 1 or 3; MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_from_arrays(const mb_split *train, const mb_split *test, size_t classes,
                                        mb_dataset **dataset, mb_error *error);

/* Counts the test images that are training images, too, pixel by pixel: what a network has learned
 * by heart. Takes milliseconds for MNIST, which has none. MB_ERROR_INVALID: a NULL argument;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_count_shared(const mb_dataset *dataset, size_t *shared,
                                         mb_error *error);

/* Frees the dataset of an open function; has no effect on NULL and on a struct that the caller
 * filled, whose storage is NULL. */
MB_API void mb_dataset_close(mb_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif

/* Labelled images: read from the IDX files that MNIST comes in, from arrays, or synthetic. */
#ifndef MNIST_BLAS_DATASET_H
#define MNIST_BLAS_DATASET_H

#include <mnist_blas/images.h>
#include <mnist_blas/machine.h>
#include <mnist_blas/status.h>

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

/* Read-only for its users; everything in it belongs to it. */
typedef struct mb_dataset {
    const char *folder; /* where it was read, as given; NULL: made in memory */
    size_t classes;     /* 2 .. 256 */
    /* Both have images of one shape. A split that was not read has count 0. */
    mb_split train, test;
    struct mb_dataset_storage *storage; /* private; NULL in a struct of the caller's */
} mb_dataset;

/* Which of the two splits to read; they can be added. A split not read has count 0. */
enum { MB_SPLIT_TRAIN = 1, MB_SPLIT_TEST = 2 };

/* Where data is looked for: `folder` if not NULL, else $MNIST_BLAS_DATA if set, else the first of
 * ./data/mnist, ./data/MNIST/raw, ../data/mnist, ../data/MNIST/raw, $XDG_CACHE_HOME/mnist_blas
 * (~/.cache/mnist_blas) that holds one of the files. *found is on the heap, the caller frees it; it
 * is NULL, with MB_OK, when none of them does. A folder that was asked for (by argument or by
 * variable) and is not there is an error (MB_ERROR_IO), never passed over. */
MB_API mb_status mb_dataset_find(const char *folder, char **found, mb_error *error);

/* The places in which mb_dataset_find looks without a folder and without $MNIST_BLAS_DATA, in their
 * order, separated by ", ". On the heap, the caller frees it; NULL if memory is out. */
MB_API char *mb_dataset_search_path(void);

/* Reads and checks the splits' files in `folder`: train-images-idx3-ubyte, train-labels-idx1-ubyte,
 * t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each plain or with .gz. On success *dataset
 * is the caller's, for mb_dataset_close.
 * The class count is one more than the largest training label (test label, when only that split is
 * read), and each class must have a training image.
 * MB_ERROR_INVALID: no folder, or splits other than these; MB_ERROR_IO: missing or unreadable;
 * MB_ERROR_FORMAT: not what it should be, the error says which file and the figures;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_open(const char *folder, unsigned splits, mb_dataset **dataset,
                                 mb_error *error);

/* Makes synthetic handwritten digits, for those who have no MNIST: 60,000 training and 10,000 test
 * images of 28x28 in 10 classes of about equal size, in random order. Glyphs made of strokes are
 * deformed, slanted and rasterized at random and prepared as MNIST's images are. The machine's
 * threads share the work; every image is a function of `seed` and its number alone, so that the
 * bytes are the same at any number of threads. On success *dataset is the caller's, for
 * mb_dataset_close, and no longer needs the machine.
 * MB_ERROR_INVALID: machine or dataset is NULL; MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_synthesize(mb_machine *machine, uint64_t seed, mb_dataset **dataset,
                                       mb_error *error);

/* A dataset of images in memory. Pixels and labels are borrowed: they must stay as they are until
 * the dataset is closed. `test` may be NULL for a dataset that is not trained on. Labels are below
 * `classes`, 2 .. 256; 0: one more than the largest label of both splits. On success *dataset is
 * the caller's, for mb_dataset_close.
 * MB_ERROR_INVALID: train is NULL or has no images, a label that is not below `classes`, splits
 * with images of different shapes, or more than one channel; MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_from_arrays(const mb_split *train, const mb_split *test, size_t classes,
                                        mb_dataset **dataset, mb_error *error);

/* Frees what an open function made; does nothing for NULL and for a struct of the caller's own,
 * whose storage is NULL. */
MB_API void mb_dataset_close(mb_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif

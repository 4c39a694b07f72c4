/* Datasets to files that mb_dataset_open reads back. */
#ifndef MNIST_BLAS_CONVERSION_H
#define MNIST_BLAS_CONVERSION_H

#include <mnist_blas/dataset.h>
#include <mnist_blas/options.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mb_conversion {
    MB_CONVERSION_IDX,    /* MNIST's four files; color images as (count, rows, columns, 3) */
    MB_CONVERSION_FOLDER, /* PNG files train/CLASS/00000.png, test/CLASS/..., val/CLASS/... */
    MB_CONVERSION_NPZ     /* data.npz with x_train, y_train, x_test, y_test, x_val, y_val */
} mb_conversion;

/* "idx", "folder", "npz" */
extern MB_API const mb_enum mb_conversion_names;

/* Writes a dataset with training and test images as a new folder: images and labels in their order,
 * pixels as they were in the files they come from, and names of classes. Read from there, it is the
 * same dataset, on which a network trains to the same parameters.
 * PNG files are numbered over all classes of a split. The folder of a class has its name, or, if
 * the names are not in alphabetical order or cannot be those of folders, its number and its name.
 * All is written to FOLDER.partial, which then becomes FOLDER: it is whole or not there.
 * MB_ERROR_INVALID: a NULL argument, or a split without images; MB_ERROR_UNAVAILABLE: IDX has no
 * validation split, and the dataset has one, or NPZ without MB_FEATURE_NPZ; MB_ERROR_IO: FOLDER
 * exists and is not an empty folder, FOLDER.partial exists, or writing fails, as on a full disk;
 * MB_ERROR_MEMORY. */
MB_API mb_status mb_dataset_write(const mb_dataset *dataset, mb_conversion conversion,
                                  const char *folder, mb_error *error);

#ifdef __cplusplus
}
#endif
#endif

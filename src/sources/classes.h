/* The classes of a dataset: from the labels in its files to 0, 1, 2, ... and names. */
#ifndef MB_SOURCES_CLASSES_H
#define MB_SOURCES_CLASSES_H

#include "kernels/kernels.h"
#include "sources/source.h"

/* {0} is empty. A class is known by its name; that of a class without one is its number. */
typedef struct mb_classes {
    size_t count;
    char *names[MB_MAX_CLASSES];    /* owned */
    int64_t labels[MB_MAX_CLASSES]; /* in the files, ascending */
} mb_classes;

/* The classes of a format whose labels are indices of `names`; NULL: numbers. MB_ERROR_FORMAT:
 * fewer than 2, more than MB_MAX_CLASSES, or a name that mb_class_names_check refuses;
 * MB_ERROR_MEMORY. */
mb_status mb_classes_from_names(const char *path, const char *const *names, size_t count,
                                mb_classes *classes, mb_error *error);

/* The classes whose numbers are the labels of the part. `named`: the user names them, so that a
 * label that looks like a mistake is none. MB_ERROR_FORMAT as above, or a number that few labels
 * have, above one that none has. MB_ERROR_MEMORY. */
mb_status mb_classes_from_labels(const mb_data_part *part, bool named, mb_classes *classes,
                                 mb_error *error);

/* Names the classes in their order by the lines of a UTF-8 file; with more lines than classes, line
 * i is the name of label i, from 0. MB_ERROR_IO: cannot be read; MB_ERROR_FORMAT: fewer names than
 * classes, or one that mb_class_names_check refuses; MB_ERROR_MEMORY. */
mb_status mb_classes_read_names(const char *path, mb_classes *classes, mb_error *error);

/* Sets the labels of a model's classes for a part whose labels are numbers: the names that are
 * ascending numbers, and then the classes take the names of a file (NULL: none); else in ascending
 * order, as when the classes were named, or from 0 if some have no image. MB_ERROR_FORMAT: then no
 * label is 0, or the file has another number of names; and as mb_classes_read_names. */
mb_status mb_classes_label_expected(const mb_data_part *part, const char *names_path,
                                    mb_classes *classes, mb_error *error);

/* labels (images.count) = the numbers in `to` of the classes of the part's labels, which are those
 * of `from`, by their names. MB_ERROR_FORMAT: a label that is not in `from`, or a class that is not
 * in `to`, whose owner is `owner`: "training". */
mb_status mb_classes_apply(const mb_classes *from, const mb_classes *to, const char *owner,
                           const mb_data_part *part, uint8_t *labels, mb_error *error);

/* True if the classes are named "0", "1", "2", ... in this order. */
bool mb_classes_are_unnamed(const mb_classes *classes);

/* Frees the names, and makes it empty. */
void mb_classes_free(mb_classes *classes);

#endif

/* Predictions of the test set as a file. */
#ifndef MB_TOOLS_PREDICTIONS_H
#define MB_TOOLS_PREDICTIONS_H

#include "cli.h"

#include <mnist_blas/dataset.h>
#include <mnist_blas/network.h>

/* Classifies the test split, and writes a table with a row for each image, in its order, with the
 * true class. As mb_classifier_probabilities and mb_predictions_write. */
mb_status mb_predictions_of_split(mb_machine *machine, const mb_network *network,
                                  const mb_split *split, const char *path, mb_error *error);

#endif

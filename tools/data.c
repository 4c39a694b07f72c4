#include "data.h"

#include <stdio.h>
#include <stdlib.h>

/* Synthetic digits are one dataset: runs with different seeds train on the same images. */
enum { SYNTHETIC_SEED = 1 };

mb_status mb_data_open(const char *given, unsigned splits, mb_dataset **dataset, mb_error *error)
{
    char *folder = NULL;
    mb_error none;
    mb_status status = mb_dataset_find(given, &folder, error);
    if (status == MB_OK && folder == NULL) {
        mb_dataset_fail_none(&none);
        status =
            mb_fail(error, MB_ERROR_IO,
                    "%s: give --data DIR, or run tools/fetch-mnist to download MNIST", none.text);
    }
    if (status == MB_OK)
        status = mb_dataset_open(folder, splits, dataset, error);
    free(folder);
    return status;
}

mb_status mb_data_synthesize(mb_machine *machine, mb_dataset **dataset, mb_error *error)
{
    return mb_dataset_synthesize(machine, SYNTHETIC_SEED, dataset, error);
}

mb_status mb_data_open_or_synthesize(const char *given, mb_machine *machine, mb_dataset **dataset,
                                     mb_error *error)
{
    char *folder = NULL;
    mb_error none;
    mb_status status = mb_dataset_find(given, &folder, error);
    if (status == MB_OK && folder == NULL) {
        mb_dataset_fail_none(&none);
        fprintf(stderr,
                "mnist_blas: %s: training on synthetic digits; run "
                "tools/fetch-mnist to download MNIST\n",
                none.text);
        return mb_data_synthesize(machine, dataset, error);
    }
    if (status == MB_OK)
        status = mb_dataset_open(folder, MB_SPLIT_TRAIN | MB_SPLIT_TEST, dataset, error);
    free(folder);
    return status;
}

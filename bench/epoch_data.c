#include "epoch.h"

#include <stdlib.h>
#include <string.h>

enum { SYNTHETIC_SEED = 1 };

static mb_status find(const char *wanted, mb_machine *machine, mb_epoch_data *data, mb_error *error)
{
    char *folder = NULL;
    mb_status status = mb_dataset_find(wanted, &folder, error);
    if (status == MB_OK && folder == NULL) {
        data->source = "synthetic digits, because no data was found";
        return mb_dataset_synthesize(machine, SYNTHETIC_SEED, &data->whole, error);
    }
    if (status == MB_OK)
        status = mb_dataset_open(folder, MB_SPLIT_TRAIN, NULL, &data->whole, error);
    free(folder);
    if (status == MB_OK)
        data->source = data->whole->folder;
    return status;
}

static mb_status replace_zeros(mb_epoch_data *data, size_t bytes, mb_error *error)
{
    data->pixels = malloc(bytes);
    if (data->pixels == NULL)
        return mb_fail_memory(error, "images", bytes);
    const uint8_t *from = data->whole->train.images.pixels;
    for (size_t i = 0; i < bytes; i++)
        data->pixels[i] = from[i] > 0 ? from[i] : 1;
    data->dataset.train.images.pixels = data->pixels;
    return MB_OK;
}

mb_status mb_epoch_data_open(const char *folder, mb_machine *machine, size_t samples, bool dense,
                             mb_epoch_data *data, mb_error *error)
{
    *data = (mb_epoch_data){.whole = NULL};
    mb_status status = find(folder, machine, data, error);
    if (status != MB_OK)
        return status;
    const mb_dataset *whole = data->whole;
    if (samples > whole->train.images.count)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--samples: must be at most %zu, the training images, got %zu",
                       whole->train.images.count, samples);
    data->dataset = *whole;
    data->dataset.validation = 0;
    if (samples > 0)
        data->dataset.train.images.count = samples;
    const size_t bytes = data->dataset.train.images.count * mb_images_stride(&whole->train.images);
    if (dense)
        status = replace_zeros(data, bytes, error);
    const mb_split *train = &data->dataset.train;
    data->dataset.test = *train;
    data->dataset.test.images.count = 1;
    size_t nonzeros = 0;
    for (size_t i = 0; i < bytes; i++)
        nonzeros += train->images.pixels[i] != 0;
    data->density = (double)nonzeros / (double)bytes;
    return status;
}

void mb_epoch_data_close(mb_epoch_data *data)
{
    free(data->pixels);
    mb_dataset_close(data->whole);
}

#include "epoch.h"

#include <stdlib.h>
#include <string.h>

enum { DRAWN_SEED = 1 };

static mb_status find(const char *given, mb_machine *machine, mb_epoch_data *data, mb_error *error)
{
    char *folder = NULL;
    mb_status status = mb_dataset_find(given, &folder, error);
    if (status == MB_OK && folder == NULL) {
        data->from = "synthetic digits, because no data was found";
        return mb_dataset_synthesize(machine, DRAWN_SEED, &data->whole, error);
    }
    if (status == MB_OK)
        status = mb_dataset_open(folder, MB_SPLIT_TRAIN, &data->whole, error);
    free(folder);
    if (status == MB_OK)
        data->from = data->whole->folder;
    return status;
}

static mb_status fill_blanks(mb_epoch_data *data, size_t bytes, mb_error *error)
{
    data->images = malloc(bytes);
    if (data->images == NULL)
        return mb_fail_memory(error, "images", bytes);
    const uint8_t *own = data->whole->train.images.pixels;
    for (size_t i = 0; i < bytes; i++)
        data->images[i] = own[i] > 0 ? own[i] : 1;
    data->dataset.train.images.pixels = data->images;
    return MB_OK;
}

mb_status mb_epoch_data_open(const char *given, mb_machine *machine, size_t samples, bool dense,
                             mb_epoch_data *data, mb_error *error)
{
    *data = (mb_epoch_data){.whole = NULL};
    mb_status status = find(given, machine, data, error);
    if (status != MB_OK)
        return status;
    const mb_dataset *whole = data->whole;
    if (samples > whole->train.images.count)
        return mb_fail(error, MB_ERROR_INVALID, "--samples: %zu are wanted, %zu images are there",
                       samples, whole->train.images.count);
    data->dataset = *whole;
    if (samples > 0)
        data->dataset.train.images.count = samples;
    const size_t bytes = data->dataset.train.images.count * mb_images_stride(&whole->train.images);
    if (dense)
        status = fill_blanks(data, bytes, error);
    const mb_split *train = &data->dataset.train;
    data->dataset.test = *train;
    data->dataset.test.images.count = 1;
    size_t dots = 0;
    for (size_t i = 0; i < bytes; i++)
        dots += train->images.pixels[i] != 0;
    data->density = (double)dots / (double)bytes;
    return status;
}

void mb_epoch_data_close(mb_epoch_data *data)
{
    free(data->images);
    mb_dataset_close(data->whole);
}

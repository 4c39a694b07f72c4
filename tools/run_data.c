#include "run_data.h"

#include "data.h"
#include "run_folder.h"

#include <mnist_blas/model.h>
#include <stdlib.h>

mb_status mb_run_data_open(mb_machine *machine, const char *data, bool synthetic,
                           const mb_data_options *reading, mb_image_form form, mb_dataset **dataset,
                           mb_error *error)
{
    mb_data_options with_threads = *reading;
    with_threads.machine = machine;
    const mb_status status = synthetic ? mb_data_synthesize(machine, dataset, error)
                                       : mb_data_open(data, MB_SPLIT_TRAIN | MB_SPLIT_TEST,
                                                      &with_threads, dataset, error);
    return status == MB_OK ? mb_dataset_set_form(*dataset, form, error) : status;
}

mb_status mb_run_model_open(mb_machine *machine, const char *folder, const mb_stored_run *stored,
                            const char *data, mb_network **network, mb_dataset **dataset,
                            mb_error *error)
{
    mb_error why = {0};
    char *model = mb_join(folder, "model.safetensors");
    mb_status status = model != NULL ? mb_model_load(machine, model, network, error)
                                     : mb_fail_memory(error, folder, 1);
    free(model);
    if (status != MB_OK)
        return status;
    mb_data_options reading = *stored->run.reading;
    reading.expected_classes = mb_network_classes(*network);
    reading.expected_names = mb_network_class_names(*network);
    status = mb_run_data_open(machine, data != NULL ? data : stored->data,
                              data == NULL && stored->data == NULL, &reading,
                              mb_network_form(*network), dataset, &why);
    return status == MB_OK ? MB_OK
                           : mb_fail(error, status, "%s%s", why.text,
                                     data == NULL ? "; --data DIR says where the data are" : "");
}

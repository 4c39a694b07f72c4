/* Machine, data and network of a training run. */
#include "data.h"
#include "train_run.h"

#include <stdlib.h>
#include <string.h>

bool mb_train_is_first_rank(const mb_train_run *run)
{
    return mb_ranks_describe(run->ranks).rank == 0;
}

/* Rank 0 warns. */
static mb_status open_silently(const char *data, const mb_data_options *options,
                               mb_dataset **dataset, mb_error *error)
{
    char *found = NULL;
    mb_status status = mb_dataset_find(data, &found, error);
    if (status == MB_OK && found == NULL)
        status = mb_dataset_fail_none(error);
    if (status == MB_OK)
        status = mb_dataset_open(found, MB_SPLIT_TRAIN | MB_SPLIT_TEST, options, dataset, error);
    free(found);
    return status;
}

/* Ranks that find no data get those of rank 0. */
mb_status mb_train_open_data(mb_train_run *run, mb_error *error)
{
    const mb_train_arguments *arguments = &run->arguments;
    mb_data_options reading = arguments->reading;
    reading.machine = run->machine;
    mb_status status = MB_OK;
    if (arguments->synthetic)
        status = mb_data_synthesize(run->machine, &run->dataset, error);
    else if (mb_train_is_first_rank(run))
        status = mb_data_open_or_synthesize(arguments->data, &reading, run->machine, &run->dataset,
                                            error);
    else
        status = open_silently(arguments->data, &reading, &run->dataset, error);
    status = mb_dataset_share(run->ranks, status, &run->dataset, &run->ranks_without_data, error);
    if (status != MB_OK)
        return status;
    mb_image_form form =
        run->from != NULL ? mb_checkpoint_describe(run->from)->form : run->dataset->form;
    status = mb_dataset_set_form(run->dataset, mb_data_form(form, arguments->ground), error);
    if (status == MB_OK && run->from == NULL) {
        form = mb_data_standardize(run->dataset->form, &run->dataset->train.images,
                                   arguments->standardize);
        status = mb_dataset_set_form(run->dataset, form, error);
    }
    return status;
}

static mb_status check_network(const mb_train_run *run, mb_error *error)
{
    const mb_images *images = &run->dataset->train.images;
    const size_t batch = run->arguments.training.batch_size;
    return mb_network_check_memory(run->machine, run->arguments.network, mb_images_shape(images),
                                   run->dataset->classes,
                                   batch < images->count ? batch : images->count, error);
}

static mb_status open_new_network(mb_train_run *run, mb_error *error)
{
    const mb_status status = check_network(run, error);
    return status == MB_OK ? mb_network_open(run->machine, run->arguments.network,
                                             mb_images_shape(&run->dataset->train.images),
                                             run->dataset->classes, &run->network, error)
                           : status;
}

static mb_status open_network(mb_train_run *run, mb_error *error)
{
    const bool resumed = run->from != NULL;
    mb_status status =
        resumed && strcmp(run->arguments.network, mb_checkpoint_describe(run->from)->network) == 0
            ? mb_checkpoint_network(run->from, run->machine,
                                    mb_images_shape(&run->dataset->train.images),
                                    run->dataset->classes, &run->network, error)
            : open_new_network(run, error);
    if (status == MB_OK && resumed)
        status = mb_resume_check_network(run->from, run->network, error);
    return status;
}

/* An error begins with the option's name, which the user typed with dashes. */
static mb_status check_training(const mb_train_run *run, mb_error *error)
{
    mb_error why;
    const mb_status status =
        mb_training_options_check(&run->arguments.training, run->dataset, &why);
    return status == MB_OK ? MB_OK : mb_fail(error, status, "--%s", why.text);
}

mb_status mb_train_check(const mb_train_run *run, mb_error *error)
{
    const mb_status status = check_training(run, error);
    return status == MB_OK ? check_network(run, error) : status;
}

/* Machine and data are open if the caller shares them. */
mb_status mb_train_open_inputs(mb_train_run *run, mb_error *error)
{
    const mb_machine_options options = {.threads = run->arguments.threads, .ranks = run->ranks};
    mb_status status = MB_OK;
    if (!run->shares_inputs)
        status = mb_ranks_agree(run->ranks, mb_machine_open(&options, &run->machine, error), error);
    if (status == MB_OK && !run->shares_inputs)
        status = mb_train_open_data(run, error);
    if (status == MB_OK && run->from != NULL)
        status = mb_checkpoint_check_data(run->from, run->dataset, error);
    if (status == MB_OK)
        status = check_training(run, error);
    if (status == MB_OK)
        status = open_network(run, error);
    return status;
}

#include "train/tune.h"

static void note_seconds(void *context, const mb_epoch_metrics *metrics)
{
    *(double *)context = metrics->seconds;
}

mb_status mb_speed_trial_run(const mb_speed_trial *job, const mb_machine_options *options,
                             double *seconds, mb_error *error)
{
    const mb_shape input = mb_images_shape(&job->dataset->train.images);
    const mb_training_events events = {.context = seconds, .epoch = note_seconds};
    mb_training_options training = job->options;
    mb_dataset part = *job->dataset;
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    training.epochs = 2;
    part.train.images.count = job->samples;
    part.test.images.count = 1; /* evaluation is not what is timed */
    mb_status status = mb_machine_open(options, &machine, error);
    if (status == MB_OK)
        status = mb_network_open(machine, job->network, input, part.classes, &network, error);
    if (status == MB_OK) {
        mb_network_initialise(network, training.seed);
        status = mb_train(machine, network, &part, &training, &events, error);
    }
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

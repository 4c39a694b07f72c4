#include "train/validation.h"

#include "data/sampler.h"

#include <math.h>

size_t mb_validation_sample_count(const mb_training_options *options, size_t samples)
{
    const double percent = options->validation_percent;
    if (!(percent > 0.0))
        return options->validation;
    const double images = floor(percent / 100.0 * (double)samples + 0.5);
    return images > 1.0 ? (size_t)images : 1;
}

size_t mb_validation_count(const mb_training_options *options, const mb_dataset *dataset)
{
    return dataset->validation > 0
               ? dataset->validation
               : mb_validation_sample_count(options, dataset->train.images.count);
}

void mb_validation_order(const mb_training_options *options, const mb_dataset *dataset,
                         uint32_t *order)
{
    const size_t count = dataset->train.images.count;
    if (dataset->validation > 0)
        mb_sampler_sequential(count, order);
    else
        mb_sampler_hold_out(options->seed, MB_RNG_VALIDATION, dataset->train.labels, count,
                            mb_validation_count(options, dataset), order);
}

/* Where a pass's batches come from: samples in an order, varied on the way where that is wanted,
 * gathered step by step. */
#ifndef MB_TRAIN_DATA_LOADER_H
#define MB_TRAIN_DATA_LOADER_H

#include "data/augment.h"
#include "nn/plan.h"

/* What a pass is fed with. */
typedef struct mb_data_loader_config {
    const mb_sample_source *source;
    const mb_augmenter *augmenter; /* of that source; NULL: images as they are */
    size_t samples;                /* of a pass */
    size_t batch_size;
} mb_data_loader_config;

typedef struct mb_data_loader {
    const mb_sample_source *source;
    const mb_kernels *kernels;
    size_t batch_size;
    bool augments;
    mb_augmented_batch augmented; /* where it augments: what the batch is gathered from */
    mb_batch batch;
    const uint32_t *order; /* (samples) numbers into the source, in the order of the pass */
    size_t samples;
    size_t epoch; /* from 0 */
} mb_data_loader;

/* Room for batches of `config`, from the arena; what it names must outlive the feed, which stays
 * where it is. `order` and `epoch` are the user's to set before steps are asked for.
 * MB_ERROR_MEMORY. */
mb_status mb_data_loader_open(const mb_data_loader_config *config, const mb_kernels *kernels,
                              bool training, mb_arena *arena, mb_data_loader *loader,
                              mb_error *error);

/* Appends the phases that make the step's batch; and the one that asks the memory for the next, not
 * long before it is needed. */
void mb_data_loader_plan_batch(const mb_data_loader *loader, mb_plan *plan);
void mb_data_loader_plan_prefetch(const mb_data_loader *loader, mb_plan *plan);

/* Steps of a pass over all samples, the smaller last one included. */
size_t mb_data_loader_steps(const mb_data_loader *loader);

/* Samples in step `number`. */
size_t mb_data_loader_rows(const mb_data_loader *loader, size_t number);

/* Step `number` of the pass, from 0, without its update. */
mb_step mb_data_loader_step(mb_data_loader *loader, size_t number);

#endif

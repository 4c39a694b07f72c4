/* Batches of an epoch: samples in an order, augmented if enabled, and gathered step by
 * step. */
#ifndef MB_TRAIN_DATA_LOADER_H
#define MB_TRAIN_DATA_LOADER_H

#include "data/augment.h"
#include "nn/plan.h"

typedef struct mb_data_loader_config {
    const mb_sample_source *source;
    const mb_augmenter *augmenter; /* of that source; NULL: images as they are */
    size_t samples;                /* per epoch */
    size_t batch_size;
} mb_data_loader_config;

typedef struct mb_data_loader {
    const mb_sample_source *source;
    const mb_kernels *kernels;
    size_t batch_size;
    bool augments;
    mb_augmented_batch augmented; /* the batch is gathered from it, if the loader augments */
    mb_batch batch;
    const uint32_t *order; /* (samples) indices into the source, in the order of the epoch */
    size_t samples;
    size_t epoch; /* from 0 */
} mb_data_loader;

/* Allocates batches of `config` for `threads` threads from the arena. What the config names must
 * outlive the loader, which must not move. The caller sets `order` and `epoch` before it asks for
 * steps. MB_ERROR_MEMORY. */
mb_status mb_data_loader_open(const mb_data_loader_config *config, const mb_kernels *kernels,
                              size_t threads, mb_arena *arena, mb_data_loader *loader,
                              mb_error *error);

/* Append the phases that make the step's batch, and the one that prefetches the next batch shortly
 * before it is needed. */
void mb_data_loader_plan_batch(const mb_data_loader *loader, mb_plan *plan);
void mb_data_loader_plan_prefetch(const mb_data_loader *loader, mb_plan *plan);

/* Steps per epoch, a smaller last one included. */
size_t mb_data_loader_steps(const mb_data_loader *loader);

/* Samples in step `number`. */
size_t mb_data_loader_rows(const mb_data_loader *loader, size_t number);

/* Step `number` of the epoch, from 0, without its update. */
mb_step mb_data_loader_step(mb_data_loader *loader, size_t number);

#endif

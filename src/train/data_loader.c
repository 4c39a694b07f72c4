#include "train/data_loader.h"

/* Samples per tile of augmentation: a few microseconds. */
enum { AUGMENT_ROWS = 4 };

mb_status mb_data_loader_open(const mb_data_loader_config *config, const mb_kernels *kernels,
                              size_t threads, mb_arena *arena, mb_data_loader *loader,
                              mb_error *error)
{
    *loader = (mb_data_loader){.source = config->source,
                               .kernels = kernels,
                               .batch_size = config->batch_size,
                               .augments = config->augmenter != NULL,
                               .samples = config->samples};
    mb_status status = MB_OK;
    if (loader->augments)
        status = mb_augmented_batch_open(config->augmenter, loader->batch_size, arena,
                                         &loader->augmented, error);
    const mb_sample_source *from = loader->augments ? &loader->augmented.source : loader->source;
    if (status == MB_OK)
        status = mb_batch_open(from, loader->batch_size, threads, arena, &loader->batch, error);
    return status;
}

static void run_augment(const mb_tile_args *args)
{
    const mb_data_loader *loader = args->op;
    const size_t first = args->tile * AUGMENT_ROWS;
    mb_augmented_batch_fill(&loader->augmented, loader->kernels, args->step->dataset_samples, first,
                            first + AUGMENT_ROWS, args->step->epoch, args->scratch);
}

/* Every rank needs all labels, for the statistics. */
static void run_labels(const mb_tile_args *args)
{
    const mb_data_loader *loader = args->op;
    const uint8_t *labels = loader->source->split.labels;
    const mb_sample_indices samples = args->step->dataset_samples;
    for (size_t i = 0; i < samples.count; i++)
        loader->batch.labels[i] = labels[samples.index[i]];
}

static void run_gather(const mb_tile_args *args)
{
    const mb_data_loader *loader = args->op;
    mb_batch_gather(&loader->batch, loader->kernels, args->step->samples, args->step->worker,
                    args->tile);
}

static void run_prefetch(const mb_tile_args *args)
{
    const mb_data_loader *loader = args->op;
    const size_t first = args->tile * AUGMENT_ROWS;
    if (loader->augments)
        mb_augmented_batch_prefetch(&loader->augmented, args->step->next, first,
                                    first + AUGMENT_ROWS);
    else
        mb_batch_prefetch(loader->source, args->step->next, args->tile);
}

static mb_tiling augment_tiling(const mb_data_loader *loader)
{
    return mb_tiling_rows(mb_divide_up(loader->batch_size, AUGMENT_ROWS), 1);
}

static mb_tiling gather_tiling(const mb_data_loader *loader)
{
    return mb_tiling_rows(mb_batch_tile_count(loader->batch.source, loader->batch_size), 1);
}

void mb_data_loader_plan_batch(const mb_data_loader *loader, mb_plan *plan)
{
    const mb_batch *batch = &loader->batch;
    if (loader->augments)
        mb_plan_add(plan, &(mb_phase){.name = "augment",
                                      .run = run_augment,
                                      .op = loader,
                                      .tiling = augment_tiling(loader),
                                      .scratch = loader->augmented.augmenter->scratch,
                                      .each_rank = true,
                                      .sample_rows = AUGMENT_ROWS,
                                      .uses = {{batch->source, .writes = true}}});
    mb_plan_add(plan, &(mb_phase){.name = "gather",
                                  .run = run_gather,
                                  .op = loader,
                                  .tiling = gather_tiling(loader),
                                  .each_worker = batch->block != NULL,
                                  .each_rank = true,
                                  .sample_rows = mb_batch_tile_rows(batch->source),
                                  .uses = {mb_reads(batch->source), mb_writes(batch->x),
                                           mb_writes_copy(batch->block)}});
    if (loader->source->split.labels != NULL)
        mb_plan_add(plan, &(mb_phase){.name = "labels",
                                      .run = run_labels,
                                      .op = loader,
                                      .tiling = mb_tiling_one(),
                                      .each_rank = true,
                                      .uses = {mb_writes(batch->labels)}});
}

/* With the tiling of the phase that reads the images: the thread that prefetches will need them. */
void mb_data_loader_plan_prefetch(const mb_data_loader *loader, mb_plan *plan)
{
    mb_plan_add(
        plan,
        &(mb_phase){.name = "prefetch",
                    .run = run_prefetch,
                    .op = loader,
                    .tiling = loader->augments ? augment_tiling(loader) : gather_tiling(loader),
                    .each_worker = !loader->augments && loader->batch.block != NULL,
                    .each_rank = true,
                    .sample_rows =
                        loader->augments ? AUGMENT_ROWS : mb_batch_tile_rows(loader->source)});
}

size_t mb_data_loader_steps(const mb_data_loader *loader)
{
    return mb_divide_up(loader->samples, loader->batch_size);
}

static mb_sample_indices slice(const mb_data_loader *loader, size_t number)
{
    if (number >= mb_data_loader_steps(loader))
        return (mb_sample_indices){0};
    const size_t first = number * loader->batch_size;
    return (mb_sample_indices){loader->order + first,
                               mb_min_size(loader->samples - first, loader->batch_size)};
}

size_t mb_data_loader_rows(const mb_data_loader *loader, size_t number)
{
    return slice(loader, number).count;
}

mb_step mb_data_loader_step(mb_data_loader *loader, size_t number)
{
    const mb_sample_indices samples = slice(loader, number);
    const mb_sample_indices augmented = {loader->augmented.index, samples.count};
    return (mb_step){.samples = loader->augments ? augmented : samples,
                     .dataset_samples = samples,
                     .next = slice(loader, number + 1),
                     .epoch = loader->epoch};
}

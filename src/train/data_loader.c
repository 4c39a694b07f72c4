#include "train/data_loader.h"

/* Samples of a tile of augmentation: a few microseconds. */
enum { AUGMENT_ROWS = 4 };

mb_status mb_data_loader_open(const mb_data_loader_config *supply, const mb_kernels *kernels,
                              bool training, mb_arena *arena, mb_data_loader *loader,
                              mb_error *error)
{
    *loader = (mb_data_loader){.source = supply->source,
                               .kernels = kernels,
                               .batch_size = supply->batch_size,
                               .augments = supply->augmenter != NULL,
                               .samples = supply->samples};
    mb_status status = MB_OK;
    if (loader->augments)
        status = mb_augmented_batch_open(supply->augmenter, loader->batch_size, arena,
                                         &loader->augmented, error);
    const mb_sample_source *from = loader->augments ? &loader->augmented.source : loader->source;
    if (status == MB_OK)
        status = mb_batch_open(from, loader->batch_size, training, arena, &loader->batch, error);
    return status;
}

static void run_augment(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    const mb_data_loader *loader = context;
    const size_t first = tile * AUGMENT_ROWS;
    mb_augmented_batch_fill(&loader->augmented, loader->kernels, step->dataset_samples, first,
                            first + AUGMENT_ROWS, step->epoch, scratch);
}

static void run_gather(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const mb_data_loader *loader = context;
    mb_batch_gather(step->batch, loader->kernels, step->samples, tile);
}

static void run_prefetch(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const mb_data_loader *loader = context;
    const size_t first = tile * AUGMENT_ROWS;
    if (loader->augments)
        mb_augmented_batch_prefetch(&loader->augmented, step->next, first, first + AUGMENT_ROWS);
    else
        mb_batch_prefetch(loader->source, step->next, tile);
}

static mb_tiling cut_of_augment(const mb_data_loader *loader)
{
    return mb_tiling_rows((loader->batch_size + AUGMENT_ROWS - 1) / AUGMENT_ROWS, 1);
}

static mb_tiling cut_of_gather(const mb_data_loader *loader)
{
    return mb_tiling_rows(mb_batch_tile_count(loader->batch.source, loader->batch_size), 1);
}

static mb_status plan_augment(const mb_data_loader *loader, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {.name = "augment",
                            .run = run_augment,
                            .op = loader,
                            .tiling = cut_of_augment(loader),
                            .scratch = loader->augmented.augmenter->scratch,
                            .uses = {{&mb_batch_source, .writes = true}}};
    return mb_plan_add(plan, &phase, error);
}

mb_status mb_data_loader_plan_batch(const mb_data_loader *loader, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {.name = "gather",
                            .run = run_gather,
                            .op = loader,
                            .tiling = cut_of_gather(loader),
                            .uses = {{&mb_batch_source},
                                     {&mb_batch_rows, .writes = true},
                                     {&mb_batch_blocks, .writes = true}}};
    const mb_status status = loader->augments ? plan_augment(loader, plan, error) : MB_OK;
    return status == MB_OK ? mb_plan_add(plan, &phase, error) : status;
}

/* With the cut of what reads the images: who asks the memory for a piece will need it. */
mb_status mb_data_loader_plan_prefetch(const mb_data_loader *loader, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {.name = "prefetch",
                            .run = run_prefetch,
                            .op = loader,
                            .tiling =
                                loader->augments ? cut_of_augment(loader) : cut_of_gather(loader)};
    return mb_plan_add(plan, &phase, error);
}

size_t mb_data_loader_steps(const mb_data_loader *loader)
{
    return (loader->samples + loader->batch_size - 1) / loader->batch_size;
}

static mb_sample_indices slice(const mb_data_loader *loader, size_t number)
{
    if (number >= mb_data_loader_steps(loader))
        return (mb_sample_indices){0};
    const size_t first = number * loader->batch_size, left = loader->samples - first;
    return (mb_sample_indices){loader->order + first,
                               left < loader->batch_size ? left : loader->batch_size};
}

size_t mb_data_loader_rows(const mb_data_loader *loader, size_t number)
{
    return slice(loader, number).count;
}

mb_step mb_data_loader_step(mb_data_loader *loader, size_t number)
{
    const mb_sample_indices drawn = slice(loader, number);
    return (mb_step){.batch = &loader->batch,
                     .samples = loader->augments
                                    ? (mb_sample_indices){loader->augmented.index, drawn.count}
                                    : drawn,
                     .dataset_samples = drawn,
                     .next = slice(loader, number + 1),
                     .epoch = loader->epoch};
}

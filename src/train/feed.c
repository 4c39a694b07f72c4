#include "train/feed.h"

/* Samples of a tile of augmentation: a few microseconds. */
enum { AUGMENT_ROWS = 4 };

mb_status mb_feed_open(const mb_supply *supply, const mb_kernels *kernels, bool training,
                       mb_arena *arena, mb_feed *feed, mb_error *error)
{
    *feed = (mb_feed){.source = supply->source,
                      .kernels = kernels,
                      .batch_size = supply->batch_size,
                      .augments = supply->augmenter != NULL,
                      .samples = supply->samples};
    mb_status status = MB_OK;
    if (feed->augments)
        status = mb_augmented_open(supply->augmenter, feed->batch_size, arena, &feed->augmented,
                                   error);
    const mb_source *from = feed->augments ? &feed->augmented.source : feed->source;
    if (status == MB_OK)
        status = mb_batch_open(from, feed->batch_size, training, arena, &feed->batch, error);
    return status;
}

static void run_augment(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    const mb_feed *feed = context;
    const size_t first = tile * AUGMENT_ROWS;
    mb_augmented_make(&feed->augmented, feed->kernels, step->drawn, first, first + AUGMENT_ROWS,
                      step->epoch, scratch);
}

static void run_gather(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const mb_feed *feed = context;
    mb_batch_gather(step->batch, feed->kernels, step->samples, tile);
}

static void run_prefetch(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const mb_feed *feed = context;
    const size_t first = tile * AUGMENT_ROWS;
    if (feed->augments)
        mb_augmented_prefetch(&feed->augmented, step->next, first, first + AUGMENT_ROWS);
    else
        mb_batch_prefetch(feed->source, step->next, tile);
}

static mb_cut cut_of_augment(const mb_feed *feed)
{
    return mb_cut_rows((feed->batch_size + AUGMENT_ROWS - 1) / AUGMENT_ROWS, 1);
}

static mb_cut cut_of_gather(const mb_feed *feed)
{
    return mb_cut_rows(mb_batch_pieces(feed->batch.source, feed->batch_size), 1);
}

static mb_status plan_augment(const mb_feed *feed, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {.name = "augment",
                            .run = run_augment,
                            .op = feed,
                            .cut = cut_of_augment(feed),
                            .scratch = feed->augmented.augmenter->scratch,
                            .uses = {{&mb_batch_source, .writes = true}}};
    return mb_plan_add(plan, &phase, error);
}

mb_status mb_feed_plan_gather(const mb_feed *feed, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {.name = "gather",
                            .run = run_gather,
                            .op = feed,
                            .cut = cut_of_gather(feed),
                            .uses = {{&mb_batch_source},
                                     {&mb_batch_rows, .writes = true},
                                     {&mb_batch_blocks, .writes = true}}};
    const mb_status status = feed->augments ? plan_augment(feed, plan, error) : MB_OK;
    return status == MB_OK ? mb_plan_add(plan, &phase, error) : status;
}

/* With the cut of what reads the images: who asks the memory for a piece will need it. */
mb_status mb_feed_plan_prefetch(const mb_feed *feed, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {.name = "prefetch",
                            .run = run_prefetch,
                            .op = feed,
                            .cut = feed->augments ? cut_of_augment(feed) : cut_of_gather(feed)};
    return mb_plan_add(plan, &phase, error);
}

size_t mb_feed_steps(const mb_feed *feed)
{
    return (feed->samples + feed->batch_size - 1) / feed->batch_size;
}

static mb_samples slice(const mb_feed *feed, size_t number)
{
    if (number >= mb_feed_steps(feed))
        return (mb_samples){0};
    const size_t first = number * feed->batch_size, left = feed->samples - first;
    return (mb_samples){feed->order + first, left < feed->batch_size ? left : feed->batch_size};
}

size_t mb_feed_rows(const mb_feed *feed, size_t number) { return slice(feed, number).count; }

mb_step mb_feed_step(mb_feed *feed, size_t number)
{
    const mb_samples drawn = slice(feed, number);
    return (mb_step){
        .batch = &feed->batch,
        .samples = feed->augments ? (mb_samples){feed->augmented.number, drawn.count} : drawn,
        .drawn = drawn,
        .next = slice(feed, number + 1),
        .epoch = feed->epoch};
}

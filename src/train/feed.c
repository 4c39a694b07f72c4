#include "train/feed.h"

mb_status mb_feed_open(const mb_source *source, const mb_kernels *kernels, size_t batch_size,
                       bool training, mb_arena *arena, mb_feed *feed, mb_error *error)
{
    *feed = (mb_feed){.source = source, .kernels = kernels, .batch_size = batch_size};
    return mb_batch_open(source, batch_size, training, arena, &feed->batch, error);
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
    mb_batch_prefetch(feed->source, step->next, tile);
}

/* Both phases have the same cut: who asks the memory for a piece will gather it. */
static mb_cut cut_of(const mb_feed *feed)
{
    return mb_cut_rows(mb_batch_pieces(feed->source, feed->batch_size), 1);
}

mb_status mb_feed_plan_gather(const mb_feed *feed, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {
        .name = "gather",
        .run = run_gather,
        .op = feed,
        .cut = cut_of(feed),
        .uses = {{&mb_batch_rows, .writes = true}, {&mb_batch_blocks, .writes = true}}};
    return mb_plan_add(plan, &phase, error);
}

mb_status mb_feed_plan_prefetch(const mb_feed *feed, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {
        .name = "prefetch", .run = run_prefetch, .op = feed, .cut = cut_of(feed)};
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
    return (mb_step){.batch = &feed->batch,
                     .samples = slice(feed, number),
                     .next = slice(feed, number + 1),
                     .epoch = feed->epoch};
}

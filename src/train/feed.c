#include "train/feed.h"

mb_status mb_feed_open(const mb_source *source, const mb_kernels *kernels, size_t batch_size,
                       mb_arena *arena, mb_feed *feed, mb_error *error)
{
    *feed = (mb_feed){.source = source, .kernels = kernels, .batch_size = batch_size};
    mb_status status = mb_batch_open(source, batch_size, arena, &feed->batch[0], error);
    if (status == MB_OK)
        status = mb_batch_open(source, batch_size, arena, &feed->batch[1], error);
    return status;
}

static size_t pieces(const mb_feed *feed)
{
    return mb_batch_pieces(feed->source, feed->batch_size);
}

static void run_gather(const void *context, const mb_step *step, size_t tile, void *scratch)
{
    (void)scratch;
    const mb_feed *feed = context;
    mb_batch_gather(step->next, feed->kernels, step->take, tile);
    mb_batch_prefetch(feed->source, step->fetch, tile, pieces(feed));
}

mb_status mb_feed_plan(const mb_feed *feed, mb_plan *plan, mb_error *error)
{
    const mb_phase phase = {.name = "gather",
                            .run = run_gather,
                            .op = feed,
                            .cut = mb_cut_rows(pieces(feed), 1),
                            .uses = {{&mb_next_batch, .writes = true}}};
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
    return (mb_step){.batch = &feed->batch[number % 2],
                     .next = &feed->batch[(number + 1) % 2],
                     .take = slice(feed, number + 1),
                     .fetch = slice(feed, number + 2)};
}

mb_step mb_feed_before_first(mb_feed *feed)
{
    return (mb_step){.next = &feed->batch[0], .take = slice(feed, 0), .fetch = slice(feed, 1)};
}

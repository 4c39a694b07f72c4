#include "train/pass.h"

/* The step. Phases stand in the order of one thread; the plan finds out which of them can share a
 * stretch between barriers. */
static mb_status plan_step(mb_pass *pass, size_t rows, mb_plan *plan, mb_error *error)
{
    const mb_network *network = pass->network;
    const mb_site site = {.plan = plan,
                          .arena = &pass->arena,
                          .kernels = network->kernels,
                          .source = pass->feed.batch.source,
                          .rows = rows,
                          .trainable = pass->trainable};
    const mb_site output = mb_network_output(network, &pass->workspace, site);
    const bool training = pass->trainable != NULL;

    mb_status status = mb_feed_plan_gather(&pass->feed, plan, error);
    if (status == MB_OK)
        status = mb_network_forward(network, &pass->workspace, site, error);
    if (status == MB_OK)
        status = mb_loss_plan(&pass->loss, &output, error);
    if (status == MB_OK && training)
        status = mb_network_backward(network, &pass->workspace, site, error);
    if (status == MB_OK)
        status = mb_tally_plan(&pass->loss, &pass->tally, &output, error);
    if (status == MB_OK && training)
        status = mb_network_update(network, &pass->workspace, site, error);
    if (status == MB_OK)
        status = mb_feed_plan_prefetch(&pass->feed, plan, error);
    return status;
}

static mb_status plan_all(mb_pass *pass, mb_error *error)
{
    const size_t batch_size = pass->feed.batch_size, rest = pass->feed.samples % batch_size;
    mb_status status = plan_step(pass, batch_size, &pass->full, error);
    if (status == MB_OK && rest > 0)
        status = plan_step(pass, rest, &pass->smaller, error);
    return status;
}

static mb_status take_scratch(mb_pass *pass, size_t threads, mb_error *error)
{
    const size_t full = mb_plan_scratch(&pass->full), smaller = mb_plan_scratch(&pass->smaller);
    const size_t most = full > smaller ? full : smaller;
    pass->scratch_each = (most + MB_CACHE_LINE - 1) / MB_CACHE_LINE * MB_CACHE_LINE;
    pass->scratch = mb_arena_take(&pass->arena, threads, pass->scratch_each);
    return pass->scratch != NULL ? MB_OK
                                 : mb_fail_memory(error, "scratch", threads * pass->scratch_each);
}

mb_status mb_pass_open(const mb_network *network, const mb_supply *supply,
                       const mb_trainable *trainable, size_t threads, mb_pass *pass,
                       mb_error *error)
{
    *pass = (mb_pass){.network = network, .trainable = trainable};
    mb_supply cut_down = *supply;
    if (cut_down.batch_size > cut_down.samples)
        cut_down.batch_size = cut_down.samples;
    mb_status status = mb_feed_open(&cut_down, network->kernels, trainable != NULL, &pass->arena,
                                    &pass->feed, error);
    if (status == MB_OK)
        status = mb_workspace_open(network, cut_down.batch_size, threads, trainable != NULL,
                                   &pass->arena, &pass->workspace, error);
    if (status == MB_OK)
        status = mb_loss_open(cut_down.batch_size, &pass->arena, &pass->loss, error);
    if (status == MB_OK)
        status = plan_all(pass, error);
    if (status == MB_OK)
        status = take_scratch(pass, threads, error);
    if (status != MB_OK)
        mb_pass_close(pass);
    return status;
}

void mb_pass_start(mb_pass *pass, const uint32_t *order, size_t epoch)
{
    pass->feed.order = order;
    pass->feed.epoch = epoch;
    const mb_tally *last = &pass->tally;
    pass->tally = (mb_tally){.healthy = true,
                             .confusion = last->confusion,
                             .step_loss = last->step_loss,
                             .logits = last->logits};
}

typedef struct stretch {
    mb_pass *pass;
    size_t first, count, ran;
} stretch;

static void run_stretch(const mb_worker *worker, void *context)
{
    stretch *job = context;
    mb_pass *pass = job->pass;
    void *scratch = pass->scratch + worker->index * pass->scratch_each;
    size_t done = 0;
    while (done < job->count && pass->tally.healthy) {
        const size_t number = job->first + done++;
        const bool whole = mb_feed_rows(&pass->feed, number) == pass->feed.batch_size;
        mb_step step = mb_feed_step(&pass->feed, number);
        step.worker = worker->index;
        mb_update update;
        if (pass->update_source != NULL) {
            update = pass->update_source(pass->update_context, number);
            step.update = &update;
        }
        mb_plan_run(whole ? &pass->full : &pass->smaller, &step, worker, scratch);
    }
    if (worker->index == 0)
        job->ran = done;
}

size_t mb_pass_run(mb_pass *pass, mb_team *team, size_t threads, size_t first, size_t count)
{
    stretch job = {pass, first, count, 0};
    mb_team_run_some(team, threads, run_stretch, &job);
    return job.ran;
}

void mb_pass_close(mb_pass *pass)
{
    mb_plan_free(&pass->full);
    mb_plan_free(&pass->smaller);
    mb_arena_free(&pass->arena);
}

#include "train/epoch.h"

/* The step. Phases stand in the order of one thread; the plan finds out which of them can share a
 * stretch between barriers. */
static mb_status plan_step(mb_epoch *epoch, size_t rows, mb_plan *plan, mb_error *error)
{
    const mb_network *network = epoch->network;
    const mb_layer_context ctx = {.plan = plan,
                                  .arena = &epoch->arena,
                                  .kernels = network->kernels,
                                  .batch = &epoch->loader.batch,
                                  .rows = rows,
                                  .trainable = epoch->trainable};
    const mb_layer_context output = mb_network_output_context(network, &epoch->activations, ctx);
    const bool training = epoch->trainable != NULL;

    mb_data_loader_plan_batch(&epoch->loader, plan);
    mb_network_forward(network, &epoch->activations, ctx);
    mb_loss_plan(&epoch->loss, &output);
    if (training)
        mb_network_backward(network, &epoch->activations, ctx);
    mb_epoch_stats_plan(&epoch->loss, &epoch->stats, &output);
    if (training)
        mb_network_update(network, &epoch->activations, ctx);
    mb_data_loader_plan_prefetch(&epoch->loader, plan);
    const mb_status status = mb_arena_status(&epoch->arena, "plan", error);
    return status == MB_OK ? mb_plan_status(plan, error) : status;
}

static mb_status plan_all(mb_epoch *epoch, mb_error *error)
{
    const size_t batch_size = epoch->loader.batch_size, rest = epoch->loader.samples % batch_size;
    mb_status status = plan_step(epoch, batch_size, &epoch->full, error);
    if (status == MB_OK && rest > 0)
        status = plan_step(epoch, rest, &epoch->smaller, error);
    return status;
}

static mb_status take_scratch(mb_epoch *epoch, size_t threads, mb_error *error)
{
    const size_t full = mb_plan_scratch(&epoch->full), smaller = mb_plan_scratch(&epoch->smaller);
    const size_t most = full > smaller ? full : smaller;
    epoch->scratch_each = (most + MB_CACHE_LINE - 1) / MB_CACHE_LINE * MB_CACHE_LINE;
    epoch->scratch = mb_arena_alloc(&epoch->arena, threads, epoch->scratch_each);
    return epoch->scratch != NULL ? MB_OK
                                  : mb_fail_memory(error, "scratch", threads * epoch->scratch_each);
}

mb_status mb_epoch_open(const mb_network *network, const mb_data_loader_config *supply,
                        const mb_trainable *trainable, size_t threads, mb_epoch *epoch,
                        mb_error *error)
{
    *epoch = (mb_epoch){.network = network, .trainable = trainable};
    mb_data_loader_config cut_down = *supply;
    if (cut_down.batch_size > cut_down.samples)
        cut_down.batch_size = cut_down.samples;
    mb_status status = mb_data_loader_open(&cut_down, network->kernels, trainable != NULL,
                                           &epoch->arena, &epoch->loader, error);
    if (status == MB_OK)
        status = mb_activations_open(network, cut_down.batch_size, threads, trainable != NULL,
                                     &epoch->arena, &epoch->activations, error);
    if (status == MB_OK)
        status = mb_loss_open(cut_down.batch_size, &epoch->arena, &epoch->loss, error);
    if (status == MB_OK)
        status = plan_all(epoch, error);
    if (status == MB_OK)
        status = take_scratch(epoch, threads, error);
    if (status != MB_OK)
        mb_epoch_close(epoch);
    return status;
}

void mb_epoch_start(mb_epoch *epoch, const uint32_t *order, size_t number)
{
    epoch->loader.order = order;
    epoch->loader.epoch = number;
    const mb_epoch_stats *last = &epoch->stats;
    epoch->stats = (mb_epoch_stats){.finite = true,
                                    .confusion = last->confusion,
                                    .step_loss = last->step_loss,
                                    .logits = last->logits};
}

typedef struct stretch {
    mb_epoch *epoch;
    size_t first, count, ran;
} stretch;

static void run_stretch(const mb_worker *worker, void *context)
{
    stretch *job = context;
    mb_epoch *epoch = job->epoch;
    void *scratch = epoch->scratch + worker->index * epoch->scratch_each;
    size_t done = 0;
    while (done < job->count && epoch->stats.finite) {
        const size_t number = job->first + done++;
        const bool whole = mb_data_loader_rows(&epoch->loader, number) == epoch->loader.batch_size;
        mb_step step = mb_data_loader_step(&epoch->loader, number);
        step.worker = worker->index;
        mb_update update;
        if (epoch->get_update != NULL) {
            update = epoch->get_update(epoch->get_update_context, number);
            step.update = &update;
        }
        mb_plan_run(whole ? &epoch->full : &epoch->smaller, &step, worker, scratch);
    }
    if (worker->index == 0)
        job->ran = done;
}

size_t mb_epoch_run(mb_epoch *epoch, mb_team *team, size_t threads, size_t first, size_t count)
{
    stretch job = {epoch, first, count, 0};
    mb_team_run_first(team, threads, run_stretch, &job);
    return job.ran;
}

void mb_epoch_close(mb_epoch *epoch)
{
    mb_plan_free(&epoch->full);
    mb_plan_free(&epoch->smaller);
    mb_arena_free(&epoch->arena);
}

#include "train/epoch.h"

#include "core/clock.h"
#include "machine/memory.h"
#include "nn/plan_ranks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct store_op {
    mb_epoch *epoch;
    const float *logits; /* (rows, classes) of the step */
} store_op;

/* Copies the step's logits to their place in epoch->logits. */
static void run_store_logits(const mb_tile_args *args)
{
    const store_op *op = args->op;
    mb_epoch *epoch = op->epoch;
    const size_t classes = epoch->network->classes, rows = args->step->samples.count;
    for (size_t i = 0; i < rows * classes; i++)
        epoch->stats.finite = epoch->stats.finite && isfinite(op->logits[i]);
    memcpy(epoch->logits + epoch->stats.samples * classes, op->logits,
           rows * classes * sizeof *op->logits);
    epoch->stats.samples += rows;
}

static void plan_store_logits(mb_epoch *epoch, const mb_layer_context *output)
{
    store_op *op = mb_arena_alloc(output->arena, 1, sizeof *op);
    if (op == NULL)
        return;
    *op = (store_op){epoch, output->out.data};
    const mb_phase phase = {.name = "logits",
                            .run = run_store_logits,
                            .op = op,
                            .tiling = mb_tiling_one(),
                            .each_rank = true,
                            .uses = {mb_reads(op->logits), mb_writes(&epoch->stats.finite)}};
    mb_plan_add(output->plan, &phase);
}

/* The step: phases in the order of a single thread. The plan finds out where barriers are needed.
 */
static mb_status add_phases(mb_epoch *epoch, size_t rows, size_t ranks, mb_arena *arena,
                            mb_plan *plan, mb_error *error)
{
    const mb_network *network = epoch->network;
    const mb_layer_context ctx = {.plan = plan,
                                  .arena = arena,
                                  .kernels = network->kernels,
                                  .batch = &epoch->loader.batch,
                                  .rows = rows,
                                  .ranks = ranks,
                                  .trainable = epoch->trainable};
    const mb_layer_context output = mb_network_output_context(network, &epoch->activations, ctx);
    const bool training = epoch->trainable != NULL;
    const bool has_labels = epoch->loader.batch.source->split.labels != NULL;

    mb_data_loader_plan_batch(&epoch->loader, plan);
    mb_network_forward(network, &epoch->activations, ctx);
    if (has_labels)
        mb_loss_plan(&epoch->loss, &output);
    if (training && ranks == 1)
        mb_network_backward(network, &epoch->activations, ctx, false);
    if (has_labels)
        mb_epoch_stats_plan(&epoch->loss, &epoch->stats, &output);
    else
        plan_store_logits(epoch, &output);
    if (training && ranks > 1)
        mb_network_backward(network, &epoch->activations, ctx, true);
    else if (training)
        mb_network_update(network, &epoch->activations, ctx);
    mb_data_loader_plan_prefetch(&epoch->loader, plan);
    const mb_status status = mb_arena_status(arena, "plan", error);
    return status == MB_OK ? mb_plan_status(plan, error) : status;
}

static mb_status plan_step(mb_epoch *epoch, size_t rows, mb_arena *arena, mb_plan *plan,
                           mb_error *error)
{
    const size_t ranks =
        epoch->planned_ranks > 0 ? epoch->planned_ranks : mb_ranks_describe(epoch->ranks).count;
    const mb_status status = add_phases(epoch, rows, ranks, arena, plan, error);
    return status == MB_OK ? mb_plan_divide(plan, epoch->ranks, error) : status;
}

/* Scratch of all threads for the two plans. */
static mb_status alloc_scratch(mb_epoch *epoch, mb_error *error)
{
    const size_t bytes =
        mb_max_size(mb_plan_scratch(&epoch->full), mb_plan_scratch(&epoch->smaller));
    if (epoch->scratch == NULL || bytes > epoch->scratch_each) {
        mb_arena_free(&epoch->scratch_arena);
        epoch->scratch_each = mb_round_up(bytes, MB_CACHE_LINE);
        epoch->scratch = mb_arena_alloc(&epoch->scratch_arena, epoch->threads, epoch->scratch_each);
    }
    return mb_arena_status(&epoch->scratch_arena, "scratch", error);
}

mb_status mb_epoch_set_samples(mb_epoch *epoch, size_t samples, mb_error *error)
{
    const size_t rest = samples % epoch->loader.batch_size;
    mb_status status = MB_OK;
    epoch->loader.samples = samples;
    if (rest > 0 && rest != epoch->smaller_rows) {
        mb_plan_free(&epoch->smaller);
        mb_arena_free(&epoch->smaller_arena);
        status = plan_step(epoch, rest, &epoch->smaller_arena, &epoch->smaller, error);
        epoch->smaller_rows = status == MB_OK ? rest : 0;
    }
    return status == MB_OK ? alloc_scratch(epoch, error) : status;
}

mb_status mb_epoch_plan_as(mb_epoch *epoch, size_t ranks, mb_error *error)
{
    mb_plan_free(&epoch->full);
    epoch->planned_ranks = ranks;
    epoch->smaller_rows = 0;
    const mb_status status =
        plan_step(epoch, epoch->loader.batch_size, &epoch->arena, &epoch->full, error);
    return status == MB_OK ? mb_epoch_set_samples(epoch, epoch->loader.samples, error) : status;
}

/* Of a batch: the samples and the activations. */
static mb_status check_memory(const mb_epoch *epoch, const mb_sample_source *source, size_t rows,
                              mb_error *error)
{
    const double samples = mb_batch_bytes(source, rows, epoch->threads);
    const size_t activations =
        mb_activations_bytes(epoch->network, rows, epoch->threads, epoch->trainable != NULL);
    /* What ranks add up of the gradients of large batches, at most. */
    const double partials =
        epoch->trainable != NULL && mb_ranks_are_several(epoch->ranks) && mb_sample_chunk(rows) > 0
            ? MB_MAX_CHUNKS * sizeof(float) * (double)epoch->network->parameter_elements
            : 0.0;
    char what[64];
    snprintf(what, sizeof what, "batch size: %zu samples at a time", rows);
    return mb_memory_check(samples + (double)activations + partials, epoch->threads, what,
                           "take fewer, or smaller layers", error);
}

mb_status mb_epoch_open(const mb_network *network, const mb_data_loader_config *config,
                        const mb_trainable *trainable, size_t threads, const mb_ranks *ranks,
                        mb_epoch *epoch, mb_error *error)
{
    *epoch =
        (mb_epoch){.network = network, .trainable = trainable, .threads = threads, .ranks = ranks};
    mb_data_loader_config limited = *config;
    limited.batch_size = mb_min_size(config->batch_size, config->samples);
    mb_status status = check_memory(epoch, config->source, limited.batch_size, error);
    if (status == MB_OK)
        status = mb_data_loader_open(&limited, network->kernels, threads, &epoch->arena,
                                     &epoch->loader, error);
    if (status == MB_OK)
        status = mb_activations_open(network, limited.batch_size, threads, trainable != NULL,
                                     &epoch->arena, &epoch->activations, error);
    if (status == MB_OK)
        status = mb_loss_open(limited.batch_size, &epoch->arena, &epoch->loss, error);
    if (status == MB_OK)
        status = plan_step(epoch, limited.batch_size, &epoch->arena, &epoch->full, error);
    if (status == MB_OK)
        status = mb_epoch_set_samples(epoch, limited.samples, error);
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
                                    .confidence = last->confidence};
}

/* The sum of the class weights of the samples. */
static double weight_of(const mb_epoch *epoch, mb_sample_indices samples)
{
    const float *weights = epoch->trainable->class_weights;
    const uint8_t *labels = epoch->loader.source->split.labels;
    double sum = 0.0;
    for (size_t i = 0; i < samples.count; i++)
        sum += (double)weights[labels[samples.index[i]]];
    return sum;
}

typedef struct interval {
    mb_epoch *epoch;
    size_t first, count, ran;
} interval;

static void run_interval(const mb_worker *worker, void *context)
{
    interval *job = context;
    mb_epoch *epoch = job->epoch;
    void *scratch = epoch->scratch + worker->index * epoch->scratch_each;
    const double cpu_before = mb_thread_cpu_seconds();
    size_t done = 0;
    while (done < job->count && epoch->stats.finite) {
        const size_t number = job->first + done++;
        const bool whole = mb_data_loader_rows(&epoch->loader, number) == epoch->loader.batch_size;
        mb_step step = mb_data_loader_step(&epoch->loader, number);
        step.worker = worker->index;
        if (epoch->trainable != NULL && epoch->trainable->class_weights != NULL)
            step.weight = weight_of(epoch, step.dataset_samples);
        mb_update update;
        if (epoch->get_update != NULL) {
            update = epoch->get_update(epoch->get_update_context, number);
            step.update = &update;
        }
        mb_plan_run(whole ? &epoch->full : &epoch->smaller, &step, worker, scratch);
    }
    if (worker->index == 0)
        job->ran = done;
    const double cpu = mb_thread_cpu_seconds() - cpu_before;
    atomic_fetch_add_explicit(&epoch->cpu_nanoseconds, (unsigned long long)(1e9 * cpu),
                              memory_order_relaxed);
}

size_t mb_epoch_run(mb_epoch *epoch, mb_team *team, size_t threads, size_t first, size_t count)
{
    interval job = {epoch, first, count, 0};
    atomic_store_explicit(&epoch->cpu_nanoseconds, 0, memory_order_relaxed);
    mb_team_run_first(team, threads, run_interval, &job);
    return job.ran;
}

size_t mb_epoch_interval(size_t steps, double seconds)
{
    static const double interval_seconds = 0.05;
    return (size_t)(interval_seconds / seconds * (double)steps) + 1;
}

bool mb_events_stop(const mb_training_events *events)
{
    return events != NULL && events->stop != NULL && events->stop(events->context);
}

void mb_epoch_close(mb_epoch *epoch)
{
    mb_plan_free(&epoch->full);
    mb_plan_free(&epoch->smaller);
    mb_arena_free(&epoch->smaller_arena);
    mb_arena_free(&epoch->scratch_arena);
    mb_arena_free(&epoch->arena);
}

#include "epoch.h"

#include "limit.h"

#include "core/clock.h"
#include "nn/conv2d.h"
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

enum { SGEMM_REPEATS = 3 };

mb_status mb_epoch_case_open(const mb_epoch_settings *settings, mb_epoch_case *epoch_case,
                             mb_error *error)
{
    const size_t epochs = settings->rounds * settings->epochs;
    epoch_case->threads = mb_machine_describe(epoch_case->machine)->threads;
    epoch_case->seconds = mb_arena_alloc(settings->arena, epochs, sizeof(double));
    epoch_case->cpu = mb_arena_alloc(settings->arena, epochs, sizeof(double));
    epoch_case->sgemm = mb_arena_alloc(settings->arena, settings->rounds, sizeof(double));
    epoch_case->distance =
        mb_arena_alloc(settings->arena, settings->rounds, sizeof *epoch_case->distance);
    return mb_arena_status(settings->arena, "epochs", error);
}

/* FLOP that a convolution before a max pool skips in the gradients of its weights and, after
 * another layer, of its input. At least that: an output of the pool whose ReLU gives 0 has no
 * gradient either. */
static double skipped_flops(const mb_layer *layer)
{
    const double pixels = (double)(layer->out.rows * layer->out.columns);
    const double products = layer->position > 0 ? 2.0 : 1.0;
    if (layer->ops != &mb_conv2d_ops || mb_conv2d_backward_impl(layer) != &mb_conv2d_sparse_grad)
        return 0.0;
    const mb_shape pooled = mb_conv2d_pool(layer)->out;
    return products * layer->ops->flops(layer) *
           (1.0 - (double)(pooled.rows * pooled.columns) / pixels);
}

/* The first layer skips zero pixels in both of its products. */
static void count_flops(const mb_trainer *trainer, double density, mb_epoch_case *epoch_case)
{
    const mb_network *network = trainer->training.network;
    const mb_layer *first = &network->layers[0];
    epoch_case->dense_flops = epoch_case->done_flops = mb_network_training_flops(network);
    if (first->ops->accepts_sparse_input && mb_sample_source_is_sparse(&trainer->source))
        epoch_case->done_flops -= 2.0 * first->ops->flops(first) * (1.0 - density);
    for (size_t i = 0; i < network->count; i++)
        epoch_case->done_flops -= skipped_flops(&network->layers[i]);
}

static void note_seconds(void *context, const mb_epoch_metrics *metrics)
{
    *(double *)context = metrics->seconds;
}

/* ---- phases ---- */

static void open_sums(const mb_epoch_settings *settings, const mb_plan *step,
                      mb_epoch_case *epoch_case)
{
    mb_phase_sums *sums = &epoch_case->phases;
    const size_t cells = epoch_case->threads * step->count;
    if (sums->name != NULL)
        return;
    sums->running = mb_arena_alloc(settings->arena, cells, sizeof *sums->running);
    sums->waiting = mb_arena_alloc(settings->arena, cells, sizeof *sums->waiting);
    sums->name = mb_arena_alloc(settings->arena, step->count, sizeof *sums->name);
    for (; sums->name != NULL && sums->phases < step->count; sums->phases++)
        snprintf(sums->name[sums->phases], sizeof sums->name[0], "%s",
                 mb_plan_phase(step, sums->phases)->name);
}

static mb_plan_timer *open_timers(mb_arena *arena, size_t threads, size_t phases)
{
    mb_plan_timer *timers = mb_arena_alloc(arena, threads, sizeof *timers);
    for (size_t i = 0; timers != NULL && i < threads; i++)
        timers[i].times = mb_arena_alloc(arena, phases, sizeof *timers[i].times);
    return timers;
}

static void add_times(const mb_plan_timer *timers, double seconds_per_tick,
                      mb_epoch_case *epoch_case)
{
    mb_phase_sums *sums = &epoch_case->phases;
    for (size_t thread = 0; thread < epoch_case->threads; thread++)
        for (size_t i = 0; i < sums->phases; i++) {
            const mb_phase_time *time = &timers[thread].times[i];
            const size_t cell = thread * sums->phases + i;
            sums->running[cell] += (double)time->running * seconds_per_tick;
            sums->waiting[cell] += (double)time->waiting * seconds_per_tick;
        }
}

/* Trains an epoch with timed phases. The smaller last step has the same phases. */
static mb_status time_phases(const mb_epoch_settings *settings, mb_trainer *trainer,
                             const double *seconds, mb_epoch_case *epoch_case, mb_error *error)
{
    mb_epoch *training = &trainer->training;
    open_sums(settings, &training->full, epoch_case);
    mb_plan_timer *timers = open_timers(settings->arena, epoch_case->threads, training->full.count);
    mb_status status = mb_arena_status(settings->arena, "phases", error);
    if (status != MB_OK)
        return status;
    training->full.timers = training->smaller.timers = timers;
    const double start = mb_seconds();
    const uint64_t start_ticks = mb_ticks();
    status = mb_trainer_run_epoch(trainer, error);
    const double seconds_per_tick = (mb_seconds() - start) / (double)(mb_ticks() - start_ticks);
    training->full.timers = training->smaller.timers = NULL;
    if (status == MB_OK) {
        add_times(timers, seconds_per_tick, epoch_case);
        epoch_case->phases.seconds += *seconds;
        epoch_case->phases.steps += trainer->steps;
    }
    return status;
}

/* ---- rounds ---- */

/* The phases of a round that is to be repeated are not timed: their sums are of all rounds. */
static mb_status train(const mb_epoch_settings *settings, size_t round, bool is_last_attempt,
                       mb_network *network, mb_epoch_case *epoch_case, mb_error *error)
{
    mb_round_distance *distance = &epoch_case->distance[round];
    double seconds;
    mb_trainer *trainer = NULL;
    mb_training_options options = mb_training_defaults(epoch_case->optimizer);
    const mb_training_events events = {.context = &seconds, .epoch = note_seconds};
    options.batch_size = epoch_case->batch_size;
    options.augmentation.kind = epoch_case->augmentation;
    options.epochs = 1 + settings->epochs + settings->time_phases;
    mb_status status = mb_trainer_open(epoch_case->machine, network, &settings->data->dataset,
                                       &options, &events, &trainer, error);
    if (status != MB_OK)
        return status;
    count_flops(trainer, settings->data->density, epoch_case);
    if (settings->planned_ranks > 1)
        status = mb_epoch_plan_as(&trainer->training, settings->planned_ranks, error);
    if (status == MB_OK)
        status = mb_trainer_run_epoch(trainer, error);
    for (size_t epoch = 0; epoch < settings->epochs && status == MB_OK; epoch++) {
        const size_t cell = round * settings->epochs + epoch;
        const double before = mb_thread_cpu_seconds();
        status = mb_trainer_run_epoch(trainer, error);
        epoch_case->seconds[cell] = seconds;
        epoch_case->cpu[cell] = mb_thread_cpu_seconds() - before;
    }
    distance->after = mb_machine_round_trip(epoch_case->machine);
    if (status == MB_OK && settings->time_phases &&
        (is_last_attempt || !mb_distance_changed(distance)))
        status = time_phases(settings, trainer, &seconds, epoch_case, error);
    mb_trainer_close(trainer);
    return status;
}

static mb_status run_once(const mb_epoch_settings *settings, size_t round, bool is_last_attempt,
                          mb_epoch_case *epoch_case, mb_error *error)
{
    const mb_dataset *dataset = &settings->data->dataset;
    const mb_shape input = mb_images_shape(&dataset->train.images);
    mb_network *network = NULL;
    mb_bench_result big;
    epoch_case->distance[round].before = mb_machine_round_trip(epoch_case->machine);
    mb_status status = mb_bench_sgemm(epoch_case->machine, SGEMM_REPEATS, &big, error);
    if (status == MB_OK) {
        epoch_case->sgemm[round] = mb_bench_counter_value(&big, "GFLOP/s");
        status = mb_network_open(epoch_case->machine, epoch_case->network, input, dataset->classes,
                                 &network, error);
    }
    if (status == MB_OK) {
        mb_network_initialise(network, 1);
        status = train(settings, round, is_last_attempt, network, epoch_case, error);
    }
    mb_network_close(network);
    return status;
}

mb_status mb_epoch_case_run(const mb_epoch_settings *settings, size_t round,
                            mb_epoch_case *epoch_case, mb_error *error)
{
    mb_status status = MB_OK;
    bool is_done = false;
    for (size_t attempt = 1; !is_done && status == MB_OK; attempt++) {
        const bool is_last = attempt == MB_BENCH_ATTEMPTS;
        status = run_once(settings, round, is_last, epoch_case, error);
        is_done = is_last || !mb_distance_changed(&epoch_case->distance[round]);
    }
    return status;
}

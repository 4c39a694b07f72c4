#include "epoch.h"

#include "limit.h"

#include "core/clock.h"
#include "nn/conv2d.h"
#include "train/trainer.h"

#include <stdio.h>
#include <string.h>

enum { SGEMM_REPEATS = 3 };

mb_status mb_epoch_case_open(const mb_epoch_settings *plan, mb_epoch_case *c, mb_error *error)
{
    const size_t epochs = plan->rounds * plan->epochs;
    c->threads = mb_machine_describe(c->machine)->threads;
    c->seconds = mb_arena_alloc(plan->arena, epochs, sizeof *c->seconds);
    c->cpu = mb_arena_alloc(plan->arena, epochs, sizeof *c->cpu);
    c->sgemm = mb_arena_alloc(plan->arena, plan->rounds, sizeof *c->sgemm);
    if (c->seconds == NULL || c->cpu == NULL || c->sgemm == NULL)
        return mb_fail_memory(error, "epochs", epochs * sizeof *c->seconds);
    return MB_OK;
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
    const size_t nonzeros = ((const mb_conv2d_config *)layer->config)->max_nonzeros;
    return products * layer->ops->flops(layer) * (1.0 - (double)nonzeros / pixels);
}

/* The first layer leaves out the pixels that are zero, in both of its products. */
static void count_flops(const mb_trainer *t, double density, mb_epoch_case *c)
{
    const mb_network *network = t->training.network;
    const mb_layer *first = &network->layers[0];
    c->dense_flops = c->done_flops = mb_network_training_flops(network);
    if (first->ops->accepts_sparse_input && t->source.nonzeros != NULL)
        c->done_flops -= 2.0 * first->ops->flops(first) * (1.0 - density);
    for (size_t i = 0; i < network->count; i++)
        c->done_flops -= skipped_flops(&network->layers[i]);
}

static void note_epoch(void *context, const mb_epoch_metrics *metrics)
{
    *(double *)context = metrics->seconds;
}

/* ---- phases ---- */

static mb_status open_sums(const mb_epoch_settings *plan, const mb_plan *step, mb_epoch_case *c,
                           mb_error *error)
{
    mb_phase_sums *sums = &c->phases;
    if (sums->name != NULL)
        return MB_OK;
    const size_t cells = c->threads * step->count;
    sums->phases = step->count;
    sums->running = mb_arena_alloc(plan->arena, cells, sizeof *sums->running);
    sums->waiting = mb_arena_alloc(plan->arena, cells, sizeof *sums->waiting);
    sums->name = mb_arena_alloc(plan->arena, step->count, sizeof *sums->name);
    if (sums->running == NULL || sums->waiting == NULL || sums->name == NULL)
        return mb_fail_memory(error, "phases", cells * sizeof *sums->running);
    for (size_t i = 0; i < step->count; i++)
        snprintf(sums->name[i], sizeof sums->name[i], "%s", mb_plan_phase(step, i)->name);
    return MB_OK;
}

static mb_plan_timer *open_watches(mb_trainer *t, size_t threads)
{
    mb_plan_timer *timers = mb_arena_alloc(&t->arena, threads, sizeof *timers);
    for (size_t i = 0; timers != NULL && i < threads; i++) {
        timers[i].times = mb_arena_alloc(&t->arena, t->training.full.count, sizeof(mb_phase_time));
        if (timers[i].times == NULL)
            return NULL;
    }
    return timers;
}

static void add_watches(const mb_plan_timer *timers, double seconds_a_tick, mb_epoch_case *c)
{
    mb_phase_sums *sums = &c->phases;
    for (size_t thread = 0; thread < c->threads; thread++)
        for (size_t i = 0; i < sums->phases; i++) {
            const mb_phase_time *time = &timers[thread].times[i];
            const size_t cell = thread * sums->phases + i;
            sums->running[cell] += (double)time->running * seconds_a_tick;
            sums->waiting[cell] += (double)time->waiting * seconds_a_tick;
        }
}

/* An epoch with its phases timed. The smaller last step has the phases of the others. */
static mb_status watch_epoch(const mb_epoch_settings *plan, mb_trainer *t, const double *seconds,
                             mb_epoch_case *c, mb_error *error)
{
    mb_status status = open_sums(plan, &t->training.full, c, error);
    if (status != MB_OK)
        return status;
    mb_plan_timer *timers = open_watches(t, c->threads);
    if (timers == NULL)
        return mb_fail_memory(error, "phases", c->threads * sizeof *timers);
    t->training.full.timers = t->training.smaller.timers = timers;
    const double start = mb_seconds();
    const uint64_t first_tick = mb_ticks();
    status = mb_trainer_run_epoch(t, error);
    const double seconds_a_tick = (mb_seconds() - start) / (double)(mb_ticks() - first_tick);
    t->training.full.timers = t->training.smaller.timers = NULL;
    if (status == MB_OK) {
        add_watches(timers, seconds_a_tick, c);
        c->phases.seconds += *seconds;
        c->phases.steps += t->steps;
    }
    return status;
}

/* ---- a turn ---- */

static mb_status train(const mb_epoch_settings *plan, size_t round, mb_network *network,
                       mb_epoch_case *c, mb_error *error)
{
    double seconds;
    mb_trainer *trainer = NULL;
    mb_training_options options = mb_training_defaults(c->optimizer);
    const mb_training_events events = {.context = &seconds, .epoch = note_epoch};
    options.batch_size = c->batch_size;
    options.augmentation.kind = c->augmentation;
    options.epochs = 1 + plan->epochs + plan->watch;
    mb_status status = mb_trainer_open(c->machine, network, &plan->data->dataset, &options, &events,
                                       &trainer, error);
    if (status != MB_OK)
        return status;
    count_flops(trainer, plan->data->density, c);
    status = mb_trainer_run_epoch(trainer, error);
    for (size_t epoch = 0; epoch < plan->epochs && status == MB_OK; epoch++) {
        const double before = mb_bench_cpu_seconds();
        status = mb_trainer_run_epoch(trainer, error);
        c->seconds[round * plan->epochs + epoch] = seconds;
        c->cpu[round * plan->epochs + epoch] = mb_bench_cpu_seconds() - before;
    }
    if (status == MB_OK && plan->watch)
        status = watch_epoch(plan, trainer, &seconds, c, error);
    mb_trainer_close(trainer);
    return status;
}

mb_status mb_epoch_case_run(const mb_epoch_settings *plan, size_t round, mb_epoch_case *c,
                            mb_error *error)
{
    const mb_dataset *dataset = &plan->data->dataset;
    const mb_shape input = mb_images_shape(&dataset->train.images);
    mb_network *network = NULL;
    mb_bench_result big;
    mb_status status = mb_bench_sgemm(c->machine, SGEMM_REPEATS, &big, error);
    if (status == MB_OK) {
        c->sgemm[round] = mb_bench_counter_value(&big, "GFLOP/s");
        status = mb_network_open(c->machine, c->network, input, dataset->classes, &network, error);
    }
    if (status == MB_OK) {
        mb_network_initialise(network, 1);
        status = train(plan, round, network, c, error);
    }
    mb_network_close(network);
    return status;
}

#include "epoch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRIFT_EPOCHS = 6, THREADS_SHOWN = 8 };

/* Where a combination's results are found again. */
static void name_of(const mb_epoch_case *c, const char *part, char *name)
{
    const bool augments = c->augmentation != MB_AUGMENT_NONE;
    snprintf(name, MB_BENCH_NAME, "%s/%s/%s%s%s/batch:%zu/threads:%zu", part, c->network,
             mb_optimizer_name(c->optimizer), augments ? "+" : "",
             augments ? mb_augmentation_name(c->augmentation) : "", c->batch_size, c->threads);
}

static double samples_of(const mb_epoch_settings *plan)
{
    return (double)plan->data->dataset.train.images.count;
}

/* Median of seconds[first .. end-1] over all rounds. */
static mb_spread spread_of(const mb_epoch_settings *plan, const double *values, size_t first,
                           size_t end, double *room)
{
    size_t n = 0;
    for (size_t round = 0; round < plan->rounds; round++)
        for (size_t epoch = first; epoch < end; epoch++)
            room[n++] = values[round * plan->epochs + epoch];
    return mb_spread_of(room, n);
}

/* Dense GFLOP/s of each round's median epoch by those of the large product before it. */
static mb_spread ratio_of(const mb_epoch_settings *plan, const mb_epoch_case *c, double *room)
{
    double *ratios = room + plan->epochs;
    for (size_t round = 0; round < plan->rounds; round++) {
        memcpy(room, c->seconds + round * plan->epochs, plan->epochs * sizeof *room);
        const double seconds = mb_spread_of(room, plan->epochs).median;
        ratios[round] = 1e-9 * c->dense_flops * samples_of(plan) / seconds / c->sgemm[round];
    }
    return mb_spread_of(ratios, plan->rounds);
}

static mb_status add_whole(const mb_epoch_settings *plan, const mb_epoch_case *c, double *room,
                           mb_bench_results *results, mb_error *error)
{
    const double samples = samples_of(plan);
    const mb_spread all = spread_of(plan, c->seconds, 0, plan->epochs, room);
    const mb_spread cpu = spread_of(plan, c->cpu, 0, plan->epochs, room);
    mb_bench_result r = {.threads = c->threads,
                         .iterations = 1,
                         .repeats = plan->rounds * plan->epochs,
                         .ns = {1e9 * all.min, 1e9 * all.median, 1e9 * all.max},
                         .cpu = 1e9 * cpu.median,
                         .items = samples};
    name_of(c, "epoch", r.name);
    mb_bench_add_counter(&r, "samples/s", samples / all.median);
    mb_bench_add_counter(&r, "samples/s_min", samples / all.max);
    mb_bench_add_counter(&r, "samples/s_max", samples / all.min);
    mb_bench_add_counter(&r, "GFLOP/s", 1e-9 * c->dense_flops * samples / all.median);
    mb_bench_add_counter(&r, "GFLOP/s_done", 1e-9 * c->done_flops * samples / all.median);
    memcpy(room, c->sgemm, plan->rounds * sizeof *room);
    mb_bench_add_counter(&r, "SGEMM_GFLOP/s", mb_spread_of(room, plan->rounds).median);
    const mb_spread ratio = ratio_of(plan, c, room);
    mb_bench_add_counter(&r, "SGEMM_ratio", ratio.median);
    mb_bench_add_counter(&r, "SGEMM_ratio_min", ratio.min);
    mb_bench_add_counter(&r, "SGEMM_ratio_max", ratio.max);
    if (plan->epochs >= DRIFT_EPOCHS) {
        const size_t third = plan->epochs / 3;
        const double first = spread_of(plan, c->seconds, 0, third, room).median;
        const double last =
            spread_of(plan, c->seconds, plan->epochs - third, plan->epochs, room).median;
        mb_bench_add_counter(&r, "drift", first / last - 1.0);
    }
    return mb_bench_add(results, &r, error);
}

/* Each epoch by its number, 2 for the first that is timed, over the rounds. */
static mb_status add_epochs(const mb_epoch_settings *plan, const mb_epoch_case *c, double *room,
                            mb_bench_results *results, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t epoch = 0; epoch < plan->epochs && status == MB_OK; epoch++) {
        const mb_spread seconds = spread_of(plan, c->seconds, epoch, epoch + 1, room);
        const mb_spread cpu = spread_of(plan, c->cpu, epoch, epoch + 1, room);
        mb_bench_result r = {.threads = c->threads,
                             .iterations = 1,
                             .repeats = plan->rounds,
                             .ns = {1e9 * seconds.min, 1e9 * seconds.median, 1e9 * seconds.max},
                             .cpu = 1e9 * cpu.median,
                             .items = samples_of(plan)};
        char part[32];
        snprintf(part, sizeof part, "epoch:%zu", epoch + 2);
        name_of(c, part, r.name);
        mb_bench_add_counter(&r, "samples/s", samples_of(plan) / seconds.median);
        status = mb_bench_add(results, &r, error);
    }
    return status;
}

/* ---- phases ---- */

static double mean_of(const mb_epoch_case *c, const double *sums, size_t phase)
{
    double sum = 0.0;
    for (size_t thread = 0; thread < c->threads; thread++)
        sum += sums[thread * c->phases.phases + phase];
    return sum / (double)c->threads / (double)c->phases.steps;
}

static mb_status add_phase(const mb_epoch_case *c, size_t phase, mb_bench_results *results,
                           mb_error *error)
{
    const mb_phase_sums *sums = &c->phases;
    const double running = mean_of(c, sums->running, phase);
    const double waiting = mean_of(c, sums->waiting, phase);
    mb_bench_result r = {.threads = c->threads,
                         .iterations = sums->steps,
                         .repeats = 1,
                         .ns = {1e9 * running, 1e9 * running, 1e9 * running},
                         .cpu = 1e9 * running};
    name_of(c, sums->name[phase], r.name);
    mb_bench_add_counter(&r, "wait_us", 1e6 * waiting);
    mb_bench_add_counter(&r, "share", running * (double)sums->steps / sums->seconds);
    for (size_t thread = 0; thread < c->threads && thread < THREADS_SHOWN; thread++) {
        const size_t cell = thread * sums->phases + phase;
        char name[32];
        snprintf(name, sizeof name, "thread%zu_us", thread);
        mb_bench_add_counter(&r, name, 1e6 * sums->running[cell] / (double)sums->steps);
        snprintf(name, sizeof name, "thread%zu_wait_us", thread);
        mb_bench_add_counter(&r, name, 1e6 * sums->waiting[cell] / (double)sums->steps);
    }
    return mb_bench_add(results, &r, error);
}

/* The step as a whole: its phases, its barriers, and what is between steps. */
static mb_status add_step(const mb_epoch_settings *plan, const mb_epoch_case *c, double *room,
                          mb_bench_results *results, mb_error *error)
{
    const mb_phase_sums *sums = &c->phases;
    const double step = sums->seconds / (double)sums->steps;
    const double unwatched = spread_of(plan, c->seconds, 0, plan->epochs, room).median;
    double running = 0.0, waiting = 0.0;
    for (size_t i = 0; i < sums->phases; i++) {
        running += mean_of(c, sums->running, i);
        waiting += mean_of(c, sums->waiting, i);
    }
    mb_bench_result r = {.threads = c->threads,
                         .iterations = sums->steps,
                         .repeats = 1,
                         .ns = {1e9 * step, 1e9 * step, 1e9 * step},
                         .cpu = 1e9 * step,
                         .items = (double)c->batch_size};
    name_of(c, "step", r.name);
    mb_bench_add_counter(&r, "running_us", 1e6 * running);
    mb_bench_add_counter(&r, "wait_us", 1e6 * waiting);
    mb_bench_add_counter(&r, "rest_us", 1e6 * (step - running - waiting));
    mb_bench_add_counter(&r, "timer_overhead",
                         sums->seconds / (double)plan->rounds / unwatched - 1.0);
    return mb_bench_add(results, &r, error);
}

mb_status mb_epoch_case_results(const mb_epoch_settings *plan, const mb_epoch_case *c,
                                mb_bench_results *results, mb_error *error)
{
    double *room = calloc(plan->rounds * plan->epochs + plan->rounds, sizeof *room);
    if (room == NULL)
        return mb_fail_memory(error, "results", plan->rounds * plan->epochs * sizeof *room);
    mb_status status = add_whole(plan, c, room, results, error);
    if (status == MB_OK)
        status = add_epochs(plan, c, room, results, error);
    if (status == MB_OK && plan->watch)
        status = add_step(plan, c, room, results, error);
    for (size_t i = 0; i < c->phases.phases && status == MB_OK; i++)
        status = add_phase(c, i, results, error);
    free(room);
    return status;
}

/* ---- tables ---- */

void mb_epoch_print(const mb_epoch_settings *plan, const mb_bench_results *results)
{
    static const char whole[] = "epoch/";
    const bool drift = plan->epochs >= DRIFT_EPOCHS;
    size_t width = strlen("network/optimizer/batch size/threads");
    for (size_t i = 0; i < results->count; i++) {
        const size_t length = strlen(results->result[i].name);
        if (strncmp(results->result[i].name, whole, strlen(whole)) == 0 && length > width)
            width = length;
    }
    printf("%-*s  %30s  %18s %9s %14s%s\n", (int)width, "", "samples/s         ", "GFLOP/s     ",
           "big", "SGEMM ratio  ", drift ? "   drift" : "");
    printf("%-*s  %10s%10s%10s  %9s%9s %9s %14s\n", (int)width,
           "network/optimizer/batch size/threads", "min", "median", "max", "dense", "done", "SGEMM",
           "median (range)");
    for (size_t i = 0; i < results->count; i++) {
        const mb_bench_result *r = &results->result[i];
        if (strncmp(r->name, whole, strlen(whole)) != 0)
            continue;
        printf("%-*s  %10.0f%10.0f%10.0f  %9.1f%9.1f %9.1f  %.2f (%.2f-%.2f)", (int)width,
               r->name + strlen(whole), mb_bench_counter_value(r, "samples/s_min"),
               mb_bench_counter_value(r, "samples/s"), mb_bench_counter_value(r, "samples/s_max"),
               mb_bench_counter_value(r, "GFLOP/s"), mb_bench_counter_value(r, "GFLOP/s_done"),
               mb_bench_counter_value(r, "SGEMM_GFLOP/s"), mb_bench_counter_value(r, "SGEMM_ratio"),
               mb_bench_counter_value(r, "SGEMM_ratio_min"),
               mb_bench_counter_value(r, "SGEMM_ratio_max"));
        if (drift)
            printf("  %+5.1f%%", 100.0 * mb_bench_counter_value(r, "drift"));
        printf("\n");
    }
}

static const mb_bench_result *find(const mb_epoch_case *c, const char *part,
                                   const mb_bench_results *results)
{
    char name[MB_BENCH_NAME];
    name_of(c, part, name);
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->result[i].name, name) == 0)
            return &results->result[i];
    return NULL;
}

static void print_phase(const mb_epoch_case *c, const char *name, const mb_bench_result *r)
{
    printf("%-20s %9.2f %6.1f%% %9.2f", name, 1e-3 * r->ns.median,
           100.0 * mb_bench_counter_value(r, "share"), mb_bench_counter_value(r, "wait_us"));
    for (size_t thread = 0; thread < c->threads && thread < THREADS_SHOWN; thread++) {
        char counter[32];
        snprintf(counter, sizeof counter, "thread%zu_us", thread);
        printf(" %8.2f", mb_bench_counter_value(r, counter));
        snprintf(counter, sizeof counter, "thread%zu_wait_us", thread);
        printf("+%-6.2f", mb_bench_counter_value(r, counter));
    }
    printf("\n");
}

void mb_phases_print(const mb_epoch_case *c, const mb_bench_results *results)
{
    const mb_bench_result *step = find(c, "step", results);
    if (step == NULL)
        return;
    const double us = 1e-3 * step->ns.median;
    printf("\n%s, %s, augment %s, batch size %zu, %zu thread%s: microseconds a step\n", c->network,
           mb_optimizer_name(c->optimizer), mb_augmentation_name(c->augmentation), c->batch_size,
           c->threads, c->threads > 1 ? "s" : "");
    printf("%-20s %9s %7s %9s   by thread: runs+waits%s\n", "phase", "mean", "share", "waits",
           c->threads > THREADS_SHOWN ? " (the first 8)" : "");
    for (size_t i = 0; i < c->phases.phases; i++)
        print_phase(c, c->phases.name[i], find(c, c->phases.name[i], results));
    printf("%-20s %9.2f %6.1f%%\n", "all phases", mb_bench_counter_value(step, "running_us"),
           100.0 * mb_bench_counter_value(step, "running_us") / us);
    printf("%-20s %9.2f %6.1f%%\n", "waits at barriers", mb_bench_counter_value(step, "wait_us"),
           100.0 * mb_bench_counter_value(step, "wait_us") / us);
    printf("%-20s %9.2f %6.1f%%\n", "between steps", mb_bench_counter_value(step, "rest_us"),
           100.0 * mb_bench_counter_value(step, "rest_us") / us);
    printf("%-20s %9.2f %6.1f%%  timing the phases made the epoch %+.1f %% longer\n", "step", us,
           100.0, 100.0 * mb_bench_counter_value(step, "timer_overhead"));
}

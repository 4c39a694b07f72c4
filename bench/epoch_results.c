#include "epoch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_DRIFT_EPOCHS = 6, MAX_THREADS_SHOWN = 8 };

static const char whole[] = "epoch";

/* PART/NETWORK/OPTIMIZER+AUGMENTATION/batch:N/threads:N */
static void format_name(const mb_epoch_case *epoch_case, const char *part, char *name)
{
    const bool augments = epoch_case->augmentation != MB_AUGMENT_NONE;
    snprintf(name, MB_BENCH_NAME, "%s/%s/%s%s%s/batch:%zu/threads:%zu", part, epoch_case->network,
             mb_optimizer_name(epoch_case->optimizer), augments ? "+" : "",
             augments ? mb_augmentation_name(epoch_case->augmentation) : "", epoch_case->batch_size,
             epoch_case->threads);
}

static mb_bench_result new_result(const mb_epoch_case *epoch_case, const char *part,
                                  size_t iterations, size_t repeats, mb_spread seconds)
{
    mb_bench_result result = {.threads = epoch_case->threads,
                              .iterations = iterations,
                              .repeats = repeats,
                              .ns = {1e9 * seconds.min, 1e9 * seconds.median, 1e9 * seconds.max},
                              .cpu = 1e9 * seconds.median};
    format_name(epoch_case, part, result.name);
    return result;
}

static double samples_of(const mb_epoch_settings *settings)
{
    return (double)settings->data->dataset.train.images.count;
}

/* Spread of values (rounds, epochs) over all rounds and the epochs begin .. end-1. */
static mb_spread spread_of(const mb_epoch_settings *settings, const double *values, size_t begin,
                           size_t end, double *scratch)
{
    size_t count = 0;
    for (size_t round = 0; round < settings->rounds; round++)
        for (size_t epoch = begin; epoch < end; epoch++)
            scratch[count++] = values[round * settings->epochs + epoch];
    return mb_spread_of(scratch, count);
}

/* Dense GFLOP/s of the median epoch of each round, divided by those of the large SGEMM before it.
 */
static mb_spread sgemm_ratio(const mb_epoch_settings *settings, const mb_epoch_case *epoch_case,
                             double *scratch)
{
    double *ratios = scratch + settings->epochs;
    for (size_t round = 0; round < settings->rounds; round++) {
        memcpy(scratch, epoch_case->seconds + round * settings->epochs,
               settings->epochs * sizeof *scratch);
        const double seconds = mb_spread_of(scratch, settings->epochs).median;
        ratios[round] = 1e-9 * epoch_case->dense_flops * samples_of(settings) / seconds /
                        epoch_case->sgemm[round];
    }
    return mb_spread_of(ratios, settings->rounds);
}

static mb_status add_whole(const mb_epoch_settings *settings, const mb_epoch_case *epoch_case,
                           double *scratch, mb_bench_results *results, mb_error *error)
{
    const double samples = samples_of(settings);
    const size_t epochs = settings->epochs;
    const mb_spread all = spread_of(settings, epoch_case->seconds, 0, epochs, scratch);
    mb_bench_result result =
        new_result(epoch_case, whole, 1, settings->rounds * settings->epochs, all);
    result.cpu = 1e9 * spread_of(settings, epoch_case->cpu, 0, epochs, scratch).median;
    result.items = samples;
    mb_bench_add_counter(&result, "samples/s", samples / all.median);
    mb_bench_add_counter(&result, "samples/s_min", samples / all.max);
    mb_bench_add_counter(&result, "samples/s_max", samples / all.min);
    mb_bench_add_counter(&result, "GFLOP/s", 1e-9 * epoch_case->dense_flops * samples / all.median);
    mb_bench_add_counter(&result, "GFLOP/s_done",
                         1e-9 * epoch_case->done_flops * samples / all.median);
    memcpy(scratch, epoch_case->sgemm, settings->rounds * sizeof *scratch);
    mb_bench_add_counter(&result, "SGEMM_GFLOP/s", mb_spread_of(scratch, settings->rounds).median);
    const mb_spread ratio = sgemm_ratio(settings, epoch_case, scratch);
    mb_bench_add_counter(&result, "SGEMM_ratio", ratio.median);
    mb_bench_add_counter(&result, "SGEMM_ratio_min", ratio.min);
    mb_bench_add_counter(&result, "SGEMM_ratio_max", ratio.max);
    mb_bench_add_distance(&result, epoch_case->distance, settings->rounds);
    if (epochs >= MIN_DRIFT_EPOCHS) {
        const size_t third = epochs / 3;
        const mb_spread first = spread_of(settings, epoch_case->seconds, 0, third, scratch),
                        last = spread_of(settings, epoch_case->seconds, epochs - third, epochs,
                                         scratch);
        mb_bench_add_counter(&result, "drift", first.median / last.median - 1.0);
    }
    return mb_bench_add(results, &result, error);
}

/* Each epoch over the rounds; the first timed one is number 2. */
static mb_status add_epochs(const mb_epoch_settings *settings, const mb_epoch_case *epoch_case,
                            double *scratch, mb_bench_results *results, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t epoch = 0; epoch < settings->epochs && status == MB_OK; epoch++) {
        const mb_spread seconds =
            spread_of(settings, epoch_case->seconds, epoch, epoch + 1, scratch);
        char part[32];
        snprintf(part, sizeof part, "epoch:%zu", epoch + 2);
        mb_bench_result result = new_result(epoch_case, part, 1, settings->rounds, seconds);
        result.cpu = 1e9 * spread_of(settings, epoch_case->cpu, epoch, epoch + 1, scratch).median;
        result.items = samples_of(settings);
        mb_bench_add_counter(&result, "samples/s", samples_of(settings) / seconds.median);
        status = mb_bench_add(results, &result, error);
    }
    return status;
}

/* ---- phases ---- */

/* Seconds per step, the mean over the threads. */
static double mean_of(const mb_epoch_case *epoch_case, const double *sums, size_t phase)
{
    double sum = 0.0;
    for (size_t thread = 0; thread < epoch_case->threads; thread++)
        sum += sums[thread * epoch_case->phases.phases + phase];
    return sum / (double)epoch_case->threads / (double)epoch_case->phases.steps;
}

static mb_status add_phase(const mb_epoch_case *epoch_case, size_t phase, mb_bench_results *results,
                           mb_error *error)
{
    const mb_phase_sums *sums = &epoch_case->phases;
    const double steps = (double)sums->steps, running = mean_of(epoch_case, sums->running, phase);
    mb_bench_result result = new_result(epoch_case, sums->name[phase], sums->steps, 1,
                                        (mb_spread){running, running, running});
    mb_bench_add_counter(&result, "wait_us", 1e6 * mean_of(epoch_case, sums->waiting, phase));
    mb_bench_add_counter(&result, "share", running * steps / sums->seconds);
    for (size_t thread = 0; thread < epoch_case->threads && thread < MAX_THREADS_SHOWN; thread++) {
        const size_t cell = thread * sums->phases + phase;
        char name[32];
        snprintf(name, sizeof name, "thread%zu_us", thread);
        mb_bench_add_counter(&result, name, 1e6 * sums->running[cell] / steps);
        snprintf(name, sizeof name, "thread%zu_wait_us", thread);
        mb_bench_add_counter(&result, name, 1e6 * sums->waiting[cell] / steps);
    }
    return mb_bench_add(results, &result, error);
}

/* The whole step: its phases, its barriers, and the time between steps. */
static mb_status add_step(const mb_epoch_settings *settings, const mb_epoch_case *epoch_case,
                          double *scratch, mb_bench_results *results, mb_error *error)
{
    const mb_phase_sums *sums = &epoch_case->phases;
    const double step = sums->seconds / (double)sums->steps;
    const double untimed =
        spread_of(settings, epoch_case->seconds, 0, settings->epochs, scratch).median;
    double running = 0.0, waiting = 0.0;
    for (size_t i = 0; i < sums->phases; i++) {
        running += mean_of(epoch_case, sums->running, i);
        waiting += mean_of(epoch_case, sums->waiting, i);
    }
    mb_bench_result result =
        new_result(epoch_case, "step", sums->steps, 1, (mb_spread){step, step, step});
    result.items = (double)epoch_case->batch_size;
    mb_bench_add_counter(&result, "running_us", 1e6 * running);
    mb_bench_add_counter(&result, "wait_us", 1e6 * waiting);
    mb_bench_add_counter(&result, "rest_us", 1e6 * (step - running - waiting));
    mb_bench_add_counter(&result, "timer_overhead",
                         sums->seconds / (double)settings->rounds / untimed - 1.0);
    return mb_bench_add(results, &result, error);
}

mb_status mb_epoch_case_results(const mb_epoch_settings *settings, const mb_epoch_case *epoch_case,
                                mb_bench_results *results, mb_error *error)
{
    double *scratch = mb_arena_alloc(
        settings->arena, settings->rounds * settings->epochs + settings->rounds, sizeof *scratch);
    mb_status status = mb_arena_status(settings->arena, "results", error);
    if (status == MB_OK)
        status = add_whole(settings, epoch_case, scratch, results, error);
    if (status == MB_OK)
        status = add_epochs(settings, epoch_case, scratch, results, error);
    if (status == MB_OK && settings->time_phases)
        status = add_step(settings, epoch_case, scratch, results, error);
    for (size_t i = 0; i < epoch_case->phases.phases && status == MB_OK; i++)
        status = add_phase(epoch_case, i, results, error);
    return status;
}

/* ---- tables ---- */

static bool is_whole(const mb_bench_result *result)
{
    return strncmp(result->name, whole, strlen(whole)) == 0 && result->name[strlen(whole)] == '/';
}

void mb_epoch_print(const mb_epoch_settings *settings, const mb_bench_results *results)
{
    static const char heading[] = "network/optimizer/batch size/threads";
    const size_t skipped = strlen(whole) + 1;
    const bool drift = settings->epochs >= MIN_DRIFT_EPOCHS;
    size_t width = strlen(heading);
    for (size_t i = 0; i < results->count; i++)
        if (is_whole(&results->result[i]))
            width = mb_max_size(width, strlen(results->result[i].name) - skipped);
    printf("%-*s  %30s  %18s %9s %16s%s\n", (int)width, "", "samples/s         ", "GFLOP/s     ",
           "big", "SGEMM ratio   ", drift ? "   drift" : "");
    printf("%-*s  %10s%10s%10s  %9s%9s %9s %16s%s  %s\n", (int)width, heading, "min", "median",
           "max", "dense", "done", "SGEMM", "median (range)", drift ? "        " : "",
           "cores, round trip");
    for (size_t i = 0; i < results->count; i++) {
        const mb_bench_result *result = &results->result[i];
        if (!is_whole(result))
            continue;
        static const char *const counters[] = {
            "samples/s_min", "samples/s",   "samples/s_max",   "GFLOP/s",         "GFLOP/s_done",
            "SGEMM_GFLOP/s", "SGEMM_ratio", "SGEMM_ratio_min", "SGEMM_ratio_max", "drift"};
        double value[MB_COUNT_OF(counters)];
        for (size_t c = 0; c < MB_COUNT_OF(counters); c++)
            value[c] = mb_bench_counter_value(result, counters[c]);
        printf("%-*s  %10.0f%10.0f%10.0f  %9.1f%9.1f %9.1f  %.2f (%.2f-%.2f)", (int)width,
               result->name + skipped, value[0], value[1], value[2], value[3], value[4], value[5],
               value[6], value[7], value[8]);
        if (drift)
            printf("  %+5.1f%%", 100.0 * value[9]);
        printf("  %s\n", result->label);
    }
}

static const mb_bench_result *find(const mb_epoch_case *epoch_case, const char *part,
                                   const mb_bench_results *results)
{
    char name[MB_BENCH_NAME];
    format_name(epoch_case, part, name);
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->result[i].name, name) == 0)
            return &results->result[i];
    return NULL;
}

static void print_phase(const mb_epoch_case *epoch_case, const char *name,
                        const mb_bench_result *result)
{
    printf("%-20s %9.2f %6.1f%% %9.2f", name, 1e-3 * result->ns.median,
           100.0 * mb_bench_counter_value(result, "share"),
           mb_bench_counter_value(result, "wait_us"));
    for (size_t thread = 0; thread < epoch_case->threads && thread < MAX_THREADS_SHOWN; thread++) {
        char counter[32];
        snprintf(counter, sizeof counter, "thread%zu_us", thread);
        printf(" %8.2f", mb_bench_counter_value(result, counter));
        snprintf(counter, sizeof counter, "thread%zu_wait_us", thread);
        printf("+%-6.2f", mb_bench_counter_value(result, counter));
    }
    printf("\n");
}

void mb_phases_print(const mb_epoch_case *epoch_case, const mb_bench_results *results)
{
    static const char *const parts[][2] = {
        {"all phases", "running_us"}, {"barriers", "wait_us"}, {"between steps", "rest_us"}};
    const mb_bench_result *step = find(epoch_case, "step", results);
    if (step == NULL)
        return;
    const double step_us = 1e-3 * step->ns.median;
    printf("\n%s, %s, augment %s, batch size %zu, %zu thread%s: microseconds per step\n",
           epoch_case->network, mb_optimizer_name(epoch_case->optimizer),
           mb_augmentation_name(epoch_case->augmentation), epoch_case->batch_size,
           epoch_case->threads, epoch_case->threads > 1 ? "s" : "");
    printf("%-20s %9s %7s %9s   by thread: running+waiting%s\n", "phase", "mean", "share",
           "waiting", epoch_case->threads > MAX_THREADS_SHOWN ? " (the first 8)" : "");
    for (size_t i = 0; i < epoch_case->phases.phases; i++)
        print_phase(epoch_case, epoch_case->phases.name[i],
                    find(epoch_case, epoch_case->phases.name[i], results));
    for (size_t i = 0; i < MB_COUNT_OF(parts); i++) {
        const double part_us = mb_bench_counter_value(step, parts[i][1]);
        printf("%-20s %9.2f %6.1f%%\n", parts[i][0], part_us, 100.0 * part_us / step_us);
    }
    printf("%-20s %9.2f %6.1f%%  timing the phases made the epoch %+.1f %% longer\n", "step",
           step_us, 100.0, 100.0 * mb_bench_counter_value(step, "timer_overhead"));
}

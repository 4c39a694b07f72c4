#include "result.h"

#include "core/clock.h"
#include "core/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Shorter repeats would depend on the clock and on single interrupts. */
static const double min_seconds = 0.005;

static size_t calibrate(mb_bench_fn *run, void *context)
{
    size_t iterations = 1;
    run(context, iterations);
    for (double seconds; (seconds = run(context, iterations)) < min_seconds;)
        iterations = seconds > 0.1 * min_seconds
                         ? (size_t)ceil((double)iterations * 1.1 * min_seconds / seconds)
                         : iterations * 10;
    return iterations;
}

mb_status mb_bench_measure(mb_bench_fn *run, void *context, size_t repeats, mb_bench_result *result,
                           mb_error *error)
{
    double *wall = calloc(2 * repeats, sizeof *wall);
    if (wall == NULL)
        return mb_fail_memory(error, result->name, 2 * repeats * sizeof *wall);
    double *cpu = wall + repeats;
    result->repeats = repeats;
    result->iterations = calibrate(run, context);
    const double to_ns = 1e9 / (double)result->iterations;
    for (size_t i = 0; i < repeats; i++) {
        const double before = mb_thread_cpu_seconds();
        wall[i] = to_ns * run(context, result->iterations);
        cpu[i] = to_ns * (mb_thread_cpu_seconds() - before);
    }
    result->ns = mb_spread_of(wall, repeats);
    result->cpu = mb_spread_of(cpu, repeats).median;
    free(wall);
    return MB_OK;
}

void mb_bench_add_counter(mb_bench_result *result, const char *name, double value)
{
    if (result->counters == MB_BENCH_COUNTERS)
        return;
    mb_bench_counter *counter = &result->counter[result->counters++];
    snprintf(counter->name, sizeof counter->name, "%s", name);
    counter->value = value;
}

void mb_bench_add_gflops(mb_bench_result *result)
{
    mb_bench_add_counter(result, "GFLOP/s", result->items / result->ns.median);
    mb_bench_add_counter(result, "GFLOP/s_min", result->items / result->ns.max);
    mb_bench_add_counter(result, "GFLOP/s_max", result->items / result->ns.min);
}

double mb_bench_counter_value(const mb_bench_result *result, const char *name)
{
    for (size_t i = 0; i < result->counters; i++)
        if (strcmp(result->counter[i].name, name) == 0)
            return result->counter[i].value;
    return NAN;
}

mb_status mb_bench_add(mb_bench_results *results, const mb_bench_result *result, mb_error *error)
{
    if (results->count == results->capacity) {
        const size_t capacity = results->capacity > 0 ? 2 * results->capacity : 16;
        mb_bench_result *more = realloc(results->result, capacity * sizeof *more);
        if (more == NULL)
            return mb_fail_memory(error, "results", capacity * sizeof *more);
        results->result = more;
        results->capacity = capacity;
    }
    results->result[results->count++] = *result;
    return MB_OK;
}

void mb_bench_results_free(mb_bench_results *results)
{
    free(results->result);
    *results = (mb_bench_results){0};
}

static json_t *context_of(const char *program, const mb_machine_info *machine)
{
    char host[256] = "", date[64] = "";
    const time_t now = time(NULL);
    struct tm local;
    gethostname(host, sizeof host - 1);
    if (localtime_r(&now, &local) != NULL)
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", &local);
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:s}", "date", date, "host_name", host,
                     "executable", program, "num_cpus", (json_int_t)machine->pus_allowed, "cpu",
                     machine->cpu, "cpu_level", machine->cpu_level, "blas_core", machine->blas_core,
                     "blas_version", machine->blas_version);
}

/* False if memory is out. Values that JSON cannot represent are left out. */
static bool set_real(json_t *object, const char *key, double value)
{
    return !isfinite(value) || json_object_set_new(object, key, json_real(value)) == 0;
}

/* NULL if memory is out. */
static json_t *benchmark_of(const mb_bench_result *result)
{
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:f, s:s}", "name", result->name, "run_name",
        result->name, "run_type", "iteration", "repetitions", (json_int_t)result->repeats,
        "threads", (json_int_t)result->threads, "iterations", (json_int_t)result->iterations,
        "real_time", result->ns.median, "cpu_time", result->cpu, "time_unit", "ns");
    const double per_second = 1e9 / result->ns.median;
    bool all = object != NULL;
    if (all && result->label[0] != '\0')
        all = json_object_set_new(object, "label", json_string(result->label)) == 0;
    if (all && result->items > 0.0)
        all = set_real(object, "items_per_second", result->items * per_second);
    if (all && result->bytes > 0.0)
        all = set_real(object, "bytes_per_second", result->bytes * per_second);
    for (size_t i = 0; i < result->counters && all; i++)
        all = set_real(object, result->counter[i].name, result->counter[i].value);
    if (all)
        return object;
    json_decref(object);
    return NULL;
}

mb_status mb_bench_write(const char *path, const char *program, const mb_machine_info *machine,
                         const mb_bench_results *results, mb_error *error)
{
    json_t *benchmarks = json_array();
    bool all = benchmarks != NULL;
    for (size_t i = 0; i < results->count && all; i++)
        all = json_array_append_new(benchmarks, benchmark_of(&results->result[i])) == 0;
    json_t *whole = json_pack("{s:o?, s:o?}", "context", context_of(program, machine), "benchmarks",
                              benchmarks);
    char *text =
        whole != NULL && all ? json_dumps(whole, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    const mb_status status =
        text != NULL ? mb_file_write(path, text, strlen(text), error)
                     : mb_fail_memory(error, path, results->count * sizeof *results->result);
    free(text);
    json_decref(whole);
    return status;
}

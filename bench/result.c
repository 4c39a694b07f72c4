#include "result.h"

#include "core/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A repeat shorter than this would be at the mercy of the clock and of single interrupts. */
static const double least_seconds = 0.005;

static double thread_cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of_sorted(const double *sorted, size_t n)
{
    return 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
}

static size_t calibrate(mb_bench_fn *run, void *context)
{
    size_t iterations = 1;
    run(context, iterations);
    for (double seconds; (seconds = run(context, iterations)) < least_seconds;)
        iterations = seconds > 0.1 * least_seconds
                         ? (size_t)ceil((double)iterations * 1.1 * least_seconds / seconds)
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
        const double before = thread_cpu_seconds();
        wall[i] = to_ns * run(context, result->iterations);
        cpu[i] = to_ns * (thread_cpu_seconds() - before);
    }
    qsort(wall, repeats, sizeof *wall, ascending);
    qsort(cpu, repeats, sizeof *cpu, ascending);
    result->min = wall[0];
    result->median = median_of_sorted(wall, repeats);
    result->max = wall[repeats - 1];
    result->cpu = median_of_sorted(cpu, repeats);
    free(wall);
    return MB_OK;
}

void mb_bench_print(const mb_bench_result *results, size_t count)
{
    size_t width = strlen("benchmark");
    for (size_t i = 0; i < count; i++)
        width = strlen(results[i].name) > width ? strlen(results[i].name) : width;
    printf("%-*s  %24s  %12s\n", (int)width, "", "GFLOP/s", "us, median");
    printf("%-*s  %8s%8s%8s\n", (int)width, "benchmark", "min", "median", "max");
    for (size_t i = 0; i < count; i++) {
        const mb_bench_result *r = &results[i];
        printf("%-*s  %8.1f%8.1f%8.1f  %12.2f\n", (int)width, r->name, r->flops / r->max,
               r->flops / r->median, r->flops / r->min, 1e-3 * r->median);
    }
}

static json_t *context_of(const char *program, const mb_machine_info *machine, size_t batch_size)
{
    char host[256] = "", date[64] = "";
    const time_t now = time(NULL);
    struct tm local;
    gethostname(host, sizeof host - 1);
    if (localtime_r(&now, &local) != NULL)
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", &local);
    return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s, s:s, s:I}", "date", date, "host_name",
                     host, "executable", program, "num_cpus", (json_int_t)machine->pus_allowed,
                     "cpu", machine->cpu, "threads", (json_int_t)machine->threads, "blas_core",
                     machine->blas_core, "blas_version", machine->blas_version, "batch_size",
                     (json_int_t)batch_size);
}

static json_t *benchmark_of(const mb_bench_result *r, size_t threads)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:f, s:s, s:f, s:f, s:f, s:f}", "name",
                     r->name, "run_name", r->name, "run_type", "iteration", "repetitions",
                     (json_int_t)r->repeats, "threads", (json_int_t)threads, "iterations",
                     (json_int_t)r->iterations, "real_time", r->median, "cpu_time", r->cpu,
                     "time_unit", "ns", "items_per_second", 1e9 * r->flops / r->median, "GFLOP/s",
                     r->flops / r->median, "GFLOP/s_min", r->flops / r->max, "GFLOP/s_max",
                     r->flops / r->min);
}

mb_status mb_bench_write(const char *path, const char *program, const mb_machine_info *machine,
                         size_t batch_size, const mb_bench_result *results, size_t count,
                         mb_error *error)
{
    json_t *benchmarks = json_array();
    int failed = benchmarks == NULL;
    for (size_t i = 0; i < count && !failed; i++)
        failed = json_array_append_new(benchmarks, benchmark_of(&results[i], machine->threads));
    json_t *whole = json_pack("{s:o?, s:o?}", "context", context_of(program, machine, batch_size),
                              "benchmarks", benchmarks);
    char *text = whole != NULL && !failed
                     ? json_dumps(whole, JSON_INDENT(2) | JSON_REAL_PRECISION(9))
                     : NULL;
    const mb_status status = text != NULL ? mb_file_write(path, text, strlen(text), error)
                                          : mb_fail_memory(error, path, count * sizeof *results);
    free(text);
    json_decref(whole);
    return status;
}

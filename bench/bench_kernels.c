/* bench_kernels: the timings of tests/kernels, for each kernel set and for the references. */
#include "arguments.h"
#include "check.h"
#include "result.h"

#include "core/clock.h"
#include "machine/machine.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char program[] = "bench_kernels";

typedef struct arguments {
    size_t batch_size, repeats;
    const char *only, *json;
} arguments;

/* A case with one set of kernels. */
typedef struct bench {
    const arguments *given;
    mb_team *team;
    mb_bench_results *results;
    mb_workload *workload;
    const mb_case *one;
    const mb_kernels *kernels;
    size_t iterations;
    double seconds;
} bench;

static void work(const mb_worker *worker, void *context)
{
    bench *b = context;
    const double start = mb_seconds();
    for (size_t i = 0; i < b->iterations; i++)
        b->one->run(b->kernels, b->workload);
    if (worker->index == 0)
        b->seconds = mb_seconds() - start;
}

/* In a team of one thread: pinned, and with subnormal numbers flushed to zero, as in training. */
static double run_case(void *context, size_t iterations)
{
    bench *b = context;
    b->iterations = iterations;
    mb_team_run(b->team, work, b);
    return b->seconds;
}

/* The results of one run, from the same initial values. */
static void run_from_start(bench *b)
{
    mb_workload_reset(b->workload);
    run_case(b, 1);
}

/* Compares a run with the reference's results: floats, then exact bytes. */
static mb_status compare(bench *b, const char *set, const float *floats, const void *exact,
                         mb_error *error)
{
    const mb_case *one = b->one;
    run_from_start(b);
    for (size_t i = 0; i < one->floats; i++) {
        const double found = (double)b->workload->out[i], wanted = (double)floats[i];
        if (!(fabs(found - wanted) <= 1e-4 * (1.0 + fabs(wanted))))
            return mb_fail(error, MB_ERROR_UNAVAILABLE,
                           "%s: %s: element %zu is %.9g, the reference has %.9g", one->name, set, i,
                           found, wanted);
    }
    if (one->exact_bytes > 0 && memcmp(one->exact, exact, one->exact_bytes) != 0)
        return mb_fail(error, MB_ERROR_UNAVAILABLE, "%s: %s: the result is not the reference's",
                       one->name, set);
    return MB_OK;
}

static mb_status measure(bench *b, const char *set, double reference_ns, mb_error *error)
{
    const mb_cost *cost = &b->one->cost;
    mb_bench_result r = {.threads = 1, .items = cost->elements, .bytes = cost->bytes};
    snprintf(r.name, sizeof r.name, "%s/%s", b->one->name, set);
    snprintf(r.label, sizeof r.label, "%s", set);
    mb_workload_reset(b->workload);
    mb_status status = mb_bench_measure(run_case, b, b->given->repeats, &r, error);
    mb_bench_add_counter(&r, "ns_per_element", r.ns.median / cost->elements);
    mb_bench_add_counter(&r, "ns_per_element_min", r.ns.min / cost->elements);
    mb_bench_add_counter(&r, "ns_per_element_max", r.ns.max / cost->elements);
    mb_bench_add_counter(&r, "GB/s", cost->bytes / r.ns.median);
    if (cost->flops > 0.0)
        mb_bench_add_counter(&r, "GFLOP/s", cost->flops / r.ns.median);
    mb_bench_add_counter(&r, "speedup", reference_ns > 0.0 ? reference_ns / r.ns.median : 1.0);
    return status == MB_OK ? mb_bench_add(b->results, &r, error) : status;
}

/* The reference, and then each set: first compared, then timed. */
static mb_status run_sets(bench *b, mb_error *error)
{
    size_t sets;
    const mb_kernel_set *set = mb_kernel_sets(&sets);
    const size_t float_bytes = b->one->floats * sizeof(float);
    float *floats = malloc(float_bytes + 1);
    void *exact = malloc(b->one->exact_bytes + 1);
    mb_status status = MB_OK;
    if (floats == NULL || exact == NULL) {
        status = mb_fail_memory(error, "results", float_bytes + b->one->exact_bytes);
        goto done;
    }
    b->kernels = &mb_reference_kernels;
    run_from_start(b);
    memcpy(floats, b->workload->out, float_bytes);
    if (b->one->exact_bytes > 0)
        memcpy(exact, b->one->exact, b->one->exact_bytes);
    status = measure(b, "reference", 0.0, error);
    const double reference_ns =
        status == MB_OK ? b->results->result[b->results->count - 1].ns.median : 0.0;
    for (size_t i = 0; i < sets && status == MB_OK; i++) {
        b->kernels = &set[i].kernels;
        status = compare(b, set[i].name, floats, exact, error);
        if (status == MB_OK)
            status = measure(b, set[i].name, reference_ns, error);
    }
done:
    free(floats);
    free(exact);
    return status;
}

static void time_case(mb_workload *w, const mb_case *one)
{
    bench *b = w->context;
    if (b->given->only != NULL && strcmp(b->given->only, one->name) != 0)
        return;
    b->one = one;
    w->status = run_sets(b, w->error);
}

static mb_status run_all(mb_machine *machine, const arguments *given, mb_bench_results *results,
                         mb_error *error)
{
    mb_workload w;
    bench b = {
        .given = given, .team = mb_machine_team(machine), .results = results, .workload = &w};
    mb_workload_open(given->batch_size, &w, error); /* the timings are left out if it fails */
    w.time = time_case;
    w.context = &b;
    mb_time_gather(&w);
    for (size_t i = 0; i < mb_kernel_check_count; i++)
        mb_kernel_checks[i].time(&w);
    mb_status status = w.status;
    mb_workload_close(&w);
    if (status == MB_OK && results->count == 0)
        status = mb_fail(error, MB_ERROR_INVALID, "--only: no kernel is called '%s'", given->only);
    return status;
}

static void print_table(const mb_bench_results *results)
{
    printf("%-28s%-12s%10s%14s%10s%9s%10s%10s\n", "kernel", "set", "elements", "ns/element", "min",
           "GB/s", "GFLOP/s", "speedup");
    for (size_t i = 0; i < results->count; i++) {
        const mb_bench_result *r = &results->result[i];
        const double gflops = mb_bench_counter_value(r, "GFLOP/s");
        char text[32] = "";
        if (!isnan(gflops))
            snprintf(text, sizeof text, "%.1f", gflops);
        printf("%-28.*s%-12s%10.0f%14.4f%10.4f%9.1f%10s%10.2f\n", (int)strcspn(r->name, "/"),
               r->name, r->label, r->items, mb_bench_counter_value(r, "ns_per_element"),
               mb_bench_counter_value(r, "ns_per_element_min"), mb_bench_counter_value(r, "GB/s"),
               text, mb_bench_counter_value(r, "speedup"));
    }
}

static mb_status run(const arguments *given, mb_error *error)
{
    mb_bench_results results = {0};
    mb_machine *machine = NULL;
    mb_status status = mb_bench_open_machine(program, 1, &machine, error);
    if (status == MB_OK)
        status = run_all(machine, given, &results, error);
    if (status == MB_OK) {
        mb_bench_print_machine(mb_machine_describe(machine));
        printf("One thread, batch size %zu; every result equals the reference's.\n",
               given->batch_size);
        print_table(&results);
        if (given->json != NULL)
            status =
                mb_bench_write(given->json, program, mb_machine_describe(machine), &results, error);
    }
    mb_machine_close(machine);
    mb_bench_results_free(&results);
    return status;
}

/* ---- options ---- */

#define AT(member) offsetof(arguments, member)

static const mb_option options[] = {
    {"batch-size", NULL, MB_BENCH_HEADING, AT(batch_size), "samples per step",
     MB_KIND_SIZE(1, 4096)},
    {"only", NULL, MB_BENCH_HEADING, AT(only), "one kernel, by its name in the table",
     MB_KIND_TEXT("NAME"), .unset = "all"},
    {"repeats", NULL, MB_BENCH_HEADING, AT(repeats), "timings of each kernel and set",
     MB_KIND_SIZE(1, MB_MAX_REPEATS)},
    MB_BENCH_OPTION_JSON(AT(json)),
    {0},
};

int main(int argc, char **argv)
{
    static const char about[] =
        "bench_kernels measures the kernels that are not OpenBLAS's, on one thread, at the sizes "
        "of "
        "a training step of 784-128-64-10, or of lenet5 and cnn: each kernel set that this CPU "
        "supports, beside a reference in plain C. A result that is not the reference's is an "
        "error.";
    mb_error error;
    arguments given = {.batch_size = 64, .repeats = 20};
    mb_status status = mb_bench_parse(program, about, options, argc, argv, &given, &error);
    if (status == MB_OK)
        status = run(&given, &error);
    return mb_exit_code(program, status, &error);
}

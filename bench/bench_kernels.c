/* bench_kernels: our own inner loops at each instruction set, beside naive twins. */
#include "arguments.h"
#include "kernel_cases.h"
#include "result.h"

#include "core/clock.h"
#include "machine/machine.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char program[] = "bench_kernels";

typedef struct arguments {
    size_t batch_size, repeats;
    const char *only, *json;
    mb_error *error;
} arguments;

/* A case at one level; kernels NULL: its twin. */
typedef struct bench {
    mb_team *team;
    const mb_kernel_case *one;
    const mb_kernels *kernels;
    mb_kernel_data *data;
    size_t iterations;
    double seconds;
} bench;

static void run_once(bench *b)
{
    if (b->kernels != NULL)
        b->one->fast(b->kernels, b->data);
    else
        b->one->twin(b->data);
}

static void work(const mb_worker *worker, void *context)
{
    bench *b = context;
    const double start = mb_seconds();
    for (size_t i = 0; i < b->iterations; i++)
        run_once(b);
    if (worker->index == 0)
        b->seconds = mb_seconds() - start;
}

/* In a team, of one thread: pinned, and with subnormal numbers off, as in training. */
static double run_case(void *context, size_t iterations)
{
    bench *b = context;
    b->iterations = iterations;
    mb_team_run(b->team, work, b);
    return b->seconds;
}

/* What one run from a fresh start leaves in data->out. */
static void make_output(bench *b)
{
    mb_kernel_data_reset(b->data);
    run_case(b, 1);
    if (b->one->collect != NULL)
        b->one->collect(b->data, b->kernels == NULL);
}

static mb_status check(bench *b, const float *wanted, mb_cpu_level level, mb_error *error)
{
    make_output(b);
    for (size_t i = 0; i < b->one->outputs; i++) {
        const double got = (double)b->data->out[i], right = (double)wanted[i];
        if (!(fabs(got - right) <= 1e-4 * (1.0 + fabs(right))))
            return mb_fail(error, MB_ERROR_UNAVAILABLE,
                           "%s: at %s number %zu is %.9g, its twin has %.9g", b->one->name,
                           mb_cpu_level_name(level), i, got, right);
    }
    return MB_OK;
}

static mb_status measure(bench *b, const char *level, double twin_ns, size_t repeats,
                         mb_bench_results *results, mb_error *error)
{
    const mb_kernel_case *one = b->one;
    mb_bench_result r = {.threads = 1, .items = one->items, .bytes = one->bytes};
    snprintf(r.name, sizeof r.name, "%s/%s", one->name, level);
    snprintf(r.label, sizeof r.label, "%s", level);
    mb_kernel_data_reset(b->data);
    mb_status status = mb_bench_measure(run_case, b, repeats, &r, error);
    mb_bench_add_counter(&r, "ns_per_element", r.ns.median / one->items);
    mb_bench_add_counter(&r, "ns_per_element_min", r.ns.min / one->items);
    mb_bench_add_counter(&r, "ns_per_element_max", r.ns.max / one->items);
    mb_bench_add_counter(&r, "GB/s", one->bytes / r.ns.median);
    if (one->flops > 0.0)
        mb_bench_add_counter(&r, "GFLOP/s", one->flops / r.ns.median);
    mb_bench_add_counter(&r, "speedup", twin_ns > 0.0 ? twin_ns / r.ns.median : 1.0);
    return status == MB_OK ? mb_bench_add(results, &r, error) : status;
}

/* The twin, and then each level, first against the twin and then against the clock. */
static mb_status run_levels(bench *b, size_t repeats, float *wanted, mb_bench_results *results,
                            mb_error *error)
{
    b->kernels = NULL;
    make_output(b);
    memcpy(wanted, b->data->out, b->one->outputs * sizeof *wanted);
    mb_status status = measure(b, "twin", 0.0, repeats, results, error);
    const double twin_ns = status == MB_OK ? results->result[results->count - 1].ns.median : 0.0;
    for (mb_cpu_level level = MB_CPU_BASELINE; level <= mb_cpu_level_of_this() && status == MB_OK;
         level++) {
        b->kernels = mb_kernels_at(level);
        if (level > MB_CPU_BASELINE && b->kernels == mb_kernels_at(level - 1))
            continue; /* not in this build */
        status = check(b, wanted, level, error);
        if (status == MB_OK)
            status = measure(b, mb_cpu_level_name(level), twin_ns, repeats, results, error);
    }
    return status;
}

static mb_status run_all(mb_machine *machine, const arguments *given, mb_bench_results *results,
                         mb_error *error)
{
    mb_kernel_data data;
    mb_kernel_case cases[MB_KERNEL_CASES];
    mb_status status = mb_kernel_data_open(given->batch_size, &data, error);
    if (status != MB_OK)
        return status;
    float *wanted = mb_arena_alloc(&data.arena, data.size, sizeof *wanted);
    if (wanted == NULL)
        status = mb_fail_memory(error, "data", data.size * sizeof *wanted);
    size_t count = mb_kernel_cases_sparse(&data, cases);
    count += mb_kernel_cases_dense(&data, cases + count);
    count += mb_kernel_cases_augment(&data, cases + count);
    count += mb_kernel_cases_images(&data, cases + count);
    count += mb_kernel_cases_channels(&data, cases + count);
    count += mb_kernel_cases_sweep(&data, cases + count);
    for (size_t i = 0; i < count && status == MB_OK; i++) {
        bench b = {.team = mb_machine_team(machine), .one = &cases[i], .data = &data};
        if (given->only == NULL || strcmp(given->only, cases[i].name) == 0)
            status = run_levels(&b, given->repeats, wanted, results, error);
    }
    mb_arena_free(&data.arena);
    if (status == MB_OK && results->count == 0)
        status = mb_fail(error, MB_ERROR_INVALID, "--only: no kernel is called '%s'", given->only);
    return status;
}

static void print_table(const mb_bench_results *results)
{
    printf("%-22s%-12s%10s%14s%10s%9s%10s%10s\n", "kernel", "level", "elements", "ns/element",
           "min", "GB/s", "GFLOP/s", "x twin");
    for (size_t i = 0; i < results->count; i++) {
        const mb_bench_result *r = &results->result[i];
        const double gflops = mb_bench_counter_value(r, "GFLOP/s");
        char text[32] = "";
        if (!isnan(gflops))
            snprintf(text, sizeof text, "%.1f", gflops);
        printf("%-22.*s%-12s%10.0f%14.4f%10.4f%9.1f%10s%10.2f\n", (int)strcspn(r->name, "/"),
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
        printf("One thread, batch size %zu; every output equals its twin's.\n", given->batch_size);
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

enum { KEY_BATCH_SIZE = 256, KEY_ONLY, KEY_REPEATS, KEY_JSON, MOST_ROWS = 4096 };

static const struct argp_option options[] = {
    {"batch-size", KEY_BATCH_SIZE, "N", 0, "samples of a step [64]", 0},
    {"only", KEY_ONLY, "NAME", 0, "one kernel, by its name in the table", 0},
    {"repeats", KEY_REPEATS, "N", 0, "timings of each kernel at each level [20]", 0},
    {"json", KEY_JSON, "FILE", 0, "write the figures as Google Benchmark does", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *given = state->input;
    mb_error *error = given->error;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_BATCH_SIZE:
        status = mb_parse_size("--batch-size", text, 1, MOST_ROWS, &given->batch_size, error);
        break;
    case KEY_ONLY:
        given->only = text;
        break;
    case KEY_REPEATS:
        status = mb_parse_size("--repeats", text, 1, MB_MAX_REPEATS, &given->repeats, error);
        break;
    case KEY_JSON:
        given->json = text;
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(error, MB_ERROR_INVALID, "%s: there are options only", text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == MB_OK ? 0 : EINVAL;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "",
        .doc = "bench_kernels measures the kernels that are not OpenBLAS's, at the sizes of a "
               "training step of 784-128-64-10, or of lenet5 and cnn, on one thread and at each "
               "instruction set that "
               "this CPU has, beside naive twins in plain C. An output that is not its twin's is "
               "an error."};
    mb_error error = {0};
    arguments given = {.batch_size = 64, .repeats = 20, .error = &error};
    mb_status status = mb_parse_program(program, &argp, argc, argv, &given, &error);
    if (status == MB_OK)
        status = run(&given, &error);
    return mb_bench_exit(program, status, &error);
}

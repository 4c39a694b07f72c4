/* bench_gemm: how fast OpenBLAS multiplies on this machine, as a share of what the multiply-add
 * units can do: a large square product, and the products of a training step. */
#include "all_cores.h"
#include "arguments.h"
#include "limit.h"
#include "products.h"
#include "restart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char program[] = "bench_gemm";

typedef struct arguments {
    mb_size_list threads, batch_sizes;
    const char *network[MB_MAX_LIST];
    size_t networks, repeats;
    const char *json;
    bool big_only, sparse, all_cores;
    mb_error *error;
} arguments;

static mb_status add(mb_bench_results *results, mb_bench_result *result, double limit,
                     mb_error *error)
{
    if (limit > 0.0)
        mb_bench_add_counter(result, "FMA_share",
                             mb_bench_counter_value(result, "GFLOP/s") / limit);
    return mb_bench_add(results, result, error);
}

static mb_status measure_products(mb_machine *machine, const arguments *given, double limit,
                                  mb_bench_results *results, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t n = 0; n < given->networks; n++)
        for (size_t b = 0; b < given->batch_sizes.count && status == MB_OK; b++) {
            mb_products *products = NULL;
            status = mb_products_open(machine, given->network[n], given->batch_sizes.value[b],
                                      given->sparse, &products, error);
            if (status == MB_OK)
                status = mb_products_measure(products, limit, given->repeats, results, error);
            mb_products_close(products);
        }
    return status;
}

static mb_status measure_machine(mb_machine *machine, const arguments *given,
                                 mb_bench_results *results, mb_error *error)
{
    mb_bench_result fma, big;
    mb_status status = mb_bench_fma(machine, given->repeats, &fma, error);
    if (status == MB_OK)
        status = mb_bench_sgemm(machine, given->repeats, &big, error);
    if (status != MB_OK)
        return status;
    const double limit = mb_bench_counter_value(&fma, "GFLOP/s_max");
    status = add(results, &big, limit, error);
    if (status == MB_OK)
        status = add(results, &fma, limit, error);
    if (status == MB_OK && !given->big_only)
        status = measure_products(machine, given, limit, results, error);
    return status;
}

static void print_table(const mb_bench_results *results)
{
    size_t width = strlen("benchmark");
    for (size_t i = 0; i < results->count; i++) {
        const size_t length = strlen(results->result[i].name);
        width = length > width ? length : width;
    }
    printf("%-*s  %24s %7s %11s\n", (int)width, "", "GFLOP/s        ", "of FMA", "us,");
    printf("%-*s  %8s%8s%8s %7s %11s  %s\n", (int)width, "benchmark", "min", "median", "max",
           "limit", "median", "calls of SGEMM: M x N x K");
    for (size_t i = 0; i < results->count; i++) {
        const mb_bench_result *r = &results->result[i];
        printf("%-*s  %8.1f%8.1f%8.1f %6.1f%% %11.2f  %s\n", (int)width, r->name,
               mb_bench_counter_value(r, "GFLOP/s_min"), mb_bench_counter_value(r, "GFLOP/s"),
               mb_bench_counter_value(r, "GFLOP/s_max"),
               100.0 * mb_bench_counter_value(r, "FMA_share"), 1e-3 * r->ns.median, r->label);
    }
}

static mb_status run(const arguments *given, mb_error *error)
{
    mb_bench_results results = {0};
    mb_machine *machine = NULL;
    mb_status status = MB_OK;
    for (size_t t = 0; t < given->threads.count && status == MB_OK; t++) {
        mb_machine_close(machine);
        machine = NULL;
        status = mb_bench_open_machine(program, given->threads.value[t], &machine, error);
        if (status == MB_OK && t == 0)
            mb_bench_print_machine(mb_machine_describe(machine));
        if (status == MB_OK)
            status = measure_machine(machine, given, &results, error);
    }
    if (status == MB_OK) {
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

enum {
    KEY_THREADS = 256,
    KEY_BATCH_SIZE,
    KEY_NETWORK,
    KEY_SPARSE,
    KEY_REPEATS,
    KEY_BIG_ONLY,
    KEY_ALL_CORES,
    KEY_JSON
};

static const struct argp_option options[] = {
    {"threads", KEY_THREADS, "N,...", 0, "team sizes [as train would choose]", 0},
    {"batch-size", KEY_BATCH_SIZE, "N,...", 0, "samples of a step [64]", 0},
    {"network", KEY_NETWORK, "SPEC", 0,
     "as train takes it, for 28x28 images of 10 classes; may be given several times [mlp]", 0},
    {"sparse", KEY_SPARSE, 0, 0,
     "blank pixels in the images, as digits have: the first layer then makes no use of SGEMM, and "
     "bench_kernels has its products",
     0},
    {"repeats", KEY_REPEATS, "N", 0, "timings of each product [20]", 0},
    {"big-only", KEY_BIG_ONLY, 0, 0, "leave the step's products out", 0},
    {"all-cores", KEY_ALL_CORES, 0, 0,
     "again with each kernel set of OpenBLAS that this CPU can run", 0},
    {"json", KEY_JSON, "FILE", 0, "write the figures as Google Benchmark does", 0},
    {0}};

static mb_status add_network(arguments *given, const char *text, mb_error *error)
{
    if (given->networks == MB_MAX_LIST)
        return mb_fail(error, MB_ERROR_INVALID, "--network: more than %d", MB_MAX_LIST);
    given->network[given->networks++] = text;
    return MB_OK;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *given = state->input;
    mb_error *error = given->error;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_THREADS:
        status = mb_parse_size_list("--threads", text, 1, MB_MAX_THREADS, &given->threads, error);
        break;
    case KEY_BATCH_SIZE:
        status = mb_parse_size_list("--batch-size", text, 1, MB_MAX_BENCH_BATCH,
                                    &given->batch_sizes, error);
        break;
    case KEY_NETWORK:
        status = add_network(given, text, error);
        break;
    case KEY_SPARSE:
        given->sparse = true;
        break;
    case KEY_REPEATS:
        status = mb_parse_size("--repeats", text, 1, MB_MAX_REPEATS, &given->repeats, error);
        break;
    case KEY_BIG_ONLY:
        given->big_only = true;
        break;
    case KEY_ALL_CORES:
        given->all_cores = true;
        break;
    case KEY_JSON:
        given->json = text;
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(error, MB_ERROR_INVALID, "%s: there are options only", text);
        break;
    case ARGP_KEY_END:
        if (given->networks == 0)
            given->network[given->networks++] = "mlp";
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
        .doc = "bench_gemm measures how fast OpenBLAS multiplies on this machine: the product of "
               "two 1024x1024 matrices, and the products of a training step, which each thread "
               "does as it does them in the step. GFLOP/s are those of all threads together; the "
               "limit is what the multiply-add units do with numbers in registers."};
    mb_error error = {0};
    arguments given = {.threads = {.count = 1},
                       .batch_sizes = {.value = {64}, .count = 1},
                       .repeats = 20,
                       .error = &error};
    mb_status status = mb_parse_program(program, &argp, argc, argv, &given, &error);
    if (status == MB_OK && given.all_cores) {
        status = mb_bench_all_cores(argv, given.json, &error);
    } else if (status == MB_OK) {
        mb_restart_with_better_blas(argv);
        status = run(&given, &error);
    }
    return mb_bench_exit(program, status, &error);
}

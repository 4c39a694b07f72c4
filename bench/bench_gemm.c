/* bench_gemm: how fast OpenBLAS multiplies on this machine, as a fraction of what the multiply-add
 * units can do: a large square product, and the products of a training step. */
#include "all_cores.h"
#include "arguments.h"
#include "distance.h"
#include "limit.h"
#include "products.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static char program[] = "bench_gemm";

typedef struct arguments {
    mb_size_list threads, batch_sizes;
    mb_text_list networks;
    size_t repeats;
    const char *json;
    bool big_only, sparse, all_cores;
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
    for (size_t n = 0; n < given->networks.count; n++)
        for (size_t b = 0; b < given->batch_sizes.count && status == MB_OK; b++) {
            mb_products *products = NULL;
            status = mb_products_open(machine, given->networks.value[n],
                                      given->batch_sizes.value[b], given->sparse, &products, error);
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
    const mb_round_trip before = mb_machine_round_trip(machine);
    if (status == MB_OK)
        status = mb_bench_sgemm(machine, given->repeats, &big, error);
    if (status != MB_OK)
        return status;
    const mb_round_distance distance = {before, mb_machine_round_trip(machine)};
    mb_bench_add_distance(&big, &distance, 1);
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

#define AT(member) offsetof(arguments, member)

static const mb_option options[] = {
    MB_BENCH_OPTION_THREADS(AT(threads)),
    MB_BENCH_OPTION_BATCH_SIZES(AT(batch_sizes)),
    MB_BENCH_OPTION_NETWORKS(AT(networks)),
    {"sparse", NULL, MB_BENCH_HEADING, AT(sparse),
     "zero pixels in the images, as in digits: the first layer then does not use SGEMM, and "
     "bench_kernels has its products",
     MB_KIND_FLAG},
    {"repeats", NULL, MB_BENCH_HEADING, AT(repeats), "timings of each product",
     MB_KIND_SIZE(1, MB_MAX_REPEATS)},
    {"big-only", NULL, MB_BENCH_HEADING, AT(big_only), "leave out the products of the step",
     MB_KIND_FLAG},
    {"all-cores", NULL, MB_BENCH_HEADING, AT(all_cores),
     "repeat with each kernel set of OpenBLAS that this CPU can run", MB_KIND_FLAG},
    MB_BENCH_OPTION_JSON(AT(json)),
    {0},
};

int main(int argc, char **argv)
{
    static const char about[] =
        "bench_gemm measures how fast OpenBLAS multiplies on this machine: the product of two "
        "1024x1024 matrices, and the products of a training step of 28x28 images and 10 classes, "
        "each thread computing what it computes in the step. GFLOP/s are the sum over threads; the "
        "limit is what the multiply-add units do with operands in registers.";
    mb_error error;
    arguments given = {
        .threads = {.count = 1}, .batch_sizes = {.value = {64}, .count = 1}, .repeats = 20};
    mb_status status = mb_bench_parse(program, about, options, argc, argv, &given, &error);
    if (given.networks.count == 0)
        given.networks = (mb_text_list){{"mlp"}, 1};
    if (status == MB_OK)
        status =
            given.all_cores ? mb_bench_all_cores(argv, given.json, &error) : run(&given, &error);
    return mb_exit_code(program, status, &error);
}

/* bench_gemm: how fast OpenBLAS multiplies on this machine, first one large square product, then
 * the products of a training step of 784-128-64-10 as src/nn/dense.c cuts them. */
#include "cli.h"
#include "restart.h"
#include "result.h"

#include "core/clock.h"
#include "core/rng.h"
#include "machine/blas.h"
#include "machine/machine.h"
#include "nn/cut.h"
#include "nn/gemm.h"

#include <cblas.h>
#include <errno.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BIG = 1024, LAYERS = 3, MOST_PRODUCTS = 3 * LAYERS, NARROW_ROWS = 16 };
enum { MOST_BATCH = 65536, MOST_REPEATS = 100000 };

static const size_t sizes[LAYERS + 1] = {784, 128, 64, 10};

typedef struct arguments {
    size_t threads, batch_size, pixels, repeats;
    const char *json;
    bool big_only;
    mb_error *error;
} arguments;

/* C (m, n) = A (m, k) x B (k, n), done in tiles; with `transposed` A is kept as (k, m). B is kept
 * in panels of tile_n columns one after the other, but row-major when transposed. */
typedef struct product {
    const char *name;
    bool transposed;
    size_t m, n, k, tile_m, tile_n, tile_k;
} product;

typedef struct operands {
    float *a, *b, *c;
} operands;

/* All that the products of a step are run with; one set of operands a thread. */
typedef struct bench {
    mb_machine *machine;
    mb_cut_rules rules;
    size_t threads;
    operands *own;
    size_t a_size, b_size, c_size;
    const product *product;
    size_t iterations;
    double seconds;
} bench;

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* ---- the products of a step ---- */

/* Appends the products of layer `layer` and returns how many there are now. */
static size_t add_layer(mb_cut_rules rules, const arguments *given, size_t layer, product *products,
                        size_t count)
{
    static const char *const names[LAYERS][3] = {
        {"dense1 forward", "dense1 weight gradient", "dense1 input gradient"},
        {"dense2 forward", "dense2 weight gradient", "dense2 input gradient"},
        {"dense3 forward", "dense3 weight gradient", "dense3 input gradient"}};
    const size_t rows = given->batch_size, block = mb_block_rows(rows);
    const size_t inputs = layer == 0 ? given->pixels : sizes[layer], units = sizes[layer + 1];
    const bool narrow = units <= rules.panel;
    const size_t width = least(rules.panel, units);
    const size_t forward_rows = narrow && layer > 0 ? least(NARROW_ROWS, block) : block;
    products[count++] = (product){.name = names[layer][0],
                                  .m = rows,
                                  .n = units,
                                  .k = inputs,
                                  .tile_m = forward_rows,
                                  .tile_n = width,
                                  .tile_k = inputs};
    products[count++] = (product){.name = names[layer][1],
                                  .transposed = true,
                                  .m = inputs,
                                  .n = units,
                                  .k = rows,
                                  .tile_m = inputs,
                                  .tile_n = width,
                                  .tile_k = block};
    if (layer > 0)
        products[count++] = (product){.name = names[layer][2],
                                      .m = rows,
                                      .n = inputs,
                                      .k = units,
                                      .tile_m = narrow ? NARROW_ROWS : block,
                                      .tile_n = narrow ? inputs : least(rules.panel, inputs),
                                      .tile_k = units};
    return count;
}

static double flops_of(const product *p)
{
    return 2.0 * (double)p->m * (double)p->n * (double)p->k;
}

static void multiply_transposed(const product *p, mb_cut_rules rules, const operands *o)
{
    for (size_t j = 0; j < p->n; j += p->tile_n) {
        const size_t width = least(p->tile_n, p->n - j);
        for (size_t l = 0; l < p->k; l += p->tile_k)
            mb_gemm_at(rules, p->m, width, least(p->tile_k, p->k - l), o->a + l * p->m, p->m,
                       o->b + l * p->n + j, p->n, l > 0 ? 1.0f : 0.0f, o->c + j * p->m, width);
    }
}

static void multiply(const product *p, mb_cut_rules rules, const operands *o)
{
    for (size_t j = 0; j < p->n; j += p->tile_n) {
        const size_t width = least(p->tile_n, p->n - j);
        for (size_t i = 0; i < p->m; i += p->tile_m)
            mb_gemm(rules, least(p->tile_m, p->m - i), width, p->k, o->a + i * p->k, p->k,
                    o->b + j * p->k, width, 0.0f, o->c + i * p->n + j, p->n);
    }
}

/* Every thread does the whole product on operands of its own. */
static void work(const mb_worker *worker, void *context)
{
    bench *b = context;
    const operands *own = &b->own[worker->index];
    mb_team_barrier(worker);
    const double start = mb_seconds();
    for (size_t i = 0; i < b->iterations; i++)
        if (b->product->transposed)
            multiply_transposed(b->product, b->rules, own);
        else
            multiply(b->product, b->rules, own);
    mb_team_barrier(worker);
    if (worker->index == 0)
        b->seconds = mb_seconds() - start;
}

static double run_product(void *context, size_t iterations)
{
    bench *b = context;
    b->iterations = iterations;
    mb_team_run(mb_machine_team(b->machine), work, b);
    return b->seconds;
}

/* ---- operands ---- */

static void fill(float *values, size_t n, uint64_t stream)
{
    mb_rng rng = mb_rng_at(1, MB_FOR_WEIGHTS, stream, 0);
    for (size_t i = 0; i < n; i++)
        values[i] = mb_rng_unit(&rng) - 0.5f;
}

/* By each thread itself, so that the pages are near its core. */
static void fill_own(const mb_worker *worker, void *context)
{
    const bench *b = context;
    const operands *own = &b->own[worker->index];
    fill(own->a, b->a_size, 0);
    fill(own->b, b->b_size, 1);
    fill(own->c, b->c_size, 2);
}

static float *floats(size_t n)
{
    const size_t line = 64;
    return aligned_alloc(line, (n * sizeof(float) + line - 1) / line * line);
}

static bool take(operands *o, size_t a, size_t b, size_t c)
{
    *o = (operands){floats(a), floats(b), floats(c)};
    return o->a != NULL && o->b != NULL && o->c != NULL;
}

static void give(operands *o)
{
    free(o->a);
    free(o->b);
    free(o->c);
}

static mb_status open_operands(bench *b, const product *products, size_t count, mb_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const product *p = &products[i];
        b->a_size = p->m * p->k > b->a_size ? p->m * p->k : b->a_size;
        b->b_size = p->k * p->n > b->b_size ? p->k * p->n : b->b_size;
        b->c_size = p->m * p->n > b->c_size ? p->m * p->n : b->c_size;
    }
    b->own = calloc(b->threads, sizeof *b->own);
    bool there = b->own != NULL;
    for (size_t i = 0; there && i < b->threads; i++)
        there = take(&b->own[i], b->a_size, b->b_size, b->c_size);
    if (!there)
        return mb_fail_memory(error, "operands", b->threads * b->a_size * sizeof(float));
    mb_team_run(mb_machine_team(b->machine), fill_own, b);
    return MB_OK;
}

/* ---- the large product ---- */

static double run_big(void *context, size_t iterations)
{
    const operands *o = context;
    const double start = mb_seconds();
    for (size_t i = 0; i < iterations; i++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, BIG, BIG, BIG, 1.0f, o->a, BIG, o->b,
                    BIG, 0.0f, o->c, BIG);
    return mb_seconds() - start;
}

static void nothing(const mb_worker *worker, void *context)
{
    (void)worker;
    (void)context;
}

/* Called outside of a team, so that OpenBLAS shares the work among threads itself. Those are the
 * team's, and an empty run of the team pins them. */
static mb_status measure_big(bench *b, size_t repeats, mb_bench_result *result, mb_error *error)
{
    const size_t n = (size_t)BIG * BIG;
    const int before = omp_get_max_threads();
    const bool own_threads = mb_blas_describe().own_threads;
    operands o;
    mb_status status = MB_OK;
    snprintf(result->name, sizeof result->name, "sgemm %d/threads:%zu", BIG, b->threads);
    result->flops = 2.0 * (double)n * BIG;
    mb_team_run(mb_machine_team(b->machine), nothing, NULL);
    omp_set_num_threads((int)b->threads);
    if (own_threads)
        openblas_set_num_threads((int)b->threads);
    if (take(&o, n, n, n)) {
        fill(o.a, n, 0);
        fill(o.b, n, 1);
        status = mb_bench_measure(run_big, &o, repeats, result, error);
    } else {
        status = mb_fail_memory(error, "operands", 3 * n * sizeof(float));
    }
    give(&o);
    if (own_threads)
        openblas_set_num_threads(1);
    omp_set_num_threads(before);
    return status;
}

/* ---- all of it ---- */

static mb_status measure_step(bench *b, const arguments *given, mb_bench_result *results,
                              size_t *count, mb_error *error)
{
    product products[MOST_PRODUCTS];
    size_t n = 0;
    for (size_t layer = 0; layer < LAYERS; layer++)
        n = add_layer(b->rules, given, layer, products, n);
    mb_status status = open_operands(b, products, n, error);
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        mb_bench_result *result = &results[*count];
        snprintf(result->name, sizeof result->name, "%s/batch:%zu/threads:%zu", products[i].name,
                 given->batch_size, b->threads);
        result->flops = flops_of(&products[i]) * (double)b->threads;
        b->product = &products[i];
        status = mb_bench_measure(run_product, b, given->repeats, result, error);
        *count += status == MB_OK;
    }
    for (size_t i = 0; b->own != NULL && i < b->threads; i++)
        give(&b->own[i]);
    free(b->own);
    return status;
}

static mb_status run(const arguments *given, mb_error *error)
{
    bench b = {0};
    mb_bench_result results[1 + MOST_PRODUCTS] = {0};
    size_t count = 0;
    const mb_machine_options options = {.threads = given->threads};
    mb_status status = mb_machine_open(&options, &b.machine, error);
    if (status != MB_OK)
        return status;
    const mb_machine_info *info = mb_machine_describe(b.machine);
    b.threads = info->threads;
    b.rules = mb_cut_rules_for(mb_blas_is_avx512(info->blas_core));
    if (info->warning != NULL)
        fprintf(stderr, "bench_gemm: warning: %s\n", info->warning);
    status = measure_big(&b, given->repeats, &results[0], error);
    count += status == MB_OK;
    if (status == MB_OK && !given->big_only)
        status = measure_step(&b, given, results, &count, error);
    if (status == MB_OK) {
        printf("%s, OpenBLAS %s %s, %zu thread%s\n", info->cpu, info->blas_version, info->blas_core,
               b.threads, b.threads > 1 ? "s" : "");
        mb_bench_print(results, count);
    }
    if (status == MB_OK && given->json != NULL)
        status = mb_bench_write(given->json, "bench_gemm", info, given->batch_size, results, count,
                                error);
    mb_machine_close(b.machine);
    return status;
}

/* ---- options ---- */

enum { KEY_THREADS = 256, KEY_BATCH_SIZE, KEY_PIXELS, KEY_REPEATS, KEY_BIG_ONLY, KEY_JSON };

static const struct argp_option options[] = {
    {"threads", KEY_THREADS, "N", 0, "as train would be given", 0},
    {"batch-size", KEY_BATCH_SIZE, "N", 0, "samples of a step [64]", 0},
    {"pixels", KEY_PIXELS, "N", 0,
     "columns of the first product, at most 784: those with a pixel that is not blank [784]", 0},
    {"repeats", KEY_REPEATS, "N", 0, "timings of each product [20]", 0},
    {"big-only", KEY_BIG_ONLY, 0, 0, "leave the step's products out", 0},
    {"json", KEY_JSON, "FILE", 0, "write the figures as Google Benchmark does", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *given = state->input;
    mb_error *error = given->error;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_THREADS:
        status = mb_parse_count("--threads", text, 1, MB_MOST_THREADS, &given->threads, error);
        break;
    case KEY_BATCH_SIZE:
        status = mb_parse_count("--batch-size", text, 1, MOST_BATCH, &given->batch_size, error);
        break;
    case KEY_PIXELS:
        status = mb_parse_count("--pixels", text, 1, sizes[0], &given->pixels, error);
        break;
    case KEY_REPEATS:
        status = mb_parse_count("--repeats", text, 1, MOST_REPEATS, &given->repeats, error);
        break;
    case KEY_BIG_ONLY:
        given->big_only = true;
        break;
    case KEY_JSON:
        given->json = text;
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(error, MB_INVALID, "%s: there are options only", text);
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
        .doc = "bench_gemm measures OpenBLAS on this machine: the product of two 1024x1024 "
               "matrices, and the products of a training step of 784-128-64-10, which each thread "
               "does whole and on its own matrices. GFLOP/s are those of all threads together."};
    mb_error error = {0};
    arguments given = {.batch_size = 64, .pixels = sizes[0], .repeats = 20, .error = &error};
    mb_restart_with_better_blas(argv);
    mb_status status = mb_parse_arguments(&argp, argc, argv, &given, &error);
    if (status == MB_OK)
        status = run(&given, &error);
    if (status == MB_OK)
        return MB_EXIT_DONE;
    fprintf(stderr, "bench_gemm: %s\n", error.text);
    return status == MB_INVALID ? MB_EXIT_USAGE : MB_EXIT_FAILED;
}

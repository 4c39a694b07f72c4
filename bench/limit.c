#include "limit.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/rng.h"
#include "fma_loop.h"
#include "machine/blas.h"
#include "machine/cpu.h"
#include "machine/machine.h"

#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- multiply-adds ---- */

static const struct {
    const mb_cpu_level *level;
    mb_fma_fn *loop;
} fma_loops[] = {
    {&mb_cpu_baseline, mb_fma_baseline},
#ifdef MB_HAVE_V3
    {&mb_cpu_v3, mb_fma_v3},
#endif
#ifdef MB_HAVE_V4
    {&mb_cpu_v4, mb_fma_v4},
#endif
};

typedef struct fma_bench {
    mb_team *team;
    mb_fma_fn *loop;
    size_t iterations, done; /* done: multiply-adds per iteration and thread */
    double seconds;
} fma_bench;

static void multiply_add(const mb_worker *worker, void *context)
{
    fma_bench *b = context;
    float result;
    mb_team_barrier(worker);
    const double start = mb_seconds();
    const size_t done = b->loop(b->iterations, &result);
    mb_team_barrier(worker);
    if (worker->index == 0) {
        b->seconds = mb_seconds() - start;
        b->done = done;
    }
}

static double run_fma(void *context, size_t iterations)
{
    fma_bench *b = context;
    b->iterations = iterations;
    mb_team_run(b->team, multiply_add, b);
    return b->seconds;
}

mb_status mb_bench_fma(mb_machine *machine, size_t repeats, mb_bench_result *result,
                       mb_error *error)
{
    const size_t threads = mb_machine_describe(machine)->threads;
    mb_status status = MB_OK;
    *result = (mb_bench_result){0};
    for (size_t i = 0; i < sizeof fma_loops / sizeof fma_loops[0] && status == MB_OK; i++) {
        if (!fma_loops[i].level->supported())
            continue;
        fma_bench b = {.team = mb_machine_team(machine), .loop = fma_loops[i].loop};
        mb_bench_result one = {.threads = threads};
        snprintf(one.name, sizeof one.name, "FMA limit/threads:%zu", threads);
        snprintf(one.label, sizeof one.label, "%s", fma_loops[i].level->name);
        status = mb_bench_measure(run_fma, &b, repeats, &one, error);
        one.items = 2.0 * (double)b.done * (double)threads;
        mb_bench_add_gflops(&one);
        if (status == MB_OK &&
            (result->threads == 0 || one.items / one.ns.median > result->items / result->ns.median))
            *result = one;
    }
    return status;
}

/* ---- the large product ---- */

enum { BIG = 1024 };

float *mb_bench_floats(size_t n)
{
    return aligned_alloc(MB_CACHE_LINE,
                         (n * sizeof(float) + MB_CACHE_LINE - 1) / MB_CACHE_LINE * MB_CACHE_LINE);
}

void mb_bench_fill(float *values, size_t n, uint64_t stream)
{
    mb_rng rng = mb_rng_at(1, MB_RNG_WEIGHTS, stream, 0);
    for (size_t i = 0; i < n; i++)
        values[i] = mb_rng_uniform(&rng) - 0.5f;
}

typedef struct big_product {
    float *a, *b, *c;
} big_product;

static double run_big(void *context, size_t iterations)
{
    const big_product *p = context;
    const double start = mb_seconds();
    for (size_t i = 0; i < iterations; i++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, BIG, BIG, BIG, 1.0f, p->a, BIG, p->b,
                    BIG, 0.0f, p->c, BIG);
    return mb_seconds() - start;
}

static void nothing(const mb_worker *worker, void *context)
{
    (void)worker;
    (void)context;
}

/* Outside of a team OpenBLAS uses OpenMP's threads. Those are the team's, and an empty run of the
 * team pins them. */
static mb_status measure_big(mb_machine *machine, big_product *p, size_t repeats,
                             mb_bench_result *result, mb_error *error)
{
    const int before = omp_get_max_threads();
    const bool own_threads = mb_blas_describe().own_threads;
    mb_team_run(mb_machine_team(machine), nothing, NULL);
    omp_set_num_threads((int)result->threads);
    if (own_threads)
        openblas_set_num_threads((int)result->threads);
    const mb_status status = mb_bench_measure(run_big, p, repeats, result, error);
    if (own_threads)
        openblas_set_num_threads(1);
    omp_set_num_threads(before);
    return status;
}

mb_status mb_bench_sgemm(mb_machine *machine, size_t repeats, mb_bench_result *result,
                         mb_error *error)
{
    const size_t n = (size_t)BIG * BIG, threads = mb_machine_describe(machine)->threads;
    big_product p = {mb_bench_floats(n), mb_bench_floats(n), mb_bench_floats(n)};
    mb_status status;
    *result = (mb_bench_result){.threads = threads, .items = 2.0 * (double)n * BIG};
    snprintf(result->name, sizeof result->name, "sgemm %d/threads:%zu", BIG, threads);
    if (p.a != NULL && p.b != NULL && p.c != NULL) {
        mb_bench_fill(p.a, n, 0);
        mb_bench_fill(p.b, n, 1);
        status = measure_big(machine, &p, repeats, result, error);
        mb_bench_add_gflops(result);
    } else {
        status = mb_fail_memory(error, "operands", 3 * n * sizeof(float));
    }
    free(p.a);
    free(p.b);
    free(p.c);
    return status;
}

#include "products.h"

#include "core/clock.h"
#include "core/rng.h"
#include "data/sampler.h"
#include "machine/machine.h"
#include "train/trainer.h"

#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 28, PIXELS = ROWS * ROWS, CLASSES = 10 };

/* One call of cblas_sgemm, and the phase that made it. */
typedef struct call {
    size_t phase;
    enum CBLAS_TRANSPOSE transpose_a, transpose_b;
    blasint m, n, k, lda, ldb, ldc;
    float alpha, beta;
    const float *a, *b;
    float *c;
} call;

typedef struct calls {
    call *call;
    size_t count, capacity;
    bool failed; /* out of memory */
    const mb_plan_timer *timer;
} calls;

struct mb_products {
    mb_machine *machine;
    char *name; /* the network's spec, as given */
    mb_network *network;
    mb_training_options options;
    mb_dataset dataset;
    uint8_t *images, *labels;
    mb_trainer *trainer;
    size_t threads;
    calls *calls; /* (threads) */
    mb_plan_timer *timers;
    size_t phase; /* being timed */
    size_t iterations;
    double seconds;
};

/* ---- recording ---- */

/* ld's --wrap redirects calls of cblas_sgemm to the first function; the second is OpenBLAS's. */
void __wrap_cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose_a,
                        enum CBLAS_TRANSPOSE transpose_b, blasint m, blasint n, blasint k,
                        float alpha, const float *a, blasint lda, const float *b, blasint ldb,
                        float beta, float *c, blasint ldc);
void __real_cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose_a,
                        enum CBLAS_TRANSPOSE transpose_b, blasint m, blasint n, blasint k,
                        float alpha, const float *a, blasint lda, const float *b, blasint ldb,
                        float beta, float *c, blasint ldc);

/* (threads) while a step is recorded; NULL otherwise. */
static calls *recording;

static void record(calls *list, const call *one)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        call *more = realloc(list->call, capacity * sizeof *more);
        if (more == NULL) {
            list->failed = true;
            return;
        }
        list->call = more;
        list->capacity = capacity;
    }
    list->call[list->count++] = *one;
}

void __wrap_cblas_sgemm(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE transpose_a,
                        enum CBLAS_TRANSPOSE transpose_b, blasint m, blasint n, blasint k,
                        float alpha, const float *a, blasint lda, const float *b, blasint ldb,
                        float beta, float *c, blasint ldc)
{
    if (recording != NULL) {
        calls *list = &recording[omp_get_thread_num()];
        const call one = {list->timer->phase,
                          transpose_a,
                          transpose_b,
                          m,
                          n,
                          k,
                          lda,
                          ldb,
                          ldc,
                          alpha,
                          beta,
                          a,
                          b,
                          c};
        record(list, &one);
    }
    __real_cblas_sgemm(order, transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c,
                       ldc);
}

/* ---- the step ---- */

static mb_status make_images(mb_products *p, size_t count, bool sparse, mb_error *error)
{
    p->images = malloc(count * PIXELS);
    p->labels = malloc(count);
    if (p->images == NULL || p->labels == NULL)
        return mb_fail_memory(error, "images", count * PIXELS);
    mb_rng rng = mb_rng_at(1, MB_RNG_SHUFFLE, 0, 0);
    for (size_t i = 0; i < count * PIXELS; i++)
        p->images[i] =
            sparse && mb_rng_below(&rng, 5) > 0 ? 0 : 1 + (uint8_t)mb_rng_below(&rng, 255);
    for (size_t i = 0; i < count; i++)
        p->labels[i] = (uint8_t)(i % CLASSES);
    const mb_split split = {{p->images, count, 1, ROWS, ROWS}, p->labels};
    p->dataset = (mb_dataset){.folder = "", .classes = CLASSES, .train = split, .test = split};
    p->dataset.test.images.count = 1;
    return MB_OK;
}

static mb_status open_timers(mb_products *p, mb_error *error)
{
    const size_t phases = p->trainer->training.full.count;
    p->calls = calloc(p->threads, sizeof *p->calls);
    p->timers = mb_arena_alloc(&p->trainer->arena, p->threads, sizeof *p->timers);
    if (p->calls == NULL || p->timers == NULL)
        return mb_fail_memory(error, "products", p->threads * sizeof *p->calls);
    for (size_t i = 0; i < p->threads; i++) {
        p->timers[i].times = mb_arena_alloc(&p->trainer->arena, phases, sizeof(mb_phase_time));
        p->calls[i].timer = &p->timers[i];
        if (p->timers[i].times == NULL)
            return mb_fail_memory(error, "products", phases * sizeof(mb_phase_time));
    }
    return MB_OK;
}

static mb_status run_step(mb_products *p, mb_error *error)
{
    mb_trainer *t = p->trainer;
    mb_status status = open_timers(p, error);
    if (status != MB_OK)
        return status;
    mb_sampler_sequential(t->training.loader.samples, t->order);
    mb_epoch_start(&t->training, t->order, 0);
    t->training.full.timers = p->timers;
    recording = p->calls;
    mb_epoch_run(&t->training, mb_machine_team(p->machine), p->threads, 0, 1);
    recording = NULL;
    t->training.full.timers = NULL;
    if (!t->training.stats.finite)
        return mb_fail(error, MB_ERROR_DIVERGED, "network: the first step's loss is not finite");
    for (size_t i = 0; i < p->threads; i++)
        if (p->calls[i].failed)
            return mb_fail_memory(error, "products", p->calls[i].capacity * sizeof(call));
    return MB_OK;
}

mb_status mb_products_open(mb_machine *machine, const char *network, size_t batch_size, bool sparse,
                           mb_products **products, mb_error *error)
{
    mb_products *p = calloc(1, sizeof *p);
    if (p == NULL)
        return mb_fail_memory(error, "products", sizeof *p);
    p->machine = machine;
    p->name = strdup(network);
    p->threads = mb_machine_describe(machine)->threads;
    p->options = mb_training_defaults(MB_OPTIMIZER_SGD);
    p->options.batch_size = batch_size;
    mb_status status = p->name != NULL ? make_images(p, batch_size, sparse, error)
                                       : mb_fail_memory(error, "products", strlen(network));
    if (status == MB_OK)
        status = mb_network_open(machine, network, (mb_shape){1, ROWS, ROWS}, CLASSES, &p->network,
                                 error);
    if (status == MB_OK) {
        mb_network_initialise(p->network, 1);
        status = mb_trainer_open(machine, p->network, &p->dataset, &p->options, NULL, &p->trainer,
                                 error);
    }
    if (status == MB_OK)
        status = run_step(p, error);
    if (status == MB_OK)
        *products = p;
    else
        mb_products_close(p);
    return status;
}

void mb_products_close(mb_products *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; p->calls != NULL && i < p->threads; i++)
        free(p->calls[i].call);
    free(p->calls);
    mb_trainer_close(p->trainer);
    mb_network_close(p->network);
    free(p->images);
    free(p->labels);
    free(p->name);
    free(p);
}

/* ---- timing ---- */

/* Repeats one thread's calls of the timed phase. */
static void repeat_phase(const mb_worker *worker, void *context)
{
    mb_products *p = context;
    const calls *own = &p->calls[worker->index];
    mb_team_barrier(worker);
    const double start = mb_seconds();
    for (size_t i = 0; i < p->iterations; i++)
        for (size_t at = 0; at < own->count; at++) {
            const call *x = &own->call[at];
            if (x->phase == p->phase)
                __real_cblas_sgemm(CblasRowMajor, x->transpose_a, x->transpose_b, x->m, x->n, x->k,
                                   x->alpha, x->a, x->lda, x->b, x->ldb, x->beta, x->c, x->ldc);
        }
    mb_team_barrier(worker);
    if (worker->index == 0)
        p->seconds = mb_seconds() - start;
}

static double run_phase(void *context, size_t iterations)
{
    mb_products *p = context;
    p->iterations = iterations;
    mb_team_run(mb_machine_team(p->machine), repeat_phase, p);
    return p->seconds;
}

static bool same_size(const call *x, const call *y)
{
    return x->transpose_a == y->transpose_a && x->transpose_b == y->transpose_b && x->m == y->m &&
           x->n == y->n && x->k == y->k;
}

/* All threads' calls in one phase, grouped by size. */
typedef struct phase_calls {
    const call *call[8]; /* one per size; calls of further sizes are only counted */
    size_t times[8], sizes, count;
    double flops;
} phase_calls;

static void add_call(phase_calls *all, const call *x)
{
    enum { MAX = sizeof all->call / sizeof all->call[0] };
    size_t size = 0;
    all->count++;
    all->flops += 2.0 * x->m * x->n * x->k;
    while (size < all->sizes && !same_size(all->call[size], x))
        size++;
    if (size == MAX)
        return;
    if (size == all->sizes) {
        all->call[all->sizes] = x;
        all->times[all->sizes++] = 0;
    }
    all->times[size]++;
}

static void describe(const phase_calls *all, char *text, size_t capacity)
{
    size_t used = 0, named = 0;
    for (size_t size = 0; size < all->sizes && used < capacity; size++) {
        const call *x = all->call[size];
        used += (size_t)snprintf(text + used, capacity - used, "%s%zu of %dx%dx%d%s%s",
                                 size > 0 ? ", " : "", all->times[size], (int)x->m, (int)x->n,
                                 (int)x->k, x->transpose_a == CblasTrans ? " A'" : "",
                                 x->transpose_b == CblasTrans ? " B'" : "");
        named += all->times[size];
    }
    if (named < all->count && used < capacity)
        snprintf(text + used, capacity - used, ", %zu more", all->count - named);
}

mb_status mb_products_measure(mb_products *p, double limit, size_t repeats,
                              mb_bench_results *results, mb_error *error)
{
    const mb_plan *plan = &p->trainer->training.full;
    mb_status status = MB_OK;
    for (p->phase = 0; p->phase < plan->count && status == MB_OK; p->phase++) {
        phase_calls all = {.sizes = 0};
        for (size_t thread = 0; thread < p->threads; thread++)
            for (size_t i = 0; i < p->calls[thread].count; i++)
                if (p->calls[thread].call[i].phase == p->phase)
                    add_call(&all, &p->calls[thread].call[i]);
        if (all.count == 0)
            continue;
        mb_bench_result result = {.threads = p->threads, .items = all.flops};
        snprintf(result.name, sizeof result.name, "%s/%s/batch:%zu/threads:%zu",
                 mb_plan_phase(plan, p->phase)->name, p->name, p->options.batch_size, p->threads);
        describe(&all, result.label, sizeof result.label);
        status = mb_bench_measure(run_phase, p, repeats, &result, error);
        mb_bench_add_gflops(&result);
        mb_bench_add_counter(&result, "FMA_share", all.flops / result.ns.median / limit);
        if (status == MB_OK)
            status = mb_bench_add(results, &result, error);
    }
    return status;
}

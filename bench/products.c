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

static mb_status make_images(mb_products *products, size_t count, bool sparse, mb_error *error)
{
    products->images = malloc(count * PIXELS);
    products->labels = malloc(count);
    if (products->images == NULL || products->labels == NULL)
        return mb_fail_memory(error, "images", count * PIXELS);
    mb_rng rng = mb_rng_at(1, MB_RNG_SHUFFLE, 0, 0);
    for (size_t i = 0; i < count * PIXELS; i++)
        products->images[i] =
            sparse && mb_rng_below(&rng, 5) > 0 ? 0 : 1 + (uint8_t)mb_rng_below(&rng, 255);
    for (size_t i = 0; i < count; i++)
        products->labels[i] = (uint8_t)(i % CLASSES);
    const mb_split split = {{products->images, count, 1, ROWS, ROWS}, products->labels};
    products->dataset =
        (mb_dataset){.folder = "", .classes = CLASSES, .train = split, .test = split};
    products->dataset.test.images.count = 1;
    return MB_OK;
}

static mb_status open_timers(mb_products *products, mb_error *error)
{
    const size_t phases = products->trainer->training.full.count;
    products->calls = calloc(products->threads, sizeof *products->calls);
    products->timers =
        mb_arena_alloc(&products->trainer->arena, products->threads, sizeof *products->timers);
    if (products->calls == NULL || products->timers == NULL)
        return mb_fail_memory(error, "products", products->threads * sizeof *products->calls);
    for (size_t i = 0; i < products->threads; i++) {
        products->timers[i].times =
            mb_arena_alloc(&products->trainer->arena, phases, sizeof(mb_phase_time));
        products->calls[i].timer = &products->timers[i];
        if (products->timers[i].times == NULL)
            return mb_fail_memory(error, "products", phases * sizeof(mb_phase_time));
    }
    return MB_OK;
}

static mb_status run_step(mb_products *products, mb_error *error)
{
    mb_trainer *trainer = products->trainer;
    mb_status status = open_timers(products, error);
    if (status != MB_OK)
        return status;
    mb_sampler_sequential(trainer->training.loader.samples, trainer->order);
    mb_epoch_start(&trainer->training, trainer->order, 0);
    trainer->training.full.timers = products->timers;
    recording = products->calls;
    mb_epoch_run(&trainer->training, mb_machine_team(products->machine), products->threads, 0, 1);
    recording = NULL;
    trainer->training.full.timers = NULL;
    if (!trainer->training.stats.finite)
        return mb_fail(error, MB_ERROR_DIVERGED, "network: the first step's loss is not finite");
    for (size_t i = 0; i < products->threads; i++)
        if (products->calls[i].failed)
            return mb_fail_memory(error, "products", products->calls[i].capacity * sizeof(call));
    return MB_OK;
}

mb_status mb_products_open(mb_machine *machine, const char *network, size_t batch_size, bool sparse,
                           mb_products **products, mb_error *error)
{
    mb_products *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "products", sizeof *opened);
    opened->machine = machine;
    opened->name = strdup(network);
    opened->threads = mb_machine_describe(machine)->threads;
    opened->options = mb_training_defaults(MB_OPTIMIZER_SGD);
    opened->options.batch_size = batch_size;
    mb_status status = opened->name != NULL ? make_images(opened, batch_size, sparse, error)
                                            : mb_fail_memory(error, "products", strlen(network));
    if (status == MB_OK)
        status = mb_network_open(machine, network, (mb_shape){1, ROWS, ROWS}, CLASSES,
                                 &opened->network, error);
    if (status == MB_OK) {
        mb_network_initialise(opened->network, 1);
        status = mb_trainer_open(machine, opened->network, &opened->dataset, &opened->options, NULL,
                                 &opened->trainer, error);
    }
    if (status == MB_OK)
        status = run_step(opened, error);
    if (status == MB_OK)
        *products = opened;
    else
        mb_products_close(opened);
    return status;
}

void mb_products_close(mb_products *products)
{
    if (products == NULL)
        return;
    for (size_t i = 0; products->calls != NULL && i < products->threads; i++)
        free(products->calls[i].call);
    free(products->calls);
    mb_trainer_close(products->trainer);
    mb_network_close(products->network);
    free(products->images);
    free(products->labels);
    free(products->name);
    free(products);
}

/* ---- timing ---- */

/* Repeats one thread's calls of the timed phase. */
static void repeat_phase(const mb_worker *worker, void *context)
{
    mb_products *products = context;
    const calls *own = &products->calls[worker->index];
    mb_team_barrier(worker);
    const double start = mb_seconds();
    for (size_t i = 0; i < products->iterations; i++)
        for (size_t at = 0; at < own->count; at++) {
            const call *one = &own->call[at];
            if (one->phase == products->phase)
                __real_cblas_sgemm(CblasRowMajor, one->transpose_a, one->transpose_b, one->m,
                                   one->n, one->k, one->alpha, one->a, one->lda, one->b, one->ldb,
                                   one->beta, one->c, one->ldc);
        }
    mb_team_barrier(worker);
    if (worker->index == 0)
        products->seconds = mb_seconds() - start;
}

static double run_phase(void *context, size_t iterations)
{
    mb_products *products = context;
    products->iterations = iterations;
    mb_team_run(mb_machine_team(products->machine), repeat_phase, products);
    return products->seconds;
}

static bool same_size(const call *one, const call *other)
{
    return one->transpose_a == other->transpose_a && one->transpose_b == other->transpose_b &&
           one->m == other->m && one->n == other->n && one->k == other->k;
}

/* All threads' calls in one phase, grouped by size. */
typedef struct phase_calls {
    const call *call[8]; /* one per size; calls of further sizes are only counted */
    size_t times[8], sizes, count;
    double flops;
} phase_calls;

static void add_call(phase_calls *all, const call *one)
{
    enum { MAX = sizeof all->call / sizeof all->call[0] };
    size_t size = 0;
    all->count++;
    all->flops += 2.0 * one->m * one->n * one->k;
    while (size < all->sizes && !same_size(all->call[size], one))
        size++;
    if (size == MAX)
        return;
    if (size == all->sizes) {
        all->call[all->sizes] = one;
        all->times[all->sizes++] = 0;
    }
    all->times[size]++;
}

static void describe(const phase_calls *all, char *text, size_t capacity)
{
    size_t used = 0, named = 0;
    for (size_t size = 0; size < all->sizes && used < capacity; size++) {
        const call *one = all->call[size];
        used += (size_t)snprintf(text + used, capacity - used, "%s%zu of %dx%dx%d%s%s",
                                 size > 0 ? ", " : "", all->times[size], (int)one->m, (int)one->n,
                                 (int)one->k, one->transpose_a == CblasTrans ? " A'" : "",
                                 one->transpose_b == CblasTrans ? " B'" : "");
        named += all->times[size];
    }
    if (named < all->count && used < capacity)
        snprintf(text + used, capacity - used, ", %zu more", all->count - named);
}

mb_status mb_products_measure(mb_products *products, double limit, size_t repeats,
                              mb_bench_results *results, mb_error *error)
{
    const mb_plan *plan = &products->trainer->training.full;
    mb_status status = MB_OK;
    for (products->phase = 0; products->phase < plan->count && status == MB_OK; products->phase++) {
        phase_calls all = {.sizes = 0};
        for (size_t thread = 0; thread < products->threads; thread++)
            for (size_t i = 0; i < products->calls[thread].count; i++)
                if (products->calls[thread].call[i].phase == products->phase)
                    add_call(&all, &products->calls[thread].call[i]);
        if (all.count == 0)
            continue;
        mb_bench_result result = {.threads = products->threads, .items = all.flops};
        snprintf(result.name, sizeof result.name, "%s/%s/batch:%zu/threads:%zu",
                 mb_plan_phase(plan, products->phase)->name, products->name,
                 products->options.batch_size, products->threads);
        describe(&all, result.label, sizeof result.label);
        status = mb_bench_measure(run_phase, products, repeats, &result, error);
        mb_bench_add_gflops(&result);
        mb_bench_add_counter(&result, "FMA_share", all.flops / result.ns.median / limit);
        if (status == MB_OK)
            status = mb_bench_add(results, &result, error);
    }
    return status;
}

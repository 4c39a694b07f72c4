#include "workload.h"

#include "core/rng.h"
#include "synthetic/digits.h"

#include <math.h>
#include <string.h>

static void fill(float *values, size_t n, uint64_t stream)
{
    mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 2, stream);
    for (size_t i = 0; i < n; i++)
        values[i] = mb_rng_uniform(&rng) - 0.5f;
}

mb_status mb_workload_open(size_t rows, mb_workload *w, mb_error *error)
{
    const size_t blocks = (rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS;
    *w = (mb_workload){.rows = rows, .size = blocks * MB_BLOCK_ROWS * MB_PIXELS, .error = error};
    if (w->size < MB_PARAMETERS)
        w->size = MB_PARAMETERS;
    float **buffers[] = {&w->a, &w->positive, &w->negative, &w->out};
    for (size_t i = 0; i < 4; i++)
        *buffers[i] = mb_workload_alloc(w, w->size, sizeof(float));
    w->images = mb_workload_alloc(w, MB_IMAGES, MB_PIXELS);
    w->labels = mb_workload_alloc(w, MB_IMAGES, 1);
    for (size_t i = 0; i < MB_IMAGES && w->status == MB_OK; i++) {
        w->labels[i] = mb_synthetic_digit(1, i, w->images + i * MB_PIXELS);
    }
    return w->status;
}

void mb_workload_reset(mb_workload *w)
{
    w->runs = 0;
    fill(w->a, w->size, 0);
    fill(w->positive, w->size, 1);
    fill(w->negative, w->size, 2);
    fill(w->out, w->size, 3);
    for (size_t i = 0; i < w->size; i++) {
        w->positive[i] = fabsf(w->positive[i]);
        w->negative[i] = -fabsf(w->negative[i]);
    }
}

void mb_workload_close(mb_workload *w) { mb_arena_free(&w->arena); }

void *mb_workload_alloc(mb_workload *w, size_t count, size_t size)
{
    void *memory = w->status == MB_OK ? mb_arena_alloc(&w->arena, count, size) : NULL;
    if (memory == NULL && w->status == MB_OK)
        w->status = mb_fail_memory(w->error, "data", count * size);
    return memory;
}

void mb_time(mb_workload *w, const char *name, mb_run_fn *run, mb_cost cost, size_t floats)
{
    if (w->status == MB_OK)
        w->time(w, &(mb_case){.name = name, .run = run, .cost = cost, .floats = floats});
}

void mb_time_exact(mb_workload *w, const char *name, mb_run_fn *run, mb_cost cost,
                   const void *exact, size_t exact_bytes)
{
    const mb_case one = {name, run, cost, 0, exact_bytes, exact};
    if (w->status == MB_OK)
        w->time(w, &one);
}

size_t mb_workload_samples(const mb_workload *w, size_t elements)
{
    const size_t samples = (w->size - 2 * MB_LANES) / elements;
    return samples < w->rows ? samples : w->rows;
}

#include "kernel_cases.h"

#include "limit.h"

#include "core/rng.h"
#include "data/sampler.h"

#include <math.h>
#include <string.h>

/* The frame around a digit is blank, and of the 20x20 pixels within this share is not. */
static const float inked = 0.375f;
enum { FRAME = 4, IMAGES = 60000 };

static void draw_image(uint8_t *image, uint64_t number)
{
    mb_rng rng = mb_rng_at(1, MB_RNG_SHUFFLE, 1, number);
    for (size_t y = FRAME; y < MB_SIDE - FRAME; y++)
        for (size_t x = FRAME; x < MB_SIDE - FRAME; x++)
            if (mb_rng_uniform(&rng) < inked)
                image[y * MB_SIDE + x] = (uint8_t)(1 + mb_rng_below(&rng, 255));
}

static size_t count_dots(const mb_kernel_data *data)
{
    size_t dots = 0;
    for (size_t r = 0; r < data->rows; r++)
        for (size_t p = 0; p < MB_PIXELS; p++)
            dots += data->images[data->order[r] * MB_PIXELS + p] != 0;
    return dots;
}

static bool take_augment(mb_kernel_data *d)
{
    mb_arena *arena = &d->arena;
    d->x = mb_arena_alloc(arena, MB_PIXELS, sizeof *d->x);
    d->y = mb_arena_alloc(arena, MB_PIXELS, sizeof *d->y);
    d->image_taps = mb_arena_alloc(arena, d->rows * MB_PIXELS, sizeof *d->image_taps);
    d->taps = mb_arena_alloc(arena, d->rows * MB_PIXELS, sizeof *d->taps);
    d->pixels = mb_arena_alloc(arena, d->rows, MB_PIXELS);
    d->dot = mb_arena_alloc(arena, d->rows * MB_PIXELS, sizeof *d->dot);
    d->dot_count = mb_arena_alloc(arena, d->rows * 4, sizeof *d->dot_count);
    return d->x && d->y && d->image_taps && d->taps && d->pixels && d->dot && d->dot_count;
}

/* Points and taps that the warps read. */
static void prepare_augment(mb_kernel_data *d)
{
    for (size_t p = 0; p < MB_PIXELS; p++) {
        d->x[p] = (float)(p % MB_SIDE) - 0.5f * (MB_SIDE - 1);
        d->y[p] = (float)(p / MB_SIDE) - 0.5f * (MB_SIDE - 1);
    }
    for (size_t r = 0; r < d->rows; r++)
        mb_kernels_best()->bilinear_taps(MB_PIXELS - MB_SIDE - 1, MB_SIDE,
                                         d->images + r * MB_PIXELS, d->image_taps + r * MB_PIXELS);
}

static bool take(mb_kernel_data *d)
{
    mb_arena *arena = &d->arena;
    const size_t blocks = (d->rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS;
    d->a = mb_arena_alloc(arena, d->size, sizeof *d->a);
    d->b = mb_arena_alloc(arena, d->size, sizeof *d->b);
    d->c = mb_arena_alloc(arena, d->size, sizeof *d->c);
    d->out = mb_arena_alloc(arena, d->size, sizeof *d->out);
    d->which = mb_arena_alloc(arena, d->size, sizeof *d->which);
    d->images = mb_arena_alloc(arena, d->image_count, MB_PIXELS);
    d->labels = mb_arena_alloc(arena, d->image_count, 1);
    d->bytes = mb_arena_alloc(arena, d->rows, 1);
    d->order = mb_arena_alloc(arena, d->image_count, sizeof *d->order);
    d->twin_block = mb_arena_alloc(arena, blocks, sizeof *d->twin_block);
    const bool room = take_augment(d);
    bool all = room && d->a && d->b && d->c && d->out && d->which && d->images && d->labels &&
               d->bytes && d->order && d->twin_block;
    for (size_t b = 0; b < blocks && all; b++) {
        mb_transposed_block *block = &d->twin_block[b];
        block->mask = mb_arena_alloc(arena, MB_PIXELS, sizeof *block->mask);
        block->value = mb_arena_alloc(arena, MB_PIXELS, MB_BLOCK_ROWS);
        all = block->mask != NULL && block->value != NULL;
    }
    return all;
}

mb_status mb_kernel_data_open(size_t rows, mb_kernel_data *data, mb_error *error)
{
    mb_kernel_data *d = data;
    *d = (mb_kernel_data){.rows = rows, .image_count = rows > IMAGES ? rows : IMAGES};
    const size_t blocks = (rows + MB_BLOCK_ROWS - 1) / MB_BLOCK_ROWS;
    d->size = blocks * MB_BLOCK_ROWS * MB_PIXELS;
    if (d->size < MB_PARAMETERS)
        d->size = MB_PARAMETERS;
    mb_status status = take(d) ? MB_OK : mb_fail_memory(error, "data", d->size * 4 * sizeof(float));
    if (status == MB_OK) {
        for (size_t i = 0; i < d->image_count; i++) {
            draw_image(d->images + i * MB_PIXELS, i);
            d->labels[i] = (uint8_t)(i % MB_CLASSES);
        }
        mb_sampler_shuffle(1, 0, d->image_count, d->order);
        d->dots = count_dots(d);
        prepare_augment(d);
        const mb_split split = {{d->images, d->image_count, 1, 1, MB_PIXELS}, d->labels};
        status = mb_sample_source_open(&split, &d->arena, &d->source, error);
    }
    if (status == MB_OK)
        status = mb_batch_open(&d->source, rows, true, &d->arena, &d->batch, error);
    if (status == MB_OK)
        mb_kernel_data_reset(d);
    else
        mb_arena_free(&d->arena);
    return status;
}

void mb_kernel_data_reset(mb_kernel_data *data)
{
    mb_bench_fill(data->a, data->size, 0);
    mb_bench_fill(data->b, data->size, 1);
    mb_bench_fill(data->c, data->size, 2);
    mb_bench_fill(data->out, data->size, 3);
    for (size_t i = 0; i < data->size; i++) {
        data->b[i] = fabsf(data->b[i]);  /* second moments are not negative */
        data->c[i] = -fabsf(data->c[i]); /* the kernel's e^x is for those that are not positive */
        data->which[i] = (int32_t)((uint32_t)i * 2654435769u >> 30);
    }
    memset(data->bytes, 0, data->rows);
    const size_t pieces = mb_batch_tile_count(&data->source, data->rows);
    for (size_t piece = 0; piece < pieces; piece++)
        mb_batch_gather(&data->batch, mb_kernels_best(),
                        (mb_sample_indices){data->order, data->rows}, piece);
    data->next = 0;
}

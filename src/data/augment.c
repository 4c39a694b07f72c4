#include "data/augment.h"

#include "core/rng.h"
#include "data/affine.h"

#include <math.h>
#include <string.h>

/* The bell is cut off at 3 sigma: what lies beyond has 0.3 % of the weight. */
static const double bell_ends = 3.0;

/* Pixels that a column in 256ths has, and a frame's zeros around an image. */
enum { UNIT = 256, FRAME = 1 };

static size_t stride_of(const mb_augmenter *a) { return a->columns + 2 * FRAME; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* ---- scratch: what it takes to make an image ---- */

typedef struct workbench {
    uint8_t *plane; /* (rows + 3, stride) and 1: the image in its frame, and what a tap looks at
                     * right of it and below */
    uint32_t *taps; /* (rows + 2, stride) */
    float *dx, *dy; /* (pixels) */
    float *noise_x, *noise_y; /* (rows, columns in whole lines) */
    float *middle;            /* (rows, middle_ld) smoothed along columns */
    size_t middle_ld;
    size_t bytes;
} workbench;

static void *part(char *scratch, size_t bytes, size_t *used)
{
    void *begin = scratch != NULL ? scratch + *used : NULL;
    *used += (bytes + MB_CACHE_LINE - 1) / MB_CACHE_LINE * MB_CACHE_LINE;
    return begin;
}

static workbench lay_out(const mb_augmenter *a, char *scratch)
{
    const size_t framed = (a->rows + 2 * FRAME) * stride_of(a), pixels = a->rows * a->columns;
    workbench bench = {0};
    bench.plane = part(scratch, framed + stride_of(a) + 1, &bench.bytes);
    bench.taps = part(scratch, framed * sizeof *bench.taps, &bench.bytes);
    if (a->weights == NULL)
        return bench;
    const size_t width = mb_pad_to_lanes(a->columns), noise = a->rows * width * sizeof(float);
    bench.middle_ld = width + 2 * a->radius;
    bench.dx = part(scratch, (pixels + MB_LANES) * sizeof *bench.dx, &bench.bytes);
    bench.dy = part(scratch, (pixels + MB_LANES) * sizeof *bench.dy, &bench.bytes);
    bench.noise_x = part(scratch, noise, &bench.bytes);
    bench.noise_y = part(scratch, noise, &bench.bytes);
    bench.middle = part(scratch, a->rows * bench.middle_ld * sizeof *bench.middle, &bench.bytes);
    return bench;
}

/* ---- what all images share ---- */

static mb_status make_tables(mb_augmenter *a, mb_arena *arena, mb_error *error)
{
    const size_t pixels = a->rows * a->columns;
    float *x = mb_arena_alloc(arena, pixels, sizeof *x),
          *y = mb_arena_alloc(arena, pixels, sizeof *y);
    uint32_t *place = mb_arena_alloc(arena, pixels, sizeof *place);
    if (x == NULL || y == NULL || place == NULL)
        return mb_fail_memory(error, "augmentation", pixels * sizeof *x);
    for (size_t p = 0; p < pixels; p++) {
        const size_t row = p / a->columns, column = p % a->columns;
        x[p] = (float)column - 0.5f * (float)(a->columns - 1);
        y[p] = (float)row - 0.5f * (float)(a->rows - 1);
        place[p] = (uint32_t)((row + FRAME) * stride_of(a) + column + FRAME);
    }
    a->x = x;
    a->y = y;
    a->place = place;
    return MB_OK;
}

/* A Gaussian whose weights, those that reach beyond the image among them, add up to 1. */
static mb_status make_bell(mb_augmenter *a, mb_arena *arena, mb_error *error)
{
    const double sigma = a->options.elastic_sigma;
    const size_t widest = a->rows > a->columns ? a->rows : a->columns;
    const size_t end = (size_t)ceil(bell_ends * sigma);
    a->radius = least(end, widest - 1);
    float *weights = mb_arena_alloc(arena, 2 * a->radius + 1, sizeof *weights);
    if (weights == NULL)
        return mb_fail_memory(error, "augmentation", (2 * a->radius + 1) * sizeof *weights);
    double sum = 1.0;
    for (size_t k = 1; k <= end; k++)
        sum += 2.0 * exp(-0.5 * (double)(k * k) / (sigma * sigma));
    for (size_t k = 0; k <= a->radius; k++)
        weights[a->radius + k] = weights[a->radius - k] =
            (float)(exp(-0.5 * (double)(k * k) / (sigma * sigma)) / sum);
    a->weights = weights;
    return MB_OK;
}

mb_status mb_augmenter_open(const mb_augmentation *options, uint64_t seed,
                            const mb_sample_source *source, mb_arena *arena,
                            mb_augmenter *augmenter, mb_error *error)
{
    *augmenter = (mb_augmenter){.source = source,
                                .options = *options,
                                .seed = seed,
                                .rows = source->split.images.rows,
                                .columns = source->split.images.columns,
                                .plain_from = SIZE_MAX};
    mb_status status = make_tables(augmenter, arena, error);
    if (status == MB_OK && options->kind == MB_AUGMENT_ELASTIC)
        status = make_bell(augmenter, arena, error);
    augmenter->scratch = lay_out(augmenter, NULL).bytes;
    return status;
}

/* ---- one image ---- */

/* The pixels of an image into its frame, by the shorter way. */
static void put_in_frame(const mb_augmenter *a, size_t number, uint8_t *plane)
{
    const mb_sample_source *source = a->source;
    const size_t stride = stride_of(a);
    memset(plane, 0, (a->rows + 3 * FRAME) * stride + 1);
    for (size_t range = 0; range < source->segments && source->nonzeros != NULL; range++) {
        const mb_sparse_row x = mb_sample_source_segment(source, number, range);
        const uint32_t *place = a->place + range * source->segment_pixels;
        for (size_t k = 0; k < x.count; k++) {
            place += x.nonzeros[k].delta;
            plane[*place] = x.nonzeros[k].value;
        }
    }
    const uint8_t *image = source->split.images.pixels + number * source->pixels;
    for (size_t row = 0; row < a->rows && source->nonzeros == NULL; row++)
        memcpy(plane + (row + FRAME) * stride + FRAME, image + row * a->columns, a->columns);
}

/* Each displacement uniform in -alpha .. alpha at first, then smoothed. */
static void displace(const mb_augmenter *a, const mb_kernels *kernels, uint64_t state,
                     const workbench *bench)
{
    const float most = (float)(a->options.elastic_alpha * UNIT);
    kernels->noise(state, a->rows * mb_pad_to_lanes(a->columns), most, bench->noise_x,
                   bench->noise_y);
    memset(bench->middle, 0, a->rows * bench->middle_ld * sizeof *bench->middle);
    for (size_t axis = 0; axis < 2; axis++) {
        kernels->smooth_columns(a->rows, a->columns, a->radius, a->weights,
                                axis == 0 ? bench->noise_x : bench->noise_y,
                                bench->middle + a->radius, bench->middle_ld);
        kernels->smooth_rows(a->rows, a->columns, a->radius, a->weights, bench->middle,
                             bench->middle_ld, axis == 0 ? bench->dx : bench->dy);
    }
}

void mb_augment_image(const mb_augmenter *a, const mb_kernels *kernels, size_t number, size_t epoch,
                      void *scratch, uint8_t *image)
{
    if (epoch >= a->plain_from) {
        const size_t pixels = a->source->pixels;
        memcpy(image, a->source->split.images.pixels + number * pixels, pixels);
        return;
    }
    const workbench bench = lay_out(a, scratch);
    mb_rng rng = mb_rng_at(a->seed, MB_RNG_AUGMENTATION, epoch, number);
    const mb_warp warp = mb_random_affine(&a->options, a->rows, a->columns, &rng);
    if (a->weights != NULL)
        displace(a, kernels, mb_rng_next(&rng), &bench);
    put_in_frame(a, number, bench.plane);
    kernels->bilinear_taps((a->rows + 2 * FRAME) * stride_of(a), stride_of(a), bench.plane,
                           bench.taps);
    kernels->warp(a->rows * a->columns, &warp, a->x, a->y, bench.dx, bench.dy, bench.taps, image);
}

/* ---- the rows of a step ---- */

/* A row's dots have room for all of its pixels. */
static mb_status open_dots(mb_augmented_batch *d, size_t max_rows, mb_arena *arena, mb_error *error)
{
    const mb_sample_source *original = d->augmenter->source;
    size_t room;
    if (original->nonzeros == NULL || !mb_multiply(max_rows, original->pixels, &room) ||
        room > UINT32_MAX)
        return MB_OK;
    d->dots = mb_arena_alloc(arena, room, sizeof *d->dots);
    d->bound = mb_arena_alloc(arena, max_rows * (original->segments + 1), sizeof *d->bound);
    if (d->dots == NULL || d->bound == NULL)
        return mb_fail_memory(error, "augmentation", room * sizeof *d->dots);
    d->source.segments = original->segments;
    d->source.segment_pixels = original->segment_pixels;
    d->source.byte_to_float = original->byte_to_float;
    d->source.nonzeros = d->dots;
    d->source.row_start = d->bound;
    return MB_OK;
}

mb_status mb_augmented_batch_open(const mb_augmenter *augmenter, size_t max_rows, mb_arena *arena,
                                  mb_augmented_batch *augmented, mb_error *error)
{
    const size_t pixels = augmenter->source->pixels;
    uint32_t *number = mb_arena_alloc(arena, max_rows, sizeof *number);
    *augmented = (mb_augmented_batch){.augmenter = augmenter,
                                      .images = mb_arena_alloc(arena, max_rows, pixels),
                                      .labels = mb_arena_alloc(arena, max_rows, 1),
                                      .index = number};
    if (number == NULL || augmented->images == NULL || augmented->labels == NULL)
        return mb_fail_memory(error, "augmentation", max_rows * pixels);
    for (size_t row = 0; row < max_rows; row++)
        number[row] = (uint32_t)row;
    augmented->source = (mb_sample_source){.split = augmenter->source->split, .pixels = pixels};
    augmented->source.split.images.pixels = augmented->images;
    augmented->source.split.images.count = max_rows;
    augmented->source.split.labels = augmented->labels;
    return open_dots(augmented, max_rows, arena, error);
}

static void note_dots(const mb_augmented_batch *d, const mb_kernels *kernels, size_t row)
{
    const mb_sample_source *source = &d->source;
    const uint8_t *image = d->images + row * source->pixels;
    uint32_t *bound = d->bound + row * (source->segments + 1);
    bound[0] = (uint32_t)(row * source->pixels);
    for (size_t range = 0; range < source->segments; range++) {
        const size_t first = range * source->segment_pixels;
        const size_t pixels = least(source->segment_pixels, source->pixels - first);
        bound[range + 1] = bound[range] + (uint32_t)kernels->find_nonzero_pixels(
                                              pixels, image + first, d->dots + bound[range]);
    }
}

void mb_augmented_batch_fill(const mb_augmented_batch *augmented, const mb_kernels *kernels,
                             mb_sample_indices samples, size_t first, size_t end, size_t epoch,
                             void *scratch)
{
    const mb_augmented_batch *d = augmented;
    for (size_t row = first; row < least(end, samples.count); row++) {
        const size_t number = samples.index[row];
        d->labels[row] = d->augmenter->source->split.labels[number];
        mb_augment_image(d->augmenter, kernels, number, epoch, scratch,
                         d->images + row * d->source.pixels);
        if (d->dots != NULL)
            note_dots(d, kernels, row);
    }
}

void mb_augmented_batch_prefetch(const mb_augmented_batch *augmented, mb_sample_indices samples,
                                 size_t first, size_t end)
{
    for (size_t row = first; row < least(end, samples.count); row++)
        mb_sample_source_prefetch(augmented->augmenter->source, samples.index[row]);
}

#include "data/augment.h"

#include "core/rng.h"
#include "core/util.h"
#include "data/dataset.h"
#include "data/distort.h"

#include <math.h>
#include <string.h>

/* The Gaussian is cut off at 3 sigma: 0.3 % of its weight is beyond. */
static const double cutoff = 3.0;

/* Warps compute in 256ths of a pixel, on an image with a frame. */
enum { UNIT = 256, FRAME = 1 };

static const double degree = 3.14159265358979323846 / 180.0, unit = UNIT;

static size_t stride_of(const mb_augmenter *a) { return a->columns + 2 * FRAME; }

/* ---- scratch of one image ---- */

typedef struct workspace {
    uint8_t *framed; /* (rows + 3, stride) and 1: the framed image, and what taps at its lower and
                      * right edge read */
    uint32_t *taps;  /* (rows + 2, stride) */
    float *dx, *dy;  /* (pixels) */
    float *noise_x, *noise_y; /* (rows, columns padded to lanes) */
    float *smooth;            /* (rows, smooth_ld) smoothed along columns */
    size_t smooth_ld;
    size_t bytes;
} workspace;

static void *part(char *scratch, size_t bytes, size_t *used)
{
    void *begin = scratch != NULL ? scratch + *used : NULL;
    *used += mb_round_up(bytes, MB_CACHE_LINE);
    return begin;
}

/* Divides the scratch; with NULL only the size is counted. */
static workspace lay_out(const mb_augmenter *a, char *scratch)
{
    const size_t framed = (a->rows + 2 * FRAME) * stride_of(a), pixels = a->rows * a->columns;
    workspace work = {0};
    if (a->x == NULL)
        return work;
    work.framed = part(scratch, framed + stride_of(a) + 1, &work.bytes);
    work.taps = part(scratch, framed * sizeof *work.taps, &work.bytes);
    if (a->weights == NULL)
        return work;
    const size_t width = mb_pad_to_lanes(a->columns), noise = a->rows * width * sizeof(float);
    work.smooth_ld = width + 2 * a->radius;
    work.dx = part(scratch, (pixels + MB_LANES) * sizeof *work.dx, &work.bytes);
    work.dy = part(scratch, (pixels + MB_LANES) * sizeof *work.dy, &work.bytes);
    work.noise_x = part(scratch, noise, &work.bytes);
    work.noise_y = part(scratch, noise, &work.bytes);
    work.smooth = part(scratch, a->rows * work.smooth_ld * sizeof *work.smooth, &work.bytes);
    return work;
}

/* ---- tables common to all images ---- */

static mb_status make_tables(mb_augmenter *a, mb_arena *arena, mb_error *error)
{
    const size_t pixels = a->rows * a->columns;
    float *x = mb_arena_alloc(arena, pixels, sizeof *x);
    float *y = mb_arena_alloc(arena, pixels, sizeof *y);
    if (x == NULL || y == NULL)
        return mb_arena_status(arena, "augmentation", error);
    for (size_t p = 0; p < pixels; p++) {
        x[p] = (float)(p % a->columns) - 0.5f * (float)(a->columns - 1);
        y[p] = (float)(p / a->columns) - 0.5f * (float)(a->rows - 1);
    }
    a->x = x;
    a->y = y;
    return MB_OK;
}

/* A Gaussian whose weights sum to 1, those beyond the image included. */
static mb_status make_gaussian(mb_augmenter *a, mb_arena *arena, mb_error *error)
{
    const double sigma = a->options.elastic_sigma;
    const size_t end = (size_t)ceil(cutoff * sigma);
    a->radius = mb_min_size(end, mb_max_size(a->rows, a->columns) - 1);
    float *weights = mb_arena_alloc(arena, 2 * a->radius + 1, sizeof *weights);
    if (weights == NULL)
        return mb_arena_status(arena, "augmentation", error);
    double sum = 1.0;
    for (size_t k = 1; k <= end; k++)
        sum += 2.0 * exp(-0.5 * (double)(k * k) / (sigma * sigma));
    for (size_t k = 0; k <= a->radius; k++)
        weights[a->radius + k] = weights[a->radius - k] =
            (float)(exp(-0.5 * (double)(k * k) / (sigma * sigma)) / sum);
    a->weights = weights;
    return MB_OK;
}

/* Settles what depends on the images' background. */
static mb_status set_padding(mb_augmenter *a, mb_arena *arena, mb_error *error)
{
    const mb_images *images = &a->source->split.images;
    const bool has_background = mb_images_have_ground(images, MB_GROUND_DARK);
    const mb_padding_mode mode = a->options.padding_mode;
    uint8_t *fill = mb_arena_alloc(arena, images->channels, sizeof *fill);
    if (fill == NULL)
        return mb_arena_status(arena, "augmentation", error);
    a->fill = fill;
    a->reflect = mode == MB_PADDING_REFLECT || (mode == MB_PADDING_AUTO && !has_background);
    if (has_background || (a->options.cutout == 0 && a->reflect))
        return MB_OK;
    const mb_standardization standard = mb_images_standardization(images);
    for (size_t channel = 0; channel < images->channels; channel++)
        fill[channel] = (uint8_t)lrintf(255.0f * standard.mean[channel]);
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
    mb_status status = set_padding(augmenter, arena, error);
    if (status == MB_OK && options->kind != MB_AUGMENT_SHIFT)
        status = make_tables(augmenter, arena, error);
    if (status == MB_OK && options->kind == MB_AUGMENT_ELASTIC)
        status = make_gaussian(augmenter, arena, error);
    augmenter->scratch = lay_out(augmenter, NULL).bytes;
    return status;
}

/* ---- one image ---- */

/* Uniform in -max .. max. */
static double symmetric(double max, mb_rng *rng)
{
    return max * (2.0 * (double)mb_rng_uniform(rng) - 1.0);
}

/* The number of random numbers does not depend on the options. */
static mb_affine random_affine(const mb_augmentation *options, mb_rng *rng)
{
    mb_affine map;
    map.angle = symmetric(options->rotate, rng) * degree;
    map.wide = 1.0 + symmetric(options->scale, rng);
    map.high = 1.0 + symmetric(options->scale, rng);
    map.shear = symmetric(options->shear, rng);
    map.right = symmetric(options->shift, rng);
    map.down = symmetric(options->shift, rng);
    return map;
}

/* The inverse of a map, from the pixels of the new image to those of the old: with R the rotation,
 * H the shear and S the scales, a point p goes to RHSp + t, and a pixel q comes from the inverse of
 * RHS times (q - t). A flip that follows mirrors q first. */
static mb_warp inverse_of(const mb_augmenter *a, const mb_affine *map)
{
    const double cosine = cos(map->angle), sine = sin(map->angle);
    const double xx = (cosine + map->shear * sine) / map->wide;
    const double xy = (sine - map->shear * cosine) / map->wide;
    const double yx = -sine / map->high, yy = cosine / map->high;
    const double center_x = 0.5 * (double)(a->columns + 1), center_y = 0.5 * (double)(a->rows + 1);
    return (mb_warp){.xx = (float)(unit * xx),
                     .xy = (float)(unit * xy),
                     .x0 = (float)(unit * (center_x - xx * map->right - xy * map->down)),
                     .yx = (float)(unit * yx),
                     .yy = (float)(unit * yy),
                     .y0 = (float)(unit * (center_y - yx * map->right - yy * map->down)),
                     .max_x = (float)(unit * (double)(a->columns + 1)),
                     .max_y = (float)(unit * (double)(a->rows + 1)),
                     .stride = stride_of(a),
                     .reflect = a->reflect};
}

/* Copies one channel of an image, (rows, columns), into a frame of `fill`. */
static void put_in_frame(const mb_augmenter *a, const uint8_t *image, uint8_t fill, uint8_t *framed)
{
    const size_t stride = stride_of(a);
    memset(framed, fill, (a->rows + 3 * FRAME) * stride + 1);
    for (size_t row = 0; row < a->rows; row++)
        memcpy(framed + (row + FRAME) * stride + FRAME, image + row * a->columns, a->columns);
}

/* Displacements: uniform in -alpha .. alpha, then smoothed. */
static void displace(const mb_augmenter *a, const mb_kernels *kernels, uint64_t state,
                     const workspace *work)
{
    const float max = (float)(a->options.elastic_alpha * UNIT);
    kernels->noise(state, a->rows * mb_pad_to_lanes(a->columns), max, work->noise_x, work->noise_y);
    memset(work->smooth, 0, a->rows * work->smooth_ld * sizeof *work->smooth);
    for (size_t axis = 0; axis < 2; axis++) {
        kernels->smooth_columns(a->rows, a->columns, a->radius, a->weights,
                                axis == 0 ? work->noise_x : work->noise_y, work->smooth + a->radius,
                                work->smooth_ld);
        kernels->smooth_rows(a->rows, a->columns, a->radius, a->weights, work->smooth,
                             work->smooth_ld, axis == 0 ? work->dx : work->dy);
    }
}

/* The random numbers of a flip and a cutout follow those of the distortion. */
typedef struct flip_and_cutout {
    bool flip;
    size_t row, column; /* the center of the cutout */
} flip_and_cutout;

static flip_and_cutout random_flip_and_cutout(const mb_augmenter *a, mb_rng *rng)
{
    const bool flip = mb_rng_below(rng, 2) == 1 && a->options.flip;
    const size_t row = mb_rng_below(rng, (uint32_t)a->rows);
    return (flip_and_cutout){flip, row, mb_rng_below(rng, (uint32_t)a->columns)};
}

static void apply_cutout(const mb_augmenter *a, const flip_and_cutout *random, uint8_t fill,
                         uint8_t *image)
{
    const size_t side = a->options.cutout, before = side / 2;
    const size_t top = random->row - mb_min_size(before, random->row);
    const size_t left = random->column - mb_min_size(before, random->column);
    const size_t bottom = mb_min_size(random->row + side - before, a->rows);
    const size_t right = mb_min_size(random->column + side - before, a->columns);
    for (size_t row = top; row < bottom && side > 0; row++)
        memset(image + row * a->columns + left, fill, right - left);
}

/* -max .. max. */
static ptrdiff_t whole_pixels(double max, mb_rng *rng)
{
    const uint32_t limit = (uint32_t)max;
    return (ptrdiff_t)mb_rng_below(rng, 2 * limit + 1) - (ptrdiff_t)limit;
}

static flip_and_cutout shift_image(const mb_augmenter *a, const mb_kernels *kernels,
                                   const uint8_t *original, mb_rng *rng, uint8_t *image)
{
    const size_t pixels = a->rows * a->columns;
    mb_shift shift = {.rows = a->rows, .columns = a->columns, .reflect = a->reflect};
    shift.right = whole_pixels(a->options.shift, rng);
    shift.down = whole_pixels(a->options.shift, rng);
    const flip_and_cutout random = random_flip_and_cutout(a, rng);
    shift.flip = random.flip;
    for (size_t channel = 0; channel * pixels < a->source->pixels; channel++) {
        shift.fill = a->fill[channel];
        kernels->shift_image(&shift, original + channel * pixels, image + channel * pixels);
    }
    return random;
}

/* All channels are treated alike. */
static void apply_warp(const mb_augmenter *a, const mb_kernels *kernels, const mb_warp *warp,
                       const workspace *work, const uint8_t *original, uint8_t *image)
{
    const size_t pixels = a->rows * a->columns, framed = (a->rows + 2 * FRAME) * stride_of(a);
    for (size_t channel = 0; channel * pixels < a->source->pixels; channel++) {
        put_in_frame(a, original + channel * pixels, a->fill[channel], work->framed);
        kernels->bilinear_taps(framed, stride_of(a), work->framed, work->taps);
        kernels->warp(pixels, warp, a->x, a->y, work->dx, work->dy, work->taps,
                      image + channel * pixels);
    }
}

void mb_map_image(const mb_augmenter *a, const mb_kernels *kernels, const mb_affine *map,
                  const uint8_t *original, void *scratch, uint8_t *image)
{
    const workspace work = lay_out(a, scratch);
    const mb_warp warp = inverse_of(a, map);
    apply_warp(a, kernels, &warp, &work, original, image);
}

static flip_and_cutout warp_image(const mb_augmenter *a, const mb_kernels *kernels,
                                  const uint8_t *original, mb_rng *rng, void *scratch,
                                  uint8_t *image)
{
    const workspace work = lay_out(a, scratch);
    const mb_affine map = random_affine(&a->options, rng);
    mb_warp warp = inverse_of(a, &map);
    const uint64_t state = mb_rng_next(rng);
    const flip_and_cutout random = random_flip_and_cutout(a, rng);
    if (random.flip) {
        warp.xx = -warp.xx;
        warp.yx = -warp.yx;
    }
    if (a->weights != NULL)
        displace(a, kernels, state, &work);
    apply_warp(a, kernels, &warp, &work, original, image);
    return random;
}

void mb_augment_image(const mb_augmenter *a, const mb_kernels *kernels, size_t index, size_t epoch,
                      void *scratch, uint8_t *image)
{
    const uint8_t *original = mb_sample_source_image(a->source, index);
    const size_t pixels = a->rows * a->columns;
    if (a->distortion != NULL) {
        mb_distort_image(a, kernels, index, scratch, image);
        return;
    }
    if (epoch >= a->plain_from) {
        memcpy(image, original, a->source->pixels);
        return;
    }
    mb_rng rng = mb_rng_at(a->seed, MB_RNG_AUGMENTATION, epoch, index);
    const flip_and_cutout random = a->x != NULL
                                       ? warp_image(a, kernels, original, &rng, scratch, image)
                                       : shift_image(a, kernels, original, &rng, image);
    for (size_t channel = 0; channel * pixels < a->source->pixels; channel++)
        apply_cutout(a, &random, a->fill[channel], image + channel * pixels);
}

/* ---- the images of a step ---- */

mb_status mb_augmented_batch_open(const mb_augmenter *augmenter, size_t max_rows, mb_arena *arena,
                                  mb_augmented_batch *augmented, mb_error *error)
{
    const mb_sample_source *original = augmenter->source;
    uint32_t *index = mb_arena_alloc(arena, max_rows, sizeof *index);
    *augmented = (mb_augmented_batch){.augmenter = augmenter,
                                      .source = *original,
                                      .images = mb_arena_alloc(arena, max_rows, original->pixels),
                                      .labels = mb_arena_alloc(arena, max_rows, 1),
                                      .index = index};
    for (size_t row = 0; row < max_rows && index != NULL; row++)
        index[row] = (uint32_t)row;
    augmented->source.split.images.pixels = augmented->images;
    augmented->source.split.images.count = max_rows;
    augmented->source.split.labels = augmented->labels;
    return mb_arena_status(arena, "augmentation", error);
}

void mb_augmented_batch_fill(const mb_augmented_batch *augmented, const mb_kernels *kernels,
                             mb_sample_indices samples, size_t first, size_t end, size_t epoch,
                             void *scratch)
{
    const mb_augmenter *augmenter = augmented->augmenter;
    const size_t pixels = augmented->source.pixels;
    for (size_t row = first; row < mb_min_size(end, samples.count); row++) {
        const size_t index = samples.index[row];
        augmented->labels[row] = augmenter->source->split.labels[index];
        mb_augment_image(augmenter, kernels, index, epoch, scratch,
                         augmented->images + row * pixels);
    }
}

void mb_augmented_batch_prefetch(const mb_augmented_batch *augmented, mb_sample_indices samples,
                                 size_t first, size_t end)
{
    for (size_t row = first; row < mb_min_size(end, samples.count); row++)
        mb_prefetch(mb_sample_source_image(augmented->augmenter->source, samples.index[row]),
                    augmented->source.pixels);
}

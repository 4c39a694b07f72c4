#include "data/augment.h"
#include "data/dataset.h"
#include "test.h"

#include "random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Augmented images, compared with a slow reference in double without taps, fixed point and
 * separable sums. */

enum { IMAGES = 12, MAX_PIXELS = 64 * 48, MAX_BYTES = 3 * MAX_PIXELS, SEED = 5 };

static const mb_shape shapes[] = {{1, 1, 1},  {3, 5, 7},   {1, 28, 28}, {3, 28, 28},
                                  {1, 1, 40}, {3, 64, 48}, {1, 64, 48}, {3, 33, 1}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static uint8_t pixels_of[IMAGES * MAX_BYTES], labels[IMAGES];
static double field_x[MAX_PIXELS], field_y[MAX_PIXELS];
/* Where a pixel of the augmented image comes from. */
static double source_x[MAX_PIXELS], source_y[MAX_PIXELS];

/* ---- the reference ---- */

static double symmetric(double max, mb_rng *rng)
{
    return max * (2.0 * (double)mb_rng_uniform(rng) - 1.0);
}

/* Simard's field by definition: at each pixel, the noise of all pixels weighted by distance. */
static void reference_field(const mb_augmentation *options, size_t rows, size_t columns,
                            uint64_t state)
{
    const double sigma = options->elastic_sigma, reach = ceil(3.0 * sigma);
    const size_t width = mb_pad_to_lanes(columns);
    static double noise_x[64 * 48], noise_y[64 * 48];
    mb_rng rng = {state - 0x9e3779b97f4a7c15u};
    double whole = 0.0;
    for (double k = -reach; k <= reach; k++)
        whole += exp(-0.5 * k * k / (sigma * sigma));
    for (size_t i = 0; i < rows * width; i++) {
        const uint64_t bits = mb_rng_next(&rng);
        const size_t p = i / width * columns + i % width;
        if (i % width >= columns)
            continue;
        noise_x[p] = (double)(int32_t)(bits >> 32) * 0x1p-31;
        noise_y[p] = (double)(int32_t)bits * 0x1p-31;
    }
    for (size_t p = 0; p < rows * columns; p++) {
        field_x[p] = field_y[p] = 0.0;
        for (size_t q = 0; q < rows * columns; q++) {
            const double down = (double)(p / columns) - (double)(q / columns);
            const double across = (double)(p % columns) - (double)(q % columns);
            if (fabs(down) > reach || fabs(across) > reach)
                continue;
            const double weight =
                exp(-0.5 * (down * down + across * across) / (sigma * sigma)) / (whole * whole);
            field_x[p] += options->elastic_alpha * weight * noise_x[q];
            field_y[p] += options->elastic_alpha * weight * noise_y[q];
        }
    }
}

/* Mirrored at the outermost pixels, as often as it takes. */
static double mirror(double at, size_t n)
{
    const double last = (double)n - 1.0, period = 2.0 * last;
    if (n == 1)
        return 0.0;
    at = fabs(at) - period * floor(fabs(at) / period);
    return at <= last ? at : period - at;
}

static double pixel_at(const uint8_t *image, size_t rows, size_t columns, uint8_t fill, double row,
                       double column)
{
    if (row < 0 || column < 0 || row >= (double)rows || column >= (double)columns)
        return fill;
    return (double)image[(size_t)row * columns + (size_t)column];
}

static double bilinear(const uint8_t *image, size_t rows, size_t columns, uint8_t fill, double row,
                       double column)
{
    const double above = floor(row), left = floor(column);
    const double below = row - above, right = column - left;
    return (1 - below) * (1 - right) * pixel_at(image, rows, columns, fill, above, left) +
           (1 - below) * right * pixel_at(image, rows, columns, fill, above, left + 1) +
           below * (1 - right) * pixel_at(image, rows, columns, fill, above + 1, left) +
           below * right * pixel_at(image, rows, columns, fill, above + 1, left + 1);
}

/* Pixels of the cutout, and those that come from the mirrored image. */
static bool cut[MAX_PIXELS];

/* Draws flip and cutout; true if the image is flipped. */
static bool find_finish(const mb_augmentation *options, size_t rows, size_t columns, mb_rng *rng)
{
    const bool flip = mb_rng_below(rng, 2) == 1 && options->flip;
    const double row = (double)mb_rng_below(rng, (uint32_t)rows);
    const double column = (double)mb_rng_below(rng, (uint32_t)columns);
    const double side = (double)options->cutout, before = floor(side / 2.0);
    for (size_t p = 0; p < rows * columns; p++) {
        const double down = (double)(p / columns) - row, across = (double)(p % columns) - column;
        cut[p] =
            down >= -before && down < side - before && across >= -before && across < side - before;
    }
    return flip;
}

/* Whole pixels, and what they come from: a mirrored image. */
static void find_shifted(const mb_augmentation *options, size_t rows, size_t columns, mb_rng *rng)
{
    const uint32_t max = (uint32_t)options->shift;
    const double right = (double)mb_rng_below(rng, 2 * max + 1) - max;
    const double down = (double)mb_rng_below(rng, 2 * max + 1) - max;
    const bool flip = find_finish(options, rows, columns, rng);
    for (size_t p = 0; p < rows * columns; p++) {
        const double column = (double)(p % columns) - right;
        source_x[p] = flip ? (double)columns - 1.0 - column : column;
        source_y[p] = (double)(p / columns) - down;
    }
}

/* The source of a pixel: the forward map, p (from the centre) to R H S p + t, solved for p by
 * Cramer's rule. */
static void find_warped(const mb_augmentation *options, size_t rows, size_t columns, mb_rng rng)
{
    const double angle = symmetric(options->rotate, &rng) * acos(-1.0) / 180.0;
    const double wide = 1.0 + symmetric(options->scale, &rng),
                 high = 1.0 + symmetric(options->scale, &rng);
    const double slant = symmetric(options->shear, &rng);
    const double right = symmetric(options->shift, &rng), down = symmetric(options->shift, &rng);
    const double a = cos(angle) * wide, b = (cos(angle) * slant - sin(angle)) * high;
    const double c = sin(angle) * wide, d = (sin(angle) * slant + cos(angle)) * high;
    const double middle_x = 0.5 * (double)(columns - 1), middle_y = 0.5 * (double)(rows - 1);
    const int elastic = options->kind == MB_AUGMENT_ELASTIC;
    const uint64_t state = mb_rng_next(&rng);
    const bool flip = find_finish(options, rows, columns, &rng);
    if (elastic)
        reference_field(options, rows, columns, state);
    for (size_t p = 0; p < rows * columns; p++) {
        const double x = (flip ? -1.0 : 1.0) * ((double)(p % columns) - middle_x) - right;
        const double y = (double)(p / columns) - middle_y - down;
        source_x[p] = (d * x - b * y) / (a * d - b * c) + middle_x + (elastic ? field_x[p] : 0.0);
        source_y[p] = (a * y - c * x) / (a * d - b * c) + middle_y + (elastic ? field_y[p] : 0.0);
    }
}

/* ---- tests ---- */

typedef struct bench {
    mb_arena arena;
    mb_sample_source source;
    mb_augmenter augmenter;
    void *scratch;
} bench;

/* The background, or the mean of a channel of images without one. */
static uint8_t fill_of(const mb_images *images, size_t channel)
{
    const size_t pixels = images->rows * images->columns, all = images->count * pixels;
    double sum = 0.0;
    for (size_t i = 0; i < all; i++)
        sum += images->pixels[(i / pixels * images->channels + channel) * pixels + i % pixels];
    return mb_images_have_ground(images, MB_GROUND_DARK) ? 0
                                                         : (uint8_t)floor(sum / (double)all + 0.5);
}

/* Image 0 is blank, 1 is full, 2 has its corners set, the others are strokes of noise. With
 * `dense`, all pixels are above 0. */
static void draw_images(size_t pixels, int dense)
{
    for (size_t i = 0; i < IMAGES; i++)
        labels[i] = (uint8_t)(i % 4);
    for (size_t i = 0; i < IMAGES * pixels; i++) {
        const int ink = i / pixels > 2 && mb_rng_below(mb_test_rng(), 4) == 0;
        pixels_of[i] = ink ? (uint8_t)mb_test_random_size(1, 255) : (uint8_t)(dense ? 103 : 0);
    }
    memset(pixels_of + pixels, 255, pixels);
    pixels_of[2 * pixels] = pixels_of[3 * pixels - 1] = 255;
}

static bench *open_bench(const mb_augmentation *options, mb_shape shape, int dense)
{
    bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    draw_images(shape.channels * shape.rows * shape.columns, dense);
    const mb_split split = {{pixels_of, IMAGES, shape.channels, shape.rows, shape.columns}, labels};
    assert_int_equal(mb_sample_source_open(&split, NULL, true, &b->arena, &b->source, NULL), MB_OK);
    assert_int_equal(mb_augmenter_open(options, SEED, &b->source, &b->arena, &b->augmenter, NULL),
                     MB_OK);
    b->scratch = mb_arena_alloc(&b->arena, b->augmenter.scratch, 1);
    assert_non_null(b->scratch);
    memset(b->scratch, 0xa5, b->augmenter.scratch);
    return b;
}

static void close_bench(bench *b)
{
    mb_arena_free(&b->arena);
    free(b);
}

static mb_augmentation draw_strengths(mb_augmentation_kind kind)
{
    float u[6];
    mb_test_random_floats(u, 6); /* -2 .. 2 */
    return (mb_augmentation){.kind = kind,
                             .padding_mode = mb_test_random_size(0, 1) == 0 ? MB_PADDING_CONSTANT
                                                                            : MB_PADDING_REFLECT,
                             .flip = mb_test_random_size(0, 1) == 0,
                             .cutout = mb_test_random_size(0, 8),
                             .rotate = 90.0 * fabs((double)u[0]),
                             .scale = 0.45 * fabs((double)u[1]),
                             .shear = fabs((double)u[2]),
                             .shift = 3.0 * fabs((double)u[3]),
                             .elastic_alpha = 30.0 * fabs((double)u[4]),
                             .elastic_sigma = 0.3 + 3.0 * fabs((double)u[5])};
}

/* What pixel p of a channel, `original` before augmentation, has to be. */
static double expected_pixel(const mb_augmenter *a, const uint8_t *original, uint8_t fill, size_t p)
{
    double x = source_x[p], y = source_y[p];
    if (a->options.padding_mode == MB_PADDING_REFLECT) {
        x = mirror(x, a->columns);
        y = mirror(y, a->rows);
    }
    return cut[p] ? fill : floor(bilinear(original, a->rows, a->columns, fill, y, x) + 0.5);
}

/* All channels come from the same places. */
static void check_image(const bench *b, const mb_kernels *kernels, size_t number, size_t epoch)
{
    const mb_augmenter *a = &b->augmenter;
    const size_t pixels = a->rows * a->columns, bytes = b->source.pixels;
    mb_rng rng = mb_rng_at(SEED, MB_RNG_AUGMENTATION, epoch, number);
    static uint8_t image[MAX_BYTES + 1];
    image[bytes] = 77;
    mb_augment_image(a, kernels, number, epoch, b->scratch, image);
    assert_int_equal(image[bytes], 77);
    if (a->options.kind == MB_AUGMENT_SHIFT)
        find_shifted(&a->options, a->rows, a->columns, &rng);
    else
        find_warped(&a->options, a->rows, a->columns, rng);
    const double error = a->options.kind == MB_AUGMENT_SHIFT ? 0.0 : 1.0;
    uint8_t fill = 0;
    for (size_t i = 0; i < bytes; i++) {
        const size_t p = i % pixels;
        fill = p == 0 ? fill_of(&b->source.split.images, i / pixels) : fill;
        const double expected = expected_pixel(a, pixels_of + number * bytes + i - p, fill, p);
        if (fabs((double)image[i] - expected) > error)
            fail_msg("image %zu of %zux%zu, channel %zu, pixel %zu: %d, and %g is right", number,
                     a->rows, a->columns, i / pixels, p, image[i], expected);
    }
}

static void check_kind(mb_augmentation_kind kind, size_t rounds)
{
    for (size_t round = 0; round < rounds; round++)
        for (size_t s = 0; s < SHAPES; s++) {
            const mb_augmentation options = draw_strengths(kind);
            bench *b = open_bench(&options, shapes[s], round % 3 == 2);
            for (size_t number = 0; number < 5; number++)
                check_image(b, mb_kernels_best(), number, round);
            close_bench(b);
        }
}

TEST(shifts_are_exact) { check_kind(MB_AUGMENT_SHIFT, 60); }

TEST(affine_is_within_a_gray_level_of_the_reference) { check_kind(MB_AUGMENT_AFFINE, 60); }

TEST(elastic_is_within_a_gray_level_of_the_reference) { check_kind(MB_AUGMENT_ELASTIC, 3); }

TEST(nothing_changes_without_strengths)
{
    for (mb_augmentation_kind kind = MB_AUGMENT_SHIFT; kind <= MB_AUGMENT_ELASTIC; kind++)
        for (size_t s = 0; s < 2 * SHAPES; s++) {
            const mb_augmentation options = {.kind = kind, .elastic_sigma = 4.0};
            uint8_t image[MAX_BYTES];
            bench *b = open_bench(&options, shapes[s / 2], s % 2);
            const size_t bytes = b->source.pixels;
            for (size_t number = 0; number < IMAGES; number++) {
                mb_augment_image(&b->augmenter, mb_kernels_best(), number, s, b->scratch, image);
                assert_memory_equal(image, pixels_of + number * bytes, bytes);
            }
            close_bench(b);
        }
}

TEST(images_stay_as_they_are_from_an_epoch_on)
{
    for (int dense = 0; dense < 2; dense++) {
        const mb_augmentation options = {.kind = MB_AUGMENT_AFFINE, .shift = 3.0};
        uint8_t image[784];
        bench *b = open_bench(&options, (mb_shape){1, 28, 28}, dense);
        b->augmenter.plain_from = 5;
        for (size_t number = 0; number < IMAGES; number++) {
            mb_augment_image(&b->augmenter, mb_kernels_best(), number, 5, b->scratch, image);
            assert_memory_equal(image, pixels_of + number * 784, 784);
            mb_augment_image(&b->augmenter, mb_kernels_best(), number, 9, b->scratch, image);
            assert_memory_equal(image, pixels_of + number * 784, 784);
        }
        mb_augment_image(&b->augmenter, mb_kernels_best(), 7, 4, b->scratch, image);
        assert_memory_not_equal(image, pixels_of + 7 * 784, 784);
        close_bench(b);
    }
}

/* Each parameter alone changes an image without symmetry. */
TEST(each_strength_plays_a_part)
{
    const mb_augmentation strengths[] = {{.rotate = 20.0},
                                         {.scale = 0.3},
                                         {.shear = 0.3},
                                         {.shift = 2.0},
                                         {.kind = MB_AUGMENT_SHIFT, .shift = 2.0},
                                         {.kind = MB_AUGMENT_ELASTIC, .elastic_alpha = 30.0}};
    for (size_t i = 0; i < sizeof strengths / sizeof strengths[0]; i++) {
        mb_augmentation options = strengths[i];
        options.kind = options.kind == MB_AUGMENT_NONE ? MB_AUGMENT_AFFINE : options.kind;
        options.elastic_sigma = 4.0;
        uint8_t image[784], other[784];
        bench *b = open_bench(&options, (mb_shape){1, 28, 28}, 0);
        mb_augment_image(&b->augmenter, mb_kernels_best(), 7, 0, b->scratch, image);
        assert_memory_not_equal(image, pixels_of + 7 * 784, 784);
        mb_augment_image(&b->augmenter, mb_kernels_best(), 7, 1, b->scratch, other);
        assert_memory_not_equal(image, other, 784);
        b->augmenter.seed++;
        mb_augment_image(&b->augmenter, mb_kernels_best(), 7, 0, b->scratch, other);
        assert_memory_not_equal(image, other, 784);
        close_bench(b);
    }
}

TEST(kernel_sets_give_the_same_bytes)
{
    for (size_t round = 0; round < 40; round++) {
        const mb_augmentation options =
            draw_strengths((mb_augmentation_kind)(MB_AUGMENT_SHIFT + round % 3));
        uint8_t image[MAX_BYTES], other[MAX_BYTES];
        bench *b = open_bench(&options, shapes[round % SHAPES], round % 5 == 0);
        size_t sets;
        const mb_kernel_set *set = mb_kernel_sets(&sets);
        mb_augment_image(&b->augmenter, &set[0].kernels, 7, 0, b->scratch, image);
        for (size_t i = 1; i < sets; i++) {
            mb_augment_image(&b->augmenter, &set[i].kernels, 7, 0, b->scratch, other);
            assert_memory_equal(image, other, b->source.pixels);
        }
        close_bench(b);
    }
}

/* ---- the rows of a step ---- */

/* The row has the bytes and the label of sample `number`. */
static void check_row(const bench *b, const mb_augmented_batch *d, size_t row, size_t number)
{
    const size_t pixels = d->source.pixels;
    uint8_t image[MAX_BYTES];
    mb_augment_image(&b->augmenter, mb_kernels_best(), number, 3, b->scratch, image);
    assert_memory_equal(d->source.split.images.pixels + row * pixels, image, pixels);
    assert_int_equal(d->source.split.labels[row], labels[number]);
}

/* Rows are filled in any order, in pieces, over those of an earlier step. */
TEST(rows_are_the_samples_whatever_the_batch)
{
    for (size_t round = 0; round < 3 * SHAPES; round++) {
        const mb_augmentation options =
            draw_strengths((mb_augmentation_kind)(MB_AUGMENT_SHIFT + round % 3));
        bench *b = open_bench(&options, shapes[round % SHAPES], round % 3 == 0);
        const uint32_t number[] = {7, 1, 11, 7, 0, 2, 9};
        const size_t rows = mb_test_random_size(1, 7), capacity = rows + mb_test_random_size(0, 3);
        mb_augmented_batch d;
        assert_int_equal(mb_augmented_batch_open(&b->augmenter, capacity, &b->arena, &d, NULL),
                         MB_OK);
        assert_true(mb_sample_source_is_sparse(&d.source) ==
                    mb_sample_source_is_sparse(&b->source));
        const mb_sample_indices samples = {number, rows},
                                full = {(uint32_t[]){1, 1, 1, 1, 1, 1, 1}, rows};
        mb_augmented_batch_fill(&d, mb_kernels_best(), full, 0, capacity, 2, b->scratch);
        for (size_t end = capacity; end > 0; end--)
            mb_augmented_batch_fill(&d, mb_kernels_best(), samples, end - 1,
                                    end + (end == capacity) * 5, 3, b->scratch);
        for (size_t row = 0; row < rows; row++)
            check_row(b, &d, row, number[row]);
        for (size_t row = 0; row < capacity; row++)
            assert_int_equal(d.index[row], row);
        mb_augmented_batch_prefetch(&d, samples, 0, capacity + 5);
        close_bench(b);
    }
}

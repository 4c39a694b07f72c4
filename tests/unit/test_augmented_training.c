#include "random.h"
#include "test.h"
#include "train/trainer.h"
#include "training.h"

#include <mnist_blas/mnist_blas.h>
#include <stdlib.h>
#include <string.h>

/* Training with augmentation gives the same bits as training on images augmented in advance, with
 * any thread count and batch size; evaluation uses the original images. */

enum { SAMPLES = 330, ROWS = 11, COLUMNS = 23, PIXELS = ROWS * COLUMNS, CLASSES = 4 };

static uint8_t images[SAMPLES * PIXELS], varied[SAMPLES * PIXELS], labels[SAMPLES];
static uint32_t order[SAMPLES];

/* A bar whose position is the class; with `dense`, no pixel is 0. The order is irregular. */
static void draw_set(int dense)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        labels[i] = (uint8_t)(i % CLASSES);
        order[i] = (uint32_t)(i * 7 % SAMPLES);
        for (size_t p = 0; p < PIXELS; p++) {
            const int bar = p % COLUMNS / 6 == i % CLASSES && p / COLUMNS > 2;
            images[i * PIXELS + p] = (uint8_t)(bar ? mb_test_random_size(100, 255) : dense ? 9 : 0);
        }
    }
}

static mb_training_options options_of(mb_augmentation_kind kind, size_t batch_size)
{
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    options.batch_size = batch_size;
    options.augmentation.kind = kind;
    options.augmentation.rotate = 30.0;
    options.augmentation.flip = true;
    options.augmentation.cutout = 5;
    return options;
}

/* The augmented images of the first epoch of a run with these options. */
static void vary(const mb_training_options *options)
{
    mb_arena arena = {0};
    mb_augmenter augmenter;
    const mb_sample_source source = {.split = {{images, SAMPLES, 1, ROWS, COLUMNS}, labels},
                                     .pixels = PIXELS};
    assert_int_equal(
        mb_augmenter_open(&options->augmentation, options->seed, &source, &arena, &augmenter, NULL),
        MB_OK);
    void *scratch = mb_arena_alloc(&arena, augmenter.scratch, 1);
    assert_non_null(scratch);
    for (size_t i = 0; i < SAMPLES; i++)
        mb_augment_image(&augmenter, mb_kernels_best(), i, 0, scratch, varied + i * PIXELS);
    mb_arena_free(&arena);
}

static mb_network *open_network(mb_machine *machine, const char *spec)
{
    return mb_test_network(machine, spec, (mb_shape){1, ROWS, COLUMNS}, CLASSES);
}

/* The *count parameters after one epoch. */
static float *train(const uint8_t *pixels, const mb_training_options *options, size_t threads,
                    size_t *count)
{
    mb_machine *machine = mb_test_machine(threads);
    mb_network *network = open_network(machine, "dense:40,relu,dropout:0.3,dense:4");
    mb_test_training t;
    const mb_split split = {{pixels, SAMPLES, 1, ROWS, COLUMNS}, labels};
    mb_test_training_open(machine, network, &split, order, SAMPLES, options, &t);
    const size_t steps = mb_data_loader_steps(&t.epoch.loader);
    assert_int_equal(mb_test_training_run(&t, 0, steps), steps);
    *count = mb_network_parameter_count(network);
    float *all = mb_test_parameters(network);
    mb_test_training_close(&t);
    mb_machine_close(machine);
    return all;
}

static void check(mb_augmentation_kind kind, size_t batch_size)
{
    size_t count;
    const mb_training_options options = options_of(kind, batch_size);
    const mb_training_options plain = options_of(MB_AUGMENT_NONE, batch_size);
    vary(&options);
    float *wanted = train(varied, &plain, 1, &count), *other = train(images, &plain, 1, &count);
    assert_memory_not_equal(wanted, other, count * sizeof *wanted);
    for (size_t threads = 1; threads <= 4; threads++)
        assert_memory_equal(wanted, train(images, &options, threads, &count),
                            count * sizeof *wanted);
}

static void is_training_on_varied_images(int dense)
{
    static const size_t batch_sizes[] = {1, 3, 64, 100, SAMPLES};
    draw_set(dense);
    for (size_t i = 0; i < sizeof batch_sizes / sizeof batch_sizes[0]; i++)
        for (mb_augmentation_kind kind = MB_AUGMENT_SHIFT; kind <= MB_AUGMENT_ELASTIC; kind++)
            check(kind, batch_sizes[i]);
}

TEST(sparse_images_are_varied_on_the_way) { is_training_on_varied_images(0); }

TEST(dense_images_are_varied_on_the_way) { is_training_on_varied_images(1); }

/* A phase knows a sample's row and its index in the data set. */
TEST(a_step_knows_its_samples)
{
    draw_set(0);
    mb_arena arena = {0};
    mb_sample_source source;
    mb_augmenter augmenter;
    mb_data_loader loader;
    const mb_training_options options = options_of(MB_AUGMENT_AFFINE, 64);
    const mb_split split = {{images, SAMPLES, 1, ROWS, COLUMNS}, labels};
    assert_int_equal(mb_sample_source_open(&split, NULL, true, &arena, &source, NULL), MB_OK);
    assert_int_equal(mb_augmenter_open(&options.augmentation, 1, &source, &arena, &augmenter, NULL),
                     MB_OK);
    for (int augments = 0; augments < 2; augments++) {
        const mb_data_loader_config config = {&source, augments ? &augmenter : NULL, SAMPLES, 64};
        assert_int_equal(mb_data_loader_open(&config, mb_kernels_best(), 1, &arena, &loader, NULL),
                         MB_OK);
        loader.order = order;
        loader.epoch = 8;
        const mb_step step = mb_data_loader_step(&loader, 5); /* the last, and smaller */
        assert_int_equal(step.samples.count, SAMPLES % 64);
        assert_int_equal(step.dataset_samples.count, SAMPLES % 64);
        assert_int_equal(step.next.count, 0);
        assert_int_equal(step.epoch, 8);
        for (size_t row = 0; row < SAMPLES % 64; row++) {
            assert_int_equal(step.dataset_samples.index[row], order[5 * 64 + row]);
            assert_int_equal(step.samples.index[row], augments ? row : order[5 * 64 + row]);
        }
        assert_ptr_equal(mb_data_loader_step(&loader, 4).next.index, order + 5 * 64);
    }
    mb_arena_free(&arena);
}

/* mb_train's accuracy after an epoch equals that of evaluating the network on the original images.
 */
TEST(evaluation_sees_images_as_they_are)
{
    draw_set(0);
    mb_machine *machine = mb_test_machine(2);
    mb_network *network = open_network(machine, "dense:4");
    mb_evaluation *evaluation = NULL;
    mb_training_options options = options_of(MB_AUGMENT_ELASTIC, 64);
    options.epochs = 1;
    const mb_split split = {{images, SAMPLES, 1, ROWS, COLUMNS}, labels};
    const mb_dataset dataset = {.classes = CLASSES, .train = split, .test = split};
    mb_trainer *trainer = NULL;
    assert_int_equal(mb_trainer_open(machine, network, &dataset, &options, NULL, &trainer, NULL),
                     MB_OK);
    assert_int_equal(mb_trainer_run_epoch(trainer, NULL), MB_OK);
    const double seen = (double)trainer->test.epoch.stats.correct / SAMPLES;
    mb_trainer_close(trainer);
    assert_int_equal(mb_evaluate(machine, network, &split, &evaluation, NULL), MB_OK);
    assert_true(seen == evaluation->accuracy);
    mb_evaluation_free(evaluation);
    mb_machine_close(machine);
}

/* A layer's weights after a run of `epochs` epochs. */
static void run(mb_augmentation_kind kind, size_t epochs, size_t plain_epochs,
                float weights[CLASSES * PIXELS])
{
    mb_machine *machine = mb_test_machine(2);
    mb_network *network = open_network(machine, "dense:4");
    mb_training_options options = options_of(kind, 64);
    options.epochs = epochs;
    options.schedule = MB_SCHEDULE_CONSTANT;
    options.augmentation.plain_epochs = plain_epochs;
    const mb_split split = {{images, SAMPLES, 1, ROWS, COLUMNS}, labels};
    const mb_dataset dataset = {.classes = CLASSES, .train = split, .test = split};
    assert_int_equal(mb_train(machine, network, &dataset, &options, NULL, NULL), MB_OK);
    mb_network_get_tensor(network, 0, weights);
    mb_machine_close(machine);
}

TEST(the_last_epochs_are_plain)
{
    static float varied_only[CLASSES * PIXELS], one[CLASSES * PIXELS], all[CLASSES * PIXELS],
        off[CLASSES * PIXELS];
    for (int dense = 0; dense < 2; dense++) {
        draw_set(dense);
        run(MB_AUGMENT_AFFINE, 2, 0, varied_only);
        run(MB_AUGMENT_AFFINE, 2, 1, one);
        run(MB_AUGMENT_AFFINE, 2, 2, all);
        run(MB_AUGMENT_NONE, 2, 0, off);
        assert_memory_equal(all, off, sizeof all);
        assert_memory_not_equal(one, off, sizeof one);
        assert_memory_not_equal(one, varied_only, sizeof one);
    }
}

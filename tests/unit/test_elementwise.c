/* Element-wise layers may work out of place: a ReLU that writes its own matrix, and whose backward
 * pass reads its input, gives the same bits as the one in place. */
#include "test.h"

#include "nn/elementwise.h"
#include "nn/kinds.h"
#include "random.h"
#include "training.h"

#include <mnist_blas/evaluation.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 12, PIXELS = SIDE * SIDE, IMAGES = 70, CLASSES = 4 };

static uint8_t images[IMAGES * PIXELS], labels[IMAGES];
static uint32_t order[IMAGES];

static void relu_forward(const mb_kernels *kernels, size_t rows, size_t columns, const float *in,
                         float *out, size_t ld)
{
    (void)kernels;
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < columns; c++)
            out[row * ld + c] = in[row * ld + c] > 0.0f ? in[row * ld + c] : 0.0f;
}

static void relu_backward(const mb_kernels *kernels, size_t rows, size_t columns,
                          const float *saved, const float *d_out, float *d_in, size_t ld)
{
    (void)kernels;
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < columns; c++)
            d_in[row * ld + c] = saved[row * ld + c] > 0.0f ? d_out[row * ld + c] : 0.0f;
}

static const mb_layer_ops relu_apart = {.name = "relu",
                                        .backward_needs_input = true,
                                        .elementwise_forward = relu_forward,
                                        .elementwise_backward = relu_backward,
                                        MB_ELEMENTWISE};

static int open_machine(void **state)
{
    for (size_t i = 0; i < IMAGES; i++) {
        mb_rng rng = mb_rng_at(1, MB_RNG_TESTS, 0, i);
        order[i] = (uint32_t)i;
        labels[i] = (uint8_t)(i % CLASSES);
        for (size_t p = 0; p < PIXELS; p++)
            images[i * PIXELS + p] = (uint8_t)mb_rng_below(&rng, 256);
    }
    *state = mb_test_machine(3);
    return 0;
}

static int close_machine(void **state)
{
    mb_machine_close(*state);
    return 0;
}

/* A network whose ReLUs may work out of place. */
static mb_network *open_network(const mb_machine *machine, const char *spec, bool apart)
{
    mb_network *network = mb_test_network(machine, spec, (mb_shape){1, SIDE, SIDE}, CLASSES);
    for (size_t i = 0; i < network->count && apart; i++)
        if (strcmp(network->layers[i].ops->name, "relu") == 0)
            network->layers[i].ops = &relu_apart;
    return network;
}

/* Trains an epoch in batches of 32, the last of them smaller, and evaluates. */
static void train(mb_machine *machine, mb_network *network, float *logits)
{
    const mb_training_options options = {.optimizer = MB_OPTIMIZER_ADAMW,
                                         .batch_size = 32,
                                         .lr = 0.003,
                                         .beta1 = 0.9,
                                         .beta2 = 0.999,
                                         .epsilon = 1e-8};
    const mb_split split = mb_test_split(network, images, labels, IMAGES);
    mb_test_training t;
    mb_test_training_open(machine, network, &split, order, IMAGES, &options, &t);
    const size_t steps = mb_data_loader_steps(&t.epoch.loader);
    assert_int_equal(mb_test_training_run(&t, 0, steps), steps);
    mb_test_training_close(&t);
    mb_test_logits(machine, network, &split.images, logits);
}

TEST(relu_apart_gives_the_same_bits)
{
    static const char *const specs[] = {
        "dense:70,relu,relu,dense:8,relu,dense:4",
        "conv2d:4x3,relu,conv2d:20x3,relu,maxpool2d:2,flatten,dense:4",
        "conv2d:16x3/pad1,relu,maxpool2d:2,conv2d:16x3,relu,relu,maxpool2d:2,flatten,relu,dense:4",
        "conv2d:4x3,batchnorm2d,relu,avgpool2d:2,relu,dropout:0.3,flatten,dense:20,relu,dense:4",
        "conv2d:20x3,batchnorm2d,relu,relu,conv2d:6x3,relu,globalavgpool,relu,flatten,dense:4"};
    for (size_t i = 0; i < TEST_COUNT(specs); i++) {
        static float logits[2][IMAGES * CLASSES];
        mb_network *networks[2];
        for (size_t apart = 0; apart < 2; apart++) {
            networks[apart] = open_network(*state, specs[i], apart);
            train(*state, networks[apart], logits[apart]);
        }
        assert_memory_equal(networks[0]->parameters, networks[1]->parameters,
                            networks[0]->parameter_elements * sizeof(float));
        assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    }
}

/* An input that the backward pass needs is stored; in evaluation it is per-thread. */
TEST(the_input_is_stored_for_the_backward_pass_alone)
{
    mb_network *network =
        open_network(*state, "conv2d:4x3,relu,conv2d:4x3,relu,flatten,dense:4", true);
    for (size_t training = 0; training < 2; training++) {
        mb_arena arena = {0};
        mb_activations a;
        assert_int_equal(mb_activations_open(network, 32, 3, training, &arena, &a, NULL), MB_OK);
        const bool stored[] = {training, training, training, true};
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(a.out[i].per_thread, !stored[i]);
        assert_true(a.out[0].data != a.out[1].data);
        assert_int_equal(a.d_out[0].per_thread, training);
        assert_false(a.d_out[3].per_thread); /* dense does not work sample by sample */
        mb_arena_free(&arena);
    }
}

TEST_GROUP(open_machine, close_machine);

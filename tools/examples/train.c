/* Trains a classifier on images in memory and saves it.
 *
 *     cc train.c $(pkg-config --cflags --libs mnist_blas) -o train
 *     ./train model.safetensors
 *
 * The images here are stripes: class 0 is horizontal, class 1 vertical. Replace make_images by
 * whatever fills an array of (count, rows, columns) bytes, 0 being the background, and their
 * labels. */
#include <mnist_blas/mnist_blas.h>
#include <stdio.h>

enum { TRAIN = 2000, TEST = 500, COUNT = TRAIN + TEST, ROWS = 12, COLUMNS = 12 };

static unsigned char pixels[COUNT][ROWS][COLUMNS], labels[COUNT];

static void make_images(void)
{
    unsigned random = 1;
    for (int i = 0; i < COUNT; i++) {
        random = random * 1103515245u + 12345u;
        const unsigned place = random >> 16 & 7, brightness = 64 + (random >> 20 & 127);
        labels[i] = random >> 28 & 1;
        for (unsigned k = 0; k < 3 * ROWS; k++) {
            const unsigned across = place + k % 3, along = k / 3;
            pixels[i][labels[i] ? along : across][labels[i] ? across : along] =
                (unsigned char)brightness;
        }
    }
}

static void on_epoch(void *context, const mb_epoch_metrics *metrics)
{
    (void)context;
    printf("epoch %zu/%zu: loss %.4f, test accuracy %.2f %%\n", metrics->epoch, metrics->epochs,
           metrics->train_loss, 100.0 * metrics->test_accuracy);
}

int main(int argc, char **argv)
{
    const mb_split train = {{pixels[0][0], TRAIN, 1, ROWS, COLUMNS}, labels};
    const mb_split test = {{pixels[TRAIN][0], TEST, 1, ROWS, COLUMNS}, labels + TRAIN};
    const mb_training_events events = {.epoch = on_epoch};
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    mb_machine *machine = NULL;
    mb_dataset *dataset = NULL;
    mb_network *network = NULL;
    mb_error error = {MB_OK, "usage: train MODEL"};

    make_images();
    options.epochs = 3;
    int failed = argc != 2 || mb_machine_open(NULL, &machine, &error) ||
                 mb_dataset_from_arrays(&train, &test, 2, &dataset, &error) ||
                 mb_network_open(machine, "dense:32,relu,dense:2", mb_images_shape(&train.images),
                                 dataset->classes, &network, &error);
    if (!failed) {
        mb_network_initialise(network, options.seed);
        failed = mb_train(machine, network, dataset, &options, &events, &error) ||
                 mb_model_save(network, argv[1], &error);
    }
    if (failed)
        fprintf(stderr, "train: %s\n", error.text);
    mb_network_close(network);
    mb_dataset_close(dataset);
    mb_machine_close(machine);
    return failed;
}

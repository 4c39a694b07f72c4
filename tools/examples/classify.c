/* Classifies images with a saved model: one after the other from standard input, as bytes from 0 to
 * 255, row after row, on the ground of the images that the model was trained on.
 *
 *     cc classify.c $(pkg-config --cflags --libs mnist_blas) -o classify
 *     ./classify model.safetensors < images */
#include <mnist_blas/mnist_blas.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_CLASSES = 256 };

int main(int argc, char **argv)
{
    float probabilities[MAX_CLASSES];
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    mb_classifier *classifier = NULL;
    mb_error error = {MB_OK, "usage: classify MODEL < IMAGES"};

    int failed = argc != 2 || mb_machine_open(NULL, &machine, &error) ||
                 mb_model_load(machine, argv[1], &network, &error) ||
                 mb_classifier_open(machine, network, 1, &classifier, &error);
    const mb_shape input = failed ? (mb_shape){0} : mb_network_input(network);
    const size_t size = input.channels * input.rows * input.columns;
    unsigned char *pixels = malloc(size);
    const mb_images image = {pixels, 1, input.channels, input.rows, input.columns};
    if (!failed && pixels == NULL)
        failed = mb_fail_memory(&error, "image", size);
    while (!failed && fread(pixels, size, 1, stdin) == 1) {
        if (mb_network_form(network).ground == MB_GROUND_LIGHT)
            mb_pixels_invert(pixels, size);
        failed = mb_classifier_probabilities(classifier, &image, probabilities, &error);
        const size_t best = mb_argmax(probabilities, failed ? 0 : mb_network_classes(network));
        if (!failed)
            printf("%zu %.6f\n", best, (double)probabilities[best]);
    }
    if (!failed && (ferror(stdin) || fflush(stdout) != 0))
        failed = mb_fail(&error, MB_ERROR_IO, "standard input or output failed");
    free(pixels);
    if (failed)
        fprintf(stderr, "classify: %s\n", error.text);
    mb_classifier_close(classifier);
    mb_network_close(network);
    mb_machine_close(machine);
    return failed;
}

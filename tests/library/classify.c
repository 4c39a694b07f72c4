/* A program of another project: which digit is on an image of 28x28 bytes, given on standard input?
 *
 *     cc classify.c $(pkg-config --cflags --libs mnist_blas) -o classify
 *     ./classify model.safetensors < image */
#include <mnist_blas/mnist_blas.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    unsigned char image[28 * 28];
    const mb_images images = {image, 1, 1, 28, 28};
    float probabilities[10];
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    mb_classifier *classifier = NULL;
    mb_error error = {MB_OK, "usage: classify MODEL < IMAGE"};
    int best = 0, failed = argc != 2 || fread(image, sizeof image, 1, stdin) != 1;

    failed = failed || mb_machine_open(NULL, &machine, &error) ||
             mb_model_load(machine, argv[1], &network, &error) ||
             mb_classifier_open(machine, network, 1, &classifier, &error) ||
             mb_classifier_probabilities(classifier, &images, probabilities, &error);
    for (int digit = 1; !failed && digit < 10; digit++)
        best = probabilities[digit] > probabilities[best] ? digit : best;
    if (failed)
        fprintf(stderr, "classify: %s\n", error.text);
    else
        printf("%d %.6f\n", best, (double)probabilities[best]);
    mb_classifier_close(classifier);
    mb_network_close(network);
    mb_machine_close(machine);
    return failed;
}

/* Opens a network from any text: it is refused with one line, or its own text gives the same
 * network, it trains for an epoch, and its probabilities sum to 1.
 *
 * Bytes 0 to 4: rows, columns, classes, flags of the training, batch size; then the text. */
#include "fuzz/fuzz.h"

#include "nn/network.h"

#include <math.h>
#include <mnist_blas/classifier.h>
#include <mnist_blas/options.h>
#include <mnist_blas/training.h>

enum { HEADER = 5, IMAGES = 13, TESTED = 9, MAX_SIDE = 14, MAX_CLASSES = 5 };
enum { USE_SGD = 1, USE_EMA = 2, USE_VALIDATION = 4, USE_ELASTIC = 8, SPARSE = 16 };

/* Of networks that are trained: others take long and show nothing new. */
static const double max_flops = 3e6, max_bytes = 8 << 20;
static const size_t max_parameters = 100000;

static mb_machine *machine;

static void begin(void)
{
    const mb_machine_options options = {.threads = 1, .pin = "none"};
    require(mb_machine_open(&options, &machine, NULL) == MB_OK);
}

static void train(mb_network *network, unsigned flags, size_t batch_size)
{
    const mb_shape input = mb_network_input(network);
    const size_t stride = input.rows * input.columns, classes = mb_network_classes(network);
    uint8_t pixels[IMAGES * MAX_SIDE * MAX_SIDE], labels[IMAGES];
    float probabilities[IMAGES * MAX_CLASSES];
    for (size_t i = 0; i < IMAGES * stride; i++)
        pixels[i] = (flags & SPARSE) != 0 && i % 7 != 0 ? 0 : (uint8_t)(i * i % 251);
    for (size_t i = 0; i < IMAGES; i++)
        labels[i] = (uint8_t)(i % classes);
    const mb_images images = {pixels, IMAGES, 1, input.rows, input.columns};
    mb_dataset data = {.classes = classes, .train = {images, labels}, .test = {images, labels}};
    data.test.images.count = TESTED;
    mb_training_options options =
        mb_training_defaults((flags & USE_SGD) != 0 ? MB_OPTIMIZER_SGD : MB_OPTIMIZER_ADAMW);
    options.epochs = 1;
    options.batch_size = batch_size;
    options.ema = (flags & USE_EMA) != 0 ? 0.9 : 0.0;
    options.validation = (flags & USE_VALIDATION) != 0 ? 4 : 0;
    if ((flags & USE_ELASTIC) != 0)
        options.augmentation.kind = MB_AUGMENT_ELASTIC;
    mb_error error = {0};
    mb_status status = mb_training_options_check(&options, &data, &error);
    if (status == MB_OK)
        status = mb_train(machine, network, &data, &options, NULL, &error);
    require_reported(status, &error);
    if (status != MB_OK)
        return;
    mb_classifier *classifier = NULL;
    require(mb_classifier_open(machine, network, IMAGES, &classifier, NULL) == MB_OK);
    require(mb_classifier_probabilities(classifier, &images, probabilities, NULL) == MB_OK);
    mb_classifier_close(classifier);
    for (size_t i = 0; i < IMAGES; i++) {
        float sum = 0.0f;
        for (size_t c = 0; c < classes; c++)
            sum += probabilities[i * classes + c];
        require(fabsf(sum - 1.0f) < 1e-3f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER)
        return 0;
    if (machine == NULL)
        begin();
    const mb_shape input = {1, 1 + data[0] % MAX_SIDE, 1 + data[1] % MAX_SIDE};
    const size_t classes = 2 + data[2] % (MAX_CLASSES - 1), batch_size = 1 + data[4] % 9;
    char *spec = text_of(data + HEADER, size - HEADER);
    mb_network *network = NULL, *again = NULL;
    mb_error error = {0};
    const mb_status status =
        mb_network_open_within(machine, spec, input, classes, max_parameters, &network, &error);
    require_reported(status, &error);
    if (status == MB_OK) {
        require(mb_network_open_within(machine, mb_network_spec(network), input, classes,
                                       max_parameters, &again, NULL) == MB_OK);
        require(strcmp(mb_network_spec(network), mb_network_spec(again)) == 0);
        if (mb_network_training_flops(network) < max_flops &&
            mb_network_training_bytes(network, batch_size, 1) < max_bytes) {
            mb_network_initialise(network, data[3]);
            train(network, data[3], batch_size);
        }
    }
    mb_network_close(again);
    mb_network_close(network);
    free(spec);
    return 0;
}

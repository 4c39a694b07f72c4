/* mnist_blas predict MODEL IMAGE... */
#include "predict.h"

#include "model.h"

#include "core/arena.h"
#include "picture/normalize.h"
#include "picture/picture.h"
#include "train/classify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_RAW = 256, KEY_JSON, KEY_NETWORK, KEY_INPUT, KEY_THREADS };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "How images are taken, and what is printed:", 1},
    {"raw", KEY_RAW, 0, 0, "take pictures as they are: of the network's size, light on dark", 1},
    {"json", KEY_JSON, 0, 0, "print one JSON array with an object an image", 1},
    {"network", KEY_NETWORK, "SPEC", 0, MB_MODEL_NETWORK_TEXT, 1},
    {"input", KEY_INPUT, "SIZE", 0, MB_MODEL_INPUT_TEXT, 1},
    {"threads", KEY_THREADS, "N", 0, "threads of the team", 1},
    {0}};

typedef struct predict_arguments {
    mb_model_arguments model;
    char **paths; /* (count), into argv */
    size_t count, threads;
    bool raw, json;
    mb_error *error;
} predict_arguments;

static error_t parse(int key, char *text, struct argp_state *state)
{
    predict_arguments *arguments = state->input;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_RAW:
        arguments->raw = true;
        break;
    case KEY_JSON:
        arguments->json = true;
        break;
    case KEY_NETWORK:
        arguments->model.network = text;
        break;
    case KEY_INPUT:
        status = mb_parse_input("--input", text, &arguments->model.input, arguments->error);
        break;
    case KEY_THREADS:
        status = mb_parse_size("--threads", text, 1, MB_MAX_THREADS, &arguments->threads,
                               arguments->error);
        break;
    case ARGP_KEY_ARG:
        if (arguments->model.path == NULL)
            arguments->model.path = text;
        else
            arguments->paths[arguments->count++] = text;
        break;
    case ARGP_KEY_END:
        if (arguments->model.path == NULL)
            status = mb_fail(arguments->error, MB_ERROR_INVALID, "predict: missing MODEL");
        else if (arguments->count == 0)
            status = mb_fail(arguments->error, MB_ERROR_INVALID,
                             "predict: missing IMAGE: give " MB_PICTURE_FORMATS " files");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == MB_OK ? 0 : EINVAL;
}

static char *with_default(int key, const char *text, void *input)
{
    (void)input;
    return key == KEY_THREADS   ? mb_help_default_threads(text)
           : key == KEY_NETWORK ? mb_help_default_model(text)
           : key == KEY_INPUT   ? mb_help_default(text, "%s", MB_MODEL_INPUT)
                                : (char *)(uintptr_t)text;
}

/* All images that were read, in the form of the network's input. */
typedef struct gathered {
    size_t rows, columns;
    uint8_t *images; /* (count, rows, columns) */
    size_t count;
    mb_predicted_file *files; /* (file_count) */
    size_t file_count;
} gathered;

static mb_status make_room(gathered *all, const char *path, size_t more, mb_error *error)
{
    const size_t pixels = all->rows * all->columns;
    size_t bytes;
    if (!mb_multiply(all->count + more, pixels, &bytes))
        return mb_fail_memory(error, path, SIZE_MAX);
    uint8_t *larger = realloc(all->images, bytes);
    if (larger == NULL)
        return mb_fail_memory(error, path, bytes);
    all->images = larger;
    return MB_OK;
}

/* Appends what a file holds: images of an IDX file as they are, a picture in MNIST's form. */
static mb_status append(gathered *all, const char *path, const mb_pictures *read, bool raw,
                        mb_error *error)
{
    const bool fits = read->rows == all->rows && read->columns == all->columns;
    const bool as_it_is = raw || read->numbered;
    if (as_it_is && !fits)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images of %zux%zu: the network's input is %zux%zu", path, read->rows,
                       read->columns, all->rows, all->columns);
    mb_status status = make_room(all, path, read->count, error);
    if (status != MB_OK)
        return status;
    const size_t pixels = all->rows * all->columns;
    uint8_t *to = all->images + all->count * pixels;
    if (as_it_is)
        memcpy(to, read->pixels, read->count * pixels);
    else
        status = mb_picture_normalize(path, read->pixels, read->rows, read->columns, to, all->rows,
                                      all->columns, error);
    all->files[all->file_count++] = (mb_predicted_file){path, read->count, read->numbered};
    all->count += read->count;
    return status;
}

/* Reads a file with stderr discarded: libpng and libjpeg print lines of their own about damaged
 * files, beside the one of the error. */
static mb_status read_quietly(const char *path, mb_pictures *read, mb_error *error)
{
    const int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
    if (saved >= 0 && null >= 0)
        dup2(null, STDERR_FILENO);
    const mb_status status = mb_pictures_read(path, read, error);
    if (saved >= 0) {
        dup2(saved, STDERR_FILENO);
        close(saved);
    }
    if (null >= 0)
        close(null);
    return status;
}

static mb_status gather(const predict_arguments *arguments, gathered *all, mb_error *error)
{
    mb_status status = MB_OK;
    all->files = calloc(arguments->count, sizeof *all->files);
    if (all->files == NULL)
        return mb_fail_memory(error, "predict", arguments->count * sizeof *all->files);
    for (size_t i = 0; status == MB_OK && i < arguments->count; i++) {
        mb_pictures read = {0};
        status = read_quietly(arguments->paths[i], &read, error);
        if (status == MB_OK)
            status = append(all, arguments->paths[i], &read, arguments->raw, error);
        mb_pictures_free(&read);
    }
    return status;
}

static mb_status classify(mb_machine *machine, const mb_network *network, const gathered *all,
                          bool json, mb_error *error)
{
    const size_t classes = mb_network_classes(network), values = all->count * classes;
    float *logits = calloc(values, 2 * sizeof *logits), *probabilities = logits + values;
    if (logits == NULL)
        return mb_fail_memory(error, "predict", values * 2 * sizeof *logits);
    const mb_images images = {all->images, all->count, 1, all->rows, all->columns};
    mb_status status = mb_logits(machine, network, &images, logits, error);
    memcpy(probabilities, logits, values * sizeof *logits);
    for (size_t i = 0; status == MB_OK && i < all->count; i++)
        mb_softmax(classes, probabilities + i * classes);
    const mb_predictions predictions = {all->files, all->file_count, classes, logits,
                                        probabilities};
    if (status == MB_OK)
        status = (json ? mb_predictions_print_json : mb_predictions_print)(&predictions, error);
    free(logits);
    return status;
}

static mb_status predict(const predict_arguments *arguments, mb_error *error)
{
    const mb_machine_options machine_options = {.threads = arguments->threads};
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    gathered all = {0};
    mb_status status = mb_machine_open(&machine_options, &machine, error);
    if (status == MB_OK)
        status = mb_model_open(machine, &arguments->model, &network, error);
    if (status == MB_OK) {
        const mb_shape input = mb_network_input(network);
        all.rows = input.rows;
        all.columns = input.columns;
        status = gather(arguments, &all, error);
    }
    if (status == MB_OK) {
        mb_report_warnings(machine);
        status = classify(machine, network, &all, arguments->json, error);
    }
    free(all.images);
    free(all.files);
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

int mb_command_predict(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "MODEL IMAGE...",
        .help_filter = with_default,
        .doc =
            "Classifies pictures with a saved model: PNG, JPEG, TIFF, BMP, WebP and PNM of any "
            "size, and IDX files of images. Photographs and drawings of one digit, dark on light "
            "or light on dark, are converted to MNIST's form first: cropped, scaled to 20x20, "
            "centered by mass in 28x28. Images of IDX files are used unchanged.\v"
            "Examples:\n"
            "  mnist_blas predict mnist_blas_out/model.safetensors seven.png photo.png\n"
            "  mnist_blas predict --json mnist_blas_out/model.safetensors digits/three.png"};
    mb_error error = {0};
    predict_arguments arguments = {.error = &error};
    arguments.paths = calloc((size_t)argc + 1, sizeof *arguments.paths);
    mb_status status = MB_OK;
    if (arguments.paths == NULL)
        status = mb_fail_memory(&error, "predict", (size_t)argc * sizeof *arguments.paths);
    if (status == MB_OK)
        status = mb_parse_input("--input", MB_MODEL_INPUT, &arguments.model.input, &error);
    if (status == MB_OK)
        status = mb_parse_arguments(&argp, argc, argv, &arguments, &error);
    if (status == MB_OK)
        status = predict(&arguments, &error);
    free(arguments.paths);
    return status == MB_OK ? MB_EXIT_DONE : mb_report_error(&error);
}

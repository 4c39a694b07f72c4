/* mnist_blas predict MODEL IMAGE... */
#include "predict.h"

#include "library_text.h"
#include "model.h"
#include "run_folder.h"

#include "picture/normalize.h"
#include "picture/picture.h"

#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct predict_arguments {
    mb_model_arguments model;
    char **paths; /* (count), into argv */
    size_t count, threads;
    const char *csv;
    bool raw, json;
    unsigned form; /* FORM_AUTO .. */
} predict_arguments;

enum { FORM_AUTO, FORM_MNIST, FORM_AS_IS };

static const mb_enum_value form_values[] = {
    [FORM_AUTO] = {"auto", "that of the images that the model was trained on"},
    [FORM_MNIST] = {"mnist", "ink cut out, scaled to 20/28 of the side and centered by mass"},
    [FORM_AS_IS] = {"as-is", "resized only"},
};
static const mb_enum forms = {form_values, sizeof form_values / sizeof *form_values};

#define HEADING "Options:"
#define AT(member) offsetof(predict_arguments, member)

static const mb_option options[] = {
    {"form", NULL, HEADING, AT(form), "form that pictures are brought to", MB_KIND_ENUM(forms)},
    {"raw", NULL, HEADING, AT(raw), "same as --form as-is", MB_KIND_FLAG},
    {"json", NULL, HEADING, AT(json), "print a JSON array with one object per image", MB_KIND_FLAG},
    {"csv", NULL, HEADING, AT(csv), "write a table of predictions instead of printing them",
     MB_KIND_TEXT("FILE"), .unset = "none", .complete = ".csv"},
    MB_OPTION_MODEL_NETWORK(HEADING, AT(model.network)),
    MB_OPTION_MODEL_INPUT(HEADING, AT(model.input)),
    MB_OPTION_THREADS(HEADING, AT(threads)),
    {0},
};

/* All images that were read, in the shape of the network's input. */
typedef struct inputs {
    mb_shape shape;
    mb_image_form form; /* of the network's images; the framing is that which was asked for */
    uint8_t *images;    /* (count), of the shape */
    char **labels;      /* (count) true classes, NULL where unknown */
    size_t count;
    mb_predicted_file *files; /* (file_count) */
    size_t file_count;
} inputs;

static size_t stride(const inputs *all)
{
    return all->shape.channels * all->shape.rows * all->shape.columns;
}

static mb_status grow(inputs *all, const char *path, size_t more, mb_error *error)
{
    const size_t pixels = stride(all);
    uint8_t *larger = reallocarray(all->images, all->count + more, pixels);
    if (larger == NULL)
        return mb_fail_memory(error, path, (all->count + more) * pixels);
    all->images = larger;
    char **labels = reallocarray(all->labels, all->count + more, sizeof *labels);
    if (labels == NULL)
        return mb_fail_memory(error, path, (all->count + more) * sizeof *labels);
    all->labels = labels;
    for (size_t i = 0; i < more; i++)
        labels[all->count + i] = NULL;
    return MB_OK;
}

/* The labels of a table, as they are in it. */
static mb_status copy_labels(inputs *all, const char *path, const mb_csv *table, mb_error *error)
{
    for (size_t i = 0; i < table->images.count && table->labels != NULL; i++) {
        char number[24];
        const char *label = number;
        if (table->name_count > 0)
            label = table->names[table->labels[i]];
        else
            snprintf(number, sizeof number, "%" PRId64, table->labels[i]);
        all->labels[all->count + i] = strdup(label);
        if (all->labels[all->count + i] == NULL)
            return mb_fail_memory(error, path, strlen(label) + 1);
    }
    return MB_OK;
}

/* The images of a file, in the network's form; they must fit in `to`. Light ground is inverted, as
 * in training. */
static mb_status convert(const inputs *all, const char *path, const mb_pictures *read, uint8_t *to,
                         mb_error *error)
{
    const size_t pixels = read->count * stride(all), rows = all->shape.rows,
                 columns = all->shape.columns;
    const bool fits = read->rows == rows && read->columns == columns;
    if (read->numbered && !fits)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: images of %zux%zu: the network's input is %zux%zu", path, read->rows,
                       read->columns, rows, columns);
    if (!read->numbered && all->form.framing != MB_FRAMING_NONE)
        return mb_picture_normalize(path, read->pixels, read->rows, read->columns,
                                    all->form.framing, to, rows, columns, error);
    mb_status status = MB_OK;
    if (fits)
        memcpy(to, read->pixels, pixels);
    else
        status = mb_picture_fit(path, read->pixels, read->channels, read->rows, read->columns, to,
                                rows, columns, error);
    if (status == MB_OK && all->form.ground == MB_GROUND_LIGHT)
        mb_pixels_invert(to, pixels);
    return status;
}

static mb_status append(inputs *all, const char *path, const mb_pictures *read, mb_error *error)
{
    mb_status status = grow(all, path, read->count, error);
    if (status == MB_OK)
        status = convert(all, path, read, all->images + all->count * stride(all), error);
    if (status == MB_OK)
        status = copy_labels(all, path, &read->table, error);
    if (status != MB_OK)
        return status;
    const bool has_labels = read->table.labels != NULL;
    all->files[all->file_count++] = (mb_predicted_file){path, read->count, read->numbered,
                                                        read->is_table && !has_labels, has_labels};
    all->count += read->count;
    return status;
}

/* Reads a file with stderr discarded: libpng and libjpeg print lines of their own about damaged
 * files, beside the one of the error. */
static mb_status read_quietly(const char *path, mb_shape shape, mb_pictures *read, mb_error *error)
{
    char ignored[1];
    const int text = mb_library_text_begin();
    const mb_status status = mb_pictures_read_shape(path, shape, read, error);
    mb_library_text_end(text, ignored, sizeof ignored);
    return status;
}

/* Reads all that can be read. Errors of the others are printed, but for the last, which is *error:
 * a bad picture does not cost the others their answers. */
static mb_status gather(const predict_arguments *arguments, inputs *all, mb_error *error)
{
    mb_error failure = {MB_OK, ""};
    all->files = calloc(arguments->count, sizeof *all->files);
    if (all->files == NULL)
        return mb_fail_memory(error, "predict", arguments->count * sizeof *all->files);
    for (size_t i = 0; i < arguments->count; i++) {
        mb_pictures read = {0};
        mb_error one = {MB_OK, ""};
        mb_status status = read_quietly(arguments->paths[i], all->shape, &read, &one);
        if (status == MB_OK)
            status = append(all, arguments->paths[i], &read, &one);
        mb_pictures_free(&read);
        if (status != MB_OK && failure.status != MB_OK)
            mb_report_error(&failure);
        if (status != MB_OK)
            failure = one;
    }
    return failure.status != MB_OK ? mb_fail(error, failure.status, "%s", failure.text) : MB_OK;
}

static mb_status put_out(const predict_arguments *arguments, const mb_predictions *predictions,
                         const inputs *all, mb_error *error)
{
    mb_status status = MB_OK;
    if (arguments->csv != NULL)
        status = mb_predictions_write_csv(predictions, (const char *const *)all->labels,
                                          arguments->csv, error);
    if (status == MB_OK && arguments->json)
        return mb_predictions_print_json(predictions, error);
    if (status != MB_OK || arguments->csv == NULL)
        return status == MB_OK ? mb_predictions_print(predictions, error) : status;
    char path[PATH_MAX];
    printf("%zu prediction%s in %s\n", all->count, all->count == 1 ? "" : "s",
           mb_printable(arguments->csv, path, sizeof path));
    return MB_OK;
}

static mb_status classify(const predict_arguments *arguments, mb_machine *machine,
                          const mb_network *network, const inputs *all, mb_error *error)
{
    const size_t classes = mb_network_classes(network), values = all->count * classes;
    float *logits = calloc(values, 2 * sizeof *logits), *probabilities = logits + values;
    if (logits == NULL)
        return mb_fail_memory(error, "predict", values * 2 * sizeof *logits);
    const mb_images images = {all->images, all->count, all->shape.channels, all->shape.rows,
                              all->shape.columns};
    mb_classifier *classifier = NULL;
    /* In batches of 1: what OpenBLAS computes for a row depends, in the last bit, on where it lies
     * in the batch (kernel sets Haswell and Zen), and a picture has one answer. */
    mb_status status = mb_classifier_open(machine, network, 1, &classifier, error);
    if (status == MB_OK)
        status = mb_classifier_logits(classifier, &images, logits, error);
    mb_classifier_close(classifier);
    memcpy(probabilities, logits, values * sizeof *logits);
    for (size_t i = 0; status == MB_OK && i < all->count; i++)
        mb_softmax(classes, probabilities + i * classes);
    const mb_predictions predictions = {all->files, all->file_count,
                                        classes,    mb_network_class_names(network),
                                        logits,     probabilities};
    if (status == MB_OK)
        status = put_out(arguments, &predictions, all, error);
    free(logits);
    return status;
}

/* What the network takes; pictures of several channels are only resized. */
static mb_status describe_inputs(const predict_arguments *arguments, const mb_network *network,
                                 inputs *all, mb_error *error)
{
    all->shape = mb_network_input(network);
    all->form = mb_network_form(network);
    if (all->shape.channels != 1 && arguments->form == FORM_MNIST)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--form mnist: is for gray images, but those of %s have %zu channels",
                       arguments->model.path, all->shape.channels);
    if (all->shape.channels != 1)
        all->form.framing = MB_FRAMING_NONE;
    else if (arguments->form != FORM_AUTO)
        all->form.framing = arguments->form == FORM_MNIST ? MB_FRAMING_MNIST : MB_FRAMING_NONE;
    return MB_OK;
}

static mb_status predict(const predict_arguments *arguments, mb_error *error)
{
    const mb_machine_options machine_options = {.threads = arguments->threads};
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    inputs all = {0};
    mb_status status = mb_machine_open(&machine_options, &machine, error);
    if (status == MB_OK)
        status = mb_model_open(machine, &arguments->model, &network, error);
    if (status == MB_OK)
        status = describe_inputs(arguments, network, &all, error);
    if (status == MB_OK) {
        mb_error late = {MB_OK, ""};
        status = gather(arguments, &all, error);
        if (all.count > 0) {
            mb_report_warnings(MB_PROGRAM, machine);
            if (classify(arguments, machine, network, &all, &late) != MB_OK)
                status = mb_fail(error, late.status, "%s", late.text);
        }
    }
    for (size_t i = 0; i < all.count; i++)
        free(all.labels[i]);
    free(all.labels);
    free(all.images);
    free(all.files);
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    predict_arguments *given = arguments;
    if (given->raw && given->form == FORM_MNIST)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--raw: is --form as-is, and --form mnist is given");
    if (given->raw)
        given->form = FORM_AS_IS;
    given->model.path = operands[0];
    given->paths = operands + 1;
    while (given->paths[given->count] != NULL)
        given->count++;
    for (char **path = operands; given->csv != NULL && *path != NULL; path++)
        if (mb_is_same_file(given->csv, *path))
            return mb_fail(error, MB_ERROR_INVALID,
                           "--csv: must not be a file that is read, got %s", given->csv);
    return predict(given, error);
}

const mb_command mb_command_predict = {
    .name = "predict",
    .operands = "MODEL IMAGE...",
    .brief = "classify images with a saved model",
    .about =
        "Classifies pictures with a saved model: PNG, JPEG, TIFF, BMP, WebP and PNM of any "
        "size, IDX files of images and tables in CSV, with or without labels; - reads standard "
        "input, and EXIF's orientation is applied. "
        "Pictures are brought to the form "
        "of the images that the model was trained on. If that is MNIST's, photographs and "
        "drawings of one digit, dark on light or light on dark, are cropped to the ink, scaled "
        "to 20x20 and centered by mass in 28x28; a sheet of paper on a dark table, ruled lines "
        "and frames are found; for images as EMNIST's they are scaled to 24x24 and centered by "
        "the box of the ink. Otherwise pictures are resized only, with their aspect ratio, and "
        "must have the background of the model's images; for a model of color images they are "
        "read in color. Images of IDX files and tables are used "
        "unchanged. A picture that cannot be read, or that shows several digits, costs the "
        "others nothing: it is named on standard error, and the exit code is 1. --csv writes a "
        "table with the "
        "columns image, label (the true class, if a table has it), predicted and probability; "
        "of a single table without labels it has ImageId, from 1, and Label, as Kaggle wants it.",
    .examples = "Examples:\n"
                "  mnist_blas predict mnist_blas_out/model.safetensors seven.png photo.png\n"
                "  mnist_blas predict --json mnist_blas_out/model.safetensors digits/three.png\n"
                "  mnist_blas predict --csv out.csv mnist_blas_out/model.safetensors test.csv",
    .groups = {{options, 0}},
    .size = sizeof(predict_arguments),
    .run = run,
};

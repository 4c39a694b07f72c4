/* mnist_blas export MODEL --onnx FILE --c FILE --html FILE --quantize int8 */
#include "data.h"
#include "model.h"
#include "run_folder.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct export_arguments {
    mb_model_arguments model;
    const char *onnx, *c, *html, *data, *calibrate;
    unsigned quantize;
    mb_data_options reading; /* of `data` and `calibrate` */
} export_arguments;

enum { QUANTIZE_OFF, QUANTIZE_INT8 };

static const mb_enum_value quantize_values[] = {{"off", NULL}, {"int8", NULL}};
static const mb_enum quantize_names = {quantize_values, 2};

static const mb_option options[] = {
    {"c", NULL, "Options:", offsetof(export_arguments, c),
     "file of C99 to write, for programs and microcontrollers", MB_KIND_TEXT("FILE"),
     .unset = "none", .complete = ".c"},
    {"calibrate", NULL, "Options:", offsetof(export_arguments, calibrate),
     "data whose training images give the ranges of --quantize, and whose test images its accuracy",
     MB_KIND_TEXT("PATH"), .unset = "what training finds", .complete = "/"},
    {"data", NULL, "Options:", offsetof(export_arguments, data),
     "data whose test images the page of --html shows, and for which its weights may be rounded",
     MB_KIND_TEXT("PATH"), .unset = "none", .complete = "/"},
    {"html", NULL, "Options:", offsetof(export_arguments, html),
     "page to write, in which a browser classifies drawings and pictures", MB_KIND_TEXT("FILE"),
     .unset = "none", .complete = ".html"},
    {"onnx", NULL, "Options:", offsetof(export_arguments, onnx),
     "file to write, for ONNX Runtime and others", MB_KIND_TEXT("FILE"), .unset = "none",
     .complete = ".onnx"},
    {"quantize", NULL, "Options:", offsetof(export_arguments, quantize),
     "numbers in the files: off (floats), or int8 (8-bit integers)", MB_KIND_ENUM(quantize_names)},
    MB_OPTION_MODEL_NETWORK("Options:", offsetof(export_arguments, model.network)),
    MB_OPTION_MODEL_INPUT("Options:", offsetof(export_arguments, model.input)),
    {0},
};

/* quantized: NULL, or those integers instead of floats. */
static mb_status export_onnx(const mb_network *network, const mb_quantized *quantized,
                             const char *path, mb_error *error)
{
    const mb_shape input = mb_network_input(network);
    char printable[PATH_MAX];
    const mb_status status = quantized != NULL ? mb_quantized_export_onnx(quantized, path, error)
                                               : mb_model_export_onnx(network, path, error);
    if (status == MB_OK)
        printf("%s: ONNX of %s, input (batch, %zu, %zu, %zu) from 0 to 1\n",
               mb_printable(path, printable, sizeof printable), mb_network_spec(network),
               input.channels, input.rows, input.columns);
    return status;
}

static mb_status export_c(const mb_network *network, const mb_quantized *quantized,
                          const char *path, mb_error *error)
{
    mb_c_source source;
    char printable[PATH_MAX];
    const mb_status status = quantized != NULL
                                 ? mb_quantized_export_c(quantized, path, &source, error)
                                 : mb_model_export_c(network, path, &source, error);
    if (status == MB_OK)
        printf("%s: C99 of %s: %s_classify(image, probabilities), weights %zu bytes, scratch %zu "
               "bytes\n",
               mb_printable(path, printable, sizeof printable), mb_network_spec(network),
               source.name, source.weight_bytes, source.scratch_bytes);
    return status;
}

static mb_status export_files(const export_arguments *arguments, const mb_network *network,
                              const mb_quantized *quantized, mb_error *error)
{
    mb_status status = MB_OK;
    if (arguments->c != NULL)
        status = export_c(network, quantized, arguments->c, error);
    if (status == MB_OK && arguments->onnx != NULL)
        status = export_onnx(network, quantized, arguments->onnx, error);
    return status;
}

/* The data in the form of the model's images. */
static mb_status open_data(const export_arguments *arguments, const char *path, unsigned splits,
                           mb_machine *machine, const mb_network *network, mb_dataset **dataset,
                           mb_error *error)
{
    mb_data_options reading = arguments->reading;
    reading.machine = machine;
    reading.expected_classes = mb_network_classes(network);
    reading.expected_names = mb_network_class_names(network);
    const mb_status status = mb_data_open(path, splits, &reading, dataset, error);
    return status == MB_OK ? mb_dataset_set_form(*dataset, mb_network_form(network), error)
                           : status;
}

/* Images that do not fit the model are an invalid argument of the library, but for the user of the
 * command data with the wrong content. */
static mb_status quantize(const mb_network *network, const mb_dataset *dataset,
                          mb_quantized **quantized, mb_error *error)
{
    mb_error why = {0};
    const mb_status status = mb_quantize(network, &dataset->train.images, quantized, &why);
    if (status == MB_ERROR_INVALID)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %s", dataset->folder, why.text);
    if (status != MB_OK)
        *error = why;
    return status;
}

static mb_status print_accuracy(mb_machine *machine, const mb_network *network,
                                const mb_quantized *quantized, const mb_split *test,
                                mb_error *error)
{
    mb_evaluation *evaluation = NULL;
    double accuracy = 0.0;
    mb_status status = mb_evaluate(machine, network, test, &evaluation, error);
    if (status == MB_OK)
        status = mb_quantized_accuracy(quantized, test, &accuracy, error);
    if (status == MB_OK)
        printf("test accuracy %.2f %%, of the model with floats %.2f %%\n", 100.0 * accuracy,
               100.0 * evaluation->accuracy);
    mb_evaluation_free(evaluation);
    return status;
}

static mb_status export_int8(const export_arguments *arguments, mb_machine *machine,
                             const mb_network *network, mb_error *error)
{
    mb_dataset *dataset = NULL;
    mb_quantized *quantized = NULL;
    mb_status status = open_data(arguments, arguments->calibrate, MB_SPLIT_TRAIN | MB_SPLIT_TEST,
                                 machine, network, &dataset, error);
    if (status == MB_OK)
        status = quantize(network, dataset, &quantized, error);
    if (status == MB_OK)
        status = export_files(arguments, network, quantized, error);
    if (status == MB_OK)
        status = print_accuracy(machine, network, quantized, &dataset->test, error);
    mb_quantized_close(quantized);
    mb_dataset_close(dataset);
    return status;
}

static mb_status export_html(const export_arguments *arguments, mb_machine *machine,
                             const mb_network *network, mb_error *error)
{
    mb_dataset *dataset = NULL;
    mb_status status = MB_OK;
    mb_error why = {0};
    char printable[PATH_MAX];
    if (arguments->data != NULL)
        status =
            open_data(arguments, arguments->data, MB_SPLIT_TEST, machine, network, &dataset, error);
    if (status == MB_OK)
        status = mb_try_write(machine, network, dataset, arguments->html, &why);
    if (why.status == MB_ERROR_INVALID)
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: %s", dataset->folder, why.text);
    else if (why.status != MB_OK)
        *error = why;
    if (status == MB_OK)
        printf("%s: page of %s\n", mb_printable(arguments->html, printable, sizeof printable),
               mb_network_spec(network));
    mb_dataset_close(dataset);
    return status;
}

static mb_status export(const export_arguments *arguments, mb_error *error)
{
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    mb_status status = mb_machine_open(NULL, &machine, error);
    if (status == MB_OK)
        status = mb_model_open(machine, &arguments->model, &network, error);
    if (status == MB_OK)
        status = arguments->quantize == QUANTIZE_INT8
                     ? export_int8(arguments, machine, network, error)
                     : export_files(arguments, network, NULL, error);
    if (status == MB_OK && arguments->html != NULL)
        status = export_html(arguments, machine, network, error);
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

/* MB_ERROR_INVALID for a file that would replace what is read, or another one. */
static mb_status check_files(const export_arguments *given, mb_error *error)
{
    const struct file {
        const char *name, *path;
    } files[] = {{"onnx", given->onnx}, {"c", given->c}, {"html", given->html}};
    const size_t count = sizeof files / sizeof *files;
    mb_status status = MB_OK;
    for (size_t i = 0; i < count && status == MB_OK; i++) {
        const struct file *file = &files[i];
        status = mb_check_not_input(file->name, file->path, "the model itself", given->model.path,
                                    error);
        if (status == MB_OK)
            status = mb_check_not_input(file->name, file->path, "the data", given->data, error);
        if (status == MB_OK)
            status =
                mb_check_not_input(file->name, file->path, "the data", given->calibrate, error);
        for (size_t k = 0; k < i && status == MB_OK; k++)
            status = mb_check_not_input(file->name, file->path, "another file that is written",
                                        files[k].path, error);
    }
    return status;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    export_arguments *given = arguments;
    given->model.path = operands[0];
    if (given->onnx == NULL && given->c == NULL && given->html == NULL)
        return mb_fail(error, MB_ERROR_INVALID,
                       "export: --onnx FILE, --c FILE or --html FILE is required");
    if (given->quantize != QUANTIZE_OFF && given->html != NULL)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--quantize: applies to --c and --onnx, without --html");
    if (given->data != NULL && given->html == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "--data: applies with --html only");
    if (given->quantize == QUANTIZE_OFF && given->calibrate != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "--calibrate: applies with --quantize only");
    for (const mb_option *option = mb_data_option_table; option->name != NULL; option++)
        if (given->quantize == QUANTIZE_OFF && given->data == NULL &&
            !mb_data_option_is_default(option, &given->reading))
            return mb_fail(error, MB_ERROR_INVALID,
                           "--%s: has no effect without --data or --quantize", option->name);
    const mb_status status = check_files(given, error);
    return status == MB_OK ? export(given, error) : status;
}

static void set_defaults(void *arguments)
{
    *(export_arguments *)arguments = (export_arguments){.reading = mb_data_defaults()};
}

const mb_command mb_command_export = {
    .name = "export",
    .operands = "MODEL",
    .brief = "convert a saved model to ONNX, C or a page",
    .about = "Writes a saved model as ONNX, opset 17, as a file of C99, or as a page of HTML. "
             "ONNX: the input is "
             "(batch, channels, rows, columns) of floats from 0 to 1, as the images of training "
             "are in their files: the graph inverts and standardizes them as in training. The "
             "outputs are logits and probabilities, both (batch, classes). C: FILE.c has int "
             "FILE_classify(const uint8_t *image, float *probabilities) for an image (rows, "
             "columns, channels) of bytes as in the files; it needs no library, and allocates "
             "nothing. With --quantize int8 weights and activations have 8 bits: a quarter of the "
             "memory, and integer arithmetic; the ONNX graph is in QDQ form, and its input and "
             "outputs stay floats. The test accuracy that is printed is that of the C file's "
             "arithmetic. HTML: a page that loads nothing, in which a browser classifies drawings "
             "and pictures, and shows what each layer computes; with --data it has test images, "
             "and weights of 16 bits if they change the class of no test image.",
    .examples = "Examples:\n"
                "  mnist_blas export mnist_blas_out/model.safetensors --onnx model.onnx\n"
                "  mnist_blas export mnist_blas_out/model.safetensors --c digits.c\n"
                "  mnist_blas export mnist_blas_out/model.safetensors --c net.c --quantize int8\n"
                "  mnist_blas export mnist_blas_out/model.safetensors --html try.html",
    .groups = {{options, 0}, {mb_data_option_table, offsetof(export_arguments, reading)}},
    .size = sizeof(export_arguments),
    .set_defaults = set_defaults,
    .run = run,
};

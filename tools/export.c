/* mnist_blas export MODEL --onnx FILE --c FILE */
#include "model.h"
#include "run_folder.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct export_arguments {
    mb_model_arguments model;
    const char *onnx, *c;
} export_arguments;

static const mb_option options[] = {
    {"c", NULL, "Options:", offsetof(export_arguments, c),
     "file of C99 to write, for programs and microcontrollers", MB_KIND_TEXT("FILE"),
     .unset = "none", .complete = ".c"},
    {"onnx", NULL, "Options:", offsetof(export_arguments, onnx),
     "file to write, for ONNX Runtime and others", MB_KIND_TEXT("FILE"), .unset = "none",
     .complete = ".onnx"},
    MB_OPTION_MODEL_NETWORK("Options:", offsetof(export_arguments, model.network)),
    MB_OPTION_MODEL_INPUT("Options:", offsetof(export_arguments, model.input)),
    {0},
};

static mb_status export_onnx(const mb_network *network, const char *path, mb_error *error)
{
    const mb_shape input = mb_network_input(network);
    char printable[PATH_MAX];
    const mb_status status = mb_model_export_onnx(network, path, error);
    if (status == MB_OK)
        printf("%s: ONNX of %s, input (batch, %zu, %zu, %zu) from 0 to 1\n",
               mb_printable(path, printable, sizeof printable), mb_network_spec(network),
               input.channels, input.rows, input.columns);
    return status;
}

static mb_status export_c(const mb_network *network, const char *path, mb_error *error)
{
    char printable[PATH_MAX];
    mb_c_source source;
    const mb_status status = mb_model_export_c(network, path, &source, error);
    if (status == MB_OK)
        printf("%s: C99 of %s: %s_classify(image, probabilities), weights %zu bytes, scratch %zu "
               "bytes\n",
               mb_printable(path, printable, sizeof printable), mb_network_spec(network),
               source.name, source.weight_bytes, source.scratch_bytes);
    return status;
}

static mb_status export(const export_arguments *arguments, mb_error *error)
{
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    mb_status status = mb_machine_open(NULL, &machine, error);
    if (status == MB_OK)
        status = mb_model_open(machine, &arguments->model, &network, error);
    if (status == MB_OK && arguments->c != NULL)
        status = export_c(network, arguments->c, error);
    if (status == MB_OK && arguments->onnx != NULL)
        status = export_onnx(network, arguments->onnx, error);
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

static mb_status check_path(const char *option, const char *path, const char *model,
                            mb_error *error)
{
    return path != NULL && mb_is_same_file(path, model)
               ? mb_fail(error, MB_ERROR_INVALID, "%s: must not be the model itself, got %s",
                         option, path)
               : MB_OK;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    export_arguments *given = arguments;
    given->model.path = operands[0];
    if (given->onnx == NULL && given->c == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "export: --onnx FILE or --c FILE is required");
    mb_status status = check_path("--onnx", given->onnx, operands[0], error);
    if (status == MB_OK)
        status = check_path("--c", given->c, operands[0], error);
    return status == MB_OK ? export(given, error) : status;
}

const mb_command mb_command_export = {
    .name = "export",
    .operands = "MODEL",
    .brief = "convert a saved model to ONNX or to C",
    .about = "Writes a saved model as ONNX, opset 17, or as a file of C99. ONNX: the input is "
             "(batch, channels, rows, columns) of floats from 0 to 1, as the images of training "
             "are in their files: the graph inverts and standardizes them as in training. The "
             "outputs are logits and probabilities, both (batch, classes). C: FILE.c has int "
             "FILE_classify(const uint8_t *image, float *probabilities) for an image (rows, "
             "columns, channels) of bytes as in the files; it needs no library, and allocates "
             "nothing.",
    .examples = "Examples:\n"
                "  mnist_blas export mnist_blas_out/model.safetensors --onnx model.onnx\n"
                "  mnist_blas export mnist_blas_out/model.safetensors --c digits.c",
    .groups = {{options, 0}},
    .size = sizeof(export_arguments),
    .run = run,
};

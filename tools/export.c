/* mnist_blas export MODEL --onnx FILE */
#include "model.h"
#include "run_folder.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct export_arguments {
    mb_model_arguments model;
    const char *onnx;
} export_arguments;

static const mb_option options[] = {
    {"onnx", NULL, "Options:", offsetof(export_arguments, onnx),
     "file to write, for ONNX Runtime and others", MB_KIND_TEXT("FILE"), .unset = "required",
     .complete = ".onnx"},
    MB_OPTION_MODEL_NETWORK("Options:", offsetof(export_arguments, model.network)),
    MB_OPTION_MODEL_INPUT("Options:", offsetof(export_arguments, model.input)),
    {0},
};

static mb_status export(const export_arguments *arguments, mb_error *error)
{
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    mb_status status = mb_machine_open(NULL, &machine, error);
    if (status == MB_OK)
        status = mb_model_open(machine, &arguments->model, &network, error);
    if (status == MB_OK)
        status = mb_model_export_onnx(network, arguments->onnx, error);
    if (status == MB_OK) {
        const mb_shape input = mb_network_input(network);
        char path[PATH_MAX];
        printf("%s: ONNX of %s, input (batch, %zu, %zu, %zu) from 0 to 1\n",
               mb_printable(arguments->onnx, path, sizeof path), mb_network_spec(network),
               input.channels, input.rows, input.columns);
    }
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    export_arguments *given = arguments;
    given->model.path = operands[0];
    if (given->onnx == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "export: --onnx FILE is required");
    if (mb_is_same_file(given->onnx, operands[0]))
        return mb_fail(error, MB_ERROR_INVALID, "--onnx: must not be the model itself, got %s",
                       given->onnx);
    return export(given, error);
}

const mb_command mb_command_export = {
    .name = "export",
    .operands = "MODEL",
    .brief = "convert a saved model to ONNX",
    .about = "Writes a saved model as ONNX, opset 17. The input is (batch, channels, rows, "
             "columns) of floats from 0 to 1, as the images of training are in their files: the "
             "graph inverts and standardizes them as in training. The outputs are logits and "
             "probabilities, both (batch, classes).",
    .examples = "Examples:\n"
                "  mnist_blas export mnist_blas_out/model.safetensors --onnx model.onnx",
    .groups = {{options, 0}},
    .size = sizeof(export_arguments),
    .run = run,
};

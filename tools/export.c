/* mnist_blas export MODEL --onnx FILE */
#include "model.h"

#include "core/file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_ONNX = 256, KEY_NETWORK, KEY_INPUT };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "As what, and from what:", 1},
    {"onnx", KEY_ONNX, "FILE", 0, "write this file for ONNX Runtime and others", 1},
    {"network", KEY_NETWORK, "SPEC", 0, MB_MODEL_NETWORK_TEXT, 1},
    {"input", KEY_INPUT, "SIZE", 0, MB_MODEL_INPUT_TEXT, 1},
    {0}};

typedef struct export_arguments {
    mb_model_arguments model;
    const char *onnx;
    mb_error *error;
} export_arguments;

static mb_status check(const export_arguments *arguments)
{
    if (arguments->model.path == NULL)
        return mb_fail(arguments->error, MB_ERROR_INVALID, "export: which model? give its file");
    if (arguments->onnx == NULL)
        return mb_fail(arguments->error, MB_ERROR_INVALID, "export: as what? give --onnx FILE");
    return MB_OK;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    export_arguments *arguments = state->input;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_ONNX:
        arguments->onnx = text;
        break;
    case KEY_NETWORK:
        arguments->model.network = text;
        break;
    case KEY_INPUT:
        status = mb_parse_input("--input", text, &arguments->model.input, arguments->error);
        break;
    case ARGP_KEY_ARG:
        if (arguments->model.path != NULL)
            status =
                mb_fail(arguments->error, MB_ERROR_INVALID, "%s: export takes one model", text);
        arguments->model.path = text;
        break;
    case ARGP_KEY_END:
        status = check(arguments);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == MB_OK ? 0 : EINVAL;
}

static char *with_default(int key, const char *text, void *input)
{
    (void)input;
    return key == KEY_ONNX      ? mb_help_default(text, "needed")
           : key == KEY_NETWORK ? mb_help_default_model(text)
           : key == KEY_INPUT   ? mb_help_default(text, "%s", MB_MODEL_INPUT)
                                : (char *)(uintptr_t)text;
}

static mb_status write_onnx(const mb_network *network, const char *path, mb_error *error)
{
    char *folder = mb_path_dirname(path);
    if (folder != NULL)
        mb_file_remove_stale(folder);
    free(folder);
    return mb_model_export_onnx(network, path, error);
}

static mb_status export(const export_arguments *arguments, mb_error *error)
{
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    mb_status status = mb_machine_open(NULL, &machine, error);
    if (status == MB_OK)
        status = mb_model_open(machine, &arguments->model, &network, error);
    if (status == MB_OK)
        status = write_onnx(network, arguments->onnx, error);
    if (status == MB_OK) {
        const mb_shape input = mb_network_input(network);
        printf("%s: ONNX of %s, input (batch, %zu, %zu, %zu) from 0 to 1\n", arguments->onnx,
               mb_network_spec(network), input.channels, input.rows, input.columns);
    }
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

int mb_command_export(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "MODEL",
        .help_filter = with_default,
        .doc = "Writes a saved model as ONNX, opset 17: the input is (batch, 1, rows, columns) of "
               "floats from 0, the background, to 1, the outputs are logits and probabilities, "
               "both (batch, classes).\v"
               "Examples:\n"
               "  mnist_blas export mnist_blas_out/model.safetensors --onnx model.onnx"};
    mb_error error = {0};
    export_arguments arguments = {.error = &error};
    mb_status status = mb_parse_input("--input", MB_MODEL_INPUT, &arguments.model.input, &error);
    if (status == MB_OK)
        status = mb_parse_arguments(&argp, argc, argv, &arguments, &error);
    if (status == MB_OK)
        status = export(&arguments, &error);
    return status == MB_OK ? MB_EXIT_DONE : mb_report_error(&error);
}

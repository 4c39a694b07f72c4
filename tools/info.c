/* mnist_blas info */
#include "cli.h"
#include "info_network.h"
#include "restart.h"


#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_JSON = 256, KEY_NETWORK, KEY_BATCH_SIZE, KEY_THREADS };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What is shown, and how:", 1},
    {"json", KEY_JSON, 0, 0, "print one JSON object", 1},
    {"network", KEY_NETWORK, "SPEC", 0,
     "show the layers of this network, for images of 28x28 and 10 classes", 1},
    {"batch-size", KEY_BATCH_SIZE, "N", 0, "samples of a step, for the memory that it takes", 1},
    {"threads", KEY_THREADS, "N", 0, "threads of the team, as for train", 1},
    {0}};

typedef struct info_arguments {
    bool json;
    const char *network; /* NULL: none */
    size_t batch_size, threads;
    mb_error *error;
} info_arguments;

static error_t parse(int key, char *text, struct argp_state *state)
{
    info_arguments *arguments = state->input;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_JSON:
        arguments->json = true;
        break;
    case KEY_NETWORK:
        arguments->network = text;
        break;
    case KEY_BATCH_SIZE:
        status = mb_parse_size("--batch-size", text, 1, UINT32_MAX, &arguments->batch_size,
                               arguments->error);
        break;
    case KEY_THREADS:
        status = mb_parse_size("--threads", text, 1, MB_MAX_THREADS, &arguments->threads,
                               arguments->error);
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(arguments->error, MB_ERROR_INVALID, "%s: info takes options only", text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == MB_OK ? 0 : EINVAL;
}

static char *with_default(int key, const char *text, void *input)
{
    const info_arguments *arguments = input;
    if (key == KEY_BATCH_SIZE)
        return mb_help_default(text, "%zu", arguments->batch_size);
    if (key == KEY_NETWORK)
        return mb_help_default(text, "none");
    return key == KEY_THREADS ? mb_help_default_threads(text) : (char *)(uintptr_t)text;
}

static json_t *pins_of(const mb_machine_info *info)
{
    if (info->pins == NULL)
        return json_null();
    json_t *pins = json_array();
    for (size_t i = 0; i < info->threads; i++)
        json_array_append_new(pins, json_integer((json_int_t)info->pins[i]));
    return pins;
}

static json_t *features_of(void)
{
    return json_pack("{s:b, s:b, s:b}", "report", mb_has_feature(MB_FEATURE_REPORT), "onnx", mb_has_feature(MB_FEATURE_ONNX),
                     "tensorboard", mb_has_feature(MB_FEATURE_TENSORBOARD));
}

static mb_status print_json(const mb_machine *machine, const info_arguments *arguments,
                            mb_error *error)
{
    const mb_machine_info *info = mb_machine_describe(machine);
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:I, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:b, s:o, "
        "s:s?}",
        "version", mb_version(), "cpu", info->cpu, "kernels", info->cpu_level, "cores",
        (json_int_t)info->cores, "cores_allowed", (json_int_t)info->cores_allowed, "cpus_allowed",
        (json_int_t)info->pus_allowed, "cpu_quota",
        info->quota > 0.0 ? json_real(info->quota) : json_null(), "threads",
        (json_int_t)info->threads, "threads_from", info->threads_from, "pin_policy",
        info->pin_policy, "pins", pins_of(info), "blas_core", info->blas_core, "blas_version",
        info->blas_version, "blas_threading", info->blas_threading, "blas_config",
        info->blas_config, "restarted", mb_restarted(), "features", features_of(), "warning",
        info->warning);
    mb_status status = object != NULL ? MB_OK : mb_fail_memory(error, "info", sizeof *info);
    if (status == MB_OK && arguments->network != NULL)
        status = mb_info_network(machine, arguments->network, arguments->batch_size, object, error);
    char *text =
        status == MB_OK ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    if (text != NULL)
        puts(text);
    else if (status == MB_OK)
        status = mb_fail_memory(error, "info", sizeof *info);
    free(text);
    json_decref(object);
    return status;
}

static void print_pins(const mb_machine_info *info)
{
    printf("pins       %s", info->pin_policy);
    for (size_t i = 0; info->pins != NULL && i < info->threads; i++)
        printf("%s%u", i == 0 ? ": CPU " : ", ", info->pins[i]);
    putchar('\n');
}

static void print_text(const mb_machine_info *info)
{
    printf("mnist_blas %s\n", mb_version());
    printf("cpu        %s\n", info->cpu);
    printf("cores      %zu, of which %zu may be used (%zu CPUs)", info->cores, info->cores_allowed,
           info->pus_allowed);
    if (info->quota > 0.0)
        printf(", CPU quota %g", info->quota);
    printf("\nthreads    %zu, decided by %s\n", info->threads, info->threads_from);
    print_pins(info);
    printf("OpenBLAS   %s, kernel set %s%s, threading %s\n", info->blas_version, info->blas_core,
           mb_restarted() ? " (chosen by starting again: OpenBLAS had picked a slower one)" : "",
           info->blas_threading);
    printf("           %s\n", info->blas_config);
    printf("kernels    %s\n", info->cpu_level);
    printf("features   %s\n", mb_has_feature(MB_FEATURE_REPORT) ? "report (pictures and page of a run)"
                                                : "no report: built without cairo");
    printf("           %s\n", mb_has_feature(MB_FEATURE_ONNX) ? "onnx (models for ONNX Runtime)"
                                              : "no onnx: built without protobuf-c");
    printf("           %s\n", mb_has_feature(MB_FEATURE_TENSORBOARD) ? "tensorboard (runs for TensorBoard)"
                                                     : "no tensorboard: built without protobuf-c");
}

int mb_command_info(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .help_filter = with_default,
        .doc = "Shows the machine as training would use it: cores, threads and their pins, "
               "OpenBLAS and its kernel set; and what this build can do.\v"
               "Examples:\n"
               "  mnist_blas info\n"
               "  mnist_blas info --network lenet5\n"
               "  mnist_blas info --json --threads 2"};
    mb_error error = {0};
    mb_machine *machine = NULL;
    info_arguments arguments = {.batch_size = mb_training_defaults(MB_OPTIMIZER_ADAMW).batch_size,
                                .error = &error};
    mb_status status = mb_parse_arguments(&argp, argc, argv, &arguments, &error);
    const mb_machine_options machine_options = {.threads = arguments.threads};
    if (status == MB_OK)
        status = mb_machine_open(&machine_options, &machine, &error);
    if (status == MB_OK) {
        mb_report_warnings(machine);
        if (arguments.json)
            status = print_json(machine, &arguments, &error);
        else if (arguments.network != NULL)
            status =
                mb_info_network(machine, arguments.network, arguments.batch_size, NULL, &error);
        else
            print_text(mb_machine_describe(machine));
    }
    mb_machine_close(machine);
    return status == MB_OK ? MB_EXIT_DONE : mb_report_error(&error);
}

/* mnist_blas info */
#include "cli.h"
#include "restart.h"

#include "model/onnx.h"
#include "report/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEY_JSON = 256, KEY_THREADS };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What is shown, and how:", 1},
    {"json", KEY_JSON, 0, 0, "print one JSON object", 1},
    {"threads", KEY_THREADS, "N", 0, "threads of the team, as for train", 1},
    {0}};

typedef struct info_arguments {
    bool json;
    size_t threads;
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
    case KEY_THREADS:
        status = mb_parse_count("--threads", text, 1, MB_MOST_THREADS, &arguments->threads,
                                arguments->error);
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(arguments->error, MB_INVALID, "%s: info takes options only", text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == MB_OK ? 0 : EINVAL;
}

static char *with_default(int key, const char *text, void *input)
{
    (void)input;
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

static mb_status print_json(const mb_machine_info *info, mb_error *error)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:I, s:s, s:s, s:o, s:s, s:s, s:s, s:s, "
                  "s:b, s:{s:b, s:b}, "
                  "s:s?}",
                  "version", mb_version(), "cpu", info->cpu, "kernels", info->cpu_level, "cores",
                  (json_int_t)info->cores, "cores_allowed", (json_int_t)info->cores_allowed,
                  "cpus_allowed", (json_int_t)info->pus_allowed, "cpu_quota",
                  info->quota > 0.0 ? json_real(info->quota) : json_null(), "threads",
                  (json_int_t)info->threads, "threads_from", info->threads_from, "pin_policy",
                  info->pin_policy, "pins", pins_of(info), "blas_core", info->blas_core,
                  "blas_version", info->blas_version, "blas_threading", info->blas_threading,
                  "blas_config", info->blas_config, "restarted", mb_restarted(), "features",
                  "report", mb_report_built(), "onnx", mb_onnx_built(), "warning", info->warning);
    char *text =
        object != NULL ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    if (text != NULL)
        puts(text);
    free(text);
    json_decref(object);
    return text != NULL ? MB_OK : mb_fail_memory(error, "info", sizeof *info);
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
    printf("features   %s\n", mb_report_built() ? "report (pictures and page of a run)"
                                                : "no report: built without cairo");
    printf("           %s\n", mb_onnx_built() ? "onnx (models for ONNX Runtime)"
                                              : "no onnx: built without protobuf-c");
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
               "  mnist_blas info --json --threads 2"};
    mb_error error = {0};
    mb_machine *machine = NULL;
    info_arguments arguments = {.error = &error};
    mb_status status = mb_parse_arguments(&argp, argc, argv, &arguments, &error);
    const mb_machine_options machine_options = {.threads = arguments.threads};
    if (status == MB_OK)
        status = mb_machine_open(&machine_options, &machine, &error);
    if (status == MB_OK) {
        mb_report_warnings(machine);
        if (arguments.json)
            status = print_json(mb_machine_describe(machine), &error);
        else
            print_text(mb_machine_describe(machine));
    }
    mb_machine_close(machine);
    return status == MB_OK ? MB_EXIT_DONE : mb_report_error(&error);
}

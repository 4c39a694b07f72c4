/* mnist_blas info */
#include "cli.h"
#include "restart.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct info_arguments {
    bool json;
    const char *network; /* NULL: none */
    size_t batch_size, threads;
} info_arguments;

#define HEADING "Options:"
#define AT(member) offsetof(info_arguments, member)

static const mb_option options[] = {
    {"network", NULL, HEADING, AT(network),
     "show the layers of this network, for 28x28 images and 10 classes, and the memory that "
     "training takes",
     MB_KIND_TEXT("SPEC"), .unset = "none"},
    {"batch-size", NULL, HEADING, AT(batch_size), "samples per step, with --network",
     MB_KIND_SIZE(1, UINT32_MAX)},
    {"json", NULL, HEADING, AT(json), "print one JSON object", MB_KIND_FLAG},
    MB_OPTION_THREADS(HEADING, AT(threads)),
    {0},
};

static void set_defaults(void *arguments)
{
    *(info_arguments *)arguments =
        (info_arguments){.batch_size = mb_training_defaults(MB_OPTIMIZER_ADAMW).batch_size};
}

/* ---- --network ---- */

static const mb_shape input = {1, 28, 28}; /* of MNIST */
enum { CLASSES = 10 };

static void write_shape(mb_shape shape, char *text, size_t size)
{
    snprintf(text, size, "%zux%zux%zu", shape.channels, shape.rows, shape.columns);
}

static double forward_flops(const mb_network *network)
{
    double flops = 0.0;
    for (size_t i = 0; i < mb_network_layer_count(network); i++)
        flops += mb_network_layer_info(network, i).flops;
    return flops;
}

static void print_table(const mb_network *network, size_t batch_size, size_t threads)
{
    char in[64], out[64], name[64];
    printf("network    %s\n", mb_network_spec(network));
    printf("%5s  %-28s %14s %14s %12s %14s\n", "layer", "what", "in", "out", "parameters",
           "forward FLOP");
    for (size_t i = 0; i < mb_network_layer_count(network); i++) {
        const mb_layer_info layer = mb_network_layer_info(network, i);
        write_shape(layer.in, in, sizeof in);
        write_shape(layer.out, out, sizeof out);
        snprintf(name, sizeof name, "%s%s%s", layer.name, layer.argument != NULL ? ":" : "",
                 layer.argument != NULL ? layer.argument : "");
        printf("%5zu  %-28s %14s %14s %12zu %14.0f\n", i, name, in, out, layer.parameters,
               layer.flops);
    }
    printf("sum    %-58s %12zu %14.0f\n", "", mb_network_parameter_count(network),
           forward_flops(network));
    printf("training   %.0f FLOP per sample; %.1f MB for batches of %zu\n",
           mb_network_training_flops(network),
           1e-6 * mb_network_training_bytes(network, batch_size, threads), batch_size);
}

static json_t *layer_object(mb_layer_info layer)
{
    char in[64], out[64];
    write_shape(layer.in, in, sizeof in);
    write_shape(layer.out, out, sizeof out);
    return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:f}", "kind", layer.name, "argument",
                     layer.argument, "in", in, "out", out, "parameters",
                     (json_int_t)layer.parameters, "forward_flops", layer.flops);
}

static json_t *network_object(const mb_network *network, size_t batch_size, size_t threads)
{
    json_t *layers = json_array();
    for (size_t i = 0; i < mb_network_layer_count(network); i++)
        json_array_append_new(layers, layer_object(mb_network_layer_info(network, i)));
    return json_pack("{s:s, s:I, s:f, s:f, s:I, s:f, s:o}", "spec", mb_network_spec(network),
                     "parameters", (json_int_t)mb_network_parameter_count(network), "forward_flops",
                     forward_flops(network), "training_flops", mb_network_training_flops(network),
                     "batch_size", (json_int_t)batch_size, "training_bytes",
                     mb_network_training_bytes(network, batch_size, threads), "layers", layers);
}

/* Prints the network as a table, or, if `object` is not NULL, adds it to that as "network". */
static mb_status show_network(const mb_machine *machine, const char *spec, size_t batch_size,
                              json_t *object, mb_error *error)
{
    const size_t threads = mb_machine_describe(machine)->threads;
    mb_network *network = NULL;
    mb_status status = mb_network_open(machine, spec, input, CLASSES, &network, error);
    if (status == MB_OK && object == NULL)
        print_table(network, batch_size, threads);
    else if (status == MB_OK &&
             json_object_set_new(object, "network", network_object(network, batch_size, threads)) !=
                 0)
        status = mb_fail_memory(error, "info", batch_size);
    mb_network_close(network);
    return status;
}

/* ---- the machine ---- */

static json_t *pins_of(const mb_machine_info *info)
{
    if (info->pins == NULL)
        return json_null();
    json_t *pins = json_array();
    for (size_t i = 0; i < info->threads; i++)
        json_array_append_new(pins, json_integer((json_int_t)info->pins[i]));
    return pins;
}

static const struct {
    mb_feature feature;
    const char *name, *use, *library;
} features[] = {
    {MB_FEATURE_REPORT, "report", "pictures and page of a run", "cairo"},
    {MB_FEATURE_ONNX, "onnx", "models for ONNX Runtime", "protobuf-c"},
    {MB_FEATURE_TENSORBOARD, "tensorboard", "runs for TensorBoard", "protobuf-c"},
};
enum { FEATURES = sizeof features / sizeof *features };

static json_t *features_of(void)
{
    json_t *object = json_object();
    for (size_t i = 0; i < FEATURES; i++)
        json_object_set_new(object, features[i].name,
                            json_boolean(mb_has_feature(features[i].feature)));
    return object;
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
        status = show_network(machine, arguments->network, arguments->batch_size, object, error);
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
    puts(strcmp(info->pin_policy, "shared") == 0 ? ": other runs are pinned to the cores" : "");
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
    for (size_t i = 0; i < FEATURES; i++) {
        const bool built = mb_has_feature(features[i].feature);
        printf(built ? "%-11s%s (%s)\n" : "%-11sno %s: built without %s\n",
               i == 0 ? "features" : "", features[i].name,
               built ? features[i].use : features[i].library);
    }
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    const info_arguments *given = arguments;
    const mb_machine_options machine_options = {.threads = given->threads};
    mb_machine *machine = NULL;
    (void)operands;
    mb_status status = mb_machine_open(&machine_options, &machine, error);
    if (status == MB_OK) {
        mb_report_warnings(MB_PROGRAM, machine);
        if (given->json)
            status = print_json(machine, given, error);
        else if (given->network != NULL)
            status = show_network(machine, given->network, given->batch_size, NULL, error);
        else
            print_text(mb_machine_describe(machine));
    }
    mb_machine_close(machine);
    return status;
}

const mb_command mb_command_info = {
    .name = "info",
    .brief = "show machine, threads, BLAS and features",
    .about = "Shows the machine as training would use it: cores, threads and their pins, OpenBLAS "
             "and its kernel set, and the features of this build.",
    .examples = "Examples:\n"
                "  mnist_blas info\n"
                "  mnist_blas info --network lenet5\n"
                "  mnist_blas info --json --threads 2",
    .groups = {{options, 0}},
    .size = sizeof(info_arguments),
    .set_defaults = set_defaults,
    .run = run,
};

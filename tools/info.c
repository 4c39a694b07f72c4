/* mnist_blas info */
#include "cli.h"
#include "data.h"
#include "info_data.h"
#include "info_network.h"
#include "info_ranks.h"
#include "model.h"
#include "restart.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct info_arguments {
    bool json;
    const char *data, *sheet; /* NULL: none */
    mb_data_options reading;
    const char *network;        /* NULL: none */
    mb_shape input;             /* of --network: as given, or of --data; {0}: neither */
    size_t classes;             /* of --data; 0: none */
    size_t batch_size, threads; /* 0: not given */
    mb_ranks_info ranks;
    mb_rank_info *rank_infos; /* (ranks.count) */
} info_arguments;

#define HEADING "Options:"
#define AT(member) offsetof(info_arguments, member)

static const mb_option options[] = {
    {"data", NULL, HEADING, AT(data),
     "show what is in this folder or file of images, and what may be wrong with it",
     MB_KIND_TEXT("PATH"), .unset = "none", .complete = ".csv .csv.gz .npz"},
    {"sheet", NULL, HEADING, AT(sheet),
     "write a contact sheet of --data, a PNG: training images of each class", MB_KIND_TEXT("FILE"),
     .unset = "none", .complete = ".png"},
    {"seed", NULL, HEADING, AT(reading.seed), "seed of the test set, if --data has none",
     .kind = MB_OPTION_UINT64, .metavar = "N", .max_size = INT64_MAX},
    {"network", NULL, HEADING, AT(network),
     "show the layers of this network, for the images and classes of --data (else 10 classes), "
     "and the memory that training takes; with MODEL, a PyTorch state_dict, its architecture",
     MB_KIND_TEXT("SPEC"), .unset = "none"},
    MB_OPTION_MODEL_INPUT(HEADING, AT(input)),
    {"batch-size", NULL, HEADING, AT(batch_size), "samples per step of the training",
     MB_KIND_SIZE(1, UINT32_MAX), .unset = "that of train"},
    {"json", NULL, HEADING, AT(json), "print one JSON object", MB_KIND_FLAG},
    MB_OPTION_THREADS(HEADING, AT(threads)),
    {0},
};

/* ---- --network, and a model ---- */

static mb_status open_network(mb_machine *machine, const info_arguments *arguments,
                              const char *path, mb_network **network, mb_error *error)
{
    enum { CLASSES = 10 };
    const mb_model_arguments model = {
        .path = path, .network = arguments->network, .input = arguments->input};
    if (path != NULL)
        return mb_model_open(machine, &model, network, error);
    return mb_network_open(machine, arguments->network,
                           model.input.rows > 0 ? model.input : (mb_shape)MB_MODEL_INPUT,
                           arguments->classes > 0 ? arguments->classes : CLASSES, network, error);
}

/* Prints the network of the file `path`, or of --network if that is NULL; or, if `object` is not
 * NULL, adds it to that. */
static mb_status show_network(mb_machine *machine, const info_arguments *arguments,
                              const char *path, json_t *object, mb_error *error)
{
    const size_t threads = mb_machine_describe(machine)->threads;
    const size_t batch = arguments->batch_size > 0
                             ? arguments->batch_size
                             : mb_training_defaults(MB_OPTIMIZER_ADAMW).batch_size;
    mb_network *network = NULL;
    json_t *summary = NULL;
    mb_status status = open_network(machine, arguments, path, &network, error);
    if (status == MB_OK && path != NULL)
        status = mb_info_find_summary(path, network, &summary, error);
    if (status == MB_OK && object == NULL) {
        if (path != NULL)
            mb_info_print_model(path, network, summary);
        mb_info_print_network(network, batch, threads);
    } else if (status == MB_OK &&
               ((path != NULL && json_object_set_new(object, "model",
                                                     mb_info_model(path, network, summary)) != 0) ||
                json_object_set_new(object, "network", mb_info_network(network, batch, threads)) !=
                    0))
        status = mb_fail_memory(error, "info", sizeof(json_t));
    json_decref(summary);
    mb_network_close(network);
    return status;
}

/* ---- --data ---- */

/* MB_ERROR_INVALID for an option of the data that has no effect, and a --sheet of another format.
 */
static mb_status check_data_options(const info_arguments *arguments, mb_error *error)
{
    if (arguments->data == NULL && arguments->sheet != NULL)
        return mb_fail(error, MB_ERROR_INVALID, "--sheet: has no effect without --data");
    if (arguments->sheet != NULL &&
        mb_check_ending("sheet", arguments->sheet, ".png", error) != MB_OK)
        return error->status;
    for (const mb_option *option = mb_data_option_table; option->name != NULL; option++)
        if (arguments->data == NULL && !mb_data_option_is_default(option, &arguments->reading))
            return mb_fail(error, MB_ERROR_INVALID, "--%s: has no effect without --data",
                           option->name);
    return MB_OK;
}

/* Writes the sheet and prints what the data are; or, if `object` is not NULL, adds it to that. Sets
 * the shape and the classes that --network is shown for. */
static mb_status show_data(mb_machine *machine, info_arguments *arguments, json_t *object,
                           mb_error *error)
{
    mb_data_options reading = arguments->reading;
    mb_dataset *dataset = NULL;
    mb_inspection *inspection = malloc(sizeof *inspection);
    reading.machine = machine;
    mb_status status = inspection != NULL
                           ? mb_data_open(arguments->data, MB_SPLIT_TRAIN | MB_SPLIT_TEST, &reading,
                                          &dataset, error)
                           : mb_fail_memory(error, "info", sizeof *inspection);
    if (status == MB_OK)
        status = mb_dataset_inspect(dataset, inspection, error);
    if (status == MB_OK && arguments->sheet != NULL)
        status = mb_contact_sheet_write(dataset, arguments->sheet, error);
    if (status == MB_OK && object == NULL)
        mb_info_print_data(dataset, inspection, arguments->sheet);
    else if (status == MB_OK &&
             json_object_set_new(object, "data", mb_info_data(dataset, inspection)) != 0)
        status = mb_fail_memory(error, "info", sizeof(json_t));
    if (status == MB_OK && arguments->network != NULL) {
        arguments->input = mb_images_shape(&dataset->train.images);
        arguments->classes = dataset->classes;
    }
    mb_dataset_close(dataset);
    free(inspection);
    return status;
}

/* ---- the machine ---- */

static json_t *pins_of(const mb_machine_info *info)
{
    if (info->pins == NULL)
        return json_null();
    json_t *pins = json_array();
    for (size_t i = 0; i < info->threads; i++)
        pins = mb_info_append(pins, json_integer((json_int_t)info->pins[i]));
    return pins;
}

/* The CPUs of each cache; NULL if memory is out. */
static json_t *caches_of(const mb_machine_info *info)
{
    json_t *caches = json_array();
    for (size_t cache = 0; cache < info->caches; cache++) {
        json_t *cpus = json_array();
        for (size_t core = 0; core < info->cores_allowed; core++)
            if (info->core_caches[core] == cache)
                cpus = mb_info_append(cpus, json_integer((json_int_t)info->core_cpus[core]));
        caches = mb_info_append(caches, cpus);
    }
    return caches;
}

/* In nanoseconds; null for one thread. */
static json_t *round_trip_of(mb_round_trip round_trip)
{
    return round_trip.max > 0.0
               ? json_pack("{s:s, s:f, s:f}", "kind", mb_round_trip_kind(round_trip), "min_ns",
                           1e9 * round_trip.min, "max_ns", 1e9 * round_trip.max)
               : json_null();
}

static const struct {
    mb_feature feature;
    const char *name, *use, *library;
} features[] = {
    {MB_FEATURE_REPORT, "report", "pictures and page of a run", "cairo"},
    {MB_FEATURE_ONNX, "onnx", "models for ONNX Runtime", "protobuf-c"},
    {MB_FEATURE_TENSORBOARD, "tensorboard", "runs for TensorBoard", "protobuf-c"},
    {MB_FEATURE_NPZ, "npz", "data in NumPy archives", "libzip"},
    {MB_FEATURE_MPI, "mpi", "training by several processes", "MPI"},
};
enum { FEATURES = sizeof features / sizeof *features };

static json_t *features_of(void)
{
    json_t *object = json_object();
    for (size_t i = 0; i < FEATURES; i++)
        if (json_object_set_new(object, features[i].name,
                                json_boolean(mb_has_feature(features[i].feature))) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static mb_status print_json(mb_machine *machine, info_arguments *arguments, const char *model,
                            mb_error *error)
{
    const mb_machine_info *info = mb_machine_describe(machine);
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:I, s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s, "
        "s:b, s:o, s:s?, s:o*}",
        "version", mb_version(), "cpu", info->cpu, "kernels", info->cpu_level, "cores",
        (json_int_t)info->cores, "cores_allowed", (json_int_t)info->cores_allowed, "cpus_allowed",
        (json_int_t)info->pus_allowed, "caches", caches_of(info), "cpu_quota",
        info->quota > 0.0 ? json_real(info->quota) : json_null(), "threads",
        (json_int_t)info->threads, "threads_from", info->threads_from, "pin_policy",
        info->pin_policy, "pins", pins_of(info), "round_trip",
        round_trip_of(mb_machine_round_trip(machine)), "blas_core", info->blas_core, "blas_version",
        info->blas_version, "blas_threading", info->blas_threading, "blas_config",
        info->blas_config, "restarted", mb_restarted(), "features", features_of(), "warning",
        info->warning, "ranks", mb_info_ranks(arguments->rank_infos, arguments->ranks.count));
    mb_status status = object != NULL ? MB_OK : mb_fail_memory(error, "info", sizeof *info);
    if (status == MB_OK && arguments->data != NULL)
        status = show_data(machine, arguments, object, error);
    if (status == MB_OK && (model != NULL || arguments->network != NULL))
        status = show_network(machine, arguments, model, object, error);
    /* json_dumps loses keys if memory is out */
    if (status == MB_OK &&
        json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0 && !ferror(stdout))
        status = mb_fail_memory(error, "info", sizeof *info);
    if (status == MB_OK)
        puts("");
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

/* "CPU 0, 1; CPU 2, 3: a cache for each group" */
static void print_caches(const mb_machine_info *info)
{
    for (size_t cache = 0; cache < info->caches; cache++) {
        const char *join = cache == 0 ? "caches     CPU " : "; CPU ";
        for (size_t core = 0; core < info->cores_allowed; core++)
            if (info->core_caches[core] == cache) {
                printf("%s%u", join, info->core_cpus[core]);
                join = ", ";
            }
    }
    if (info->caches > 0)
        puts(info->caches == 1 ? ": one for all" : ": a cache for each group");
}

static void print_round_trip(mb_round_trip round_trip)
{
    const double nearest = 1e9 * round_trip.min, farthest = 1e9 * round_trip.max;
    if (farthest <= 0.0) {
        puts("distance   unknown: the threads share CPUs, with each other or with other processes");
        return;
    }
    printf("distance   %s: a cache line goes from thread to thread and back in ",
           mb_round_trip_kind(round_trip));
    if (nearest < farthest) /* of several pairs of threads */
        printf("%.0f to ", nearest);
    printf("%.0f ns\n", farthest);
}

static void print_text(mb_machine *machine, const info_arguments *arguments)
{
    const mb_machine_info *info = mb_machine_describe(machine);
    const char *requested = getenv("OPENBLAS_CORETYPE");
    printf("mnist_blas %s\n", mb_version());
    printf("cpu        %s\n", info->cpu);
    printf("cores      %zu, of which %zu may be used (%zu CPUs)", info->cores, info->cores_allowed,
           info->pus_allowed);
    if (info->quota > 0.0)
        printf(", CPU quota %g", info->quota);
    printf("\nthreads    %zu, decided by %s\n", info->threads, info->threads_from);
    print_pins(info);
    mb_info_print_ranks(arguments->rank_infos, arguments->ranks);
    print_caches(info);
    if (info->threads > 1)
        print_round_trip(mb_machine_round_trip(machine));
    printf("OpenBLAS   %s, kernel set %s%s, threading %s\n", info->blas_version, info->blas_core,
           mb_restarted() ? " (chosen by starting again: OpenBLAS had picked a slower one)"
           : requested != NULL && strcasecmp(requested, info->blas_core) == 0
               ? " (OPENBLAS_CORETYPE)"
               : "",
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

/* MB_ERROR_INVALID for an option of the network that has no effect. */
static mb_status check_network_options(const info_arguments *given, const char *model,
                                       mb_error *error)
{
    if (given->batch_size > 0 && model == NULL && given->network == NULL)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--batch-size: has no effect without --network or MODEL");
    if (given->input.rows > 0 && (given->network == NULL || given->data != NULL))
        return mb_fail(error, MB_ERROR_INVALID, "--input: has no effect %s",
                       given->network == NULL ? "without --network"
                                              : "with --data, whose images have a size");
    return MB_OK;
}

/* With all ranks, which tell rank 0 what they have. */
static mb_status open_machine(const mb_ranks *ranks, info_arguments *given, mb_machine **machine,
                              mb_error *error)
{
    const mb_machine_options requested = {.threads = given->threads, .ranks = ranks};
    mb_status status = mb_ranks_agree(ranks, mb_machine_open(&requested, machine, error), error);
    if (status == MB_OK)
        status = mb_info_gather_ranks(ranks, mb_machine_describe(*machine), &given->rank_infos,
                                      error);
    return status;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    info_arguments *given = arguments;
    mb_ranks *ranks = NULL;
    mb_machine *machine = NULL;
    const char *model = operands[0]; /* NULL: none */
    mb_status status = check_network_options(given, model, error);
    if (status == MB_OK)
        status = check_data_options(given, error);
    if (status == MB_OK)
        status = mb_ranks_open(&ranks, error);
    given->ranks = mb_ranks_describe(ranks);
    if (status == MB_OK)
        status = open_machine(ranks, given, &machine, error);
    if (status == MB_OK && given->ranks.rank == 0) {
        const bool network = model != NULL || given->network != NULL;
        mb_report_warnings(MB_PROGRAM, machine);
        if (given->json)
            status = print_json(machine, given, model, error);
        else if (given->data == NULL && !network)
            print_text(machine, given);
        if (status == MB_OK && !given->json && given->data != NULL)
            status = show_data(machine, given, NULL, error);
        if (status == MB_OK && !given->json && network)
            status = show_network(machine, given, model, NULL, error);
    }
    mb_machine_close(machine);
    mb_ranks_close(ranks);
    free(given->rank_infos);
    return status;
}

static void set_defaults(void *arguments)
{
    *(info_arguments *)arguments = (info_arguments){.reading = mb_data_defaults()};
}

const mb_command mb_command_info = {
    .name = "info",
    .operands = "[MODEL]",
    .runs_over_ranks = true,
    .brief = "show the machine, data, or a saved model",
    .about =
        "Shows the machine as training would use it: cores, threads and their pins, the caches "
        "that cores share and how far apart the threads' cores are, OpenBLAS and its kernel set, "
        "and the features of this build. With a model file, shows its "
        "images, classes, layers and parameters, and how it was trained if the summary of its "
        "run is in the same folder. With --data, shows what the data hold: images and classes, "
        "mean and standard deviation of the pixels, images that occur twice, in the training and "
        "the test set or with different labels, and blank ones; --sheet draws some of each class.",
    .examples = "Examples:\n"
                "  mnist_blas info\n"
                "  mnist_blas info --data data/mnist\n"
                "  mnist_blas info --data data/mnist --sheet mnist.png\n"
                "  mnist_blas info mnist_blas_out/model.safetensors\n"
                "  mnist_blas info --network lenet5\n"
                "  mnist_blas info --json --threads 2",
    .groups = {{options, 0}, {mb_data_option_table, offsetof(info_arguments, reading)}},
    .size = sizeof(info_arguments),
    .set_defaults = set_defaults,
    .run = run,
};

/* mnist_blas tune */
#include "cli.h"
#include "data.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_DATA = 256, KEY_NETWORK, KEY_BATCH_SIZE, KEY_OPTIMIZER };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What will be trained:", 1},
    {"data", KEY_DATA, "DIR", 0, "folder with the four IDX files", 1},
    {"network", KEY_NETWORK, "SPEC", 0, "as train is given", 1},
    {"batch-size", KEY_BATCH_SIZE, "N", 0, "samples of a step", 1},
    {"optimizer", KEY_OPTIMIZER, "NAME", 0, "sgd, adam or adamw", 1},
    {0}};

typedef struct tune_arguments {
    const char *data, *network;
    size_t batch_size;
    mb_optimizer_kind optimizer;
    mb_error *error;
} tune_arguments;

/* Lines for a shell; the figures are comments. */
static void print_result(const char *network, const mb_training_options *training,
                         const mb_tune_result *result)
{
    const mb_tune_candidate *best = &result->candidates[result->best];
    printf("# %s, batch size %zu, %s: samples/s in %zu alternating round%s\n", network,
           training->batch_size, mb_optimizer_name(training->optimizer), result->rounds,
           result->rounds > 1 ? "s" : "");
    printf("# threads  pins          min     median        max\n");
    for (size_t i = 0; i < result->count; i++) {
        const mb_tune_candidate *tried = &result->candidates[i];
        printf("# %7zu  %-6s %10.0f %10.0f %10.0f%s\n", tried->machine.threads,
               result->openmp_binds ? "OpenMP" : tried->machine.pin, tried->min, tried->median,
               tried->max, tried == best ? "  best" : "");
    }
    printf("# best (others within 2 %% count as equal): %.2f times the speed of one thread\n",
           best->median / result->candidates[0].median);
    printf("export OMP_NUM_THREADS=%zu\n", best->machine.threads);
    if (!result->openmp_binds)
        printf("export MNIST_BLAS_PIN=%s\n", best->machine.pin);
}

static mb_status tune(const tune_arguments *arguments, mb_error *error)
{
    mb_training_options training = mb_training_defaults(arguments->optimizer);
    mb_machine *machine = NULL;
    mb_dataset *dataset = NULL;
    mb_tune_result result;
    training.batch_size = arguments->batch_size;
    mb_status status = mb_machine_open(NULL, &machine, error);
    if (status == MB_OK)
        status = mb_data_open_or_synthesize(arguments->data, machine, &dataset, error);
    if (status == MB_OK)
        mb_report_warnings(machine);
    mb_machine_close(machine); /* mb_tune pins threads of its own */
    if (status == MB_OK)
        status = mb_tune(dataset, arguments->network, &training, &result, error);
    if (status == MB_OK)
        print_result(arguments->network, &training, &result);
    mb_dataset_close(dataset);
    return status;
}

/* ---- options ---- */

static error_t parse(int key, char *text, struct argp_state *state)
{
    tune_arguments *arguments = state->input;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_DATA:
        arguments->data = text;
        break;
    case KEY_NETWORK:
        arguments->network = text;
        break;
    case KEY_BATCH_SIZE:
        status = mb_parse_size("--batch-size", text, 1, UINT32_MAX, &arguments->batch_size,
                               arguments->error);
        break;
    case KEY_OPTIMIZER:
        status = mb_parse_optimizer("--optimizer", text, &arguments->optimizer, arguments->error);
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(arguments->error, MB_ERROR_INVALID, "%s: tune takes options only", text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == MB_OK ? 0 : EINVAL;
}

static char *with_default(int key, const char *text, void *input)
{
    const tune_arguments *arguments = input;
    switch (arguments != NULL ? key : 0) {
    case KEY_DATA:
        return mb_help_default_data(text);
    case KEY_NETWORK:
        return mb_help_default(text, "%s", arguments->network);
    case KEY_BATCH_SIZE:
        return mb_help_default(text, "%zu", arguments->batch_size);
    case KEY_OPTIMIZER:
        return mb_help_default(text, "%s", mb_optimizer_name(arguments->optimizer));
    default:
        return (char *)(uintptr_t)text;
    }
}

int mb_command_tune(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .help_filter = with_default,
        .doc =
            "Measures with how many threads, and how pinned, this machine trains a network "
            "fastest, and prints it as lines for a shell, with the figures as comments. It takes "
            "less than ten seconds. No choice changes a bit of a model.\v"
            "Examples:\n"
            "  mnist_blas tune\n"
            "  mnist_blas tune --batch-size 256 --network dense:512,relu,dense:10\n"
            "\nTo use what it finds: eval \"$(mnist_blas tune)\""};
    mb_error error = {0};
    const mb_training_options defaults = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    tune_arguments arguments = {.network = "mlp",
                                .batch_size = defaults.batch_size,
                                .optimizer = defaults.optimizer,
                                .error = &error};
    mb_status status = mb_parse_arguments(&argp, argc, argv, &arguments, &error);
    if (status == MB_OK)
        status = tune(&arguments, &error);
    return status == MB_OK ? MB_EXIT_DONE : mb_report_error(&error);
}

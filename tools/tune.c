/* mnist_blas tune */
#include "cli.h"
#include "data.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct tune_arguments {
    const char *data, *network;
    size_t batch_size;
    mb_optimizer_kind optimizer;
    mb_data_options reading;
} tune_arguments;

/* Says so if the rounds do not tell the best from the next: one round has no spread. */
static void print_doubt(const mb_tune_result *result)
{
    const mb_tune_candidate *best = &result->candidates[result->best], *next = NULL;
    for (const mb_tune_candidate *one = result->candidates;
         one < result->candidates + result->count; one++)
        if (one != best && (next == NULL || one->median > next->median))
            next = one;
    if (next != NULL && result->rounds == 1)
        puts("# one round decides little; with fewer processes beside it, or a smaller network, "
             "there are more");
    else if (next != NULL && next->max >= best->min)
        printf("# undecided: %zu thread%s, %s: differs from the best by less than the rounds do\n",
               next->machine.threads, next->machine.threads > 1 ? "s" : "",
               result->openmp_binds ? "OpenMP" : next->machine.pin);
}

/* Two threads may be slower than one on cores that are far apart. */
static void print_distance(const mb_round_trip *distance)
{
    const char *kind = mb_round_trip_kind(distance[0]), *after = mb_round_trip_kind(distance[1]);
    if (distance[0].max <= 0.0)
        return; /* one thread, or a busy machine */
    printf("# cores: %s, %.0f ns for a cache line from thread to thread and back", kind,
           1e9 * distance[0].max);
    if (strcmp(kind, after) != 0)
        printf(", and %s afterwards, %.0f ns: tune again", after, 1e9 * distance[1].max);
    puts("");
}

/* Lines for a shell; the figures are comments. `distance` is that of the cores before and after. */
static void print_result(const char *network, const mb_round_trip *distance,
                         const mb_training_options *training, const mb_tune_result *result)
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
    print_doubt(result);
    print_distance(distance);
    printf("export OMP_NUM_THREADS=%zu\n", best->machine.threads);
    if (!result->openmp_binds)
        printf("export MNIST_BLAS_PIN=%s\n", best->machine.pin);
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    const tune_arguments *given = arguments;
    (void)operands;
    mb_training_options training = mb_training_defaults(given->optimizer);
    mb_machine *machine = NULL;
    mb_dataset *dataset = NULL;
    mb_tune_result result;
    mb_round_trip distance[2] = {{0.0, 0.0}, {0.0, 0.0}};
    training.batch_size = given->batch_size;
    mb_status status = mb_machine_open(NULL, &machine, error);
    if (status == MB_OK)
        status = mb_data_open_or_synthesize(given->data, &given->reading, machine, &dataset, error);
    if (status == MB_OK)
        mb_report_warnings(MB_PROGRAM, machine);
    if (status == MB_OK)
        distance[0] = mb_machine_round_trip(machine);
    mb_machine_close(machine); /* mb_tune pins its own threads */
    machine = NULL;
    if (status == MB_OK)
        status = mb_tune(dataset, given->network, &training, &result, error);
    if (status == MB_OK)
        status = mb_machine_open(NULL, &machine, error);
    if (status == MB_OK) {
        distance[1] = mb_machine_round_trip(machine);
        print_result(given->network, distance, &training, &result);
    }
    mb_machine_close(machine);
    mb_dataset_close(dataset);
    return status;
}

/* ---- options ---- */

#define HEADING "Options:"
#define AT(member) offsetof(tune_arguments, member)

static const mb_option options[] = {
    MB_OPTION_DATA(HEADING, AT(data), "the images"),
    {"network", NULL, HEADING, AT(network), "network to train, as for train", MB_KIND_TEXT("SPEC")},
    {"batch-size", NULL, HEADING, AT(batch_size), "samples per step", MB_KIND_SIZE(1, UINT32_MAX)},
    {"optimizer", NULL, HEADING, AT(optimizer), "update rule", MB_KIND_ENUM(mb_optimizer_names)},
    {0},
};

static void set_defaults(void *arguments)
{
    const mb_training_options defaults = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    *(tune_arguments *)arguments = (tune_arguments){.network = "mlp",
                                                    .reading = mb_data_defaults(),
                                                    .batch_size = defaults.batch_size,
                                                    .optimizer = defaults.optimizer};
}

const mb_command mb_command_tune = {
    .name = "tune",
    .brief = "find the fastest threads and pins",
    .about = "Measures how many threads, and which pins, train a network fastest on this machine, "
             "and prints them as lines for a shell, with the figures as comments. Takes less than "
             "ten seconds. The choice does not change a bit of a model.",
    .examples = "Examples:\n"
                "  mnist_blas tune\n"
                "  mnist_blas tune --batch-size 256 --network dense:512,relu,dense:10\n"
                "\nTo use the result: eval \"$(mnist_blas tune)\"",
    .groups = {{options, 0}, {mb_data_option_table, AT(reading)}},
    .size = sizeof(tune_arguments),
    .set_defaults = set_defaults,
    .run = run,
};

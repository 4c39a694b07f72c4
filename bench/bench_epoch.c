/* bench_epoch: speed of whole training epochs, and the time of their phases. */
#include "arguments.h"
#include "epoch.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char program[] = "bench_epoch";

enum { MAX_EPOCHS = 10000 };

typedef struct arguments {
    mb_size_list threads, batch_sizes, optimizers, augmentations;
    mb_text_list networks;
    size_t epochs, rounds, samples, planned_ranks;
    const char *data, *json;
    bool dense_images, phases;
} arguments;

typedef struct epoch_bench {
    mb_machine *machine[MB_MAX_LIST]; /* one per thread count */
    mb_epoch_data data;
    mb_arena arena;
    mb_epoch_case *cases;
    size_t count;
    mb_bench_results results;
} epoch_bench;

static mb_status list_cases(epoch_bench *bench, const arguments *given, mb_error *error)
{
    bench->count = given->threads.count * given->batch_sizes.count * given->optimizers.count *
                   given->augmentations.count * given->networks.count;
    bench->cases = mb_arena_alloc(&bench->arena, bench->count, sizeof *bench->cases);
    const mb_status status = mb_arena_status(&bench->arena, "combinations", error);
    for (size_t i = 0; i < bench->count && status == MB_OK; i++) {
        size_t rest = i;
        mb_epoch_case *one = &bench->cases[i];
        one->machine = bench->machine[rest % given->threads.count];
        rest /= given->threads.count;
        one->batch_size = given->batch_sizes.value[rest % given->batch_sizes.count];
        rest /= given->batch_sizes.count;
        one->optimizer = (mb_optimizer_kind)given->optimizers.value[rest % given->optimizers.count];
        rest /= given->optimizers.count;
        one->augmentation =
            (mb_augmentation_kind)given->augmentations.value[rest % given->augmentations.count];
        one->network = given->networks.value[rest / given->augmentations.count];
    }
    return status;
}

/* Opens all machines before any team runs, because a team pins its calling thread. */
static mb_status open_bench(epoch_bench *bench, const arguments *given, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < given->threads.count && status == MB_OK; i++)
        status = mb_bench_open_machine(program, given->threads.value[i], &bench->machine[i], error);
    if (status == MB_OK)
        status = mb_epoch_data_open(given->data, bench->machine[0], given->samples,
                                    given->dense_images, &bench->data, error);
    return status == MB_OK ? list_cases(bench, given, error) : status;
}

static void close_bench(epoch_bench *bench)
{
    mb_bench_results_free(&bench->results);
    mb_epoch_data_close(&bench->data);
    for (size_t i = 0; i < MB_MAX_LIST; i++)
        mb_machine_close(bench->machine[i]);
    mb_arena_free(&bench->arena);
}

/* Cases alternate, so that a disturbance of the machine affects all of them. */
static mb_status run_rounds(epoch_bench *bench, const mb_epoch_settings *settings, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < bench->count && status == MB_OK; i++)
        status = mb_epoch_case_open(settings, &bench->cases[i], error);
    for (size_t round = 0; round < settings->rounds; round++)
        for (size_t i = 0; i < bench->count && status == MB_OK; i++)
            status = mb_epoch_case_run(settings, round, &bench->cases[i], error);
    for (size_t i = 0; i < bench->count && status == MB_OK; i++)
        status = mb_epoch_case_results(settings, &bench->cases[i], &bench->results, error);
    return status;
}

static void print_all(const epoch_bench *bench, const mb_epoch_settings *settings)
{
    const mb_dataset *dataset = &bench->data.dataset;
    mb_bench_print_machine(mb_machine_describe(bench->machine[0]));
    printf("%s: %zu images of %zux%zu, %.1f %% of the pixels not zero\n", bench->data.source,
           dataset->train.images.count, dataset->train.images.rows, dataset->train.images.columns,
           100.0 * bench->data.density);
    printf("%zu round%s of 1 epoch to warm up and %zu timed\n", settings->rounds,
           settings->rounds > 1 ? "s" : "", settings->epochs);
    mb_epoch_print(settings, &bench->results);
    for (size_t i = 0; i < bench->count; i++)
        mb_phases_print(&bench->cases[i], &bench->results);
}

static mb_status run(const arguments *given, mb_error *error)
{
    epoch_bench bench = {.count = 0};
    const mb_epoch_settings settings = {.data = &bench.data,
                                        .rounds = given->rounds,
                                        .epochs = given->epochs,
                                        .time_phases = given->phases,
                                        .planned_ranks = given->planned_ranks,
                                        .arena = &bench.arena};
    mb_status status = open_bench(&bench, given, error);
    if (status == MB_OK)
        status = run_rounds(&bench, &settings, error);
    if (status == MB_OK) {
        print_all(&bench, &settings);
        if (given->json != NULL)
            status = mb_bench_write(given->json, program, mb_machine_describe(bench.machine[0]),
                                    &bench.results, error);
    }
    close_bench(&bench);
    return status;
}

/* ---- options ---- */

#define AT(member) offsetof(arguments, member)

static const mb_option options[] = {
    MB_BENCH_OPTION_THREADS(AT(threads)),
    MB_BENCH_OPTION_BATCH_SIZES(AT(batch_sizes)),
    MB_BENCH_OPTION_NETWORKS(AT(networks)),
    {"optimizer", NULL, MB_BENCH_HEADING, AT(optimizers), "update rules",
     MB_KIND_ENUM_LIST(mb_optimizer_names)},
    {"augment", NULL, MB_BENCH_HEADING, AT(augmentations), "augmentations, as strong as train's",
     MB_KIND_ENUM_LIST(mb_augmentation_names)},
    {"epochs", NULL, MB_BENCH_HEADING, AT(epochs), "timed epochs per round, after one to warm up",
     MB_KIND_SIZE(1, MAX_EPOCHS)},
    {"rounds", NULL, MB_BENCH_HEADING, AT(rounds), "rounds of each combination",
     MB_KIND_SIZE(1, MAX_EPOCHS)},
    MB_OPTION_DATA(MB_BENCH_HEADING, AT(data), "the images"),
    {"samples", NULL, MB_BENCH_HEADING, AT(samples), "use the first N training images",
     MB_KIND_SIZE(1, UINT32_MAX), .unset = "all"},
    {"dense-images", NULL, MB_BENCH_HEADING, AT(dense_images),
     "replace each zero pixel by 1, so that no zeros are skipped", MB_KIND_FLAG},
    {"phases", NULL, MB_BENCH_HEADING, AT(phases), "show the time of each phase of the step",
     MB_KIND_FLAG},
    {"planned-ranks", NULL, MB_BENCH_HEADING, AT(planned_ranks),
     "run the phases that so many ranks would divide", MB_KIND_SIZE(1, MB_MAX_BENCH_RANKS)},
    MB_BENCH_OPTION_JSON(AT(json)),
    {0},
};

int main(int argc, char **argv)
{
    static const char about[] =
        "bench_epoch trains as train does and times the epochs of all combinations of threads, "
        "batch sizes, networks, optimizers and augmentations, in alternating rounds: samples per "
        "second, dense arithmetic and arithmetic really done, both beside a large SGEMM on the "
        "same number of threads, measured in the same rounds.";
    mb_error error;
    arguments given = {.threads = {.count = 1},
                       .batch_sizes = {.value = {64}, .count = 1},
                       .optimizers = {.value = {MB_OPTIMIZER_ADAMW}, .count = 1},
                       .augmentations = {.value = {MB_AUGMENT_NONE}, .count = 1},
                       .epochs = 5,
                       .rounds = 3,
                       .planned_ranks = 1};
    mb_status status = mb_bench_parse(program, about, options, argc, argv, &given, &error);
    if (given.networks.count == 0)
        given.networks = (mb_text_list){{"mlp"}, 1};
    if (status == MB_OK)
        status = run(&given, &error);
    return mb_exit_code(program, status, &error);
}

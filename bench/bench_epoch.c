/* bench_epoch: how fast whole epochs of training are, and where their time goes. */
#include "arguments.h"
#include "epoch.h"
#include "restart.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char program[] = "bench_epoch";

enum { MOST_EPOCHS = 10000 };

typedef struct arguments {
    mb_size_list threads, batch_sizes;
    mb_optimizer_kind optimizer[MB_MAX_LIST];
    const char *network[MB_MAX_LIST];
    mb_augmentation_kind augmentation[MB_MAX_LIST];
    size_t optimizers, augmentations, networks, epochs, rounds, samples;
    const char *data, *json;
    bool dense_images, phases;
    mb_error *error;
} arguments;

typedef struct bench {
    mb_machine *machine[MB_MAX_LIST]; /* one a team size */
    mb_epoch_data data;
    mb_arena arena;
    mb_epoch_case *combination;
    size_t count;
    mb_bench_results results;
} bench;

static mb_status list_combinations(bench *b, const arguments *given, mb_error *error)
{
    const size_t most = given->threads.count * given->batch_sizes.count * given->optimizers *
                        given->augmentations * given->networks;
    b->combination = mb_arena_alloc(&b->arena, most, sizeof *b->combination);
    if (b->combination == NULL)
        return mb_fail_memory(error, "combinations", most * sizeof *b->combination);
    for (size_t i = 0; i < most; i++) {
        size_t rest = i;
        mb_epoch_case *c = &b->combination[i];
        c->machine = b->machine[rest % given->threads.count];
        rest /= given->threads.count;
        c->batch_size = given->batch_sizes.value[rest % given->batch_sizes.count];
        rest /= given->batch_sizes.count;
        c->optimizer = given->optimizer[rest % given->optimizers];
        rest /= given->optimizers;
        c->augmentation = given->augmentation[rest % given->augmentations];
        c->network = given->network[rest / given->augmentations];
    }
    b->count = most;
    return MB_OK;
}

/* All machines are open before any team runs, for a team pins the thread that asks for it. */
static mb_status open_bench(bench *b, const arguments *given, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < given->threads.count && status == MB_OK; i++)
        status = mb_bench_open_machine(program, given->threads.value[i], &b->machine[i], error);
    if (status == MB_OK)
        status = mb_epoch_data_open(given->data, b->machine[0], given->samples, given->dense_images,
                                    &b->data, error);
    return status == MB_OK ? list_combinations(b, given, error) : status;
}

static void close_bench(bench *b)
{
    mb_bench_results_free(&b->results);
    mb_epoch_data_close(&b->data);
    for (size_t i = 0; i < MB_MAX_LIST; i++)
        mb_machine_close(b->machine[i]);
    mb_arena_free(&b->arena);
}

/* In turns, so that what the machine does meanwhile falls on all alike. */
static mb_status run_rounds(bench *b, const mb_epoch_settings *plan, mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < b->count && status == MB_OK; i++)
        status = mb_epoch_case_open(plan, &b->combination[i], error);
    for (size_t round = 0; round < plan->rounds; round++)
        for (size_t i = 0; i < b->count && status == MB_OK; i++)
            status = mb_epoch_case_run(plan, round, &b->combination[i], error);
    for (size_t i = 0; i < b->count && status == MB_OK; i++)
        status = mb_epoch_case_results(plan, &b->combination[i], &b->results, error);
    return status;
}

static void print_all(const bench *b, const mb_epoch_settings *plan)
{
    const mb_dataset *dataset = &b->data.dataset;
    mb_bench_print_machine(mb_machine_describe(b->machine[0]));
    printf("%s: %zu images of %zux%zu, %.1f %% of the pixels not zero\n", b->data.from,
           dataset->train.images.count, dataset->train.images.rows, dataset->train.images.columns,
           100.0 * b->data.density);
    printf("%zu round%s of 1 epoch to warm up and %zu timed\n", plan->rounds,
           plan->rounds > 1 ? "s" : "", plan->epochs);
    mb_epoch_print(plan, &b->results);
    for (size_t i = 0; i < b->count; i++)
        mb_phases_print(&b->combination[i], &b->results);
}

static mb_status run(const arguments *given, mb_error *error)
{
    bench b = {.count = 0};
    const mb_epoch_settings plan = {.data = &b.data,
                                    .rounds = given->rounds,
                                    .epochs = given->epochs,
                                    .watch = given->phases,
                                    .arena = &b.arena};
    mb_status status = open_bench(&b, given, error);
    if (status == MB_OK)
        status = run_rounds(&b, &plan, error);
    if (status == MB_OK) {
        print_all(&b, &plan);
        if (given->json != NULL)
            status = mb_bench_write(given->json, program, mb_machine_describe(b.machine[0]),
                                    &b.results, error);
    }
    close_bench(&b);
    return status;
}

/* ---- options ---- */

enum {
    KEY_THREADS = 256,
    KEY_BATCH_SIZE,
    KEY_OPTIMIZER,
    KEY_AUGMENT,
    KEY_NETWORK,
    KEY_EPOCHS,
    KEY_ROUNDS,
    KEY_DATA,
    KEY_SAMPLES,
    KEY_DENSE_IMAGES,
    KEY_PHASES,
    KEY_JSON
};

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What takes turns, in all combinations:", 1},
    {"threads", KEY_THREADS, "N,...", 0, "team sizes [as train would choose]", 1},
    {"batch-size", KEY_BATCH_SIZE, "N,...", 0, "samples of a step [64]", 1},
    {"optimizer", KEY_OPTIMIZER, "NAME,...", 0, "sgd, adam, adamw [adamw]", 1},
    {"augment", KEY_AUGMENT, "NAME,...", 0, "off, affine, elastic, as strong as train's [off]", 1},
    {"network", KEY_NETWORK, "SPEC", 0, "as train takes it; may be given several times [mlp]", 1},
    {0, 0, 0, 0, "How:", 2},
    {"epochs", KEY_EPOCHS, "N", 0, "timed in a turn, after one that is not [5]", 2},
    {"rounds", KEY_ROUNDS, "N", 0, "turns of each combination [3]", 2},
    {"data", KEY_DATA, "DIR", 0, "as for train; synthetic digits if there is none", 2},
    {"samples", KEY_SAMPLES, "N", 0, "the first N training images only", 2},
    {"dense-images", KEY_DENSE_IMAGES, 0, 0, "with the value 1 for each pixel that is 0", 2},
    {"phases", KEY_PHASES, 0, 0, "show where the time of a step goes", 2},
    {"json", KEY_JSON, "FILE", 0, "write the figures as Google Benchmark does", 2},
    {0}};

static mb_status add_network(arguments *given, const char *text, mb_error *error)
{
    if (given->networks == MB_MAX_LIST)
        return mb_fail(error, MB_ERROR_INVALID, "--network: more than %d", MB_MAX_LIST);
    given->network[given->networks++] = text;
    return MB_OK;
}

/* The numbers, into `chosen`, of the names in a list; false where one is none of the three. */
static bool parse_names(const char *text, const char *const names[3], size_t chosen[MB_MAX_LIST],
                        size_t *count)
{
    *count = 0;
    for (const char *next = text; next != NULL;) {
        const size_t length = strcspn(next, ",");
        size_t kind = 0;
        while (kind < 3 &&
               (strlen(names[kind]) != length || strncmp(names[kind], next, length) != 0))
            kind++;
        if (kind == 3 || *count == MB_MAX_LIST)
            return false;
        chosen[(*count)++] = kind;
        next = next[length] == ',' ? next + length + 1 : NULL;
    }
    return true;
}

static mb_status parse_optimizers(const char *text, arguments *given, mb_error *error)
{
    const char *names[] = {mb_optimizer_name(MB_OPTIMIZER_SGD),
                           mb_optimizer_name(MB_OPTIMIZER_ADAM),
                           mb_optimizer_name(MB_OPTIMIZER_ADAMW)};
    size_t chosen[MB_MAX_LIST];
    if (!parse_names(text, names, chosen, &given->optimizers))
        return mb_fail(error, MB_ERROR_INVALID,
                       "--optimizer: '%s' is not a list of sgd, adam, adamw", text);
    for (size_t i = 0; i < given->optimizers; i++)
        given->optimizer[i] = (mb_optimizer_kind)chosen[i];
    return MB_OK;
}

static mb_status parse_augmentations(const char *text, arguments *given, mb_error *error)
{
    const char *names[] = {mb_augmentation_name(MB_AUGMENT_NONE),
                           mb_augmentation_name(MB_AUGMENT_AFFINE),
                           mb_augmentation_name(MB_AUGMENT_ELASTIC)};
    size_t chosen[MB_MAX_LIST];
    if (!parse_names(text, names, chosen, &given->augmentations))
        return mb_fail(error, MB_ERROR_INVALID,
                       "--augment: '%s' is not a list of off, affine, elastic", text);
    for (size_t i = 0; i < given->augmentations; i++)
        given->augmentation[i] = (mb_augmentation_kind)chosen[i];
    return MB_OK;
}

static mb_status parse_numbers(int key, const char *text, arguments *given, mb_error *error)
{
    switch (key) {
    case KEY_THREADS:
        return mb_parse_size_list("--threads", text, 1, MB_MAX_THREADS, &given->threads, error);
    case KEY_BATCH_SIZE:
        return mb_parse_size_list("--batch-size", text, 1, MB_MAX_BENCH_BATCH, &given->batch_sizes,
                                  error);
    case KEY_EPOCHS:
        return mb_parse_size("--epochs", text, 1, MOST_EPOCHS, &given->epochs, error);
    case KEY_ROUNDS:
        return mb_parse_size("--rounds", text, 1, MOST_EPOCHS, &given->rounds, error);
    default:
        return mb_parse_size("--samples", text, 1, UINT32_MAX, &given->samples, error);
    }
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *given = state->input;
    mb_error *error = given->error;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_OPTIMIZER:
        status = parse_optimizers(text, given, error);
        break;
    case KEY_AUGMENT:
        status = parse_augmentations(text, given, error);
        break;
    case KEY_NETWORK:
        status = add_network(given, text, error);
        break;
    case KEY_DATA:
        given->data = text;
        break;
    case KEY_DENSE_IMAGES:
        given->dense_images = true;
        break;
    case KEY_PHASES:
        given->phases = true;
        break;
    case KEY_JSON:
        given->json = text;
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(error, MB_ERROR_INVALID, "%s: there are options only", text);
        break;
    case ARGP_KEY_END:
        if (given->networks == 0)
            given->network[given->networks++] = "mlp";
        break;
    default:
        if (key < KEY_THREADS || key > KEY_JSON)
            return ARGP_ERR_UNKNOWN;
        status = parse_numbers(key, text, given, error);
    }
    return status == MB_OK ? 0 : EINVAL;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "",
        .doc = "bench_epoch trains as train does and times the epochs: samples a second, dense "
               "arithmetic and what is really done of it, and both beside a large SGEMM at the "
               "same number of threads, measured in the same rounds."};
    mb_error error = {0};
    arguments given = {.threads = {.count = 1},
                       .batch_sizes = {.value = {64}, .count = 1},
                       .optimizer = {MB_OPTIMIZER_ADAMW},
                       .optimizers = 1,
                       .augmentations = 1,
                       .epochs = 5,
                       .rounds = 3,
                       .error = &error};
    mb_status status = mb_parse_program(program, &argp, argc, argv, &given, &error);
    if (status == MB_OK) {
        mb_restart_with_better_blas(argv);
        status = run(&given, &error);
    }
    return mb_bench_exit(program, status, &error);
}

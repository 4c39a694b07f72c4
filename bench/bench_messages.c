/* bench_messages: the messages of a training step that ranks divide. */
#include "arguments.h"
#include "epoch.h"
#include "messages.h"

#include "core/file.h"
#include "machine/ranks.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char program[] = "bench_messages";

typedef struct arguments {
    mb_size_list ranks;
    size_t batch_size, samples, repeats;
    const char *network, *data, *json;
} arguments;

/* Appends what each number of ranks would send. */
static mb_status list_all(mb_trainer *trainer, const arguments *given, json_t *list,
                          mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < given->ranks.count && status == MB_OK; i++) {
        json_t *one = NULL;
        status = mb_messages_list(trainer, given->ranks.value[i], &one, error);
        if (status == MB_OK && json_array_append_new(list, one) != 0)
            status = mb_fail_memory(error, "messages", sizeof *list);
    }
    return status;
}

static mb_status list_messages(mb_machine *machine, const arguments *given, json_t *list,
                               mb_error *error)
{
    mb_epoch_data data = {.whole = NULL};
    mb_network *network = NULL;
    mb_trainer *trainer = NULL;
    mb_training_options options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    options.batch_size = given->batch_size;
    mb_status status =
        mb_epoch_data_open(given->data, machine, given->samples, false, &data, error);
    if (status == MB_OK)
        status =
            mb_network_open(machine, given->network, mb_images_shape(&data.dataset.train.images),
                            data.dataset.classes, &network, error);
    if (status == MB_OK)
        status = mb_trainer_open(machine, network, &data.dataset, &options, NULL, &trainer, error);
    if (status == MB_OK)
        status = list_all(trainer, given, list, error);
    mb_trainer_close(trainer);
    mb_network_close(network);
    mb_epoch_data_close(&data);
    return status;
}

/* Takes `result`. */
static mb_status write_json(const char *path, json_t *result, mb_error *error)
{
    char *text = json_dumps(result, JSON_COMPACT | JSON_REAL_PRECISION(9));
    mb_status status = MB_OK;
    if (text == NULL)
        status = mb_fail_memory(error, "messages", sizeof *result);
    else if (path != NULL)
        status = mb_file_write(path, text, strlen(text), error);
    else
        puts(text);
    free(text);
    json_decref(result);
    return status;
}

static mb_status run(const arguments *given, const mb_ranks *ranks, mb_error *error)
{
    const mb_machine_options options = {.threads = 1, .ranks = ranks};
    mb_machine *machine = NULL;
    json_t *result = json_array();
    mb_status status = mb_machine_open(&options, &machine, error);
    status = mb_ranks_agree(ranks, status, error);
    if (status == MB_OK && mb_ranks_are_several(ranks)) {
        json_decref(result);
        result = NULL;
        status = mb_messages_time(machine, ranks, given->repeats, &result, error);
    } else if (status == MB_OK) {
        status = list_messages(machine, given, result, error);
    }
    mb_machine_close(machine);
    if (status == MB_OK && result != NULL)
        return write_json(given->json, result, error);
    json_decref(result);
    return status;
}

/* ---- options ---- */

#define AT(member) offsetof(arguments, member)

static const mb_option options[] = {
    {"ranks", NULL, MB_BENCH_HEADING, AT(ranks), "numbers of ranks, which are not started",
     MB_KIND_SIZE_LIST(1, MB_MAX_BENCH_RANKS)},
    {"network", NULL, MB_BENCH_HEADING, AT(network), "network, as for train", MB_KIND_TEXT("SPEC")},
    {"batch-size", NULL, MB_BENCH_HEADING, AT(batch_size), "samples per step",
     MB_KIND_SIZE(1, MB_MAX_BENCH_BATCH)},
    MB_OPTION_DATA(MB_BENCH_HEADING, AT(data), "the images"),
    {"samples", NULL, MB_BENCH_HEADING, AT(samples), "use the first N training images",
     MB_KIND_SIZE(1, UINT32_MAX), .unset = "all"},
    {"repeats", NULL, MB_BENCH_HEADING, AT(repeats), "timings of each message, under mpirun",
     MB_KIND_SIZE(1, MB_MAX_REPEATS)},
    {"json", NULL, MB_BENCH_HEADING, AT(json), "write the figures there", MB_KIND_TEXT("FILE"),
     .unset = "standard output"},
    {0},
};

int main(int argc, char **argv)
{
    static const char about[] =
        "bench_messages lists, as JSON, what ranks that divide a training step send each other: "
        "between which phases, how many bytes and messages; and how many tiles of each phase the "
        "busiest rank runs. Nothing is trained, and no rank is started. Started by mpirun it "
        "instead times messages between its ranks, sent as training sends them.";
    mb_error error;
    mb_ranks *ranks = NULL;
    arguments given = {
        .ranks = {.value = {2}, .count = 1}, .batch_size = 64, .repeats = 5, .network = "mlp"};
    mb_status status = mb_bench_parse(program, about, options, argc, argv, &given, &error);
    if (status == MB_OK)
        status = mb_ranks_open(&ranks, &error);
    if (status == MB_OK)
        status = run(&given, ranks, &error);
    const bool prints = mb_ranks_describe(ranks).rank == 0;
    mb_ranks_close(ranks);
    return prints || status == MB_OK ? mb_exit_code(program, status, &error) : MB_EXIT_FAILED;
}

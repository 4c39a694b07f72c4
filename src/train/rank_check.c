#include "train/rank_check.h"

#include "core/digest.h"
#include "machine/ranks.h"
#include "train/checkpoint.h"
#include "train/checkpoint_format.h"

#include <stdio.h>
#include <string.h>

typedef struct comparison {
    const mb_ranks *ranks;
    mb_status status;
    mb_error *error;
} comparison;

/* `text` is the value as a message shows it; the first difference is reported. */
static void compare(comparison *all, const char *name, const char *text, const void *value,
                    size_t size)
{
    const mb_span spans[] = {{name, strlen(name) + 1}, {value, size}};
    uint8_t digest[MB_DIGEST_DIGITS / 2];
    size_t ours;
    mb_sha256_bytes(spans, sizeof spans / sizeof *spans, digest);
    memcpy(&ours, digest, sizeof ours);
    if (mb_ranks_broadcast(all->ranks, ours) != ours && all->status == MB_OK)
        all->status = mb_fail(all->error, MB_ERROR_INVALID,
                              "%s: here %.64s, on rank 0 other: give all ranks the same options, "
                              "data and OpenBLAS",
                              name, text);
}

/* Where a rank finds its data and writes its files is its own matter; how often is not. */
static bool may_differ(const char *key)
{
    return strcmp(key, "data.folder") == 0 ||
           (strncmp(key, MB_CHECKPOINT_NOTE, strlen(MB_CHECKPOINT_NOTE)) == 0 &&
            strcmp(key, MB_CHECKPOINT_NOTE "checkpoint-every") != 0);
}

/* The name of what a key of the metadata describes. */
static const char *name_of(const char *key)
{
    static const char *const prefixes[] = {MB_CHECKPOINT_OPTION, MB_CHECKPOINT_NOTE};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            return key + strlen(prefixes[i]);
    return key;
}

/* The `number`-th entry that must be equal; NULL after the last. */
static const mb_key_value *find_entry(const mb_checkpoint_writer *writer, size_t number)
{
    for (size_t i = 0; i < writer->metadata_count; i++)
        if (!may_differ(writer->metadata[i].key) && number-- == 0)
            return &writer->metadata[i];
    return NULL;
}

static void compare_descriptions(const mb_trainer *trainer, comparison *all)
{
    const mb_checkpoint_writer *writer = &trainer->checkpoints;
    size_t count = 0;
    while (find_entry(writer, count) != NULL)
        count++;
    count = mb_ranks_max(all->ranks, count);
    for (size_t i = 0; i < count; i++) {
        const mb_key_value *entry = find_entry(writer, i);
        const char *value = entry != NULL ? entry->value : "none";
        compare(all, entry != NULL ? name_of(entry->key) : "options", value, value, strlen(value));
    }
}

static void compare_state(const mb_trainer *trainer, comparison *all)
{
    const mb_network *network = trainer->training.network;
    const size_t policy[] = {trainer->checkpoints.policy.every_steps,
                             trainer->checkpoints.policy.every_epoch};
    const size_t steps = mb_trainer_total_steps(trainer);
    char text[32];
    snprintf(text, sizeof text, "after step %zu", steps);
    compare(all, "resumed", text, &steps, sizeof steps);
    snprintf(text, sizeof text, "every %zu steps%s", policy[0], policy[1] > 0 ? ", epoch" : "");
    compare(all, "checkpoints", text, policy, sizeof policy);
    compare(all, "parameters", "those of another run", network->parameters,
            network->parameter_elements * sizeof *network->parameters);
}

mb_status mb_trainer_check_ranks(mb_trainer *trainer, mb_error *error)
{
    comparison all = {trainer->ranks, MB_OK, error};
    mb_status status = MB_OK;
    if (!mb_ranks_are_several(trainer->ranks))
        return MB_OK;
    if (trainer->checkpoints.metadata == NULL)
        status = mb_checkpoint_describe_run(trainer, error);
    status = mb_ranks_agree(trainer->ranks, status, error);
    if (status != MB_OK)
        return status;
    compare_descriptions(trainer, &all);
    compare_state(trainer, &all);
    return mb_ranks_agree(trainer->ranks, all.status, error);
}

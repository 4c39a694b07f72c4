#include "train/checkpoint.h"

#include "data/fingerprint.h"
#include "train/checkpoint_format.h"
#include <mnist_blas/options.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts of the head that are the same in every file. */
enum { FIXED_PAIRS = 10 };
static const char no_checksum[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

/* Adds a pair; both texts are in the arena or constant, and NULL where memory was out. */
static bool add(mb_checkpoint_metadata *head, const char *key, const char *value)
{
    if (key == NULL || value == NULL)
        return false;
    head->pairs[head->count++] = (mb_key_value){key, value};
    return true;
}

static bool add_copy(mb_checkpoint_metadata *head, const char *key, const char *value)
{
    return add(head, key, mb_arena_strdup(&head->arena, value));
}

void mb_checkpoint_blas(const mb_machine *machine, char *text, size_t size)
{
    const mb_machine_info *info = mb_machine_describe(machine);
    snprintf(text, size, "%s %s", info->blas_version, info->blas_core);
}

static bool add_network(mb_checkpoint_metadata *head, const mb_machine *machine,
                        const mb_network *network)
{
    char input[64], classes[24], blas[128];
    const mb_shape shape = network->input;
    snprintf(input, sizeof input, "%zux%zux%zu", shape.channels, shape.rows, shape.columns);
    snprintf(classes, sizeof classes, "%zu", network->classes);
    mb_checkpoint_blas(machine, blas, sizeof blas);
    return add(head, "generator", "mnist_blas") && add(head, "version", MB_CHECKPOINT_VERSION) &&
           add(head, "checksum", no_checksum) && add(head, "network", network->spec) &&
           add_copy(head, "input", input) && add_copy(head, "classes", classes) &&
           add_copy(head, "blas", blas);
}

static bool add_data(mb_checkpoint_metadata *head, const mb_dataset *dataset)
{
    const mb_digest training = mb_split_fingerprint(&dataset->train);
    const mb_digest test = mb_split_fingerprint(&dataset->test);
    return add_copy(head, "data.training", training.text) &&
           add_copy(head, "data.test", test.text) &&
           (dataset->folder == NULL ||
            add(head, "data.folder", mb_checkpoint_encode(&head->arena, dataset->folder)));
}

static bool add_options(mb_checkpoint_metadata *head, const mb_training_options *options)
{
    bool whole = true;
    for (const mb_option *option = mb_training_option_table; option->name != NULL && whole;
         option++) {
        char text[MB_OPTION_TEXT_SIZE];
        mb_option_format(option, options, text, sizeof text);
        whole = add_copy(head, mb_checkpoint_key(&head->arena, MB_CHECKPOINT_OPTION, option->name),
                         text);
    }
    return whole;
}

mb_status mb_checkpoint_metadata_open(const mb_machine *machine, const mb_network *network,
                                      const mb_dataset *dataset, const mb_training_options *options,
                                      const mb_key_value *notes, size_t note_count,
                                      mb_checkpoint_metadata *head, mb_error *error)
{
    *head = (mb_checkpoint_metadata){0};
    size_t most = FIXED_PAIRS + note_count;
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++)
        most++;
    head->pairs = mb_arena_alloc(&head->arena, most, sizeof *head->pairs);
    bool whole = head->pairs != NULL && add_network(head, machine, network) &&
                 add_data(head, dataset) && add_options(head, options);
    for (size_t i = 0; i < note_count && whole; i++)
        whole = add(head, mb_checkpoint_key(&head->arena, MB_CHECKPOINT_NOTE, notes[i].key),
                    mb_checkpoint_encode(&head->arena, notes[i].value));
    if (whole)
        return MB_OK;
    mb_checkpoint_metadata_close(head);
    return mb_fail_memory(error, "checkpoint", most * sizeof *head->pairs);
}

void mb_checkpoint_metadata_close(mb_checkpoint_metadata *head)
{
    mb_arena_free(&head->arena);
    *head = (mb_checkpoint_metadata){0};
}

mb_status mb_checkpoint_write(const mb_checkpoint_metadata *head, const mb_snapshot *snapshot,
                              const char *path, mb_error *error)
{
    mb_arena arena = {0};
    mb_bytes bytes = {0};
    mb_digest digest;
    size_t place = 0;
    mb_safetensors_content content = {.metadata = head->pairs, .metadata_count = head->count};
    content.tensors = mb_snapshot_tensors(snapshot, &arena, &content.tensor_count);
    mb_status status = content.tensors != NULL
                           ? mb_safetensors_serialize(path, &content, &bytes, error)
                           : mb_fail_memory(error, path, content.tensor_count);
    if (status == MB_OK && !mb_checkpoint_checksum(bytes, no_checksum, &digest, &place))
        status =
            mb_fail(error, MB_ERROR_IO, "%s: cannot be written: no place for its checksum", path);
    if (status == MB_OK) {
        memcpy(bytes.data + place, digest.text, MB_DIGEST_DIGITS);
        status = mb_file_write(path, bytes.data, bytes.size, error);
    }
    free(bytes.data);
    mb_arena_free(&arena);
    return status;
}

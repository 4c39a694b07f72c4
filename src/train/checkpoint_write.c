#include "core/digest.h"
#include "data/dataset.h"
#include "machine/machine.h"
#include "train/checkpoint.h"
#include "train/checkpoint_format.h"
#include <mnist_blas/options.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- metadata --- */

enum { FIXED_ENTRIES = 11 + MB_FORM_ENTRIES + MB_CLASS_NAMES_ENTRIES };
static const char no_checksum[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

/* Adds an entry; both texts are constant or in the arena, which notes failed allocations. */
static void add(mb_checkpoint_writer *writer, const char *key, const char *value)
{
    writer->metadata[writer->metadata_count++] = (mb_key_value){key, value};
}

static void add_copy(mb_checkpoint_writer *writer, const char *key, const char *value)
{
    add(writer, key, mb_arena_strdup(&writer->arena, value));
}

static void add_network(mb_checkpoint_writer *writer, const mb_machine *machine,
                        const mb_network *network)
{
    char input[64], classes[24], blas[MB_CHECKPOINT_BLAS_SIZE];
    const mb_shape shape = network->input;
    snprintf(input, sizeof input, "%zux%zux%zu", shape.channels, shape.rows, shape.columns);
    snprintf(classes, sizeof classes, "%zu", network->classes);
    mb_checkpoint_blas(machine, blas);
    add(writer, "generator", "mnist_blas");
    add(writer, "version", MB_CHECKPOINT_VERSION);
    add(writer, "checksum", no_checksum);
    add(writer, "network", network->spec);
    add_copy(writer, "input", input);
    add_copy(writer, "classes", classes);
    add_copy(writer, "blas", blas);
    writer->metadata_count +=
        mb_form_metadata(&network->form, network->input.channels, &writer->arena,
                         writer->metadata + writer->metadata_count);
    writer->metadata_count +=
        mb_class_names_metadata(network, &writer->arena, writer->metadata + writer->metadata_count);
}

static void add_data(mb_checkpoint_writer *writer, const mb_trainer *trainer)
{
    const mb_dataset *dataset = trainer->dataset;
    add_copy(writer, "data.training", mb_split_fingerprint(&dataset->train).text);
    add_copy(writer, "data.test", mb_split_fingerprint(&dataset->test).text);
    if (trainer->validation.order != NULL)
        add_copy(writer, "data.validation",
                 mb_split_fingerprint(&trainer->validation.source.split).text);
    if (dataset->folder != NULL)
        add(writer, "data.folder", mb_checkpoint_encode(&writer->arena, dataset->folder));
}

static void add_options(mb_checkpoint_writer *writer, const mb_training_options *options)
{
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
        char text[MB_OPTION_TEXT_SIZE];
        mb_option_format(option, options, text, sizeof text);
        add_copy(writer, mb_checkpoint_key(&writer->arena, MB_CHECKPOINT_OPTION, option->name),
                 text);
    }
}

mb_status mb_checkpoint_describe_run(mb_trainer *trainer, mb_error *error)
{
    mb_checkpoint_writer *writer = &trainer->checkpoints;
    const mb_checkpoint_policy *policy = &writer->policy;
    size_t entries = FIXED_ENTRIES + policy->note_count;
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++)
        entries++;
    mb_arena_free(&writer->arena);
    writer->metadata_count = 0;
    writer->metadata = mb_arena_alloc(&writer->arena, entries, sizeof *writer->metadata);
    if (writer->metadata == NULL)
        return mb_arena_status(&writer->arena, "checkpoint", error);
    add_network(writer, trainer->machine, trainer->training.network);
    add_data(writer, trainer);
    add_options(writer, trainer->options);
    for (size_t i = 0; i < policy->note_count; i++)
        add(writer, mb_checkpoint_key(&writer->arena, MB_CHECKPOINT_NOTE, policy->notes[i].key),
            mb_checkpoint_encode(&writer->arena, policy->notes[i].value));
    const mb_status status = mb_arena_status(&writer->arena, "checkpoint", error);
    if (status != MB_OK) {
        mb_arena_free(&writer->arena);
        writer->metadata = NULL;
    }
    return status;
}

/* --- tensors --- */

/* A state that is one row of elements. */
static void add_row(const mb_state *state, mb_arena *arena, mb_named_tensor *tensor)
{
    static const mb_dtype dtypes[] = {[MB_STATE_SIZES] = MB_DTYPE_I64,
                                      [MB_STATE_DOUBLES] = MB_DTYPE_F64,
                                      [MB_STATE_FLOATS] = MB_DTYPE_F32};
    size_t *shape = mb_arena_alloc(arena, 1, sizeof *shape);
    void *packed = mb_arena_alloc(arena, state->count, mb_state_size(state->kind));
    if (shape == NULL || packed == NULL)
        return;
    *shape = state->count;
    mb_state_pack(state, packed);
    *tensor = (mb_named_tensor){.name = state->name,
                                .dimensions = 1,
                                .shape = shape,
                                .values = packed,
                                .dtype = dtypes[state->kind]};
}

/* A state in the order of the network's parameters: one tensor for each of the network's. */
static void add_network_tensors(const mb_state *state, const mb_network *network, mb_arena *arena,
                                mb_named_tensor *tensors)
{
    const size_t count = mb_network_tensor_count(network);
    const mb_network *view = mb_network_with_parameters(network, state->values, arena);
    mb_tensor_info *infos = mb_arena_alloc(arena, count, sizeof *infos);
    for (size_t i = 0; view != NULL && infos != NULL && i < count; i++) {
        infos[i] = mb_network_tensor_info(network, i);
        float *values = mb_arena_alloc(arena, infos[i].elements, sizeof *values);
        if (values == NULL)
            return;
        mb_network_get_tensor(view, i, values);
        tensors[i] = (mb_named_tensor){.name = mb_checkpoint_key(arena, state->name, infos[i].name),
                                       .dimensions = infos[i].dimensions,
                                       .shape = infos[i].shape,
                                       .values = values};
    }
}

/* The trainer's state in the arena, which notes failed allocations. */
static void list_tensors(mb_trainer *trainer, mb_arena *arena, mb_safetensors_content *content)
{
    const mb_network *network = trainer->training.network;
    const size_t per_state = mb_network_tensor_count(network);
    mb_state states[MB_STATE_COUNT];
    mb_state_list(trainer, states);
    mb_named_tensor *tensors = mb_arena_alloc(arena, MB_STATE_COUNT * per_state, sizeof *tensors);
    content->tensors = tensors;
    for (size_t i = 0; i < MB_STATE_COUNT && tensors != NULL; i++) {
        mb_named_tensor *next = tensors + content->tensor_count;
        if (states[i].kind != MB_STATE_NETWORK) {
            add_row(&states[i], arena, next);
            content->tensor_count++;
        } else if (states[i].count > 0) {
            add_network_tensors(&states[i], network, arena, next);
            content->tensor_count += per_state;
        }
    }
}

mb_status mb_checkpoint_write(mb_trainer *trainer, const char *path, mb_error *error)
{
    mb_arena arena = {0};
    mb_bytes bytes = {0};
    mb_digest digest;
    size_t place = 0;
    mb_safetensors_content content = {.metadata = trainer->checkpoints.metadata,
                                      .metadata_count = trainer->checkpoints.metadata_count};
    list_tensors(trainer, &arena, &content);
    mb_status status = mb_arena_status(&arena, path, error);
    if (status == MB_OK)
        status = mb_safetensors_serialize(path, &content, &bytes, error);
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

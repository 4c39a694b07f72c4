#include "data/fingerprint.h"
#include "train/checkpoint.h"
#include "train/checkpoint_format.h"
#include <mnist_blas/options.h>

#include <stdlib.h>
#include <string.h>

/* --- the file --- */

static mb_status read_text(const mb_checkpoint *c, const char *key, const char **text,
                           mb_error *error)
{
    *text = mb_safetensors_metadata(c->file, key);
    if (*text == NULL)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: not a checkpoint of mnist_blas: no metadata \"%s\"", c->path, key);
    return MB_OK;
}

/* Only a version that is known is sure to have the checksum where it is looked for. */
static mb_status check_whole(const mb_checkpoint *c, mb_error *error)
{
    const char *version = NULL, *checksum = NULL;
    mb_digest digest;
    size_t place;
    mb_status status = read_text(c, "checksum", &checksum, error);
    if (status == MB_OK)
        status = read_text(c, "version", &version, error);
    if (status == MB_OK && strcmp(version, MB_CHECKPOINT_VERSION) != 0)
        status = mb_fail(error, MB_ERROR_FORMAT,
                         "%s: a checkpoint of version %.20s, this program knows version %s",
                         c->path, version, MB_CHECKPOINT_VERSION);
    if (status == MB_OK && (!mb_checkpoint_checksum(c->bytes, checksum, &digest, &place) ||
                            strcmp(checksum, digest.text) != 0))
        status =
            mb_fail(error, MB_ERROR_FORMAT, "%s: damaged: its bytes do not have its checksum %.64s",
                    c->path, checksum);
    return status;
}

static mb_status read_options(mb_checkpoint *c, mb_error *error)
{
    mb_status status = MB_OK;
    for (const mb_option *option = mb_training_option_table;
         option->name != NULL && status == MB_OK; option++) {
        const char *text = NULL;
        const char *key = mb_checkpoint_key(&c->arena, MB_CHECKPOINT_OPTION, option->name);
        mb_error why;
        if (key == NULL)
            return mb_fail_memory(error, c->path, MB_OPTION_TEXT_SIZE);
        status = read_text(c, key, &text, error);
        if (status == MB_OK && mb_option_parse(option, &c->options, text, &why) != MB_OK)
            status =
                mb_fail(error, MB_ERROR_FORMAT, "%s: metadata \"%s\": %s", c->path, key, why.text);
    }
    return status;
}

static mb_status read_head(mb_checkpoint *c, mb_error *error)
{
    mb_status status = check_whole(c, error);
    if (status == MB_OK)
        status = read_options(c, error);
    if (status == MB_OK)
        status = read_text(c, "network", &c->network, error);
    if (status == MB_OK)
        status = read_text(c, "blas", &c->blas, error);
    if (status != MB_OK)
        return status;
    const char *folder = mb_safetensors_metadata(c->file, "data.folder");
    if (folder != NULL)
        c->data = mb_checkpoint_decode(&c->arena, folder);
    if (folder != NULL && c->data == NULL)
        status = mb_fail(error, MB_ERROR_FORMAT, "%s: \"%.100s\" is no name of a folder", c->path,
                         folder);
    return status;
}

mb_status mb_checkpoint_parse(const char *path, mb_bytes bytes, mb_checkpoint *checkpoint,
                              mb_error *error)
{
    mb_checkpoint *c = checkpoint;
    *c = (mb_checkpoint){
        .path = path, .bytes = bytes, .options = mb_training_defaults(MB_OPTIMIZER_ADAMW)};
    mb_status status = mb_safetensors_parse(path, bytes.data, bytes.size, &c->file, error);
    if (status == MB_OK)
        status = read_head(c, error);
    if (status != MB_OK)
        mb_checkpoint_close(c);
    return status;
}

mb_status mb_checkpoint_open(const char *path, mb_checkpoint *checkpoint, mb_error *error)
{
    mb_bytes bytes = {0};
    *checkpoint = (mb_checkpoint){0};
    mb_status status = mb_file_read(path, MB_SAFETENSORS_LIMIT, &bytes, error);
    if (status == MB_OK)
        status = mb_checkpoint_parse(path, bytes, checkpoint, error);
    if (status == MB_OK)
        checkpoint->owned = bytes.data;
    else
        free(bytes.data);
    return status;
}

void mb_checkpoint_close(mb_checkpoint *checkpoint)
{
    mb_safetensors_close(checkpoint->file);
    mb_arena_free(&checkpoint->arena);
    free(checkpoint->owned);
    *checkpoint = (mb_checkpoint){0};
}

const char *mb_checkpoint_note(mb_checkpoint *c, const char *key)
{
    const char *whole = mb_checkpoint_key(&c->arena, MB_CHECKPOINT_NOTE, key);
    const char *text = whole != NULL ? mb_safetensors_metadata(c->file, whole) : NULL;
    return text != NULL ? mb_checkpoint_decode(&c->arena, text) : NULL;
}

static mb_status check_split(const mb_checkpoint *c, const char *key, const char *name,
                             const mb_split *split, const mb_dataset *dataset, mb_error *error)
{
    const char *held = NULL;
    const mb_digest found = mb_split_fingerprint(split);
    const mb_status status = read_text(c, key, &held, error);
    if (status == MB_OK && strcmp(held, found.text) != 0)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: other %s images or labels than those of the run in %s (SHA-256 %.12s, "
                       "not %.12s)",
                       dataset->folder != NULL ? dataset->folder : "drawn digits", name, c->path,
                       found.text, held);
    return status;
}

mb_status mb_checkpoint_check_data(const mb_checkpoint *c, const mb_dataset *dataset,
                                   mb_error *error)
{
    const mb_status status =
        check_split(c, "data.training", "training", &dataset->train, dataset, error);
    return status == MB_OK ? check_split(c, "data.test", "test", &dataset->test, dataset, error)
                           : status;
}

/* --- the state --- */

static mb_status find(const mb_checkpoint *c, const char *name, const char *dtype, size_t elements,
                      const mb_stored_tensor **tensor, mb_error *error)
{
    const mb_stored_tensor *found = mb_safetensors_find(c->file, name);
    if (found == NULL || strcmp(found->dtype, dtype) != 0 || found->elements != elements)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: tensor \"%s\": %s, must be %zu of %s", c->path,
                       name, found == NULL ? "is missing" : "of another form", elements, dtype);
    *tensor = found;
    return MB_OK;
}

/* A few more numbers than are there leave it to the tensors to say what is wrong. */
static const size_t spare_parameters = (size_t)1 << 16;

mb_status mb_checkpoint_network(const mb_checkpoint *c, const mb_machine *machine, mb_shape input,
                                size_t classes, mb_network **network, mb_error *error)
{
    const size_t most = mb_safetensors_elements(c->file) + spare_parameters;
    mb_network *opened = NULL;
    mb_error why = {0};
    mb_status status =
        mb_network_open_within(machine, c->network, input, classes, most, &opened, &why);
    if (status != MB_OK)
        return mb_fail(error, status == MB_ERROR_INVALID ? MB_ERROR_FORMAT : status, "%s: %s",
                       c->path, why.text);
    for (size_t i = 0; i < mb_network_tensor_count(opened) && status == MB_OK; i++) {
        const mb_tensor_info info = mb_network_tensor_info(opened, i);
        const mb_stored_tensor *tensor = NULL;
        status = find(c, info.name, "F32", info.elements, &tensor, error);
    }
    if (status == MB_OK)
        *network = opened;
    else
        mb_network_close(opened);
    return status;
}

static mb_status restore_row(const mb_checkpoint *c, const mb_state *state, mb_error *error)
{
    static const char *const dtypes[] = {
        [MB_STATE_SIZES] = "I64", [MB_STATE_DOUBLES] = "F64", [MB_STATE_FLOATS] = "F32"};
    const mb_stored_tensor *tensor = NULL;
    const mb_status status =
        find(c, state->name, dtypes[state->kind], state->count, &tensor, error);
    if (status != MB_OK)
        return status;
    void *packed = calloc(state->count + 1, mb_state_size(state->kind));
    if (packed == NULL)
        return mb_fail_memory(error, c->path, state->count);
    mb_safetensors_values(tensor, packed);
    mb_state_unpack(state, packed);
    free(packed);
    return MB_OK;
}

/* Through a network of the same layers, which puts the tensors where they belong. */
static mb_status restore_network(const mb_checkpoint *c, const mb_state *state, mb_network *network,
                                 mb_error *error)
{
    mb_status status = MB_OK;
    if (state->count == 0)
        return MB_OK;
    for (size_t i = 0; i < mb_network_tensor_count(network) && status == MB_OK; i++) {
        const mb_tensor_info info = mb_network_tensor_info(network, i);
        const mb_stored_tensor *tensor = NULL;
        mb_arena arena = {0};
        float *values = mb_arena_alloc(&arena, info.elements, sizeof *values);
        const char *name = mb_checkpoint_key(&arena, state->name, info.name);
        if (values == NULL || name == NULL)
            status = mb_fail_memory(error, c->path, info.elements * sizeof *values);
        else
            status = find(c, name, "F32", info.elements, &tensor, error);
        if (status == MB_OK)
            mb_safetensors_values(tensor, values);
        mb_error why = {0};
        if (status == MB_OK && state->checked &&
            mb_network_check(network, i, values, &why) != MB_OK)
            status =
                mb_fail(error, MB_ERROR_FORMAT, "%s: tensor \"%s\": %s", c->path, name, why.text);
        if (status == MB_OK)
            mb_network_set_tensor(network, i, values);
        mb_arena_free(&arena);
    }
    if (status == MB_OK)
        memcpy(state->values, network->parameters, state->count * sizeof(float));
    return status;
}

mb_status mb_checkpoint_restore(const mb_checkpoint *c, const mb_machine *machine,
                                mb_trainer *trainer, mb_error *error)
{
    const mb_network *network = trainer->training.network;
    mb_state states[MB_STATE_COUNT];
    mb_network *vessel = NULL;
    mb_state_list(trainer, states);
    mb_status status = restore_row(c, &states[MB_STATE_EPOCH], error);
    if (status == MB_OK)
        status = restore_row(c, &states[MB_STATE_STEP], error);
    if (status == MB_OK)
        status = mb_state_validate_position(c->path, trainer, error);
    if (status == MB_OK)
        status = mb_network_open(machine, network->spec, network->input, network->classes, &vessel,
                                 error);
    mb_state_list(trainer, states); /* now with the counts of this position */
    for (size_t i = 0; i < MB_STATE_COUNT && status == MB_OK; i++)
        status = states[i].kind == MB_STATE_NETWORK ? restore_network(c, &states[i], vessel, error)
                                                    : restore_row(c, &states[i], error);
    if (status == MB_OK)
        status = mb_state_validate(c->path, trainer, error);
    mb_network_close(vessel);
    return status;
}

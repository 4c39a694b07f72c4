#include "core/digest.h"
#include "core/parse.h"
#include "data/dataset.h"
#include "machine/machine.h"
#include "train/checkpoint.h"
#include "train/checkpoint_format.h"
#include <mnist_blas/options.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- metadata --- */

static mb_status read_text(const mb_checkpoint *checkpoint, const char *key, const char **text,
                           mb_error *error)
{
    *text = mb_safetensors_metadata(checkpoint->file, key);
    if (*text == NULL)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: not a checkpoint of mnist_blas: no metadata \"%s\"",
                       checkpoint->info.path, key);
    return MB_OK;
}

/* The version comes first: only a known one is sure to have its checksum where it is expected. */
static mb_status check_integrity(const mb_checkpoint *checkpoint, mb_error *error)
{
    const char *version = NULL, *checksum = NULL;
    mb_digest digest;
    size_t place;
    mb_status status = read_text(checkpoint, "checksum", &checksum, error);
    if (status == MB_OK)
        status = read_text(checkpoint, "version", &version, error);
    if (status == MB_OK && strcmp(version, MB_CHECKPOINT_VERSION) != 0)
        status = mb_fail(error, MB_ERROR_FORMAT,
                         "%s: a checkpoint of version %.20s, this program reads version %s",
                         checkpoint->info.path, version, MB_CHECKPOINT_VERSION);
    if (status == MB_OK && (!mb_checkpoint_checksum(checkpoint->bytes, checksum, &digest, &place) ||
                            strcmp(checksum, digest.text) != 0))
        status = mb_fail(error, MB_ERROR_FORMAT,
                         "%s: damaged: its bytes do not match its checksum %.64s",
                         checkpoint->info.path, checksum);
    return status;
}

static mb_status read_options(mb_checkpoint *checkpoint, mb_error *error)
{
    mb_status status = MB_OK;
    for (const mb_option *option = mb_training_option_table;
         option->name != NULL && status == MB_OK; option++) {
        const char *text = NULL;
        const char *key = mb_checkpoint_key(&checkpoint->arena, MB_CHECKPOINT_OPTION, option->name);
        mb_error why;
        if (key == NULL)
            return mb_arena_status(&checkpoint->arena, checkpoint->info.path, error);
        if (option->omit_zero && mb_safetensors_metadata(checkpoint->file, key) == NULL)
            text = option->kind == MB_OPTION_FLAG ? "off" : "0"; /* written before it existed */
        else
            status = read_text(checkpoint, key, &text, error);
        if (status == MB_OK &&
            mb_option_parse(option, &checkpoint->info.options, text, &why) != MB_OK)
            status = mb_fail(error, MB_ERROR_FORMAT, "%s: metadata \"%s\": %s",
                             checkpoint->info.path, key, why.text);
    }
    return status;
}

static mb_status read_classes(mb_checkpoint *checkpoint, mb_error *error)
{
    mb_checkpoint_info *info = &checkpoint->info;
    const char *text = NULL;
    const mb_status status = read_text(checkpoint, "classes", &text, error);
    if (status == MB_OK && !mb_parse_size(text, 2, MB_MAX_CLASSES, &info->classes))
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: metadata \"classes\": must be 2 to %d, got \"%.100s\"", info->path,
                       MB_MAX_CLASSES, text);
    return status == MB_OK ? mb_class_names_read(info->path, checkpoint->file, info->classes,
                                                 &checkpoint->arena, &info->class_names, error)
                           : status;
}

static mb_status read_metadata(mb_checkpoint *checkpoint, mb_error *error)
{
    mb_status status = check_integrity(checkpoint, error);
    if (status == MB_OK)
        status = read_options(checkpoint, error);
    if (status == MB_OK)
        status = read_text(checkpoint, "network", &checkpoint->info.network, error);
    if (status == MB_OK)
        status = read_text(checkpoint, "blas", &checkpoint->info.blas, error);
    if (status == MB_OK)
        status =
            mb_form_read(checkpoint->info.path, checkpoint->file, &checkpoint->info.form, error);
    if (status == MB_OK)
        status = read_classes(checkpoint, error);
    if (status != MB_OK)
        return status;
    const char *folder = mb_safetensors_metadata(checkpoint->file, "data.folder");
    if (folder != NULL)
        checkpoint->info.data = mb_checkpoint_decode(&checkpoint->arena, folder);
    if (folder != NULL && checkpoint->info.data == NULL)
        status = mb_fail(error, MB_ERROR_FORMAT,
                         "%s: metadata \"data.folder\": invalid value "
                         "\"%.100s\"",
                         checkpoint->info.path, folder);
    return status;
}

mb_status mb_checkpoint_parse(const char *path, mb_bytes bytes, mb_checkpoint **checkpoint,
                              mb_error *error)
{
    mb_checkpoint *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, path, sizeof *opened);
    opened->bytes = bytes;
    opened->info.options = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    opened->info.path = mb_arena_strdup(&opened->arena, path);
    mb_status status = mb_arena_status(&opened->arena, path, error);
    if (status == MB_OK)
        status = mb_safetensors_parse(path, bytes.data, bytes.size, &opened->file, error);
    if (status == MB_OK)
        status = read_metadata(opened, error);
    if (status == MB_OK)
        *checkpoint = opened;
    else
        mb_checkpoint_close(opened);
    return status;
}

mb_status mb_checkpoint_open(const char *path, mb_checkpoint **checkpoint, mb_error *error)
{
    mb_bytes bytes = {0};
    mb_status status = mb_file_read(path, MB_SAFETENSORS_LIMIT, &bytes, error);
    if (status == MB_OK)
        status = mb_checkpoint_parse(path, bytes, checkpoint, error);
    if (status == MB_OK)
        (*checkpoint)->owns_bytes = true;
    else
        free(bytes.data);
    return status;
}

void mb_checkpoint_close(mb_checkpoint *checkpoint)
{
    if (checkpoint == NULL)
        return;
    mb_safetensors_close(checkpoint->file);
    mb_arena_free(&checkpoint->arena);
    if (checkpoint->owns_bytes)
        free(checkpoint->bytes.data);
    free(checkpoint);
}

const mb_checkpoint_info *mb_checkpoint_describe(const mb_checkpoint *checkpoint)
{
    return &checkpoint->info;
}

const char *mb_checkpoint_note(mb_checkpoint *checkpoint, const char *key)
{
    const char *whole = mb_checkpoint_key(&checkpoint->arena, MB_CHECKPOINT_NOTE, key);
    const char *text = whole != NULL ? mb_safetensors_metadata(checkpoint->file, whole) : NULL;
    return text != NULL ? mb_checkpoint_decode(&checkpoint->arena, text) : NULL;
}

static mb_status check_split(const mb_checkpoint *checkpoint, const char *key, const char *name,
                             const mb_split *split, const mb_dataset *dataset, mb_error *error)
{
    const char *expected = NULL;
    const mb_digest found = mb_split_fingerprint(split);
    const mb_status status = read_text(checkpoint, key, &expected, error);
    if (status == MB_OK && strcmp(expected, found.text) != 0)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: other %s images or labels than those of the run in %s (SHA-256 %.12s, "
                       "not %.12s)",
                       dataset->folder != NULL ? dataset->folder : "synthetic digits", name,
                       checkpoint->info.path, found.text, expected);
    return status;
}

mb_status mb_checkpoint_check_data(const mb_checkpoint *checkpoint, const mb_dataset *dataset,
                                   mb_error *error)
{
    const mb_status status =
        check_split(checkpoint, "data.training", "training", &dataset->train, dataset, error);
    return status == MB_OK
               ? check_split(checkpoint, "data.test", "test", &dataset->test, dataset, error)
               : status;
}

mb_status mb_checkpoint_check_blas(const mb_checkpoint *checkpoint, const mb_machine *machine,
                                   mb_error *error)
{
    char blas[MB_CHECKPOINT_BLAS_SIZE];
    mb_checkpoint_blas(machine, blas);
    if (strcmp(blas, checkpoint->info.blas) == 0)
        return MB_OK;
    return mb_fail(error, MB_ERROR_UNAVAILABLE,
                   "%s: the run began with OpenBLAS %s and continues with %s: the last bits of the "
                   "result may differ",
                   checkpoint->info.path, checkpoint->info.blas, blas);
}

/* --- state --- */

static mb_status find(const mb_checkpoint *checkpoint, const char *name, const char *dtype,
                      size_t elements, const mb_stored_tensor **tensor, mb_error *error)
{
    const mb_stored_tensor *found = mb_safetensors_find(checkpoint->file, name);
    if (found == NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: tensor \"%s\" is missing",
                       checkpoint->info.path, name);
    if (strcmp(found->dtype, dtype) != 0 || found->elements != elements)
        return mb_fail(error, MB_ERROR_FORMAT,
                       "%s: tensor \"%s\" has the wrong dtype or size, expected %zu of %s",
                       checkpoint->info.path, name, elements, dtype);
    *tensor = found;
    return MB_OK;
}

/* A network may have a few more parameters than the file has elements: which tensor is wrong is
 * then told by name. */
static const size_t spare_parameters = (size_t)1 << 16;

mb_status mb_checkpoint_network(const mb_checkpoint *checkpoint, const mb_machine *machine,
                                mb_shape input, size_t classes, mb_network **network,
                                mb_error *error)
{
    const size_t limit = mb_safetensors_elements(checkpoint->file) + spare_parameters;
    mb_network *opened = NULL;
    mb_error why = {0};
    mb_status status = mb_network_open_within(machine, checkpoint->info.network, input, classes,
                                              limit, &opened, &why);
    if (status != MB_OK)
        return mb_fail(error, status == MB_ERROR_INVALID ? MB_ERROR_FORMAT : status, "%s: %s",
                       checkpoint->info.path, why.text);
    for (size_t i = 0; i < mb_network_tensor_count(opened) && status == MB_OK; i++) {
        const mb_tensor_info info = mb_network_tensor_info(opened, i);
        const mb_stored_tensor *tensor = NULL;
        status = find(checkpoint, info.name, "F32", info.elements, &tensor, error);
    }
    if (status == MB_OK && classes == checkpoint->info.classes)
        status = mb_network_set_class_names(opened, checkpoint->info.class_names, error);
    if (status == MB_OK) {
        opened->form = checkpoint->info.form;
        *network = opened;
    } else
        mb_network_close(opened);
    return status;
}

static mb_status restore_row(const mb_checkpoint *checkpoint, const mb_state *state,
                             mb_error *error)
{
    static const char *const dtypes[] = {
        [MB_STATE_SIZES] = "I64", [MB_STATE_DOUBLES] = "F64", [MB_STATE_FLOATS] = "F32"};
    const mb_stored_tensor *tensor = NULL;
    if (state->optional && mb_safetensors_find(checkpoint->file, state->name) == NULL) {
        for (size_t i = 0; i < state->count; i++)
            *(double *)(void *)((char *)state->values + i * state->stride) = NAN;
        return MB_OK;
    }
    const mb_status status =
        find(checkpoint, state->name, dtypes[state->kind], state->count, &tensor, error);
    if (status != MB_OK)
        return status;
    void *packed = calloc(state->count + 1, mb_state_size(state->kind));
    if (packed == NULL)
        return mb_fail_memory(error, checkpoint->info.path, state->count);
    mb_safetensors_values(tensor, packed);
    mb_state_unpack(state, packed);
    free(packed);
    return MB_OK;
}

static mb_status restore_tensor(const mb_checkpoint *checkpoint, const mb_state *state,
                                mb_network *view, size_t index, mb_arena *arena, mb_error *error)
{
    const mb_tensor_info info = mb_network_tensor_info(view, index);
    const mb_stored_tensor *tensor = NULL;
    mb_error why = {0};
    float *values = mb_arena_alloc(arena, info.elements, sizeof *values);
    const char *name = mb_checkpoint_key(arena, state->name, info.name);
    mb_status status = mb_arena_status(arena, checkpoint->info.path, error);
    if (status == MB_OK)
        status = find(checkpoint, name, "F32", info.elements, &tensor, error);
    if (status != MB_OK)
        return status;
    mb_safetensors_values(tensor, values);
    if (mb_network_check(view, index, values, &why) != MB_OK)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: tensor \"%s\": %s", checkpoint->info.path, name,
                       why.text);
    mb_network_set_tensor(view, index, values);
    return MB_OK;
}

/* A network whose parameters are the state's values maps each tensor to its place. */
static mb_status restore_network(const mb_checkpoint *checkpoint, const mb_state *state,
                                 const mb_network *network, mb_error *error)
{
    if (state->count == 0)
        return MB_OK;
    mb_arena arena = {0};
    mb_network *view = mb_network_with_parameters(network, state->values, &arena);
    mb_status status = mb_arena_status(&arena, checkpoint->info.path, error);
    for (size_t i = 0; status == MB_OK && i < mb_network_tensor_count(network); i++)
        status = restore_tensor(checkpoint, state, view, i, &arena, error);
    mb_arena_free(&arena);
    return status;
}

/* Runs of earlier versions held out the last images, and have no digest of them. */
static mb_status check_validation(const mb_trainer *trainer, const mb_checkpoint *checkpoint,
                                  mb_error *error)
{
    const char *expected = mb_safetensors_metadata(checkpoint->file, "data.validation");
    if (trainer->validation.order == NULL ||
        (expected != NULL &&
         strcmp(expected, mb_split_fingerprint(&trainer->validation.source.split).text) == 0))
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: its run held out other validation images than this version of the program "
                   "does: begin it again",
                   checkpoint->info.path);
}

mb_status mb_trainer_restore(mb_trainer *trainer, const mb_checkpoint *checkpoint, mb_error *error)
{
    mb_state states[MB_STATE_COUNT];
    mb_state_list(trainer, states);
    mb_status status = check_validation(trainer, checkpoint, error);
    if (status == MB_OK)
        status = restore_row(checkpoint, &states[MB_STATE_EPOCH], error);
    if (status == MB_OK)
        status = restore_row(checkpoint, &states[MB_STATE_STEP], error);
    if (status == MB_OK)
        status = mb_state_validate_position(checkpoint->info.path, trainer, error);
    mb_state_list(trainer, states); /* with the counts of this position */
    for (size_t i = 0; i < MB_STATE_COUNT && status == MB_OK; i++)
        status = states[i].kind == MB_STATE_NETWORK
                     ? restore_network(checkpoint, &states[i], trainer->training.network, error)
                     : restore_row(checkpoint, &states[i], error);
    return status == MB_OK ? mb_state_validate(checkpoint->info.path, trainer, error) : status;
}

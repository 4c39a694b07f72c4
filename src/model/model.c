#include "model/model.h"

#include "core/arena.h"
#include "core/parse.h"
#include "core/status.h"
#include "model/calibration.h"
#include "model/class_names.h"
#include "model/form.h"
#include "nn/network.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char generator_key[] = "generator", network_key[] = "network", input_key[] = "input",
                  classes_key[] = "classes", trained_key[] = "training_images";

/* "1x28x28" */
enum { INPUT_SIZE = 64 };
static void format_input(const mb_network *network, char text[INPUT_SIZE])
{
    const mb_shape shape = mb_network_input(network);
    snprintf(text, INPUT_SIZE, "%zux%zux%zu", shape.channels, shape.rows, shape.columns);
}

/* --- saving --- */

/* A network's tensors are all floats. In files, as in PyTorch, the batch count of a batch
 * normalisation is an integer. */
static bool is_integer(const mb_tensor_info *info)
{
    const char *dot = strchr(info->name, '.');
    return dot != NULL && strcmp(dot, ".num_batches_tracked") == 0;
}

/* The tensors of a file, in its order; `arena` owns them. */
typedef struct collection {
    mb_arena arena;
    mb_named_tensor *tensors;
    size_t count;
} collection;

static void collect_tensor(const mb_network *network, size_t index, collection *all)
{
    mb_tensor_info *info = mb_arena_alloc(&all->arena, 1, sizeof *info);
    if (info == NULL)
        return;
    *info = mb_network_tensor_info(network, index);
    float *values = mb_arena_alloc(&all->arena, info->elements, sizeof *values);
    int64_t *integers = mb_arena_alloc(&all->arena, info->elements, sizeof *integers);
    if (values == NULL || integers == NULL)
        return;
    mb_network_get_tensor(network, index, values);
    mb_named_tensor tensor = {info->name, info->dimensions, info->shape, values, MB_DTYPE_F32};
    if (is_integer(info)) {
        for (size_t i = 0; i < info->elements; i++)
            integers[i] = (int64_t)fminf(values[i], 9e18f); /* a file may hold any count */
        tensor.values = integers;
        tensor.dtype = MB_DTYPE_I64;
    }
    all->tensors[all->count++] = tensor;
}

/* Integers come first, because they need the larger alignment. */
static void collect_tensors(const mb_network *network, collection *all)
{
    const size_t count = mb_network_tensor_count(network);
    all->tensors = mb_arena_alloc(&all->arena, count, sizeof *all->tensors);
    for (int floats = 0; floats < 2; floats++)
        for (size_t i = 0; i < count; i++) {
            const mb_tensor_info info = mb_network_tensor_info(network, i);
            if (is_integer(&info) == (floats == 0))
                collect_tensor(network, i, all);
        }
}

mb_status mb_model_serialize(const mb_network *network, const char *path, mb_bytes *bytes,
                             mb_error *error)
{
    collection all = {0};
    char input[INPUT_SIZE], classes[24], trained[MB_SKETCH_TEXT];
    format_input(network, input);
    mb_image_sketch_format(&network->trained, trained);
    snprintf(classes, sizeof classes, "%zu", mb_network_classes(network));
    mb_key_value metadata[5 + MB_FORM_ENTRIES + MB_CLASS_NAMES_ENTRIES + MB_CALIBRATION_ENTRIES] = {
        {generator_key, "mnist_blas"},
        {network_key, mb_network_spec(network)},
        {input_key, input},
        {classes_key, classes}};
    size_t metadata_count =
        4 + mb_form_metadata(&network->form, network->input.channels, &all.arena, metadata + 4);
    metadata_count += mb_class_names_metadata(network, &all.arena, metadata + metadata_count);
    metadata_count += mb_calibration_metadata(network, &all.arena, metadata + metadata_count);
    if (network->trained.count > 0)
        metadata[metadata_count++] = (mb_key_value){trained_key, trained};
    collect_tensors(network, &all);
    const mb_safetensors_content content = {.tensors = all.tensors,
                                            .tensor_count = all.count,
                                            .metadata = metadata,
                                            .metadata_count = metadata_count};
    mb_status status = mb_arena_status(&all.arena, path, error);
    if (status == MB_OK)
        status = mb_safetensors_serialize(path, &content, bytes, error);
    mb_arena_free(&all.arena);
    return status;
}

mb_status mb_model_save(const mb_network *network, const char *path, mb_error *error)
{
    mb_bytes bytes = {0};
    mb_status status = mb_model_serialize(network, path, &bytes, error);
    if (status == MB_OK)
        status = mb_file_write(path, bytes.data, bytes.size, error);
    free(bytes.data);
    return status;
}

/* --- loading --- */

/* Parses `count` sizes, "1x28x28" for 3, without leading zeros. */
static bool parse_sizes(const char *text, size_t *sizes, size_t count)
{
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        good = (i == 0 || *text++ == 'x') && *text != '0' &&
               mb_take_size(&text, 1, SIZE_MAX, &sizes[i]);
    return good && *text == '\0';
}

static mb_status read_metadata(const char *path, const mb_safetensors *file, const char *key,
                               const char **text, mb_error *error)
{
    *text = mb_safetensors_metadata(file, key);
    if (*text == NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: not a model of mnist_blas: no metadata \"%s\"",
                       path, key);
    return MB_OK;
}

static mb_status read_sizes(const char *path, const mb_safetensors *file, const char *key,
                            size_t *sizes, size_t count, mb_error *error)
{
    const char *text = NULL;
    const mb_status status = read_metadata(path, file, key, &text, error);
    if (status == MB_OK && !parse_sizes(text, sizes, count))
        return mb_fail(error, MB_ERROR_FORMAT, "%s: metadata \"%s\": invalid value \"%.100s\"",
                       path, key, text);
    return status;
}

/* Parameters that the network of this file may have. A few millions more than the file holds cost
 * little, and let the comparison of the tensors tell what is wrong; but a small file cannot make
 * the program allocate gigabytes. */
static size_t max_parameters(const mb_safetensors *file)
{
    return mb_safetensors_elements(file) + ((size_t)1 << 22);
}

/* Opens the network that the metadata describe. */
static mb_status open_network(const mb_machine *machine, const char *path,
                              const mb_safetensors *file, mb_network **network, mb_error *error)
{
    const char *spec = NULL;
    size_t extents[3] = {0}, classes = 0;
    mb_image_form form = {0};
    mb_status status = read_metadata(path, file, network_key, &spec, error);
    if (status == MB_OK)
        status = read_sizes(path, file, input_key, extents, 3, error);
    if (status == MB_OK)
        status = read_sizes(path, file, classes_key, &classes, 1, error);
    if (status == MB_OK)
        status = mb_form_read(path, file, &form, error);
    if (status != MB_OK)
        return status;
    const mb_shape input = {.channels = extents[0], .rows = extents[1], .columns = extents[2]};
    mb_error why = {0};
    status =
        mb_network_open_within(machine, spec, input, classes, max_parameters(file), network, &why);
    /* An invalid spec or shape is the fault of the file. */
    if (status != MB_OK)
        status = mb_fail(error, status == MB_ERROR_INVALID ? MB_ERROR_FORMAT : status, "%s: %s",
                         path, why.text);
    else
        mb_network_set_form(*network, form);
    return status;
}

/* "(128, 784)", truncated to `size`. */
static void write_shape(const size_t *shape, size_t dimensions, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "(");
    for (size_t i = 0; i < dimensions && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i > 0 ? ", %zu" : "%zu", shape[i]);
    if (used < size)
        snprintf(text + used, size - used, ")");
}

/* Compares the file's tensor (NULL: missing) with the network's. */
static mb_status check_tensor(const char *path, const mb_tensor_info *wanted,
                              const mb_stored_tensor *stored, mb_error *error)
{
    char want[100], have[100];
    write_shape(wanted->shape, wanted->dimensions, want, sizeof want);
    if (stored == NULL)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: tensor \"%s\" of shape %s is missing", path,
                       wanted->name, want);
    const char *dtype = is_integer(wanted) ? "I64" : "F32";
    if (strcmp(stored->dtype, dtype) != 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: tensor \"%s\": dtype %s, must be %s", path,
                       wanted->name, stored->dtype, dtype);
    write_shape(stored->shape, stored->dimensions, have, sizeof have);
    if (stored->dimensions != wanted->dimensions ||
        memcmp(stored->shape, wanted->shape, wanted->dimensions * sizeof *wanted->shape) != 0)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: tensor \"%s\": shape %s, must be %s", path,
                       wanted->name, have, want);
    return MB_OK;
}

static mb_status load_tensor(const char *path, const mb_safetensors *file, size_t index,
                             mb_network *network, mb_error *error)
{
    const mb_tensor_info wanted = mb_network_tensor_info(network, index);
    const mb_stored_tensor *stored = mb_safetensors_find(file, wanted.name);
    mb_status status = check_tensor(path, &wanted, stored, error);
    if (status != MB_OK)
        return status;
    mb_arena arena = {0};
    float *values = mb_arena_alloc(&arena, wanted.elements, sizeof *values);
    int64_t *integers = mb_arena_alloc(&arena, wanted.elements, sizeof *integers);
    status = mb_arena_status(&arena, path, error);
    if (status == MB_OK && is_integer(&wanted)) {
        mb_safetensors_values(stored, integers);
        for (size_t i = 0; i < wanted.elements; i++)
            values[i] = (float)integers[i];
    } else if (status == MB_OK) {
        mb_safetensors_values(stored, values);
    }
    mb_error why = {0};
    if (status == MB_OK && mb_network_check(network, index, values, &why) != MB_OK)
        status =
            mb_fail(error, MB_ERROR_FORMAT, "%s: tensor \"%s\": %s", path, wanted.name, why.text);
    if (status == MB_OK)
        mb_network_set_tensor(network, index, values);
    mb_arena_free(&arena);
    return status;
}

static bool has_tensor(const mb_network *network, const char *name)
{
    for (size_t i = 0; i < mb_network_tensor_count(network); i++)
        if (strcmp(mb_network_tensor_info(network, i).name, name) == 0)
            return true;
    return false;
}

/* The file must hold the network's tensors and no others. */
static mb_status load_tensors(const char *path, const mb_safetensors *file, mb_network *network,
                              mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < mb_network_tensor_count(network) && status == MB_OK; i++)
        status = load_tensor(path, file, i, network, error);
    for (size_t i = 0; i < mb_safetensors_count(file) && status == MB_OK; i++) {
        const char *name = mb_safetensors_tensor(file, i)->name;
        if (!has_tensor(network, name))
            status = mb_fail(error, MB_ERROR_FORMAT,
                             "%s: tensor \"%.100s\": the network %.200s has no tensor of this "
                             "name",
                             path, name, mb_network_spec(network));
    }
    return status;
}

/* Rows of the weight of the last dense layer, the last with two dimensions by the number in its
 * name; 0 if there is none. */
static size_t count_classes(const mb_safetensors *file)
{
    size_t classes = 0;
    size_t next = 0; /* number after that of the last layer found */
    for (size_t i = 0; i < mb_safetensors_count(file); i++) {
        const mb_stored_tensor *tensor = mb_safetensors_tensor(file, i);
        const char *rest = tensor->name;
        size_t layer = 0;
        if (mb_take_size(&rest, next, SIZE_MAX - 1, &layer) && strcmp(rest, ".weight") == 0 &&
            tensor->dimensions == 2) {
            next = layer + 1;
            classes = tensor->shape[0];
        }
    }
    return classes;
}

static mb_status read_trained(const char *path, const mb_safetensors *file, mb_image_sketch *sketch,
                              mb_error *error)
{
    const char *text = mb_safetensors_metadata(file, trained_key);
    if (text == NULL || mb_image_sketch_parse(text, sketch))
        return MB_OK;
    return mb_fail(error, MB_ERROR_FORMAT,
                   "%s: metadata \"%s\": must be ascending hashes of 16 "
                   "digits, got \"%.100s\"",
                   path, trained_key, text);
}

/* Loads the tensors unless an earlier step failed, and closes the file. */
static mb_status finish_loading(const char *path, mb_safetensors *file, mb_network *loaded,
                                mb_status status, mb_network **network, mb_error *error)
{
    if (status == MB_OK)
        status = read_trained(path, file, &loaded->trained, error);
    if (status == MB_OK)
        status = mb_calibration_read(path, file, loaded, error);
    if (status == MB_OK)
        status = mb_class_names_read(path, file, loaded->classes, &loaded->arena,
                                     &loaded->class_names, error);
    if (status == MB_OK)
        status = load_tensors(path, file, loaded, error);
    if (status == MB_OK)
        *network = loaded;
    else
        mb_network_close(loaded);
    mb_safetensors_close(file);
    return status;
}

/* MB_ERROR_INVALID if the metadata describe another network than the caller. */
static mb_status compare_metadata(const char *path, const mb_safetensors *file,
                                  const mb_network *network, mb_error *error)
{
    const char *spec = mb_safetensors_metadata(file, network_key);
    const char *input = mb_safetensors_metadata(file, input_key);
    char wanted[INPUT_SIZE];
    format_input(network, wanted);
    if (spec != NULL && strcmp(spec, mb_network_spec(network)) != 0)
        return mb_fail(error, MB_ERROR_INVALID,
                       "network %.200s conflicts with %s, which describes %.200s",
                       mb_network_spec(network), path, spec);
    if (spec != NULL && input != NULL && strcmp(input, wanted) != 0)
        return mb_fail(error, MB_ERROR_INVALID, "input %s conflicts with %s, which describes %s",
                       wanted, path, input);
    return MB_OK;
}

mb_status mb_model_load_as(const mb_machine *machine, const char *path, const char *spec,
                           mb_shape input, mb_network **network, mb_error *error)
{
    mb_safetensors *file = NULL;
    mb_network *loaded = NULL;
    mb_status status = mb_safetensors_open(path, &file, error);
    const size_t classes = status == MB_OK ? count_classes(file) : 0;
    if (status == MB_OK && classes == 0)
        status = mb_fail(
            error, MB_ERROR_FORMAT,
            "%s: no weight of a dense layer: its first tensor is \"%.100s\", but those of an "
            "nn.Sequential have names such as \"0.weight\"",
            path, mb_safetensors_count(file) > 0 ? mb_safetensors_tensor(file, 0)->name : "");
    if (status == MB_OK)
        status = mb_network_open_within(machine, spec, input, classes, max_parameters(file),
                                        &loaded, error);
    if (status == MB_OK)
        status = compare_metadata(path, file, loaded, error);
    if (status == MB_OK)
        status = mb_form_read(path, file, &loaded->form, error);
    return finish_loading(path, file, loaded, status, network, error);
}

mb_status mb_model_load(const mb_machine *machine, const char *path, mb_network **network,
                        mb_error *error)
{
    mb_safetensors *file = NULL;
    mb_network *loaded = NULL;
    mb_status status = mb_safetensors_open(path, &file, error);
    if (status == MB_OK)
        status = open_network(machine, path, file, &loaded, error);
    return finish_loading(path, file, loaded, status, network, error);
}

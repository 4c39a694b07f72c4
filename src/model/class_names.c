#include "model/class_names.h"

#include "core/json_error.h"
#include "core/memory_stream.h"
#include "core/status.h"
#include "core/util.h"
#include "data/class_names.h"

#include <stdlib.h>
#include <string.h>

static const char key[] = "class_names";

/* Bytes of JSON for a name, with every character escaped, and blanks. */
enum { MAX_JSON = 8 * MB_CLASS_NAME_SIZE };

size_t mb_class_names_metadata(const mb_network *network, mb_arena *arena,
                               mb_key_value entries[MB_CLASS_NAMES_ENTRIES])
{
    const char *const *names = mb_network_class_names(network);
    mb_bytes text = {0};
    bool dumped = false;
    if (names == NULL)
        return 0;
    json_t *array = json_array();
    for (size_t i = 0; i < mb_network_classes(network); i++)
        (void)json_array_append_new(array, json_string(names[i]));
    FILE *out = mb_memory_stream_open(&text); /* json_dumps loses parts if memory is out */
    if (out != NULL && json_array_size(array) == mb_network_classes(network))
        dumped = json_dumpf(array, out, JSON_COMPACT) == 0;
    dumped = mb_memory_stream_close(out, &text) && dumped;
    entries[0] =
        (mb_key_value){key, dumped ? mb_arena_strdup(arena, (const char *)text.data) : NULL};
    if (!dumped)
        arena->failed = mb_max_size(arena->failed, 1);
    free(text.data);
    json_decref(array);
    return 1;
}

static mb_status copy_names(const json_t *array, size_t classes, mb_arena *arena,
                            const char *const **names, mb_error *error)
{
    const char **copies = mb_arena_alloc(arena, classes, sizeof *copies);
    for (size_t i = 0; i < classes && copies != NULL; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (name == NULL)
            return mb_fail(error, MB_ERROR_INVALID, "class name %zu: must be a string", i + 1);
        copies[i] = mb_arena_strdup(arena, name);
    }
    const mb_status status = mb_arena_status(arena, "class names", error);
    *names = copies;
    return status == MB_OK ? mb_class_names_check(copies, classes, error) : status;
}

static mb_status parse(const char *text, size_t classes, mb_arena *arena, const char *const **names,
                       mb_error *error)
{
    json_error_t why;
    json_t *array =
        strlen(text) <= classes * MAX_JSON ? mb_json_load(text, strlen(text), 0, &why) : NULL;
    mb_status status = MB_OK;
    if (array == NULL && strlen(text) <= classes * MAX_JSON && mb_json_out_of_memory(&why))
        status = mb_fail_memory(error, "class names", strlen(text));
    else if (json_array_size(array) != classes)
        status = mb_fail(error, MB_ERROR_INVALID,
                         "must be a JSON array with the names of %zu classes, got \"%.100s\"",
                         classes, text);
    else
        status = copy_names(array, classes, arena, names, error);
    json_decref(array);
    return status;
}

mb_status mb_class_names_read(const char *path, const mb_safetensors *file, size_t classes,
                              mb_arena *arena, const char *const **names, mb_error *error)
{
    const char *text = mb_safetensors_metadata(file, key);
    mb_error why = {0};
    *names = NULL;
    if (text == NULL)
        return MB_OK;
    const mb_status status = parse(text, classes, arena, names, &why);
    if (status == MB_ERROR_INVALID)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: metadata \"%s\": %s", path, key, why.text);
    return status == MB_OK ? MB_OK : mb_fail(error, status, "%s: %s", path, why.text);
}

/* Opens any bytes as a safetensors file: they are refused with one line, or every tensor can be
 * read, and the names of three classes are valid or refused. */
#include "data/class_names.h"
#include "model/class_names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { CLASSES = 3 };

/* Reads a whole tensor, so that the sanitizer detects a wrong offset or size. */
static void use(const mb_stored_tensor *tensor)
{
    unsigned sum = 0;
    for (size_t i = tensor->begin; i < tensor->end; i++)
        sum += tensor->data[i - tensor->begin];
    for (size_t i = 0; i < tensor->dimensions; i++)
        sum += (unsigned)tensor->shape[i];
    volatile unsigned sink = sum;
    (void)sink;
    if (strcmp(tensor->dtype, "F32") != 0)
        return;
    float *values = calloc(tensor->elements + 1, sizeof *values);
    if (values != NULL)
        mb_safetensors_values(tensor, values);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mb_safetensors *file = NULL;
    mb_error error = {0};
    if (mb_safetensors_parse("fuzz", bytes, size, &file, &error) != MB_OK) {
        if (file != NULL || error.status == MB_OK || strchr(error.text, '\n') != NULL)
            abort();
        return 0;
    }
    size_t covered = 0;
    for (size_t i = 0; i < mb_safetensors_count(file); i++) {
        const mb_stored_tensor *tensor = mb_safetensors_tensor(file, i);
        if (mb_safetensors_find(file, tensor->name) != tensor)
            abort();
        covered += tensor->end - tensor->begin;
        use(tensor);
    }
    if (covered > size)
        abort();
    mb_arena arena = {0};
    const char *const *names = NULL;
    const mb_status status = mb_class_names_read("fuzz", file, CLASSES, &arena, &names, &error);
    if (status == MB_OK && names != NULL && mb_class_names_check(names, CLASSES, NULL) != MB_OK)
        abort();
    if (status != MB_OK && (error.status != status || strchr(error.text, '\n') != NULL))
        abort();
    mb_arena_free(&arena);
    mb_safetensors_close(file);
    return 0;
}

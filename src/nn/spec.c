#include "nn/spec.h"

#include <mnist_blas/network.h>
#include <stdio.h>
#include <string.h>

/* %zu: number of classes. */
static const struct {
    const char *name, *layers;
} named[] = {
    {"mlp", "dense:128,relu,dense:64,relu,dense:%zu"},
    {"lenet5", "conv2d:6x5/pad2,relu,maxpool2d:2,conv2d:16x5,relu,maxpool2d:2,flatten,"
               "dense:120,relu,dense:84,relu,dense:%zu"},
    {"lenet5-valid", "conv2d:6x5,relu,maxpool2d:2,conv2d:16x5,relu,maxpool2d:2,flatten,"
                     "dense:120,relu,dense:84,relu,dense:%zu"},
    {"cnn", "conv2d:32x3,relu,conv2d:64x3,relu,maxpool2d:2,dropout:0.25,flatten,"
            "dense:128,relu,dropout:0.5,dense:%zu"},
    {"best", "conv2d:24x5/pad2/stride2,batchnorm2d,relu,conv2d:32x3/pad1,batchnorm2d,relu,"
             "conv2d:48x3/pad1,maxpool2d:2,batchnorm2d,relu,conv2d:64x3/pad1,batchnorm2d,relu,"
             "conv2d:64x3,batchnorm2d,relu,globalavgpool,flatten,dense:%zu"},
    {"cifar", "conv2d:32x3/pad1,batchnorm2d,gelu,conv2d:32x3/pad1,maxpool2d:2,batchnorm2d,gelu,"
              "conv2d:64x3/pad1,batchnorm2d,gelu,conv2d:64x3/pad1,maxpool2d:2,batchnorm2d,gelu,"
              "conv2d:128x3/pad1,batchnorm2d,gelu,conv2d:128x3/pad1,batchnorm2d,gelu,"
              "globalavgpool,flatten,dense:%zu"},
};

char *mb_network_list_names(const char *separator, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < sizeof named / sizeof *named && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? separator : "",
                                 named[i].name);
    return text;
}

static char *expand_name(const char *text, size_t classes, mb_arena *arena)
{
    char layers[MB_MAX_SPEC];
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(text, named[i].name) == 0) {
            snprintf(layers, sizeof layers, named[i].layers, classes);
            return mb_arena_strdup(arena, layers);
        }
    return mb_arena_strdup(arena, text);
}

mb_status mb_spec_parse(const char *text, size_t classes, mb_arena *arena, mb_spec *spec,
                        mb_error *error)
{
    if (strlen(text) >= MB_MAX_SPEC)
        return mb_fail(error, MB_ERROR_INVALID, "network: must be at most %d characters",
                       MB_MAX_SPEC - 1);
    const char *whole = expand_name(text, classes, arena);
    char *rest = whole != NULL ? mb_arena_strdup(arena, whole) : NULL;
    mb_spec_layer *layers = mb_arena_alloc(arena, MB_MAX_LAYERS, sizeof *layers);
    if (rest == NULL || layers == NULL)
        return mb_fail_memory(error, "network", MB_MAX_LAYERS * sizeof *layers);
    size_t count = 0;
    while (rest != NULL) {
        char *name = strsep(&rest, ",");
        if (*name == '\0')
            return mb_fail(error, MB_ERROR_INVALID, "network: layer %zu of '%s' is empty",
                           count + 1, whole);
        if (count == MB_MAX_LAYERS)
            return mb_fail(error, MB_ERROR_INVALID, "network: must be at most %d layers",
                           MB_MAX_LAYERS);
        char *argument = name;
        strsep(&argument, ":");
        layers[count++] = (mb_spec_layer){name, argument};
    }
    *spec = (mb_spec){whole, layers, count};
    return MB_OK;
}

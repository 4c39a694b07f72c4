/* The text that names a network. */
#ifndef MB_NN_SPEC_H
#define MB_NN_SPEC_H

#include "core/arena.h"
#include "core/status.h"

enum { MB_MAX_LAYERS = 256, MB_MAX_SPEC = 4096 };

/* One layer of a spec: "dense:128" is {"dense", "128"}, "relu" is {"relu", NULL}. */
typedef struct mb_spec_layer {
    const char *name, *argument;
} mb_spec_layer;

typedef struct mb_spec {
    const char *text; /* with layers for a name: "dense:128,relu,dense:64,relu,dense:10" */
    mb_spec_layer *layers;
    size_t count;
} mb_spec;

/* Splits `text` at commas and colons, after replacing a name such as "mlp" by its layers for
 * `classes` classes. Memory comes from the arena. Whether the layers exist is not checked.
 * MB_ERROR_INVALID: empty, an empty layer, too long; MB_ERROR_MEMORY. */
mb_status mb_spec_parse(const char *text, size_t classes, mb_arena *arena, mb_spec *spec,
                        mb_error *error);

#endif

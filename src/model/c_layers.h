/* Layers of a network as calls of C, for c_source.c. Images are (rows, columns, channels) there:
 * all channels of a pixel follow each other, and so do the units of a weight. */
#ifndef MB_MODEL_C_LAYERS_H
#define MB_MODEL_C_LAYERS_H

#include "nn/layer.h"

#include <stdio.h>

/* One call: a layer, with a batch normalisation that is folded into it. */
typedef struct mb_c_layer {
    const mb_layer *layer, *batchnorm; /* batchnorm: NULL, or the layer after it */
    mb_shape image;                    /* of a dense layer's input, before it was flattened */
} mb_c_layer;

enum { MB_C_MAX_SECTIONS = 2 };

/* How layers of one kind are called. */
typedef struct mb_c_kind {
    const char *layer, *function;
    bool in_place;                               /* changes its input */
    bool folds_batchnorm;                        /* into its weights */
    const char *sections[MB_C_MAX_SECTIONS + 1]; /* of classifier.c.in that it needs, then NULL */
    /* Writes the definitions of weights and sizes; false: memory is out. NULL: it has none. */
    bool (*define)(FILE *out, const mb_c_layer *call, const char *name);
    /* Writes what comes after the input in a call. NULL: the layer has no effect, and no call. */
    void (*write_arguments)(FILE *out, const mb_c_layer *call, const char *name);
} mb_c_kind;

/* NULL: the layer cannot be exported. */
const mb_c_kind *mb_c_kind_of(const mb_layer *layer);

/* static const float NAME[] = {values}; */
void mb_c_write_array(FILE *out, const char *name, size_t count, const float *values);

/* Elements of weights and biases that `define` writes. */
size_t mb_c_weight_count(const mb_c_layer *call);

#endif

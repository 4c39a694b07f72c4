/* A network as a list of calls of functions of C: those of classifier_float.c.in or of
 * classifier_int8.c.in. Images are (rows, columns, channels) there: all channels of a pixel follow
 * each other, and so do the units of a weight. */
#ifndef MB_MODEL_C_PROGRAM_H
#define MB_MODEL_C_PROGRAM_H

#include "nn/network.h"
#include "nn/spec.h"

typedef enum mb_c_operation {
    MB_C_DENSE,
    MB_C_CONV2D,
    MB_C_MAXPOOL2D,
    MB_C_AVGPOOL2D,
    MB_C_BATCHNORM2D,
    MB_C_RELU,
    MB_C_GELU,
    MB_C_NOTHING /* the layer has no effect, and no call */
} mb_c_operation;

enum { MB_C_CONVOLUTION_SIZES = 11, MB_C_POOL_SIZES = 9 };

/* A layer as a call. */
typedef struct mb_c_call {
    mb_c_operation operation;
    const char *function; /* its name */
    bool in_place;        /* it changes its input */
    char name[40];        /* of the layer, "conv2d1" */
    const mb_layer *layer;
    const mb_layer *batchnorm; /* after it, folded into its weights, or NULL */
    mb_shape in, out;          /* of a dense layer: `in` before it was flattened */
    mb_window window; /* of a convolution or a pool, as which `sizes` has it; else unused */
    /* Members of struct convolution or struct pool, in their order; a dense layer is a convolution
     * of an image of one pixel, a batch normalisation one of one pixel with a group per channel. */
    int sizes[MB_C_CONVOLUTION_SIZES];
    size_t size_count; /* 0: neither */
} mb_c_call;

typedef struct mb_c_program {
    const mb_network *network;
    mb_c_call calls[MB_MAX_LAYERS];
    size_t count;
    size_t scratch[2]; /* elements of the two buffers between which calls alternate */
} mb_c_program;

/* With `folds` a batch normalisation after a dense layer or a convolution is part of that one's
 * call. MB_ERROR_UNAVAILABLE: a layer cannot be called. */
mb_status mb_c_program_open(const mb_network *network, bool folds, mb_c_program *program,
                            mb_error *error);

/* The parameters of a call, in the order of C: weights and biases of a dense layer (inputs, units)
 * and a convolution (channels, rows, columns, units of a group); scale and shift of a batch
 * normalisation. Of other calls there are none. */
typedef struct mb_c_parameters {
    size_t weight_count, bias_count;
    float *weights, *biases; /* one block on the heap, the caller's to free by `weights` */
} mb_c_parameters;

/* The index that PyTorch gives to weight `index` in the order of C. */
size_t mb_c_torch_index(const mb_c_call *call, size_t index);

/* The unit that weight `index` in the order of C belongs to. */
size_t mb_c_unit_of(const mb_c_call *call, size_t index);

/* Elements only. */
mb_c_parameters mb_c_parameters_count(const mb_c_call *call);

/* False: memory is out. */
bool mb_c_parameters_open(const mb_c_call *call, mb_c_parameters *parameters);

#endif

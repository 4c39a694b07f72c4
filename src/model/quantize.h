/* A network in 8-bit integers: weights and activations, with scales that calibration images give
 * (Jacob et al., "Quantization and training of neural networks for efficient
 * integer-arithmetic-only inference", 2018). Weights are symmetric, with a scale per unit and
 * values from -64 to 64; an image of activations q stands for scale * (q - zero), with one scale.
 */
#ifndef MB_MODEL_QUANTIZE_H
#define MB_MODEL_QUANTIZE_H

#include "model/c_program.h"

#include <mnist_blas/model.h>

typedef struct mb_quantization {
    float scale;
    int zero; /* -128 .. 127: stands for 0 */
} mb_quantization;

/* Logits are in units of 2^-MB_LOGIT_BITS. */
enum { MB_LOGIT_BITS = 16 };

/* A call with integers. */
typedef struct mb_quantized_call {
    const mb_c_call *call;
    bool is_last;               /* gives the logits */
    bool nothing;               /* a ReLU whose effect the saturation of the call before has */
    mb_quantization in, out;    /* out of the last call: unused */
    size_t weights, units;      /* elements */
    int8_t *weight;             /* (weights), in the order of mb_c_parameters */
    float *scale;               /* (units) of the weights; that of a bias is in.scale times it */
    int32_t *bias, *multiplier; /* (units); of an average pool one multiplier and one shift */
    uint8_t *shift;
    int8_t values[256]; /* of a GELU, by q + 128 */
} mb_quantized_call;

struct mb_quantized {
    mb_arena arena;
    mb_c_program program;
    mb_quantized_call calls[MB_MAX_LAYERS];
    int8_t input[MB_MAX_CHANNELS][256]; /* by channel and value of a pixel in memory */
    size_t max_units;                   /* of a call */
};

/* The smallest and the largest output of a call. */
typedef struct mb_range {
    float min, max;
} mb_range;

/* Runs the calls with floats (c_run_float.c): extends ranges (program->count) by the outputs of an
 * image, given as its network's input (rows, columns, channels). buffers: program->scratch. */
void mb_c_run_float(const mb_c_program *program, const mb_c_parameters *parameters,
                    float *const buffers[2], mb_range *ranges);

/* Runs the calls with integers (c_run_int8.c); the input is in buffers[0]. Returns the class. */
size_t mb_c_run_int8(const mb_quantized *quantized, int8_t *const buffers[2], int32_t *sums);

#endif

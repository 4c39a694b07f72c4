/* The functions of an exported file, run here: what activations a network has. */
#include "model/quantize.h"

#include <string.h>

#include "model/classifier_common.c.in"
#include "model/classifier_float.c.in"

static void run(const mb_c_call *call, const mb_c_parameters *p, float *in, float *out)
{
    const int n = (int)mb_shape_size(call->out), pixels = (int)(call->out.rows * call->out.columns);
    struct convolution convolution;
    struct pool pool;
    memcpy(&convolution, call->sizes, sizeof convolution);
    memcpy(&pool, call->sizes, sizeof pool);
    switch (call->operation) {
    case MB_C_DENSE:
        dense(in, (int)mb_shape_size(call->in), p->weights, p->biases, n, out);
        break;
    case MB_C_CONV2D:
        conv2d(in, &convolution, p->weights, p->biases, out);
        break;
    case MB_C_MAXPOOL2D:
        maxpool2d(in, &pool, out);
        break;
    case MB_C_AVGPOOL2D:
        avgpool2d(in, &pool, out);
        break;
    case MB_C_BATCHNORM2D:
        batchnorm2d(in, pixels, (int)call->out.channels, p->weights, p->biases);
        break;
    case MB_C_RELU:
        relu(in, n);
        break;
    case MB_C_GELU:
        gelu(in, n);
        break;
    case MB_C_NOTHING:
        break;
    }
}

static void extend(mb_range *range, size_t n, const float *values)
{
    for (size_t i = 0; i < n; i++) {
        range->min = values[i] < range->min ? values[i] : range->min;
        range->max = values[i] > range->max ? values[i] : range->max;
    }
}

void mb_c_run_float(const mb_c_program *program, const mb_c_parameters *parameters,
                    float *const buffers[2], mb_range *ranges)
{
    size_t buffer = 0;
    (void)softmax;
    for (size_t i = 0; i < program->count; i++) {
        const mb_c_call *call = &program->calls[i];
        run(call, &parameters[i], buffers[buffer], buffers[1 - buffer]);
        buffer = call->in_place ? buffer : 1 - buffer;
        extend(&ranges[i], mb_shape_size(call->out), buffers[buffer]);
    }
}

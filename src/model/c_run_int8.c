/* The functions of an exported file in 8-bit integers, run here: how many images they classify
 * correctly. */
#include "model/quantize.h"

#include <string.h>

#include "model/classifier_common.c.in"
#include "model/classifier_int8.c.in"

static void run(const mb_quantized_call *q, int8_t *in, int32_t *sums, int8_t *out)
{
    const int n = (int)mb_shape_size(q->call->out);
    struct convolution convolution = {.in_zero = q->in.zero, .out_zero = q->out.zero};
    struct pool pool = {.in_zero = q->in.zero, .out_zero = q->out.zero};
    memcpy(&convolution, q->call->sizes, MB_C_CONVOLUTION_SIZES * sizeof(int));
    memcpy(&pool, q->call->sizes, MB_C_POOL_SIZES * sizeof(int));
    switch (q->call->operation) {
    case MB_C_DENSE:
    case MB_C_CONV2D:
    case MB_C_BATCHNORM2D:
        if (q->is_last)
            logits(in, &convolution, q->weight, q->bias, q->multiplier, q->shift, sums);
        else
            conv2d(in, &convolution, q->weight, q->bias, q->multiplier, q->shift, sums,
                   q->call->in_place ? in : out);
        break;
    case MB_C_MAXPOOL2D:
        maxpool2d(in, &pool, out);
        break;
    case MB_C_AVGPOOL2D:
        avgpool2d(in, &pool, *q->multiplier, *q->shift, out);
        break;
    case MB_C_RELU:
        relu(in, n, q->in.zero);
        break;
    case MB_C_GELU:
        gelu(in, n, q->values);
        break;
    case MB_C_NOTHING:
        break;
    }
}

size_t mb_c_run_int8(const mb_quantized *quantized, int8_t *const buffers[2], int32_t *sums)
{
    size_t buffer = 0;
    for (size_t i = 0; i < quantized->program.count; i++) {
        const mb_quantized_call *q = &quantized->calls[i];
        if (q->nothing)
            continue;
        run(q, buffers[buffer], sums, buffers[1 - buffer]);
        buffer = q->call->in_place ? buffer : 1 - buffer;
    }
    return (size_t)softmax(sums, (int)quantized->program.network->classes, NULL);
}

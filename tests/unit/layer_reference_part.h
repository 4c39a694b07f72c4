/* Common to the files of the layer reference: the context of one layer, and the layers with
 * windows.
 */
#ifndef MB_TESTS_LAYER_REFERENCE_PART_H
#define MB_TESTS_LAYER_REFERENCE_PART_H

#include "layer_reference.h"

/* The context of one layer of the reference. */
typedef struct mb_reference_layer {
    mb_layer_reference *ref;
    const mb_layer *layer;
    const mb_reference_batch *batch;
    const double *in;
    double *out, *d_in, *d_out;
    double **tensor, **gradient; /* the layer's */
    size_t *largest;
} mb_reference_layer;

static inline size_t mb_reference_elements(const mb_reference_layer *p)
{
    return p->batch->rows * mb_shape_size(p->layer->out);
}

/* The channel of an output element. */
static inline size_t mb_reference_channel(const mb_reference_layer *p, size_t number)
{
    const mb_shape out = p->layer->out;
    return number / (out.rows * out.columns) % out.channels;
}

/* Set `out`; and add to `gradient` and `d_in`. */
typedef void mb_reference_fn(const mb_reference_layer *p);
mb_reference_fn mb_reference_conv2d_forward, mb_reference_conv2d_backward,
    mb_reference_maxpool_forward, mb_reference_maxpool_backward, mb_reference_avgpool_forward,
    mb_reference_avgpool_backward;

#endif

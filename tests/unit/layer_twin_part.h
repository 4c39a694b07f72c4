/* What the files of the layer twin share: one layer at work, and the kinds that windows make. */
#ifndef MB_TESTS_LAYER_TWIN_PART_H
#define MB_TESTS_LAYER_TWIN_PART_H

#include "layer_twin.h"

/* A layer of the twin at work on a batch. */
typedef struct mb_twin_part {
    mb_layer_twin *twin;
    const mb_layer *layer;
    const mb_twin_batch *batch;
    const double *in;
    double *out, *d_in, *d_out;
    double **tensor, **gradient; /* the layer's */
    size_t *largest;
} mb_twin_part;

static inline size_t mb_twin_numbers(const mb_twin_part *p)
{
    return p->batch->rows * mb_shape_size(p->layer->out);
}

/* The channel of a number that comes out. */
static inline size_t mb_twin_channel(const mb_twin_part *p, size_t number)
{
    const mb_shape out = p->layer->out;
    return number / (out.rows * out.columns) % out.channels;
}

/* Set `out`; and add to `gradient` and `d_in`. */
typedef void mb_twin_fn(const mb_twin_part *p);
mb_twin_fn mb_twin_conv_forward, mb_twin_conv_backward, mb_twin_largest_forward,
    mb_twin_largest_backward, mb_twin_mean_forward, mb_twin_mean_backward;

#endif

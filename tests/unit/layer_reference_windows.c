#include "layer_reference_part.h"

#include <math.h>
#include <string.h>

/* A tap is one element of a window, inside the image. */
typedef struct tap {
    size_t out, in, weight; /* elements of the batch; of the layer's weights */
} tap;

typedef void visit_fn(const mb_reference_layer *p, tap t);

/* The taps of the window of output (row, channel, y, x) in input channel `channel_in`. */
static inline void taps_of(const mb_reference_layer *p, size_t row, size_t channel, size_t y,
                           size_t x, size_t channel_in, size_t weight, visit_fn *visit)
{
    const mb_shape in = p->layer->in, out = p->layer->out;
    const mb_window *w = mb_layer_window(p->layer);
    const size_t at = ((row * out.channels + channel) * out.rows + y) * out.columns + x;
    for (size_t ky = 0; ky < w->rows; ky++)
        for (size_t kx = 0; kx < w->columns; kx++, weight++) {
            const size_t padded_y = y * w->stride + ky, padded_x = x * w->stride + kx;
            if (padded_y < w->padding || padded_y >= in.rows + w->padding ||
                padded_x < w->padding || padded_x >= in.columns + w->padding)
                continue;
            const size_t line = (row * in.channels + channel_in) * in.rows + padded_y - w->padding;
            visit(p, (tap){at, line * in.columns + padded_x - w->padding, weight});
        }
}

/* All taps, window by window. */
static inline void each_tap(const mb_reference_layer *p, visit_fn *visit)
{
    const mb_shape in = p->layer->in, out = p->layer->out;
    const mb_window *w = mb_layer_window(p->layer);
    const bool mixes = p->layer->ops == &mb_conv2d_ops; /* channels */
    const size_t groups = mixes ? w->groups : in.channels, channels = in.channels / groups;
    for (size_t row = 0; row < p->batch->rows; row++)
        for (size_t channel = 0; channel < out.channels; channel++)
            for (size_t y = 0; y < out.rows; y++)
                for (size_t x = 0; x < out.columns; x++)
                    for (size_t c = 0; c < channels; c++)
                        taps_of(p, row, channel, y, x,
                                channel / (out.channels / groups) * channels + c,
                                (channel * channels + c) * w->rows * w->columns, visit);
}

static void conv_tap(const mb_reference_layer *p, tap t)
{
    p->out[t.out] += p->tensor[0][t.weight] * p->in[t.in];
}

static void conv_tap_back(const mb_reference_layer *p, tap t)
{
    p->gradient[0][t.weight] += p->d_out[t.out] * p->in[t.in];
    p->d_in[t.in] += p->d_out[t.out] * p->tensor[0][t.weight];
}

void mb_reference_conv2d_forward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        p->out[i] = p->tensor[1][mb_reference_channel(p, i)];
    each_tap(p, conv_tap);
}

void mb_reference_conv2d_backward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        p->gradient[1][mb_reference_channel(p, i)] += p->d_out[i];
    each_tap(p, conv_tap_back);
}

static void largest_tap(const mb_reference_layer *p, tap t)
{
    if (p->in[t.in] > p->out[t.out]) {
        p->out[t.out] = p->in[t.in];
        p->largest[t.out] = t.in;
    }
}

/* Equal elements are equal in float, too, and the first one wins. */
static void margin_tap(const mb_reference_layer *p, tap t)
{
    const double apart = p->out[t.out] - p->in[t.in];
    if (apart > 0.0)
        p->ref->nearest = fmin(p->ref->nearest, apart);
}

void mb_reference_maxpool_forward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        p->out[i] = -INFINITY;
    each_tap(p, largest_tap);
    each_tap(p, margin_tap);
}

void mb_reference_maxpool_backward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        p->d_in[p->largest[i]] += p->d_out[i];
}

/* Padding counts as zeros. */
static double scale(const mb_reference_layer *p)
{
    return 1.0 / (double)(mb_layer_window(p->layer)->rows * mb_layer_window(p->layer)->columns);
}

static void mean_tap(const mb_reference_layer *p, tap t)
{
    p->out[t.out] += scale(p) * p->in[t.in];
}

static void mean_tap_back(const mb_reference_layer *p, tap t)
{
    p->d_in[t.in] += scale(p) * p->d_out[t.out];
}

void mb_reference_avgpool_forward(const mb_reference_layer *p)
{
    memset(p->out, 0, mb_reference_elements(p) * sizeof *p->out);
    each_tap(p, mean_tap);
}

void mb_reference_avgpool_backward(const mb_reference_layer *p) { each_tap(p, mean_tap_back); }

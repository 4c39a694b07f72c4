#include "layer_reference_part.h"
#include "test.h"

#include "core/rng.h"
#include "nn/spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    assert_non_null(memory);
    return memory;
}

static void open_tensors(mb_layer_reference *ref)
{
    const mb_network *network = ref->network;
    ref->tensors = mb_network_tensor_count(network);
    assert_true(ref->tensors <= MB_REFERENCE_TENSORS);
    for (size_t t = 0; t < ref->tensors; t++) {
        ref->elements[t] = mb_network_tensor_info(network, t).elements;
        ref->tensor[t] = take(ref->elements[t], sizeof(double));
        ref->gradient[t] = take(ref->elements[t], sizeof(double));
        float *values = take(ref->elements[t], sizeof *values);
        mb_network_get_tensor(network, t, values);
        for (size_t e = 0; e < ref->elements[t]; e++)
            ref->tensor[t][e] = (double)values[e];
        free(values);
    }
}

void mb_layer_reference_open(const mb_network *network, size_t max_rows, mb_layer_reference *ref)
{
    *ref = (mb_layer_reference){.network = network, .layers = network->count, .max_rows = max_rows};
    assert_true(ref->layers <= MB_REFERENCE_LAYERS);
    open_tensors(ref);
    for (size_t i = 0, tensor = 0; i <= ref->layers; i++) {
        const size_t elements =
            max_rows * mb_shape_size(i > 0 ? network->layers[i - 1].out : network->input);
        ref->out[i] = take(elements, sizeof(double));
        ref->d[i] = take(elements, sizeof(double));
        if (i == ref->layers)
            break;
        ref->first_tensor[i] = tensor;
        ref->largest[i] = take(max_rows * mb_shape_size(network->layers[i].out), sizeof(size_t));
        tensor += network->layers[i].ops->tensors;
    }
}

void mb_layer_reference_close(mb_layer_reference *ref)
{
    for (size_t t = 0; t < MB_REFERENCE_TENSORS; t++)
        free(ref->tensor[t]), free(ref->gradient[t]);
    for (size_t i = 0; i <= MB_REFERENCE_LAYERS; i++)
        free(ref->out[i]), free(ref->d[i]);
    for (size_t i = 0; i < MB_REFERENCE_LAYERS; i++)
        free(ref->largest[i]);
}

static mb_reference_layer part_of(mb_layer_reference *ref, size_t i,
                                  const mb_reference_batch *batch)
{
    return (mb_reference_layer){ref,
                                &ref->network->layers[i],
                                batch,
                                ref->out[i],
                                ref->out[i + 1],
                                ref->d[i],
                                ref->d[i + 1],
                                ref->tensor + ref->first_tensor[i],
                                ref->gradient + ref->first_tensor[i],
                                ref->largest[i]};
}

/* ---- batchnorm2d: weight, bias, running mean, running variance ---- */

typedef struct moments {
    double n, mean, variance;
} moments;

static moments moments_of(const mb_reference_layer *p, size_t channel)
{
    moments m = {0};
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        if (mb_reference_channel(p, i) == channel)
            m.n += 1.0, m.mean += p->in[i];
    m.mean /= m.n;
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        if (mb_reference_channel(p, i) == channel)
            m.variance += (p->in[i] - m.mean) * (p->in[i] - m.mean) / m.n;
    if (p->ref->evaluates) {
        m.mean = p->tensor[2][channel];
        m.variance = p->tensor[3][channel];
    }
    return m;
}

static void batchnorm_forward(const mb_reference_layer *p)
{
    for (size_t c = 0; c < p->layer->in.channels; c++) {
        const moments m = moments_of(p, c);
        for (size_t i = 0; i < mb_reference_elements(p); i++)
            if (mb_reference_channel(p, i) == c)
                p->out[i] = (p->in[i] - m.mean) / sqrt(m.variance + 1e-5) * p->tensor[0][c] +
                            p->tensor[1][c];
    }
}

static void batchnorm_backward(const mb_reference_layer *p)
{
    for (size_t c = 0; c < p->layer->in.channels; c++) {
        const moments m = moments_of(p, c);
        const double root = sqrt(m.variance + 1e-5);
        double sum = 0.0, product = 0.0;
        for (size_t i = 0; i < mb_reference_elements(p); i++)
            if (mb_reference_channel(p, i) == c) {
                sum += p->d_out[i];
                product += p->d_out[i] * (p->in[i] - m.mean) / root;
            }
        p->gradient[0][c] = product;
        p->gradient[1][c] = sum;
        for (size_t i = 0; i < mb_reference_elements(p); i++)
            if (mb_reference_channel(p, i) == c)
                p->d_in[i] = p->tensor[0][c] / root *
                             (p->d_out[i] - sum / m.n - (p->in[i] - m.mean) / root * product / m.n);
    }
}

/* ---- element-wise layers ---- */

static void relu_forward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++) {
        if (p->in[i] != 0.0) /* what was dropped */
            p->ref->nearest = fmin(p->ref->nearest, fabs(p->in[i]));
        p->out[i] = p->in[i] > 0.0 ? p->in[i] : 0.0;
    }
}

static void relu_backward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        p->d_in[i] = p->in[i] > 0.0 ? p->d_out[i] : 0.0;
}

static void gelu_forward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        p->out[i] = p->in[i] * erfc(-p->in[i] * sqrt(0.5)) / 2.0;
}

static void gelu_backward(const mb_reference_layer *p)
{
    const double pi = 3.14159265358979323846;
    for (size_t i = 0; i < mb_reference_elements(p); i++) {
        const double x = p->in[i];
        p->d_in[i] =
            p->d_out[i] * (erfc(-x * sqrt(0.5)) / 2.0 + x * exp(-x * x / 2.0) / sqrt(2.0 * pi));
    }
}

static uint32_t hash_of(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

/* The dropout factor of element i of the batch, which depends on its position in memory. */
static double dropout_scale(const mb_reference_layer *p, size_t i)
{
    const mb_layer *layer = p->layer;
    const mb_memory_format *format = &layer->in_format;
    const double rate = strtod(layer->argument, NULL);
    const size_t size = mb_shape_size(layer->out), number = i % size;
    const size_t pixels = format->image.rows * format->image.columns;
    const size_t place = format->layout == MB_LAYOUT_NCHW || format->image.channels == 1
                             ? number
                             : number % pixels * format->image.channels + number / pixels;
    const uint64_t sample = p->batch->number[i / size];
    mb_rng rng =
        mb_rng_at(p->ref->seed, MB_RNG_DROPOUT, 0, sample * MB_MAX_LAYERS + layer->position);
    const uint64_t key = mb_rng_next(&rng);
    const uint32_t hash = hash_of(hash_of((uint32_t)place + (uint32_t)key) ^ (uint32_t)(key >> 32));
    return (double)hash < floor(rate * 0x1p32) ? 0.0 : 1.0 / (1.0 - rate);
}

static void dropout_forward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        p->out[i] = p->in[i] * (p->ref->evaluates ? 1.0 : dropout_scale(p, i));
}

static void dropout_backward(const mb_reference_layer *p)
{
    for (size_t i = 0; i < mb_reference_elements(p); i++)
        p->d_in[i] = p->d_out[i] * dropout_scale(p, i);
}

static void flatten_forward(const mb_reference_layer *p)
{
    memcpy(p->out, p->in, mb_reference_elements(p) * sizeof *p->out);
}

static void flatten_backward(const mb_reference_layer *p)
{
    memcpy(p->d_in, p->d_out, mb_reference_elements(p) * sizeof *p->d_in);
}

static void dense_forward(const mb_reference_layer *p)
{
    const size_t inputs = mb_shape_size(p->layer->in), units = p->layer->out.columns;
    for (size_t i = 0; i < mb_reference_elements(p); i++) {
        p->out[i] = p->tensor[1][i % units];
        for (size_t k = 0; k < inputs; k++)
            p->out[i] += p->tensor[0][i % units * inputs + k] * p->in[i / units * inputs + k];
    }
}

static void dense_backward(const mb_reference_layer *p)
{
    const size_t inputs = mb_shape_size(p->layer->in), units = p->layer->out.columns;
    for (size_t i = 0; i < mb_reference_elements(p); i++) {
        p->gradient[1][i % units] += p->d_out[i];
        for (size_t k = 0; k < inputs; k++) {
            const size_t weight = i % units * inputs + k, from = i / units * inputs + k;
            p->gradient[0][weight] += p->d_out[i] * p->in[from];
            p->d_in[from] += p->d_out[i] * p->tensor[0][weight];
        }
    }
}

/* ---- */

static const struct kind {
    const char *name;
    mb_reference_fn *forward, *backward;
} kinds[] = {
    {"conv2d", mb_reference_conv2d_forward, mb_reference_conv2d_backward},
    {"maxpool2d", mb_reference_maxpool_forward, mb_reference_maxpool_backward},
    {"avgpool2d", mb_reference_avgpool_forward, mb_reference_avgpool_backward},
    {"globalavgpool", mb_reference_avgpool_forward, mb_reference_avgpool_backward},
    {"batchnorm2d", batchnorm_forward, batchnorm_backward},
    {"relu", relu_forward, relu_backward},
    {"gelu", gelu_forward, gelu_backward},
    {"dropout", dropout_forward, dropout_backward},
    {"flatten", flatten_forward, flatten_backward},
    {"dense", dense_forward, dense_backward},
};

static const struct kind *kind_of(const mb_layer *layer)
{
    const struct kind *kind = kinds;
    while (strcmp(kind->name, layer->ops->name) != 0)
        kind++;
    return kind;
}

/* Mean of -log(softmax(logits)[label]); the logits become the softmax, and the last `d` the mean
 * loss's gradient with respect to the logits, (softmax - one-hot) / rows. */
static double softmax_loss(mb_layer_reference *ref, const mb_reference_batch *batch)
{
    const size_t classes = ref->network->classes;
    double loss = 0.0;
    for (size_t row = 0; row < batch->rows; row++) {
        double *z = ref->out[ref->layers] + row * classes, max = z[0], sum = 0.0;
        double *d = ref->d[ref->layers] + row * classes;
        const size_t label = batch->labels[batch->number[row]];
        for (size_t c = 0; c < classes; c++)
            max = fmax(max, z[c]);
        for (size_t c = 0; c < classes; c++)
            sum += exp(z[c] - max);
        loss += log(sum) - (z[label] - max);
        for (size_t c = 0; c < classes; c++) {
            z[c] = exp(z[c] - max) / sum;
            d[c] = (z[c] - (c == label ? 1.0 : 0.0)) / (double)batch->rows;
        }
    }
    return loss / (double)batch->rows;
}

double mb_layer_reference_loss(mb_layer_reference *ref, const mb_reference_batch *batch)
{
    const size_t pixels = mb_shape_size(ref->network->input);
    assert_true(batch->rows <= ref->max_rows);
    ref->nearest = INFINITY;
    for (size_t i = 0; i < batch->rows * pixels; i++)
        ref->out[0][i] = batch->images[batch->number[i / pixels] * pixels + i % pixels] / 255.0;
    for (size_t i = 0; i < ref->layers; i++) {
        const mb_reference_layer p = part_of(ref, i, batch);
        kind_of(p.layer)->forward(&p);
    }
    return softmax_loss(ref, batch);
}

double mb_layer_reference_gradient(mb_layer_reference *ref, const mb_reference_batch *batch)
{
    const double loss = mb_layer_reference_loss(ref, batch);
    for (size_t t = 0; t < ref->tensors; t++)
        memset(ref->gradient[t], 0, ref->elements[t] * sizeof *ref->gradient[t]);
    for (size_t i = ref->layers; i-- > 0;) {
        const mb_reference_layer p = part_of(ref, i, batch);
        memset(p.d_in, 0, batch->rows * mb_shape_size(p.layer->in) * sizeof *p.d_in);
        kind_of(p.layer)->backward(&p);
    }
    return loss;
}

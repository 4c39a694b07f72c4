#include "reference_mlp.h"
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *take(size_t count)
{
    double *memory = calloc(count, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

static void copy_parameters(const mb_network *network, size_t index, double *tensor)
{
    const size_t elements = mb_network_tensor_info(network, index).elements;
    float *values = calloc(elements, sizeof *values);
    assert_non_null(values);
    mb_network_get_tensor(network, index, values);
    for (size_t e = 0; e < elements; e++)
        tensor[e] = (double)values[e];
    free(values);
}

void mb_reference_mlp_open(const mb_network *network, mb_reference_mlp *twin)
{
    *twin = (mb_reference_mlp){.width = {mb_shape_size(network->input)}};
    for (size_t i = 0; i < network->count; i++) {
        if (network->layers[i].ops == &mb_dense_ops) {
            assert_true(twin->count < MB_REFERENCE_LAYERS);
            twin->width[++twin->count] = mb_shape_size(network->layers[i].out);
        } else {
            assert_string_equal(network->layers[i].ops->name, "relu");
            twin->relu[twin->count - 1] = true;
        }
    }
    for (size_t i = 0; i < 2 * twin->count; i++) {
        twin->elements[i] = mb_network_tensor_info(network, i).elements;
        twin->tensor[i] = take(twin->elements[i]);
        twin->gradient[i] = take(twin->elements[i]);
        copy_parameters(network, i, twin->tensor[i]);
    }
    for (size_t l = 0; l <= twin->count; l++) {
        twin->out[l] = take(twin->width[l]);
        twin->d[l] = take(twin->width[l]);
    }
}

void mb_reference_mlp_close(mb_reference_mlp *twin)
{
    for (size_t i = 0; i < MB_REFERENCE_TENSORS; i++)
        free(twin->tensor[i]), free(twin->gradient[i]);
    for (size_t l = 0; l <= MB_REFERENCE_LAYERS; l++)
        free(twin->out[l]), free(twin->d[l]);
}

/* out[l + 1] = W out[l] + b, or max(W out[l] + b, 0) */
static void dense(mb_reference_mlp *twin, size_t l)
{
    for (size_t unit = 0; unit < twin->width[l + 1]; unit++) {
        const double *w = twin->tensor[2 * l] + unit * twin->width[l];
        double z = twin->tensor[2 * l + 1][unit];
        for (size_t i = 0; i < twin->width[l]; i++)
            z += w[i] * twin->out[l][i];
        if (twin->relu[l])
            twin->nearest = fmin(twin->nearest, fabs(z));
        twin->out[l + 1][unit] = twin->relu[l] && z < 0.0 ? 0.0 : z;
    }
}

/* -log(softmax(logits)[label]) of one image; the last `out` becomes the softmax. */
static double forward(mb_reference_mlp *twin, const uint8_t *image, size_t label)
{
    for (size_t p = 0; p < twin->width[0]; p++)
        twin->out[0][p] = image[p] / 255.0;
    for (size_t l = 0; l < twin->count; l++)
        dense(twin, l);
    double *z = twin->out[twin->count], most = z[0], sum = 0.0;
    const size_t classes = twin->width[twin->count];
    for (size_t c = 0; c < classes; c++)
        most = fmax(most, z[c]);
    for (size_t c = 0; c < classes; c++)
        sum += exp(z[c] - most);
    const double loss = log(sum) - (z[label] - most);
    for (size_t c = 0; c < classes; c++)
        z[c] = exp(z[c] - most) / sum;
    return loss;
}

/* Adds the gradient of scale * the loss that `forward` just found:
 * dL/dlogits = softmax - one-hot, dL/dW = d out^T, dL/db = d, dL/din = W^T d. */
static void backward(mb_reference_mlp *twin, size_t label, double scale)
{
    for (size_t c = 0; c < twin->width[twin->count]; c++)
        twin->d[twin->count][c] = scale * (twin->out[twin->count][c] - (c == label ? 1.0 : 0.0));
    for (size_t l = twin->count; l-- > 0;) {
        memset(twin->d[l], 0, twin->width[l] * sizeof *twin->d[l]);
        for (size_t unit = 0; unit < twin->width[l + 1]; unit++) {
            const bool dead = twin->relu[l] && twin->out[l + 1][unit] <= 0.0;
            const double d = dead ? 0.0 : twin->d[l + 1][unit];
            const size_t row = unit * twin->width[l];
            twin->gradient[2 * l + 1][unit] += d;
            for (size_t i = 0; i < twin->width[l]; i++) {
                twin->gradient[2 * l][row + i] += d * twin->out[l][i];
                twin->d[l][i] += d * twin->tensor[2 * l][row + i];
            }
        }
    }
}

static double mean_loss(mb_reference_mlp *twin, const mb_reference_batch *batch, bool gradient)
{
    double loss = 0.0;
    twin->nearest = INFINITY;
    for (size_t row = 0; row < batch->rows; row++) {
        const size_t number = batch->number[row], label = batch->labels[number];
        loss += forward(twin, batch->images + number * twin->width[0], label);
        if (gradient)
            backward(twin, label, 1.0 / (double)batch->rows);
    }
    return loss / (double)batch->rows;
}

double mb_reference_mlp_loss(mb_reference_mlp *twin, const mb_reference_batch *batch)
{
    return mean_loss(twin, batch, false);
}

double mb_reference_mlp_gradient(mb_reference_mlp *twin, const mb_reference_batch *batch)
{
    for (size_t i = 0; i < 2 * twin->count; i++)
        memset(twin->gradient[i], 0, twin->elements[i] * sizeof *twin->gradient[i]);
    return mean_loss(twin, batch, true);
}

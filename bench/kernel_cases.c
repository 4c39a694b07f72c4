/* The kernels that move and change rows of numbers. Each twin stands below its kernel. */
#include "kernel_cases.h"

#include <math.h>
#include <string.h>

/* ---- bytes to floats ---- */

static void widen(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t r = 0; r < d->rows; r++)
        kernels->bytes_to_float(MB_PIXELS, d->images + r * MB_PIXELS, d->out + r * MB_PIXELS);
}

static void widen_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < d->rows * MB_PIXELS; i++)
        d->out[i] = (float)d->images[i] / 255.0f;
}

/* ---- the second layer's weights (128, 64), turned as its backward phase does ---- */

static void transpose(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t input = 0; input < MB_UNITS1; input += MB_LANES)
        for (size_t unit = 0; unit < MB_UNITS2; unit += MB_LANES)
            kernels->transpose(MB_LANES, MB_LANES, d->a + unit * MB_UNITS1 + input * MB_LANES,
                               d->out + input * MB_UNITS2 + unit * MB_LANES, MB_LANES);
}

static void transpose_twin(mb_kernel_data *d)
{
    for (size_t input = 0; input < MB_UNITS1; input++)
        for (size_t unit = 0; unit < MB_UNITS2; unit++) {
            const size_t tile = input / MB_LANES * MB_LANES, panel = unit / MB_LANES * MB_LANES;
            d->out[tile * MB_UNITS2 + unit * MB_LANES + input - tile] =
                d->a[panel * MB_UNITS1 + input * MB_LANES + unit - panel];
        }
}

/* ---- biases, and their gradient, of the first layer ---- */

static void fill_rows(const mb_kernels *kernels, mb_kernel_data *d)
{
    kernels->fill_rows(d->rows, MB_UNITS1, d->a, d->out, MB_UNITS1);
}

static void fill_rows_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < d->rows * MB_UNITS1; i++)
        d->out[i] = d->a[i % MB_UNITS1];
}

static void add_rows(const mb_kernels *kernels, mb_kernel_data *d)
{
    memset(d->out, 0, MB_UNITS1 * sizeof *d->out);
    kernels->add_rows(d->rows, MB_UNITS1, d->a, MB_UNITS1, d->out);
}

static void add_rows_twin(mb_kernel_data *d)
{
    for (size_t c = 0; c < MB_UNITS1; c++) {
        d->out[c] = 0.0f;
        for (size_t r = 0; r < d->rows; r++)
            d->out[c] += d->a[r * MB_UNITS1 + c];
    }
}

/* ---- ReLU behind the first layer ---- */

static void relu(const mb_kernels *kernels, mb_kernel_data *d)
{
    kernels->relu_forward(d->rows, MB_UNITS1, d->out, MB_UNITS1);
}

static void relu_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < d->rows * MB_UNITS1; i++)
        if (d->out[i] < 0.0f)
            d->out[i] = 0.0f;
}

static void relu_gradient(const mb_kernels *kernels, mb_kernel_data *d)
{
    kernels->relu_backward(d->rows, MB_UNITS1, d->a, d->out, MB_UNITS1);
}

static void relu_gradient_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < d->rows * MB_UNITS1; i++)
        if (d->a[i] <= 0.0f)
            d->out[i] = 0.0f;
}

/* ---- softmax, loss and gradient; `out` has the gradient, then the losses ---- */

static void softmax(const mb_kernels *kernels, mb_kernel_data *d)
{
    kernels->softmax_cross_entropy(d->rows, MB_CLASSES, d->a, d->labels, 1.0f / (float)d->rows,
                                   0.0f, d->out, d->out + d->rows * MB_CLASSES, d->bytes);
}

static void softmax_twin(mb_kernel_data *d)
{
    float *losses = d->out + d->rows * MB_CLASSES;
    for (size_t r = 0; r < d->rows; r++) {
        const float *z = d->a + r * MB_CLASSES;
        float *g = d->out + r * MB_CLASSES, sum = 0.0f;
        size_t top = 0;
        for (size_t c = 1; c < MB_CLASSES; c++)
            if (z[c] > z[top])
                top = c;
        for (size_t c = 0; c < MB_CLASSES; c++)
            sum += expf(z[c] - z[top]);
        for (size_t c = 0; c < MB_CLASSES; c++)
            g[c] = (expf(z[c] - z[top]) / sum - (c == d->labels[r] ? 1.0f : 0.0f)) / (float)d->rows;
        losses[r] = logf(sum) - (z[d->labels[r]] - z[top]);
        d->bytes[r] = (uint8_t)top;
    }
}

static void softmax_collect(mb_kernel_data *d, bool twin)
{
    (void)twin;
    for (size_t r = 0; r < d->rows; r++)
        d->out[d->rows * (MB_CLASSES + 1) + r] = (float)d->bytes[r];
}

static void exponential(const mb_kernels *kernels, mb_kernel_data *d)
{
    kernels->exp(d->rows * MB_CLASSES, d->c, d->out);
}

static void exponential_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < d->rows * MB_CLASSES; i++)
        d->out[i] = expf(d->c[i]);
}

/* ---- optimizers, over all parameters: w in out, moments in a and b, gradient in c ---- */

static const mb_update plain = {.lr = 1e-3f,
                                .decay_factor = 1.0f,
                                .l2 = 1e-4f,
                                .momentum = 0.9f,
                                .beta1 = 0.9f,
                                .beta2 = 0.999f,
                                .one_minus_beta1 = 0.1f,
                                .one_minus_beta2 = 0.001f,
                                .inv_sqrt_correction2 = 1.5f,
                                .epsilon = 1e-8f};

static mb_update decoupled(void)
{
    mb_update update = plain;
    update.l2 = 0.0f;
    update.decay_factor = 0.9999f;
    return update;
}

static void sgd(const mb_kernels *kernels, mb_kernel_data *d)
{
    kernels->sgd(&plain, true, MB_PARAMETERS, d->c, d->out, d->a, d->b);
}

static void sgd_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < MB_PARAMETERS; i++) {
        d->a[i] = plain.momentum * d->a[i] + d->c[i] + plain.l2 * d->out[i];
        d->out[i] -= plain.lr * d->a[i];
    }
}

static void adam_by(const mb_update *u, mb_kernel_data *d)
{
    for (size_t i = 0; i < MB_PARAMETERS; i++) {
        const float g = d->c[i] + u->l2 * d->out[i];
        d->a[i] = u->beta1 * d->a[i] + u->one_minus_beta1 * g;
        d->b[i] = u->beta2 * d->b[i] + u->one_minus_beta2 * g * g;
        d->out[i] = u->decay_factor * d->out[i] -
                    u->lr * d->a[i] / (u->inv_sqrt_correction2 * sqrtf(d->b[i]) + u->epsilon);
    }
}

static void adam(const mb_kernels *kernels, mb_kernel_data *d)
{
    kernels->adam(&plain, true, MB_PARAMETERS, d->c, d->out, d->a, d->b);
}

static void adam_twin(mb_kernel_data *d) { adam_by(&plain, d); }

static void adamw(const mb_kernels *kernels, mb_kernel_data *d)
{
    const mb_update update = decoupled();
    kernels->adam(&update, true, MB_PARAMETERS, d->c, d->out, d->a, d->b);
}

static void adamw_twin(mb_kernel_data *d)
{
    const mb_update update = decoupled();
    adam_by(&update, d);
}

/* ---- */

size_t mb_kernel_cases_dense(const mb_kernel_data *d, mb_kernel_case *cases)
{
    const size_t rows = d->rows, wide = rows * MB_UNITS1, logits = rows * MB_CLASSES;
    const double pixels = (double)(rows * MB_PIXELS), n1 = (double)wide, n = MB_PARAMETERS;
    const double word = sizeof(float), weights = (double)MB_UNITS1 * MB_UNITS2;
    const double of_row = MB_UNITS1 * word;
    const mb_kernel_case all[] = {
        {"widen", pixels, pixels * (1 + word), 0, widen, widen_twin, rows * MB_PIXELS, NULL},
        {"transpose", weights, weights * 2 * word, 0, transpose, transpose_twin,
         MB_UNITS1 * MB_UNITS2, NULL},
        {"fill_rows", n1, n1 * word + of_row, 0, fill_rows, fill_rows_twin, wide, NULL},
        {"add_rows", n1, n1 * word + of_row, 0, add_rows, add_rows_twin, MB_UNITS1, NULL},
        {"relu", n1, n1 * 2 * word, 0, relu, relu_twin, wide, NULL},
        {"relu_gradient", n1, n1 * 3 * word, 0, relu_gradient, relu_gradient_twin, wide, NULL},
        {"softmax", (double)logits, (double)logits * 2 * word + (double)rows * (word + 2), 0,
         softmax, softmax_twin, rows * (MB_CLASSES + 2), softmax_collect},
        {"exp", (double)logits, (double)logits * 2 * word, 0, exponential, exponential_twin, logits,
         NULL},
        {"sgd", n, n * 5 * word, 0, sgd, sgd_twin, MB_PARAMETERS, NULL},
        {"adam", n, n * 7 * word, 0, adam, adam_twin, MB_PARAMETERS, NULL},
        {"adamw", n, n * 7 * word, 0, adamw, adamw_twin, MB_PARAMETERS, NULL},
    };
    memcpy(cases, all, sizeof all);
    return sizeof all / sizeof all[0];
}

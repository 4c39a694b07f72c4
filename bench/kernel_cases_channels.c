/* Dropout, and the kernels of batch normalisation, which work channel by channel: behind the first
 * convolution of lenet5, where channels come first, and the second of cnn, where they come last.
 * Each works on as many samples as there is room for. Each twin stands below its kernel. */
#include "kernel_cases.h"

#include <string.h>

/* ---- numbers set to zero at random, of a quarter of cnn's after its pooling. Those that stay grow
 * from iteration to iteration, which changes nothing about the time ---- */

enum { DROPPED = 12 * 12 * 64 };

static const uint64_t key = 0x0123456789abcdefu;
static const uint32_t quarter = 1u << 30;

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static size_t dropped_samples(const mb_kernel_data *d) { return least(d->size / DROPPED, d->rows); }

static void dropout(const mb_kernels *kernels, mb_kernel_data *d)
{
    for (size_t s = 0; s < dropped_samples(d); s++)
        kernels->dropout(DROPPED, key + s, 0, quarter, 4.0f / 3.0f, d->out + s * DROPPED);
}

static uint32_t hash_of(uint32_t x)
{
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

static void dropout_twin(mb_kernel_data *d)
{
    for (size_t s = 0; s < dropped_samples(d); s++)
        for (size_t i = 0; i < DROPPED; i++) {
            const uint64_t of_sample = key + s;
            const uint32_t hash =
                hash_of(hash_of((uint32_t)i + (uint32_t)of_sample) ^ (uint32_t)(of_sample >> 32));
            float *x = d->out + s * DROPPED + i;
            *x = hash < quarter ? 0.0f : *x * (4.0f / 3.0f);
        }
}

/* ---- batch normalisation ---- */

/* An image, as the kernels take it. */
typedef struct image {
    bool planes;
    size_t rows, columns;
} image;

static const image lenet5 = {true, 6, 28 * 28}, cnn = {false, 24 * 24, 64};
enum { MOST_CHANNELS = 64 };

static size_t channels_of(const image *i) { return i->planes ? i->rows : i->columns; }

static size_t samples_of(const mb_kernel_data *d, const image *i)
{
    return least(d->size / (i->rows * i->columns), d->rows);
}

typedef void sums_fn(bool planes, size_t rows, size_t columns, const float *a, const float *b,
                     double *sums, double *products);

/* Sums over all samples, which go to `out`. */
static void sum_all(const image *i, sums_fn *add, mb_kernel_data *d)
{
    double sums[MOST_CHANNELS] = {0}, products[MOST_CHANNELS] = {0};
    const size_t numbers = i->rows * i->columns, channels = channels_of(i);
    for (size_t s = 0; s < samples_of(d, i); s++)
        add(i->planes, i->rows, i->columns, d->a + s * numbers, d->b + s * numbers, sums, products);
    for (size_t c = 0; c < channels; c++) {
        d->out[c] = (float)sums[c];
        d->out[channels + c] = (float)products[c];
    }
}

static void sum_products_lenet5(const mb_kernels *kernels, mb_kernel_data *d)
{
    sum_all(&lenet5, kernels->batchnorm_reduce, d);
}

static void sum_products_cnn(const mb_kernels *kernels, mb_kernel_data *d)
{
    sum_all(&cnn, kernels->batchnorm_reduce, d);
}

static void sum_products_twin(bool planes, size_t rows, size_t columns, const float *a,
                              const float *b, double *sums, double *products)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++, a++, b++) {
            const size_t channel = planes ? r : c;
            sums[channel] += (double)*a;
            products[channel] += (double)*a * (double)*b;
        }
}

static void sum_products_lenet5_twin(mb_kernel_data *d) { sum_all(&lenet5, sum_products_twin, d); }

static void sum_products_cnn_twin(mb_kernel_data *d) { sum_all(&cnn, sum_products_twin, d); }

typedef void affine_fn(bool planes, size_t rows, size_t columns, const float *scale,
                       const float *shift, const float *x, float *out);

static void scale_all(const image *i, affine_fn *affine, mb_kernel_data *d)
{
    const size_t numbers = i->rows * i->columns;
    for (size_t s = 0; s < samples_of(d, i); s++)
        affine(i->planes, i->rows, i->columns, d->b, d->c, d->a + s * numbers,
               d->out + s * numbers);
}

static void scale_shift_lenet5(const mb_kernels *kernels, mb_kernel_data *d)
{
    scale_all(&lenet5, kernels->batchnorm_forward, d);
}

static void scale_shift_cnn(const mb_kernels *kernels, mb_kernel_data *d)
{
    scale_all(&cnn, kernels->batchnorm_forward, d);
}

static void scale_shift_twin(bool planes, size_t rows, size_t columns, const float *scale,
                             const float *shift, const float *x, float *out)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++, x++, out++)
            *out = *x * scale[planes ? r : c] + shift[planes ? r : c];
}

static void scale_shift_lenet5_twin(mb_kernel_data *d) { scale_all(&lenet5, scale_shift_twin, d); }

static void scale_shift_cnn_twin(mb_kernel_data *d) { scale_all(&cnn, scale_shift_twin, d); }

/* ---- */

size_t mb_kernel_cases_channels(const mb_kernel_data *d, mb_kernel_case *cases)
{
    const size_t dropped = dropped_samples(d) * DROPPED;
    const size_t l_numbers = samples_of(d, &lenet5) * lenet5.rows * lenet5.columns,
                 c_numbers = samples_of(d, &cnn) * cnn.rows * cnn.columns;
    const double n = (double)dropped, l = (double)l_numbers, c = (double)c_numbers;
    const double word = sizeof(float);
    const mb_kernel_case all[] = {
        {"dropout:cnn", n, 2 * n * word, 0, dropout, dropout_twin, dropped, NULL},
        {"sum_products:lenet5", l, 2 * l * word, 0, sum_products_lenet5, sum_products_lenet5_twin,
         2 * channels_of(&lenet5), NULL},
        {"sum_products:cnn", c, 2 * c * word, 0, sum_products_cnn, sum_products_cnn_twin,
         2 * channels_of(&cnn), NULL},
        {"scale_shift:lenet5", l, 2 * l * word, 0, scale_shift_lenet5, scale_shift_lenet5_twin,
         l_numbers, NULL},
        {"scale_shift:cnn", c, 2 * c * word, 0, scale_shift_cnn, scale_shift_cnn_twin, c_numbers,
         NULL},
    };
    memcpy(cases, all, sizeof all);
    return sizeof all / sizeof all[0];
}

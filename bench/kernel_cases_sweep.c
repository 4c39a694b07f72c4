/* The kernels of convolution without im2col, and of the way back from a max pool, at the sizes of
 * lenet5's two convolutions, sample by sample. Each twin stands below its kernel. */
#include "kernel_cases.h"

#include <string.h>

/* The first: a padded image of 32x32, 6 units, 5x5, 28x28 out. The second: 14x14 of 6 channels,
 * last ones first, 16 units, 5x5, 10x10 out, of whose gradient the pool behind it leaves a quarter.
 */
enum { WIDE = 32, SIDE1 = 28, UNITS1 = 6, KERNEL = 5, OUT1 = UNITS1 * SIDE1 * SIDE1 };
enum { SIDE2 = 14, CHANNELS = 6, OUT_SIDE = 10, UNITS2 = 16, ROW = SIDE2 * CHANNELS };
enum { SEGMENT = KERNEL * CHANNELS, WINDOW = KERNEL * SEGMENT, LINES = 2, MARKS = 25 };
enum { IMAGE2 = SIDE2 * ROW, OUT2 = OUT_SIDE * OUT_SIDE * UNITS2 };
enum { UNIT = KERNEL * LINES * MB_LANES };

static size_t samples_of(const mb_kernel_data *d, size_t numbers)
{
    const size_t room = (d->size - 2 * MB_LANES) / numbers;
    return room < d->rows ? room : d->rows;
}

/* ---- forward, by pixels ---- */

static void product(const mb_kernels *kernels, mb_kernel_data *d)
{
    const mb_direct_gemm sweep = {
        {1, KERNEL, SEGMENT}, {0, ROW, 1}, {0, SEGMENT * UNITS2, UNITS2}, CHANNELS, 1, MB_LANES};
    for (size_t sample = 0; sample < samples_of(d, OUT2); sample++)
        for (size_t y = 0; y < OUT_SIDE; y++)
            kernels->direct_gemm(&sweep, OUT_SIDE, d->a + sample * IMAGE2 + y * ROW, d->b,
                                 (mb_direct_init){d->c, 0, true},
                                 d->out + sample * OUT2 + y * OUT_SIDE * UNITS2, UNITS2);
}

static void product_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < samples_of(d, OUT2) * OUT2; i++) {
        const size_t unit = i % UNITS2, x = i / UNITS2 % OUT_SIDE, y = i % OUT2 / UNITS2 / OUT_SIDE;
        const float *image = d->a + i / OUT2 * IMAGE2 + y * ROW + x * CHANNELS;
        float sum = d->c[unit];
        for (size_t k = 0; k < WINDOW; k++)
            sum += image[k / SEGMENT * ROW + k % SEGMENT] * d->b[k * UNITS2 + unit];
        d->out[i] = sum;
    }
}

/* ---- gradient of the weights, by planes ---- */

static void dots(const mb_kernels *kernels, mb_kernel_data *d)
{
    const mb_direct_grad planes = {SIDE1, SIDE1, SIDE1 * SIDE1, WIDE};
    memset(d->out, 0, UNITS1 * KERNEL * KERNEL * sizeof *d->out);
    for (size_t sample = 0; sample < samples_of(d, OUT1); sample++)
        for (size_t y = 0; y < KERNEL; y++)
            kernels->direct_grad_weights(&planes, UNITS1, KERNEL, d->a + sample * OUT1,
                                         d->b + sample * WIDE * WIDE + y * WIDE,
                                         d->out + y * KERNEL, KERNEL * KERNEL);
}

static void dots_twin(mb_kernel_data *d)
{
    for (size_t i = 0; i < UNITS1 * KERNEL * KERNEL; i++) {
        const size_t unit = i / (KERNEL * KERNEL), y = i / KERNEL % KERNEL, x = i % KERNEL;
        double sum = 0.0;
        for (size_t sample = 0; sample < samples_of(d, OUT1); sample++) {
            const float *plane = d->a + sample * OUT1 + unit * SIDE1 * SIDE1;
            const float *image = d->b + sample * WIDE * WIDE + y * WIDE + x;
            for (size_t p = 0; p < SIDE1 * SIDE1; p++)
                sum += (double)(plane[p] * image[p / SIDE1 * WIDE + p % SIDE1]);
        }
        d->out[i] = (float)sum;
    }
}

/* ---- the way back from a max pool ---- */

/* The first pixel of each of its windows, and a number for it. */
static void list_marks(const float *numbers, mb_nonzero_grad picks[MARKS])
{
    for (uint32_t i = 0; i < MARKS; i++)
        picks[i] = (mb_nonzero_grad){i / 5 * 2 * ROW + i % 5 * 2 * CHANNELS, numbers[i]};
}

static void gather(const mb_kernels *kernels, mb_kernel_data *d)
{
    mb_nonzero_grad picks[MARKS];
    memset(d->out, 0, UNITS2 * UNIT * sizeof *d->out);
    for (size_t sample = 0; sample < samples_of(d, IMAGE2); sample++)
        for (size_t unit = 0; unit < UNITS2; unit++) {
            list_marks(d->b + unit, picks);
            kernels->accumulate_windows(MARKS, picks, KERNEL, LINES, d->a + sample * IMAGE2, ROW,
                                        d->out + unit * UNIT);
        }
}

static void gather_twin(mb_kernel_data *d)
{
    mb_nonzero_grad picks[MARKS];
    for (size_t i = 0; i < UNITS2 * UNIT; i++) {
        const float *image = d->a + i % UNIT / (LINES * MB_LANES) * ROW + i % (LINES * MB_LANES);
        double sum = 0.0;
        list_marks(d->b + i / UNIT, picks);
        for (size_t sample = 0; sample < samples_of(d, IMAGE2); sample++)
            for (size_t p = 0; p < MARKS; p++)
                sum += (double)(picks[p].value * image[sample * IMAGE2 + picks[p].at]);
        d->out[i] = (float)sum;
    }
}

static void scatter(const mb_kernels *kernels, mb_kernel_data *d)
{
    mb_nonzero_grad picks[MARKS];
    const size_t samples = samples_of(d, IMAGE2);
    memset(d->out, 0, (samples * IMAGE2 + 2 * MB_LANES) * sizeof *d->out);
    for (size_t sample = 0; sample < samples; sample++)
        for (size_t unit = 0; unit < UNITS2; unit++) {
            list_marks(d->b + unit, picks);
            kernels->scatter_windows(MARKS, picks, KERNEL, LINES, d->a + unit * UNIT,
                                     d->out + sample * IMAGE2, ROW);
        }
}

static void scatter_twin(mb_kernel_data *d)
{
    mb_nonzero_grad picks[MARKS];
    const size_t samples = samples_of(d, IMAGE2);
    memset(d->out, 0, (samples * IMAGE2 + 2 * MB_LANES) * sizeof *d->out);
    for (size_t sample = 0; sample < samples; sample++)
        for (size_t unit = 0; unit < UNITS2; unit++) {
            list_marks(d->b + unit, picks);
            for (size_t p = 0; p < MARKS; p++)
                for (size_t i = 0; i < UNIT; i++)
                    d->out[sample * IMAGE2 + picks[p].at + i / (LINES * MB_LANES) * ROW +
                           i % (LINES * MB_LANES)] += picks[p].value * d->a[unit * UNIT + i];
        }
}

/* ---- */

size_t mb_kernel_cases_sweep(const mb_kernel_data *d, mb_kernel_case *cases)
{
    const double word = sizeof(float), taps = KERNEL * KERNEL;
    const double one = (double)samples_of(d, OUT1), two = (double)samples_of(d, OUT2),
                 images = (double)samples_of(d, IMAGE2);
    const mb_kernel_case all[] = {
        {"sweep_product:lenet5", two * OUT2, two * (OUT2 + IMAGE2) * word, 2 * two * OUT2 * WINDOW,
         product, product_twin, samples_of(d, OUT2) * OUT2, NULL},
        {"sweep_dots:lenet5", one * OUT1, one * (OUT1 + WIDE * WIDE) * word, 2 * one * OUT1 * taps,
         dots, dots_twin, UNITS1 * KERNEL * KERNEL, NULL},
        {"pick_gather:lenet5", images * IMAGE2, images * IMAGE2 * word,
         2 * images * UNITS2 * MARKS * WINDOW, gather, gather_twin, UNITS2 * UNIT, NULL},
        {"pick_scatter:lenet5", images * IMAGE2, 2 * images * IMAGE2 * word,
         2 * images * UNITS2 * MARKS * WINDOW, scatter, scatter_twin,
         samples_of(d, IMAGE2) * IMAGE2, NULL},
    };
    memcpy(cases, all, sizeof all);
    return sizeof all / sizeof all[0];
}

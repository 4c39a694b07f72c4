#include "model/quantize.h"

#include "core/util.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* MAX_WINDOW products of up to 255 * 64 and the largest bias have a sum of 31 bits. Weights have 7
 * bits, so that two products have a sum of 16: there VPMADDUBSW saturates, with which ONNX Runtime
 * multiplies on x86-64 without VNNI. */
enum { LEVELS = 256, MIN_Q = -128, MAX_Q = 127, CALIBRATED = 1000, MAX_WINDOW = 32768 };

static const double largest_weight = 64.0, largest_bias = 1 << 30;

/* ---- numbers ---- */

static int8_t to_int8(double q)
{
    const double rounded = rint(q);
    return (int8_t)(rounded < MIN_Q ? MIN_Q : rounded > MAX_Q ? MAX_Q : rounded);
}

/* That of zeros, or of values next to it, is 1. */
static float to_scale(float scale) { return scale < FLT_MIN ? 1.0f : fminf(scale, FLT_MAX); }

/* Covers the range and 0, which it has exactly. */
static mb_quantization quantization_of(mb_range range)
{
    const double min = range.min < 0.0f ? (double)range.min : 0.0;
    const double max = range.max > 0.0f ? (double)range.max : 0.0;
    const float scale = to_scale((float)((max - min) / (LEVELS - 1)));
    return (mb_quantization){scale, to_int8(MIN_Q - min / (double)scale)};
}

/* factor = *multiplier / 2^*shift, to 30 bits, or the largest such number. */
static void set_factor(double factor, int32_t *multiplier, uint8_t *shift)
{
    int exponent;
    const double fraction = frexp(fmin(factor, 1 << 28), &exponent); /* 0.5 <= fraction < 1 */
    const int bits = 30 - exponent < 62 ? 30 - exponent : 62;
    *multiplier = (int32_t)rint(ldexp(fraction, bits + exponent));
    *shift = (uint8_t)bits;
}

/* ---- calibration ---- */

/* The network's input: values of a pixel in memory as floats. */
static float input_value(const mb_network *network, size_t channel, int value)
{
    const mb_standardization *standard = &network->form.standardization;
    return mb_form_is_standardized(&network->form)
               ? ((float)value - 255.0f * standard->mean[channel]) /
                     (255.0f * standard->std[channel])
               : (float)value / 255.0f;
}

/* Element i of the order (rows, columns, channels) in an image (channels, rows, columns). */
static size_t pixel_at(mb_shape shape, size_t i)
{
    return i % shape.channels * (shape.rows * shape.columns) + i / shape.channels;
}

static void run_image(const mb_quantized *q, const uint8_t *image, const mb_c_parameters *p,
                      float *const buffers[2], mb_range *ranges)
{
    const mb_network *network = q->program.network;
    for (size_t i = 0; i < mb_shape_size(network->input); i++)
        buffers[0][i] =
            input_value(network, i % network->input.channels, image[pixel_at(network->input, i)]);
    mb_c_run_float(&q->program, p, buffers, ranges);
}

/* The ranges of all calls; the parameters of each. */
static mb_status calibrate(mb_quantized *q, const mb_images *images, mb_c_parameters *parameters,
                           mb_range *ranges, mb_error *error)
{
    const size_t *scratch = q->program.scratch;
    const size_t step = (images->count + CALIBRATED - 1) / CALIBRATED;
    float *const buffers[] = {mb_arena_alloc(&q->arena, scratch[0], sizeof(float)),
                              mb_arena_alloc(&q->arena, scratch[1], sizeof(float))};
    for (size_t i = 0; i < q->program.count; i++) {
        ranges[i] = (mb_range){INFINITY, -INFINITY};
        if (!mb_c_parameters_open(&q->program.calls[i], &parameters[i]))
            return mb_fail_memory(error, "quantization", scratch[0] * sizeof(float));
    }
    if (q->arena.failed > 0)
        return mb_arena_status(&q->arena, "quantization", error);
    for (size_t i = 0; i < images->count; i += step)
        run_image(q, images->pixels + i * mb_images_stride(images), parameters, buffers, ranges);
    for (size_t i = 0; i < q->program.count; i++)
        if (!isfinite(ranges[i].min) || !isfinite(ranges[i].max))
            return mb_fail(error, MB_ERROR_DIVERGED, "int8: outputs of %s are not finite",
                           q->program.calls[i].name);
    return MB_OK;
}

/* ---- the calls ---- */

static mb_quantization quantize_input(mb_quantized *q)
{
    const mb_network *network = q->program.network;
    mb_range range = {0.0f, 0.0f};
    for (size_t c = 0; c < network->input.channels; c++) {
        range.min = fminf(range.min, input_value(network, c, 0));
        range.max = fmaxf(range.max, input_value(network, c, LEVELS - 1));
    }
    const mb_quantization input = quantization_of(range);
    for (size_t c = 0; c < network->input.channels; c++)
        for (int v = 0; v < LEVELS; v++)
            q->input[c][v] =
                to_int8((double)(input_value(network, c, v) / input.scale) + input.zero);
    return input;
}

static void set_scales(mb_quantized_call *q, const mb_c_parameters *p)
{
    for (size_t unit = 0; unit < q->units; unit++)
        q->scale[unit] = fabsf(p->biases[unit]) / (q->in.scale * (float)largest_bias);
    for (size_t i = 0; i < q->weights; i++) {
        float *scale = &q->scale[mb_c_unit_of(q->call, i)];
        *scale = fmaxf(*scale, fabsf(p->weights[i]) / (float)largest_weight);
    }
    for (size_t unit = 0; unit < q->units; unit++)
        q->scale[unit] = to_scale(q->scale[unit]);
}

/* Weights, biases and factors from in to out, or to the logits. */
static mb_status quantize_weights(mb_quantized_call *q, const mb_c_parameters *p, mb_arena *arena,
                                  mb_error *error)
{
    const double to = q->is_last ? ldexp(1.0, -MB_LOGIT_BITS) : (double)q->out.scale;
    q->weight = mb_arena_alloc(arena, p->weight_count, sizeof *q->weight);
    q->scale = mb_arena_alloc(arena, p->bias_count, sizeof *q->scale);
    q->bias = mb_arena_alloc(arena, p->bias_count, sizeof *q->bias);
    q->multiplier = mb_arena_alloc(arena, p->bias_count, sizeof *q->multiplier);
    q->shift = mb_arena_alloc(arena, p->bias_count, sizeof *q->shift);
    q->weights = p->weight_count;
    q->units = p->bias_count;
    if (arena->failed > 0)
        return mb_arena_status(arena, "quantization", error);
    if (p->weight_count / p->bias_count > MAX_WINDOW)
        return mb_fail(error, MB_ERROR_UNAVAILABLE,
                       "int8: %s adds up %zu products, at most %d have a sum of 32 bits",
                       q->call->name, p->weight_count / p->bias_count, (int)MAX_WINDOW);
    set_scales(q, p);
    for (size_t unit = 0; unit < q->units; unit++) {
        const double sum = (double)q->in.scale * (double)q->scale[unit];
        const double bias = rint((double)p->biases[unit] / sum);
        q->bias[unit] = (int32_t)fmax(-largest_bias, fmin(bias, largest_bias));
        set_factor(sum / to, &q->multiplier[unit], &q->shift[unit]);
    }
    for (size_t i = 0; i < q->weights; i++)
        q->weight[i] = to_int8((double)p->weights[i] / (double)q->scale[mb_c_unit_of(q->call, i)]);
    return MB_OK;
}

static mb_status quantize_average(mb_quantized_call *q, mb_arena *arena, mb_error *error)
{
    const mb_window *window = mb_layer_window(q->call->layer);
    q->multiplier = mb_arena_alloc(arena, 1, sizeof *q->multiplier);
    q->shift = mb_arena_alloc(arena, 1, sizeof *q->shift);
    if (arena->failed > 0)
        return mb_arena_status(arena, "quantization", error);
    set_factor((double)q->in.scale /
                   ((double)(window->rows * window->columns) * (double)q->out.scale),
               q->multiplier, q->shift);
    return MB_OK;
}

static void quantize_gelu(mb_quantized_call *q)
{
    for (int v = MIN_Q; v <= MAX_Q; v++) {
        const double x = (double)q->in.scale * (v - q->in.zero);
        const double y = 0.5 * x * erfc(-x / sqrt(2.0));
        q->values[v - MIN_Q] = to_int8(y / (double)q->out.scale + q->out.zero);
    }
}

/* A call from its range, or from that of the ReLU after it, which saturation then computes. */
static mb_status quantize_call(mb_quantized *quantized, size_t index, mb_quantization in,
                               const mb_range *ranges, const mb_c_parameters *parameters,
                               mb_error *error)
{
    const mb_c_program *program = &quantized->program;
    mb_quantized_call *q = &quantized->calls[index];
    const bool relu_follows =
        index + 1 < program->count && program->calls[index + 1].operation == MB_C_RELU;
    q->call = &program->calls[index];
    q->is_last = index + 1 == program->count;
    q->in = q->out = in;
    if (q->nothing)
        return MB_OK;
    switch (q->call->operation) {
    case MB_C_MAXPOOL2D:
    case MB_C_RELU:
    case MB_C_NOTHING:
        return MB_OK;
    case MB_C_GELU:
        q->out = quantization_of(ranges[index]);
        quantize_gelu(q);
        return MB_OK;
    default:
        break;
    }
    q->out = quantization_of(ranges[relu_follows ? index + 1 : index]);
    if (relu_follows)
        quantized->calls[index + 1].nothing = true;
    quantized->max_units = mb_max_size(quantized->max_units, parameters[index].bias_count);
    return q->call->operation == MB_C_AVGPOOL2D
               ? quantize_average(q, &quantized->arena, error)
               : quantize_weights(q, &parameters[index], &quantized->arena, error);
}

static mb_status check_images(const mb_network *network, const mb_images *images, mb_error *error)
{
    const mb_shape in = network->input, shape = mb_images_shape(images);
    if (images->count == 0)
        return mb_fail(error, MB_ERROR_INVALID, "int8: there are no images");
    if (shape.channels != in.channels || shape.rows != in.rows || shape.columns != in.columns)
        return mb_fail(error, MB_ERROR_INVALID,
                       "images are %zux%zux%zu (channels, rows, columns), those of the model "
                       "%zux%zux%zu",
                       shape.channels, shape.rows, shape.columns, in.channels, in.rows, in.columns);
    return MB_OK;
}

mb_status mb_quantize(const mb_network *network, const mb_images *images, mb_quantized **quantized,
                      mb_error *error)
{
    mb_c_parameters parameters[MB_MAX_LAYERS] = {{0}};
    mb_range ranges[MB_MAX_LAYERS];
    mb_status status = check_images(network, images, error);
    if (status != MB_OK)
        return status;
    mb_quantized *q = calloc(1, sizeof *q);
    if (q == NULL)
        return mb_fail_memory(error, "quantization", sizeof *q);
    status = mb_c_program_open(network, true, &q->program, error);
    if (status == MB_OK)
        status = calibrate(q, images, parameters, ranges, error);
    if (status == MB_OK) {
        mb_quantization in = quantize_input(q);
        for (size_t i = 0; i < q->program.count && status == MB_OK; in = q->calls[i++].out)
            status = quantize_call(q, i, in, ranges, parameters, error);
    }
    for (size_t i = 0; i < MB_MAX_LAYERS; i++)
        free(parameters[i].weights);
    if (status == MB_OK)
        *quantized = q;
    else
        mb_quantized_close(q);
    return status;
}

void mb_quantized_close(mb_quantized *quantized)
{
    if (quantized == NULL)
        return;
    mb_arena_free(&quantized->arena);
    free(quantized);
}

mb_status mb_quantized_accuracy(const mb_quantized *q, const mb_split *split, double *accuracy,
                                mb_error *error)
{
    const mb_network *network = q->program.network;
    const size_t *scratch = q->program.scratch, n = mb_shape_size(network->input);
    const mb_status status = check_images(network, &split->images, error);
    size_t right = 0;
    if (status != MB_OK)
        return status;
    int8_t *const buffers[] = {malloc(scratch[0] + 1), malloc(scratch[1] + 1)};
    int32_t *sums = calloc(q->max_units + 1, sizeof *sums);
    const bool allocated = buffers[0] != NULL && buffers[1] != NULL && sums != NULL;
    for (size_t image = 0; image < split->images.count && allocated; image++) {
        const uint8_t *pixels = split->images.pixels + image * n;
        for (size_t i = 0; i < n; i++)
            buffers[0][i] =
                q->input[i % network->input.channels][pixels[pixel_at(network->input, i)]];
        right += mb_c_run_int8(q, buffers, sums) == split->labels[image];
    }
    free(buffers[0]);
    free(buffers[1]);
    free(sums);
    if (!allocated)
        return mb_fail_memory(error, "quantization", scratch[0] + scratch[1]);
    *accuracy = (double)right / (double)split->images.count;
    return MB_OK;
}

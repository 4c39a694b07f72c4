/* A network as C with 8-bit integers. */
#include "model/c_text.h"
#include "model/quantize.h"

static const mb_quantized *quantized_of(const mb_c_text *text) { return text->context; }

/* ---- constants ---- */

static int32_t at_int8(const void *values, size_t i) { return ((const int8_t *)values)[i]; }
static int32_t at_uint8(const void *values, size_t i) { return ((const uint8_t *)values)[i]; }
static int32_t at_int32(const void *values, size_t i) { return ((const int32_t *)values)[i]; }

static bool is_convolution(const mb_quantized_call *q)
{
    return q->call->size_count == MB_C_CONVOLUTION_SIZES;
}

static void write_constants(FILE *out, const mb_quantized_call *q)
{
    const char *name = q->call->name;
    if (q->call->size_count > 0) {
        char zeros[32];
        snprintf(zeros, sizeof zeros, ", %d, %d", q->in.zero, q->out.zero);
        mb_c_write_sizes(out, q->call, zeros);
    }
    if (is_convolution(q)) {
        mb_c_write_integers(out, "int8_t", name, "_weight", q->weights, at_int8, q->weight);
        mb_c_write_integers(out, "int32_t", name, "_bias", q->units, at_int32, q->bias);
        mb_c_write_integers(out, "int32_t", name, "_multiplier", q->units, at_int32, q->multiplier);
        mb_c_write_integers(out, "uint8_t", name, "_shift", q->units, at_uint8, q->shift);
    }
    if (q->call->operation == MB_C_GELU)
        mb_c_write_integers(out, "int8_t", name, "_values", sizeof q->values, at_int8, q->values);
}

static size_t constant_bytes(const mb_quantized_call *q)
{
    if (q->nothing)
        return 0;
    return q->weights + q->units * (2 * sizeof(int32_t) + 1) +
           (q->call->operation == MB_C_GELU ? sizeof q->values : 0);
}

/* The functions that the calls have, of which a dense layer and a batch normalisation are
 * convolutions. */
static const char *function_of(const mb_quantized_call *q)
{
    return q->is_last ? "logits" : is_convolution(q) ? "conv2d" : q->call->function;
}

static bool write_definitions(FILE *out, const mb_c_text *text)
{
    static const char *const always[] = {"exponential", "softmax", "scale",
                                         "conv2d",      "logits",  NULL};
    const mb_quantized *quantized = quantized_of(text);
    const mb_network *network = text->program->network;
    mb_c_program called = {.count = 0}; /* by their functions here */
    const char *sections[MB_C_MAX_SECTIONS];
    for (size_t i = 0; i < text->program->count; i++)
        if (!quantized->calls[i].nothing) {
            called.calls[called.count] = text->program->calls[i];
            called.calls[called.count++].function = function_of(&quantized->calls[i]);
        }
    mb_c_sections(&called, always, sections);
    mb_c_write_sections(out, mb_classifier_common, sections);
    mb_c_write_sections(out, mb_classifier_int8, sections);
    fputs("\n/* ---- the network ---- */\n\n", out);
    for (size_t i = 0; i < text->program->count; i++)
        if (!quantized->calls[i].nothing)
            write_constants(out, &quantized->calls[i]);
    if (mb_form_is_standardized(&network->form))
        mb_c_write_integers(out, "int8_t", "input", "", network->input.channels * 256, at_int8,
                            quantized->input);
    return true;
}

/* ---- calls ---- */

/* From the bytes of an image, as they are in files, to the input of the first layer. */
static void write_input(FILE *out, const mb_network *network)
{
    const bool light = network->form.ground == MB_GROUND_LIGHT;
    fprintf(out, "    for (i = 0; i < %zu; i++)\n", mb_shape_size(network->input));
    if (mb_form_is_standardized(&network->form))
        fprintf(out, "        a[i] = input[i %% %zu * 256 + %s];\n", network->input.channels,
                light ? "(255 - image[i])" : "image[i]");
    else
        fprintf(out, "        a[i] = (int8_t)(%s);\n", light ? "127 - image[i]" : "image[i] - 128");
}

static void write_call(FILE *out, const mb_quantized_call *q, const char *in, const char *to)
{
    const char *name = q->call->name;
    fprintf(out, "    %s(%s", function_of(q), in);
    if (is_convolution(q)) {
        fprintf(out, ", &%s, %s_weight, %s_bias, %s_multiplier, %s_shift, sums", name, name, name,
                name, name);
        if (!q->is_last)
            fprintf(out, ", %s", to);
    } else if (q->call->operation == MB_C_MAXPOOL2D) {
        fprintf(out, ", &%s, %s", name, to);
    } else if (q->call->operation == MB_C_AVGPOOL2D) {
        fprintf(out, ", &%s, %d, %d, %s", name, (int)*q->multiplier, (int)*q->shift, to);
    } else if (q->call->operation == MB_C_GELU) {
        fprintf(out, ", %zu, %s_values", mb_shape_size(q->call->out), name);
    } else {
        fprintf(out, ", %zu, %d", mb_shape_size(q->call->out), q->in.zero);
    }
    fputs(");\n", out);
}

static void write_body(FILE *out, const mb_c_text *text)
{
    static const char *const buffers[] = {"a", "b"};
    const mb_quantized *quantized = quantized_of(text);
    const mb_c_program *program = text->program;
    size_t buffer = 0;
    fprintf(out, "    static int8_t a[%zu], b[%zu];\n    static int32_t sums[%zu];\n    int i;\n",
            program->scratch[0], program->scratch[1], quantized->max_units);
    write_input(out, program->network);
    for (size_t i = 0; i < program->count; i++) {
        const mb_quantized_call *q = &quantized->calls[i];
        if (q->nothing)
            continue;
        const char *in = buffers[buffer];
        buffer = q->call->in_place ? buffer : 1 - buffer;
        write_call(out, q, in, buffers[buffer]);
    }
    fprintf(out, "    return softmax(sums, %zu, probabilities);\n", program->network->classes);
}

mb_status mb_quantized_export_c(const mb_quantized *quantized, const char *path,
                                mb_c_source *description, mb_error *error)
{
    const mb_c_program *program = &quantized->program;
    mb_c_text text = {.program = program,
                      .arithmetic = "8-bit integers",
                      .context = quantized,
                      .write_definitions = write_definitions,
                      .write_body = write_body};
    for (size_t i = 0; i < program->count; i++)
        text.description.weight_bytes += constant_bytes(&quantized->calls[i]);
    if (mb_form_is_standardized(&program->network->form))
        text.description.weight_bytes += program->network->input.channels * 256;
    text.description.scratch_bytes =
        program->scratch[0] + program->scratch[1] + quantized->max_units * sizeof(int32_t);
    const mb_status status = mb_c_text_write(&text, path, error);
    if (description != NULL)
        *description = text.description;
    return status;
}

/* A network as C with floats. */
#include "model/c_text.h"

#include <stdlib.h>

static void write_parameters(FILE *out, const mb_c_call *call, const mb_c_parameters *p)
{
    const bool scales = call->operation == MB_C_BATCHNORM2D;
    mb_c_write_floats(out, call->name, scales ? "_scale" : "_weight", p->weight_count, p->weights);
    mb_c_write_floats(out, call->name, scales ? "_shift" : "_bias", p->bias_count, p->biases);
}

static bool write_constants(FILE *out, const mb_c_call *call)
{
    mb_c_parameters p;
    if (!mb_c_parameters_open(call, &p))
        return false;
    if (call->operation == MB_C_CONV2D || call->operation == MB_C_MAXPOOL2D ||
        call->operation == MB_C_AVGPOOL2D)
        mb_c_write_sizes(out, call, "");
    if (p.weight_count > 0)
        write_parameters(out, call, &p);
    free(p.weights);
    return true;
}

static void write_standardization(FILE *out, const mb_network *network)
{
    const mb_standardization *standard = &network->form.standardization;
    const size_t channels = network->input.channels;
    float mean[MB_MAX_CHANNELS], deviation[MB_MAX_CHANNELS];
    if (!mb_form_is_standardized(&network->form))
        return;
    for (size_t c = 0; c < channels; c++) {
        mean[c] = 255.0f * standard->mean[c];
        deviation[c] = 255.0f * standard->std[c];
    }
    mb_c_write_floats(out, "mean", "", channels, mean);
    mb_c_write_floats(out, "deviation", "", channels, deviation);
}

static bool write_definitions(FILE *out, const mb_c_text *text)
{
    static const char *const always[] = {"exponential", "softmax", NULL};
    const char *sections[MB_C_MAX_SECTIONS];
    bool written = true;
    mb_c_sections(text->program, always, sections);
    mb_c_write_sections(out, mb_classifier_common, sections);
    mb_c_write_sections(out, mb_classifier_float, sections);
    fputs("\n/* ---- the network ---- */\n\n", out);
    for (size_t i = 0; i < text->program->count && written; i++)
        written = write_constants(out, &text->program->calls[i]);
    write_standardization(out, text->program->network);
    return written;
}

/* From the bytes of an image to the input of the first layer, as in training. */
static void write_input(FILE *out, const mb_network *network)
{
    const size_t n = mb_shape_size(network->input), channels = network->input.channels;
    const char *value = network->form.ground == MB_GROUND_LIGHT ? "(255 - image[i])" : "image[i]";
    fprintf(out, "    for (i = 0; i < %zu; i++)\n", n);
    if (mb_form_is_standardized(&network->form))
        fprintf(out, "        a[i] = ((float)%s - mean[i %% %zu]) / deviation[i %% %zu];\n", value,
                channels, channels);
    else
        fprintf(out, "        a[i] = (float)%s / 255.0f;\n", value);
}

static void write_arguments(FILE *out, const mb_c_call *call)
{
    const char *name = call->name;
    const size_t pixels = call->out.rows * call->out.columns;
    switch (call->operation) {
    case MB_C_DENSE:
        fprintf(out, ", %zu, %s_weight, %s_bias, %zu", mb_shape_size(call->in), name, name,
                call->out.columns);
        break;
    case MB_C_CONV2D:
        fprintf(out, ", &%s, %s_weight, %s_bias", name, name, name);
        break;
    case MB_C_MAXPOOL2D:
    case MB_C_AVGPOOL2D:
        fprintf(out, ", &%s", name);
        break;
    case MB_C_BATCHNORM2D:
        fprintf(out, ", %zu, %zu, %s_scale, %s_shift", pixels, call->out.channels, name, name);
        break;
    default:
        fprintf(out, ", %zu", mb_shape_size(call->out));
        break;
    }
}

static void write_body(FILE *out, const mb_c_text *text)
{
    static const char *const buffers[] = {"a", "b"};
    const mb_c_program *program = text->program;
    size_t buffer = 0;
    fprintf(out, "    static float a[%zu], b[%zu];\n    int i;\n", program->scratch[0],
            program->scratch[1]);
    write_input(out, program->network);
    for (size_t i = 0; i < program->count; i++) {
        const mb_c_call *call = &program->calls[i];
        fprintf(out, "    %s(%s", call->function, buffers[buffer]);
        write_arguments(out, call);
        if (!call->in_place)
            fprintf(out, ", %s", buffers[buffer = 1 - buffer]);
        fputs(");\n", out);
    }
    fprintf(out, "    return softmax(%s, %zu, probabilities);\n", buffers[buffer],
            program->network->classes);
}

mb_status mb_model_export_c(const mb_network *network, const char *path, mb_c_source *description,
                            mb_error *error)
{
    mb_c_program program;
    mb_status status = mb_c_program_open(network, true, &program, error);
    if (status != MB_OK)
        return status;
    mb_c_text text = {.program = &program,
                      .arithmetic = "float",
                      .write_definitions = write_definitions,
                      .write_body = write_body};
    for (size_t i = 0; i < program.count; i++) {
        const mb_c_parameters p = mb_c_parameters_count(&program.calls[i]);
        text.description.weight_bytes += (p.weight_count + p.bias_count) * sizeof(float);
    }
    text.description.scratch_bytes = (program.scratch[0] + program.scratch[1]) * sizeof(float);
    status = mb_c_text_write(&text, path, error);
    if (description != NULL)
        *description = text.description;
    return status;
}

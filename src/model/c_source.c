/* A network as a file of C99 that classifies images: functions from classifier.c.in, weights as
 * constants, and a function that calls one layer after the other. */
#include <mnist_blas/model.h>

#include "core/memory_stream.h"
#include "core/util.h"
#include "model/c_layers.h"
#include "nn/network.h"
#include "nn/spec.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char mb_classifier_template[];

typedef struct source {
    const mb_network *network;
    mb_c_source description;
    mb_c_layer calls[MB_MAX_LAYERS];
    size_t count;
    size_t scratch[2]; /* elements of the two buffers between which layers alternate */
} source;

/* ---- what is called ---- */

/* "lenet5" of "models/lenet5.c"; what C does not allow becomes '_'. */
static void set_name(const char *path, char name[MB_C_NAME_SIZE])
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    size_t used = 0;
    if (!isalpha((unsigned char)*base))
        name[used++] = 'm';
    for (; *base != '\0' && *base != '.' && used + 1 < MB_C_NAME_SIZE; base++)
        name[used++] = isalnum((unsigned char)*base) ? *base : '_';
    name[used] = '\0';
}

/* The batch normalisation that is folded into the layer, or NULL. */
static const mb_layer *folded_after(const mb_network *network, size_t index)
{
    const mb_layer *next = &network->layers[index + 1];
    return index + 1 < network->count && next->ops == &mb_batchnorm2d_ops &&
                   mb_c_kind_of(&network->layers[index])->folds_batchnorm
               ? next
               : NULL;
}

static mb_status list_calls(source *s, mb_error *error)
{
    const mb_network *network = s->network;
    mb_shape image = network->input;
    size_t buffer = 0;
    s->scratch[buffer] = mb_shape_size(image);
    for (size_t i = 0; i < network->count; i++) {
        const mb_layer *layer = &network->layers[i];
        const mb_c_kind *kind = mb_c_kind_of(layer);
        if (kind == NULL)
            return mb_fail(error, MB_ERROR_UNAVAILABLE, "C: layer %zu (%s) cannot be exported",
                           layer->position + 1, layer->ops->name);
        if (kind->write_arguments == NULL)
            continue;
        mb_c_layer *call = &s->calls[s->count++];
        *call = (mb_c_layer){layer, folded_after(network, i), image};
        image = layer->out;
        i += call->batchnorm != NULL;
        if (kind->in_place)
            continue;
        buffer = 1 - buffer;
        s->scratch[buffer] = mb_max_size(s->scratch[buffer], mb_shape_size(image));
        s->description.weight_bytes += mb_c_weight_count(call) * sizeof(float);
    }
    s->description.scratch_bytes = (s->scratch[0] + s->scratch[1]) * sizeof(float);
    return MB_OK;
}

/* ---- what is written ---- */

/* A text as a C string literal. */
static void write_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (isalnum(c) || (c < 128 && strchr(" !#$%&'()*+,-./:;<=>@[]^_`{|}~", c) != NULL))
            fputc(c, out);
        else
            fprintf(out, "\\%03o", (unsigned)c); /* with three digits it ends there */
    }
    fputc('"', out);
}

static const char *ground_of(const mb_image_form *form)
{
    if (form->ground == MB_GROUND_LIGHT)
        return "255 is the background";
    return mb_form_is_standardized(form) ? "0 is black" : "0 is the background";
}

/* The declarations for its users. */
static void write_head(FILE *out, const source *s)
{
    const mb_shape in = s->network->input;
    const char *name = s->description.name;
    fprintf(
        out,
        "/* A classifier of images of %zu x %zu pixels, written by mnist_blas: C99 or C++, no "
        "library.\n"
        " * Network: %s.\n"
        " * Weights %zu bytes, constant; scratch %zu bytes, static: one call at a time. */\n"
        "#include <stdint.h>\n\n"
        "/* The index of the image's class. image (rows, columns, channels): values of pixels,\n"
        " * %s. probabilities (classes), or a null pointer. */\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
        "int %s_classify(const uint8_t *image, float *probabilities);\n"
        "const char *%s_class_name(int index);\n"
        "#ifdef __cplusplus\n}\n#endif\n\n",
        in.rows, in.columns, s->network->spec, s->description.weight_bytes,
        s->description.scratch_bytes, ground_of(&s->network->form), name, name);
    fprintf(out,
            "enum {\n    %s_rows = %zu,\n    %s_columns = %zu,\n    %s_channels = %zu,\n"
            "    %s_classes = %zu\n};\n",
            name, in.rows, name, in.columns, name, in.channels, name, s->network->classes);
}

/* True if a call needs the section of the template. */
static bool needs(const source *s, const char *section, size_t length)
{
    for (size_t i = 0; i < s->count; i++) {
        const char *const *name = mb_c_kind_of(s->calls[i].layer)->sections;
        for (; *name != NULL; name++)
            if (strlen(*name) == length && memcmp(*name, section, length) == 0)
                return true;
    }
    return false;
}

/* The template's sections begin with a title: a comment like that of this group of functions. */
static void write_functions(FILE *out, const source *s)
{
    static const char before[] = "/* ---- ", after[] = " ---- */\n";
    static const char *const always[] = {"exponential", "softmax"};
    const char *at = mb_classifier_template;
    while ((at = strstr(at, before)) != NULL) {
        const char *name = at + strlen(before), *end = strstr(name, before);
        const size_t length = (size_t)(strstr(name, after) - name);
        bool needed = needs(s, name, length);
        for (size_t i = 0; i < MB_COUNT_OF(always); i++)
            needed = needed || strncmp(name, always[i], strlen(always[i])) == 0;
        if (end == NULL)
            end = name + strlen(name);
        if (needed)
            fprintf(out, "\n%.*s", (int)(end - at), at);
        at = end;
    }
}

static bool write_definitions(FILE *out, const source *s)
{
    bool written = true;
    fputs("/* ---- the network ---- */\n\n", out);
    for (size_t i = 0; i < s->count && written; i++) {
        const mb_layer *layer = s->calls[i].layer;
        const mb_c_kind *kind = mb_c_kind_of(layer);
        char name[40];
        snprintf(name, sizeof name, "%s%zu", layer->ops->name, layer->ordinal);
        written = kind->define == NULL || kind->define(out, &s->calls[i], name);
    }
    return written;
}

static void write_class_names(FILE *out, const source *s)
{
    const char *const *names = s->network->class_names;
    fputs("static const char *const class_names[] = {", out);
    for (size_t i = 0; i < s->network->classes; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        fputs(i > 0 ? ",\n    " : "\n    ", out);
        write_string(out, names != NULL ? names[i] : number);
    }
    fprintf(out,
            "\n};\n\nconst char *%s_class_name(int index)\n{\n    return class_names[index];\n}\n",
            s->description.name);
}

/* From the bytes of an image to the input of the first layer, as in training. */
static void write_input(FILE *out, const source *s)
{
    const mb_image_form *form = &s->network->form;
    const mb_shape in = s->network->input;
    const char *value = form->ground == MB_GROUND_LIGHT ? "(255 - image[i])" : "image[i]";
    if (!mb_form_is_standardized(form)) {
        fprintf(out, "    for (i = 0; i < %zu; i++)\n        a[i] = (float)%s / 255.0f;\n",
                mb_shape_size(in), value);
        return;
    }
    fprintf(out,
            "    for (i = 0; i < %zu; i++)\n"
            "        a[i] = ((float)%s - mean[i %% %zu]) / deviation[i %% %zu];\n",
            mb_shape_size(in), value, in.channels, in.channels);
}

static void write_standardization(FILE *out, const source *s)
{
    const mb_standardization *standard = &s->network->form.standardization;
    float mean[MB_MAX_CHANNELS], deviation[MB_MAX_CHANNELS];
    if (!mb_form_is_standardized(&s->network->form))
        return;
    for (size_t c = 0; c < s->network->input.channels; c++) {
        mean[c] = 255.0f * standard->mean[c];
        deviation[c] = 255.0f * standard->std[c];
    }
    mb_c_write_array(out, "mean", s->network->input.channels, mean);
    mb_c_write_array(out, "deviation", s->network->input.channels, deviation);
}

static void write_classify(FILE *out, const source *s)
{
    const char *const buffers[] = {"a", "b"};
    size_t buffer = 0;
    fprintf(out,
            "\nint %s_classify(const uint8_t *image, float *probabilities)\n{\n"
            "    static float a[%zu], b[%zu];\n    int i;\n",
            s->description.name, s->scratch[0], s->scratch[1]);
    write_input(out, s);
    for (size_t i = 0; i < s->count; i++) {
        const mb_layer *layer = s->calls[i].layer;
        const mb_c_kind *kind = mb_c_kind_of(layer);
        char name[40];
        snprintf(name, sizeof name, "%s%zu", layer->ops->name, layer->ordinal);
        fprintf(out, "    %s(%s", kind->function, buffers[buffer]);
        kind->write_arguments(out, &s->calls[i], name);
        if (!kind->in_place)
            fprintf(out, ", %s", buffers[buffer = 1 - buffer]);
        fputs(");\n", out);
    }
    fprintf(out, "    return softmax(%s, %zu, probabilities);\n}\n", buffers[buffer],
            s->network->classes);
}

mb_status mb_model_export_c(const mb_network *network, const char *path, mb_c_source *description,
                            mb_error *error)
{
    source s = {.network = network};
    mb_bytes text = {0};
    set_name(path, s.description.name);
    mb_status status = list_calls(&s, error);
    if (status != MB_OK)
        return status;
    FILE *out = mb_memory_stream_open(&text);
    if (out != NULL) {
        write_head(out, &s);
        write_functions(out, &s);
        fputc('\n', out);
        const bool written = write_definitions(out, &s);
        write_standardization(out, &s);
        write_class_names(out, &s);
        write_classify(out, &s);
        if (!written)
            status = mb_fail_memory(error, path, s.description.weight_bytes);
    }
    if (!mb_memory_stream_close(out, &text) && status == MB_OK)
        status = mb_fail_memory(error, path, s.description.weight_bytes);
    if (status == MB_OK)
        status = mb_file_write_named(path, text.data, text.size, error);
    if (status == MB_OK && description != NULL)
        *description = s.description;
    free(text.data);
    return status;
}

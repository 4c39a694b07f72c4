#include "model/c_text.h"

#include "core/file.h"
#include "core/memory_stream.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FLOATS_PER_LINE = 8, INTEGERS_PER_LINE = 16 };

/* ---- arrays ---- */

/* A constant of C that is exactly this float, whatever the locale. */
static void write_float(FILE *out, float value)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)value);
    char *comma = strchr(text, ',');
    if (comma != NULL)
        *comma = '.';
    fprintf(out, "%s%sf,", text, strpbrk(text, ".e") != NULL ? "" : ".0");
}

static void begin_element(FILE *out, size_t index, size_t per_line)
{
    fputs(index % per_line == 0 ? "\n    " : " ", out);
}

void mb_c_write_floats(FILE *out, const char *name, const char *part, size_t count,
                       const float *values)
{
    fprintf(out, "static const float %s%s[] = {", name, part);
    for (size_t i = 0; i < count; i++) {
        begin_element(out, i, FLOATS_PER_LINE);
        write_float(out, values[i]);
    }
    fputs("\n};\n", out);
}

void mb_c_write_integers(FILE *out, const char *type, const char *name, const char *part,
                         size_t count, int32_t (*at)(const void *values, size_t index),
                         const void *values)
{
    fprintf(out, "static const %s %s%s[] = {", type, name, part);
    for (size_t i = 0; i < count; i++) {
        begin_element(out, i, INTEGERS_PER_LINE);
        fprintf(out, "%" PRId32 ",", at(values, i));
    }
    fputs("\n};\n", out);
}

void mb_c_write_sizes(FILE *out, const mb_c_call *call, const char *last)
{
    fprintf(out, "static const struct %s %s = {",
            call->size_count == MB_C_POOL_SIZES ? "pool" : "convolution", call->name);
    for (size_t i = 0; i < call->size_count; i++)
        fprintf(out, "%s%d", i > 0 ? ", " : "", call->sizes[i]);
    fprintf(out, "%s};\n", last);
}

/* ---- functions ---- */

static bool is_listed(const char *name, size_t length, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strlen(*names) == length && memcmp(*names, name, length) == 0)
            return true;
    return false;
}

void mb_c_write_sections(FILE *out, const char *template, const char *const *names)
{
    static const char before[] = "/* ---- ", after[] = " ---- */\n";
    const char *at = template;
    while ((at = strstr(at, before)) != NULL) {
        const char *name = at + strlen(before), *end = strstr(name, before);
        if (end == NULL)
            end = name + strlen(name);
        if (is_listed(name, (size_t)(strstr(name, after) - name), names))
            fprintf(out, "\n%.*s", (int)(end - at), at);
        at = end;
    }
}

void mb_c_sections(const mb_c_program *program, const char *const *always,
                   const char *names[MB_C_MAX_SECTIONS])
{
    size_t count = 0;
    for (; *always != NULL; always++)
        names[count++] = *always;
    names[count] = NULL;
    for (size_t i = 0; i < program->count; i++) {
        const mb_c_call *call = &program->calls[i];
        const bool pools = call->operation == MB_C_MAXPOOL2D || call->operation == MB_C_AVGPOOL2D;
        const char *const needed[] = {pools ? "pool" : call->function, call->function};
        for (size_t n = 0; n < 2; n++)
            if (!is_listed(needed[n], strlen(needed[n]), names)) {
                names[count++] = needed[n];
                names[count] = NULL;
            }
    }
}

/* ---- the file ---- */

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

static const char *ground_of(const mb_image_form *form)
{
    if (form->ground == MB_GROUND_LIGHT)
        return "255 is the background";
    return mb_form_is_standardized(form) ? "0 is black" : "0 is the background";
}

/* The declarations for its users. */
static void write_head(FILE *out, const mb_c_text *text)
{
    const mb_network *network = text->program->network;
    const mb_shape in = network->input;
    const char *name = text->description.name;
    fprintf(
        out,
        "/* A classifier of images of %zu x %zu pixels, written by mnist_blas: C99 or C++, no "
        "library.\n"
        " * Network: %s.\n"
        " * Arithmetic: %s.\n"
        " * Weights %zu bytes, constant; scratch %zu bytes, static: one call at a time. */\n"
        "#include <stdint.h>\n\n"
        "/* The index of the image's class. image (rows, columns, channels): values of pixels,\n"
        " * %s. probabilities (classes), or a null pointer. */\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
        "int %s_classify(const uint8_t *image, float *probabilities);\n"
        "const char *%s_class_name(int index);\n"
        "#ifdef __cplusplus\n}\n#endif\n\n",
        in.rows, in.columns, network->spec, text->arithmetic, text->description.weight_bytes,
        text->description.scratch_bytes, ground_of(&network->form), name, name);
    fprintf(out,
            "enum {\n    %s_rows = %zu,\n    %s_columns = %zu,\n    %s_channels = %zu,\n"
            "    %s_classes = %zu\n};\n",
            name, in.rows, name, in.columns, name, in.channels, name, network->classes);
}

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

static void write_class_names(FILE *out, const mb_c_text *text)
{
    const mb_network *network = text->program->network;
    fputs("static const char *const class_names[] = {", out);
    for (size_t i = 0; i < network->classes; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        fputs("\n    ", out);
        write_string(out, network->class_names != NULL ? network->class_names[i] : number);
        fputs(i + 1 < network->classes ? "," : "\n};\n", out);
    }
    fprintf(out, "\nconst char *%s_class_name(int index)\n{\n    return class_names[index];\n}\n",
            text->description.name);
}

mb_status mb_c_text_write(mb_c_text *text, const char *path, mb_error *error)
{
    mb_bytes bytes = {0};
    bool written = false;
    set_name(path, text->description.name);
    FILE *out = mb_memory_stream_open(&bytes);
    if (out != NULL) {
        write_head(out, text);
        written = text->write_definitions(out, text);
        write_class_names(out, text);
        fprintf(out, "\nint %s_classify(const uint8_t *image, float *probabilities)\n{\n",
                text->description.name);
        text->write_body(out, text);
        fputs("}\n", out);
    }
    written = mb_memory_stream_close(out, &bytes) && written;
    const mb_status status = written ? mb_file_write_named(path, bytes.data, bytes.size, error)
                                     : mb_fail_memory(error, path, text->description.weight_bytes);
    free(bytes.data);
    return status;
}

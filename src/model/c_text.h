/* What exported files of C have in common, whatever their arithmetic. */
#ifndef MB_MODEL_C_TEXT_H
#define MB_MODEL_C_TEXT_H

#include "model/c_program.h"

#include <mnist_blas/model.h>

#include <stdio.h>

/* A file that is being written. */
typedef struct mb_c_text {
    const mb_c_program *program;
    const char *arithmetic; /* "float", for the comment at its top */
    mb_c_source description;
    const void *context;
    /* Writes functions and constants, and the body of NAME_classify; false: memory is out. */
    bool (*write_definitions)(FILE *out, const struct mb_c_text *text);
    void (*write_body)(FILE *out, const struct mb_c_text *text);
} mb_c_text;

/* Writes the file; text->description.name is set from its path. As mb_model_export_c. */
mb_status mb_c_text_write(mb_c_text *text, const char *path, mb_error *error);

/* Writes the sections of a template that `names`, NULL after the last, has. Sections begin with a
 * title: a comment like those of classifier_float.c.in. */
void mb_c_write_sections(FILE *out, const char *template, const char *const *names);

/* The sections that the calls of a program need, by the names of their functions, and `always`. */
enum { MB_C_MAX_SECTIONS = 16 };
void mb_c_sections(const mb_c_program *program, const char *const *always,
                   const char *names[MB_C_MAX_SECTIONS]);

/* static const TYPE NAMEPART[] = {values}; integers are read by `at`. */
void mb_c_write_floats(FILE *out, const char *name, const char *part, size_t count,
                       const float *values);
void mb_c_write_integers(FILE *out, const char *type, const char *name, const char *part,
                         size_t count, int32_t (*at)(const void *values, size_t index),
                         const void *values);

/* The first members of the structure of sizes of a convolution or pool, named after the call, and
 * the last ones, "" for none. */
void mb_c_write_sizes(FILE *out, const mb_c_call *call, const char *last);

extern const char mb_classifier_common[], mb_classifier_float[], mb_classifier_int8[];

#endif

#include "predict.h"
#include "terminal.h"
#include "text_width.h"

#include <jansson.h>
#include <limits.h>
#include <mnist_blas/classifier.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* JSON is UTF-8 and a path may be any bytes: in a path that is not UTF-8 those above 126 become
 * '?'. */
static json_t *path_string(const char *path)
{
    json_t *string = json_string(path);
    if (string != NULL)
        return string;
    char *readable = strdup(path);
    for (char *c = readable; c != NULL && *c != '\0'; c++)
        if ((unsigned char)*c > 126)
            *c = '?';
    string = readable != NULL ? json_string(readable) : NULL;
    free(readable);
    return string;
}

static json_t *array_of(const float *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, json_real((double)values[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* NULL if memory is out. */
static json_t *object_of(const mb_predictions *predictions, const mb_predicted_file *file,
                         size_t index, const float *logits, const float *probabilities)
{
    const size_t classes = predictions->classes;
    const char *const *names = predictions->class_names;
    const size_t best = mb_argmax(probabilities, classes);
    json_t *number = file->numbered ? json_integer((json_int_t)index) : NULL; /* left out if NULL */
    if (file->numbered && number == NULL)
        return NULL;
    return json_pack("{s:o,s:o*,s:I,s:s*,s:f,s:o,s:o}", "image", path_string(file->path), "index",
                     number, "class", (json_int_t)best, "name", names != NULL ? names[best] : NULL,
                     "confidence", (double)probabilities[best], "probabilities",
                     array_of(probabilities, classes), "logits", array_of(logits, classes));
}

mb_status mb_predictions_print_json(const mb_predictions *predictions, mb_error *error)
{
    const size_t classes = predictions->classes;
    const float *probabilities = predictions->probabilities, *logits = predictions->logits;
    json_t *array = json_array();
    bool whole = array != NULL;
    for (size_t f = 0; f < predictions->file_count; f++)
        for (size_t i = 0; i < predictions->files[f].count; i++) {
            json_t *object =
                object_of(predictions, &predictions->files[f], i, logits, probabilities);
            whole = whole && json_array_append_new(array, object) == 0;
            probabilities += classes;
            logits += classes;
        }
    /* json_dumps loses keys if memory is out */
    whole = whole && (json_dumpf(array, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0 ||
                      ferror(stdout));
    const mb_status status = whole ? MB_OK : mb_fail_memory(error, "predict", sizeof *predictions);
    if (whole)
        puts("");
    json_decref(array);
    return status;
}

/* Control characters in a name could move the cursor. */
static void print_path(const char *path)
{
    char shown[PATH_MAX];
    fputs(mb_printable(path, shown, sizeof shown), stdout);
}

enum { BESIDE_BAR = 11, MIN_LABEL = 3, MIN_BAR = 4, MAX_BAR = 60 };

/* How the classes of a picture are shown. */
typedef struct layout {
    mb_terminal terminal;
    const char *const *names;
    size_t classes, label, cells; /* columns of a class's label, and of a bar */
    char *bar;
} layout;

/* Bars have at least a third of the width. */
static mb_status lay_out(const mb_predictions *predictions, layout *l, mb_error *error)
{
    *l = (layout){.terminal = mb_terminal_detect(STDOUT_FILENO),
                  .names = predictions->class_names,
                  .classes = predictions->classes};
    const size_t width = mb_terminal_width(&l->terminal), max = width / 3;
    const size_t widest = mb_class_label_columns(l->names, l->classes);
    l->label = widest > max && max > MIN_LABEL ? max : widest;
    const size_t beside = BESIDE_BAR + (l->label > MIN_LABEL ? l->label : MIN_LABEL);
    l->cells = width > beside + MIN_BAR ? width - beside : MIN_BAR;
    l->cells = l->cells < MAX_BAR ? l->cells : MAX_BAR;
    l->bar = malloc(MB_BAR_BYTES(l->cells));
    return l->bar != NULL ? MB_OK : mb_fail_memory(error, "predict", MB_BAR_BYTES(l->cells));
}

static void print_bars(const layout *l, const float *row)
{
    const mb_terminal *terminal = &l->terminal;
    const size_t best = mb_argmax(row, l->classes);
    for (size_t c = 0; c < l->classes; c++) {
        char number[MB_CLASS_NUMBER_SIZE];
        mb_terminal_bar(terminal, (double)row[c], l->cells, l->bar);
        const char *style = c == best ? mb_terminal_style(terminal, MB_STYLE_BOLD) : "";
        const char *end = c == best ? mb_terminal_style(terminal, MB_STYLE_PLAIN) : "";
        printf("%s  ", style);
        mb_text_print(mb_class_label(l->names, c, number), l->label, l->names == NULL);
        printf("%s %s %s%5.1f %%%s\n", end, l->bar, style, 100.0 * (double)row[c], end);
    }
}

static void print_picture(const layout *l, const char *path, const float *row)
{
    const size_t best = mb_argmax(row, l->classes);
    char number[MB_CLASS_NUMBER_SIZE];
    print_path(path);
    printf(": %s%s%s (%.1f %%)\n", mb_terminal_style(&l->terminal, MB_STYLE_BOLD),
           mb_class_label(l->names, best, number), mb_terminal_style(&l->terminal, MB_STYLE_PLAIN),
           100.0 * (double)row[best]);
    print_bars(l, row);
}

static void print_numbered(const layout *l, const mb_predicted_file *file, const float *row)
{
    for (size_t i = 0; i < file->count; i++, row += l->classes) {
        const size_t best = mb_argmax(row, l->classes);
        char number[MB_CLASS_NUMBER_SIZE];
        print_path(file->path);
        printf("[%zu]: %s %5.1f %%\n", i, mb_class_label(l->names, best, number),
               100.0 * (double)row[best]);
    }
}

mb_status mb_predictions_print(const mb_predictions *predictions, mb_error *error)
{
    layout l;
    const float *row = predictions->probabilities;
    const mb_status status = lay_out(predictions, &l, error);
    if (status != MB_OK)
        return status;
    for (size_t f = 0; f < predictions->file_count; f++) {
        const mb_predicted_file *file = &predictions->files[f];
        if (file->numbered)
            print_numbered(&l, file, row);
        else
            print_picture(&l, file->path, row);
        row += file->count * l.classes;
    }
    free(l.bar);
    return MB_OK;
}

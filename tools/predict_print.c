#include "predict.h"
#include "terminal.h"

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
static json_t *object_of(const mb_predicted_file *file, size_t index, const float *logits,
                         const float *probabilities, size_t classes)
{
    const size_t best = mb_argmax(probabilities, classes);
    json_t *number = file->numbered ? json_integer((json_int_t)index) : NULL; /* left out if NULL */
    if (file->numbered && number == NULL)
        return NULL;
    return json_pack("{s:o,s:o*,s:I,s:f,s:o,s:o}", "image", path_string(file->path), "index",
                     number, "class", (json_int_t)best, "confidence", (double)probabilities[best],
                     "probabilities", array_of(probabilities, classes), "logits",
                     array_of(logits, classes));
}

mb_status mb_predictions_print_json(const mb_predictions *predictions, mb_error *error)
{
    const size_t classes = predictions->classes;
    const float *probabilities = predictions->probabilities, *logits = predictions->logits;
    json_t *array = json_array();
    bool whole = array != NULL;
    for (size_t f = 0; f < predictions->file_count; f++)
        for (size_t i = 0; i < predictions->files[f].count; i++) {
            json_t *object = object_of(&predictions->files[f], i, logits, probabilities, classes);
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

/* Digits of a number below the class count. */
static int digits_of(size_t classes) { return classes > 100 ? 3 : classes > 10 ? 2 : 1; }

enum { BESIDE_BAR = 14, MIN_BAR = 4, MAX_BAR = 60 };

static void print_bars(const mb_terminal *terminal, const float *row, size_t classes, char *bar,
                       size_t cells)
{
    const size_t best = mb_argmax(row, classes);
    for (size_t c = 0; c < classes; c++) {
        mb_terminal_bar(terminal, (double)row[c], cells, bar);
        const char *style = c == best ? mb_terminal_style(terminal, MB_STYLE_BOLD) : "";
        const char *end = c == best ? mb_terminal_style(terminal, MB_STYLE_PLAIN) : "";
        printf("%s  %*zu%s %s %s%5.1f %%%s\n", style, digits_of(classes), c, end, bar, style,
               100.0 * (double)row[c], end);
    }
}

static void print_picture(const mb_terminal *terminal, const char *path, const float *row,
                          size_t classes, char *bar, size_t cells)
{
    const size_t best = mb_argmax(row, classes);
    print_path(path);
    printf(": %s%zu%s (%.1f %%)\n", mb_terminal_style(terminal, MB_STYLE_BOLD), best,
           mb_terminal_style(terminal, MB_STYLE_PLAIN), 100.0 * (double)row[best]);
    print_bars(terminal, row, classes, bar, cells);
}

static void print_numbered(const mb_predicted_file *file, const float *row, size_t classes)
{
    for (size_t i = 0; i < file->count; i++, row += classes) {
        const size_t best = mb_argmax(row, classes);
        print_path(file->path);
        printf("[%zu]: %zu %5.1f %%\n", i, best, 100.0 * (double)row[best]);
    }
}

mb_status mb_predictions_print(const mb_predictions *predictions, mb_error *error)
{
    const mb_terminal terminal = mb_terminal_detect(STDOUT_FILENO);
    const size_t width = mb_terminal_width(&terminal), classes = predictions->classes;
    size_t cells = width > BESIDE_BAR + MIN_BAR ? width - BESIDE_BAR : MIN_BAR;
    cells = cells < MAX_BAR ? cells : MAX_BAR;
    char *bar = malloc(MB_BAR_BYTES(cells));
    if (bar == NULL)
        return mb_fail_memory(error, "predict", MB_BAR_BYTES(cells));
    const float *row = predictions->probabilities;
    for (size_t f = 0; f < predictions->file_count; f++) {
        const mb_predicted_file *file = &predictions->files[f];
        if (file->numbered)
            print_numbered(file, row, classes);
        else
            print_picture(&terminal, file->path, row, classes, bar, cells);
        row += file->count * classes;
    }
    free(bar);
    return MB_OK;
}

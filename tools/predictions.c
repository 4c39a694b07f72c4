#include "predictions.h"

#include "predict.h"
#include "text_width.h"

#include <mnist_blas/classifier.h>
#include <mnist_blas/report.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 256 };

mb_status mb_predictions_of_split(mb_machine *machine, const mb_network *network,
                                  const mb_split *split, const char *path, mb_error *error)
{
    const size_t count = split->images.count, outputs = mb_network_classes(network);
    char digits[MAX_CLASSES][MB_CLASS_NUMBER_SIZE];
    const char *names[MAX_CLASSES];
    float *probabilities = calloc(count, outputs * sizeof *probabilities);
    const char **labels = calloc(count, sizeof *labels);
    mb_status status =
        probabilities != NULL && labels != NULL
            ? mb_classify_probabilities(machine, network, &split->images, probabilities, error)
            : mb_fail_memory(error, path, count * outputs * sizeof *probabilities);
    for (size_t c = 0; c < outputs; c++)
        names[c] = mb_class_label(mb_network_class_names(network), c, digits[c]);
    for (size_t i = 0; i < count && status == MB_OK; i++)
        labels[i] = names[split->labels[i]];
    const mb_prediction_table table = {count, outputs, probabilities, names, NULL, labels};
    if (status == MB_OK)
        status = mb_predictions_write(&table, path, error);
    free(labels);
    free(probabilities);
    return status;
}

/* "images.idx[3]", or the path of a picture; (images) on the heap. NULL: memory is out. */
static char **name_images(const mb_predictions *predictions, size_t images)
{
    char **names = calloc(images, sizeof *names), **next = names;
    bool whole = names != NULL;
    for (size_t f = 0; f < predictions->file_count && whole; f++) {
        const mb_predicted_file *file = &predictions->files[f];
        for (size_t i = 0; i < file->count && whole; i++, next++) {
            if (!file->numbered)
                *next = strdup(file->path);
            else if (asprintf(next, "%s[%zu]", file->path, i) < 0)
                *next = NULL;
            whole = *next != NULL;
        }
    }
    if (whole)
        return names;
    while (next > names)
        free(*--next);
    free(names);
    return NULL;
}

mb_status mb_predictions_write_csv(const mb_predictions *predictions, const char *const *labels,
                                   const char *path, mb_error *error)
{
    const mb_predicted_file *files = predictions->files;
    const bool single = predictions->file_count == 1;
    mb_prediction_table table = {.classes = predictions->classes,
                                 .probabilities = predictions->probabilities,
                                 .class_names = predictions->class_names};
    for (size_t f = 0; f < predictions->file_count; f++) {
        table.count += files[f].count;
        if (files[f].has_labels)
            table.labels = labels;
    }
    if (single && files[0].to_label)
        return mb_submission_write(&table, path, error);
    char **names = NULL;
    if (!single || !files[0].numbered) {
        names = name_images(predictions, table.count);
        if (names == NULL)
            return mb_fail_memory(error, path, table.count * sizeof *names);
    }
    table.images = (const char *const *)names;
    const mb_status status = mb_predictions_write(&table, path, error);
    for (size_t i = 0; i < table.count && names != NULL; i++)
        free(names[i]);
    free(names);
    return status;
}

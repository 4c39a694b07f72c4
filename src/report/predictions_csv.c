/* Predictions as tables in CSV. */
#include "core/file.h"
#include "core/memory_stream.h"
#include "core/status.h"
#include "report/csv_text.h"

#include <mnist_blas/classifier.h>
#include <mnist_blas/report.h>
#include <stdlib.h>

static size_t put_predicted(FILE *out, const mb_prediction_table *table, size_t row)
{
    const size_t best = mb_argmax(table->probabilities + row * table->classes, table->classes);
    if (table->class_names != NULL)
        mb_csv_put_text(out, table->class_names[best]);
    else
        fprintf(out, "%zu", best);
    return best;
}

static void put_predictions(FILE *out, const mb_prediction_table *table)
{
    fprintf(out, "image,%spredicted,probability\n", table->labels != NULL ? "label," : "");
    for (size_t row = 0; row < table->count; row++) {
        if (table->images != NULL)
            mb_csv_put_text(out, table->images[row]);
        else
            fprintf(out, "%zu", row);
        putc(',', out);
        if (table->labels != NULL && table->labels[row] != NULL)
            mb_csv_put_text(out, table->labels[row]);
        if (table->labels != NULL)
            putc(',', out);
        const size_t best = put_predicted(out, table, row);
        fprintf(out, ",%.9g\n", (double)table->probabilities[row * table->classes + best]);
    }
}

static void put_submission(FILE *out, const mb_prediction_table *table)
{
    fputs("ImageId,Label\n", out);
    for (size_t row = 0; row < table->count; row++) {
        fprintf(out, "%zu,", row + 1);
        put_predicted(out, table, row);
        putc('\n', out);
    }
}

static mb_status write_table(const mb_prediction_table *table,
                             void (*put)(FILE *out, const mb_prediction_table *table),
                             const char *path, mb_error *error)
{
    mb_bytes bytes = {0};
    FILE *out = mb_memory_stream_open(&bytes);
    if (out != NULL)
        put(out, table);
    if (!mb_memory_stream_close(out, &bytes))
        return mb_fail_memory(error, path, 32 * table->count);
    const mb_status status = mb_file_write_named(path, bytes.data, bytes.size, error);
    free(bytes.data);
    return status;
}

mb_status mb_predictions_write(const mb_prediction_table *table, const char *path, mb_error *error)
{
    return write_table(table, put_predictions, path, error);
}

mb_status mb_submission_write(const mb_prediction_table *table, const char *path, mb_error *error)
{
    return write_table(table, put_submission, path, error);
}

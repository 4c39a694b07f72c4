#include "report/page.h"

#include "report/format.h"
#include "report/json.h"
#include "report/summary.h"
#include "report/template.h"

#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <mnist_blas/options.h>
#include <string.h>

enum { MAX_EPOCHS = 60 }; /* rows of the table of epochs */

/* report.html, ended by a 0. */
extern const char mb_report_template[];

/* The options that have an effect, with their labels; those that are off are left out. */
static json_t *option_facts(const json_t *summary, const mb_training_options *options)
{
    json_t *facts = json_array();
    for (const mb_option *option = mb_training_option_table; option->name != NULL; option++) {
        char key[MB_OPTION_TEXT_SIZE], label[MB_OPTION_TEXT_SIZE], shown[MB_OPTION_TEXT_SIZE];
        json_t *value = json_object_get(summary, mb_option_key(option, key));
        if (json_is_null(value) || (option->omit_zero && mb_option_is_zero(option, options)))
            continue;
        if (option->kind == MB_OPTION_SIZE)
            mb_format_count(shown, (size_t)json_integer_value(value));
        else if (option->kind == MB_OPTION_REAL)
            snprintf(shown, sizeof shown, "%g", *(const double *)mb_option_value(option, options));
        else
            mb_option_format(option, options, shown, sizeof shown);
        facts = mb_json_append(facts, json_pack("{s:s, s:s, s:O, s:s}", "label",
                                                mb_option_label(option, label), "key", key, "value",
                                                value, "shown", shown));
    }
    return facts;
}

json_t *mb_page_figure(const mb_figure *figure)
{
    const size_t stem = strcspn(figure->file, ".");
    return json_pack("{s:s%, s:s, s:s, s:b, s:I, s:I, s:s, s:o}", "name", figure->file, stem,
                     "title", figure->title, "text", figure->text, "natural", figure->natural,
                     "width", (json_int_t)figure->width, "height", (json_int_t)figure->height,
                     "type", figure->format == MB_FIGURE_SVG ? "image/svg+xml" : "image/png",
                     "base64", mb_json_base64(figure->bytes.data, figure->bytes.size));
}

static json_t *figure_list(const mb_figures *figures)
{
    json_t *list = json_array();
    for (size_t i = 0; i < figures->count; i++)
        if (figures->list[i].on_page)
            list = mb_json_append(list, mb_page_figure(&figures->list[i]));
    return list;
}

/* Every stride-th epoch is in the table, with the first and the last: 1 up to MAX_EPOCHS, beyond
 * that the least of 2, 5, 10, 20, 50, ... that gives at most MAX_EPOCHS rows. */
static size_t stride_of(size_t epochs)
{
    static const size_t factors[] = {2, 5, 10};
    size_t stride = 1, power = 1;
    for (size_t i = 0; epochs > MAX_EPOCHS && epochs / stride + 2 > MAX_EPOCHS; i++) {
        stride = factors[i % 3] * power;
        power *= i % 3 == 2 ? 10 : 1;
    }
    return stride;
}

/* Rows of the table of epochs: the objects of metrics.jsonl, with texts for the columns whose
 * decimals depend on more than the value. Seconds and GFLOP/s have the decimals that the smallest
 * of the column needs, so that the points are aligned. */
static json_t *epoch_rows(const mb_run *run)
{
    const size_t epochs = run->history->finished, stride = stride_of(epochs);
    double seconds = INFINITY, gflops = INFINITY;
    json_t *rows = json_array();
    for (size_t i = 0; i < epochs; i++) {
        seconds = fmin(seconds, run->history->epochs[i].seconds);
        gflops = fmin(gflops, run->history->epochs[i].gflops);
    }
    for (size_t i = 0; i < epochs; i++) {
        const mb_epoch_metrics *epoch = &run->history->epochs[i];
        char loss[64], shown_seconds[64], shown_gflops[64];
        const bool selected = run->options->patience > 0 && epoch->epoch == run->selected->epoch;
        if (i > 0 && i + 1 < epochs && (i + 1) % stride != 0 && !selected)
            continue;
        snprintf(loss, sizeof loss, epoch->train_loss < 0.001 ? "%.2e" : "%.4f", epoch->train_loss);
        snprintf(shown_seconds, sizeof shown_seconds, "%.*f", mb_decimals(seconds, 3),
                 epoch->seconds);
        snprintf(shown_gflops, sizeof shown_gflops, "%.*f", mb_decimals(gflops, 3), epoch->gflops);
        json_t *shown = json_pack("{s:s, s:s, s:s, s:b}", "shown_loss", loss, "shown_seconds",
                                  shown_seconds, "shown_gflops", shown_gflops, "kept", selected);
        rows = mb_json_append(rows, mb_json_merge(mb_metrics_object(epoch), shown));
    }
    return rows;
}

/* "2 threads", "2 ranks of 1 thread each". Returns `text`. */
enum { THREADS_LENGTH = 2 * MB_COUNTED_LENGTH + sizeof " of  each" };
static char *format_threads(char text[THREADS_LENGTH], const mb_machine_info *machine)
{
    char ranks[MB_COUNTED_LENGTH], threads[MB_COUNTED_LENGTH];
    mb_format_counted(threads, machine->threads, "thread");
    if (machine->ranks > 1)
        snprintf(text, THREADS_LENGTH, "%s of %s each",
                 mb_format_counted(ranks, machine->ranks, "rank"), threads);
    else
        snprintf(text, THREADS_LENGTH, "%s", threads);
    return text;
}

/* The members of the model that the summary does not have. */
static json_t *page_object(const mb_report *report, const json_t *summary,
                           const mb_figures *figures)
{
    const mb_run *run = report->run;
    const mb_evaluation *evaluation = run->evaluation;
    const size_t epochs = run->history->finished, stride = stride_of(epochs);
    const char *folder = run->dataset->folder;
    char length[MB_RUN_LENGTH], threads[THREADS_LENGTH], counted[MB_COUNTED_LENGTH], every[32];
    snprintf(every, sizeof every, "%zu%s", stride, stride == 2 ? "nd" : "th");
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:o}", "wrong",
                     (json_int_t)(evaluation->samples - evaluation->correct), "length",
                     mb_run_length(run, length), "threads", format_threads(threads, run->machine),
                     "epochs", mb_format_counted(counted, epochs, "epoch"), "every",
                     stride > 1 ? every : "", "last_selected", run->selected->epoch == epochs,
                     "synthetic", folder == NULL, "relative", folder != NULL && folder[0] != '/',
                     "options", option_facts(summary, run->options), "figures",
                     figure_list(figures), "epoch_rows", epoch_rows(run));
}

mb_status mb_page_make(const mb_report *report, const mb_figures *figures, mb_bytes *page,
                       mb_error *error)
{
    json_t *model = mb_summary_object(report->run);
    json_t *own = model != NULL ? page_object(report, model, figures) : NULL;
    const mb_status status =
        own != NULL && json_object_set_new(model, "page", own) == 0
            ? mb_template_render("report.html", mb_report_template, model, page, error)
            : mb_fail_memory(error, "report.html", sizeof *report->run);
    json_decref(model);
    return status;
}

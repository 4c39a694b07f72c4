#include "report/page.h"

#include "report/format.h"
#include "report/page_parts.h"

#include <math.h>
#include <mnist_blas/mnist_blas.h>
#include <string.h>

/* Nothing is fetched and nothing runs: the policy has the browser see to it. */
static void put_head(const mb_html *html, const mb_report *report)
{
    mb_html_put(html,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "img-src data:; style-src 'unsafe-inline'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<meta name=\"generator\" content=\"mnist_blas %s\">\n"
                "<title>%.2f %% right: a run of mnist_blas</title>\n"
                "<link rel=\"icon\" href=\"data:,\">\n<style>\n%s</style>\n</head>\n",
                mb_version(), 100.0 * report->evaluation->accuracy, mb_page_css);
}

static void begin_figure(const mb_html *html, const char *name)
{
    mb_html_put(html, "<div><dt>%s</dt><dd><b>", name);
}

static void put_remark(const mb_html *html, const char *text)
{
    mb_html_put(html, "</b> <small>%s</small></dd></div>\n", text);
}

static void put_count_value(const mb_html *html, const char *key, double value)
{
    char text[MB_COUNT_LENGTH];
    mb_html_real(html, key, value, "%s", mb_format_count(text, (size_t)(value + 0.5)));
}

static void put_speed(const mb_html *html, const mb_spread *speed)
{
    begin_figure(html, "Samples/s");
    put_count_value(html, "samples_per_second.median", speed->median);
    mb_html_put(html, "</b> <small>median; ");
    put_count_value(html, "samples_per_second.min", speed->min);
    mb_html_put(html, " to ");
    put_count_value(html, "samples_per_second.max", speed->max);
    mb_html_put(html, "</small></dd></div>\n");
}

static void put_figures(const mb_html *html, const mb_report *report, const mb_spread *speed)
{
    const mb_run *run = report->run;
    const mb_evaluation *evaluation = report->evaluation;
    const mb_epoch_metrics *kept = run->selected;
    char text[128], wrong[MB_COUNT_LENGTH], images[MB_COUNT_LENGTH];
    mb_html_put(html, "<dl class=\"figures\">\n");
    begin_figure(html, "Test accuracy");
    mb_html_real(html, "test_accuracy", kept->test_accuracy, "%.2f %%",
                 100.0 * kept->test_accuracy);
    snprintf(text, sizeof text, "%s of %s wrong",
             mb_format_count(wrong, evaluation->samples - evaluation->correct),
             mb_format_count(images, evaluation->samples));
    put_remark(html, text);
    if (!isnan(kept->validation_accuracy)) {
        begin_figure(html, "Validation");
        mb_html_real(html, "validation_accuracy", kept->validation_accuracy, "%.2f %%",
                     100.0 * kept->validation_accuracy);
        put_remark(html, "accuracy on images held out");
    }
    begin_figure(html, "Training loss");
    mb_html_real(html, "final_train_loss", kept->train_loss, "%.3g", kept->train_loss);
    put_remark(html, kept->epoch == run->options->epochs ? "nats, mean of the last epoch"
                                                         : "nats, mean of that epoch");
    begin_figure(html, "Training time");
    const double seconds = mb_run_seconds(run);
    mb_html_real(html, "train_seconds", seconds, "%.*f s", mb_decimals(seconds, 3), seconds);
    put_remark(html, "without reading and evaluation");
    put_speed(html, speed);
    begin_figure(html, "Parameters");
    mb_html_count(html, "parameters", mb_network_parameter_count(run->network));
    put_remark(html, "weights and biases");
    mb_html_put(html, "</dl>\n");
}

static void put_header(const mb_html *html, const mb_report *report, const mb_spread *speed)
{
    const mb_run *run = report->run;
    char images[MB_COUNT_LENGTH], length[MB_RUN_LENGTH], threads[MB_COUNTED_LENGTH];
    const double seconds = mb_run_seconds(run);
    mb_html_put(html,
                "<header>\n<p class=\"name\">mnist_blas %s</p>\n"
                "<h1><b>%.2f %%</b> of %s %stest images right</h1>\n",
                mb_version(), 100.0 * report->evaluation->accuracy,
                mb_format_count(images, report->evaluation->samples),
                run->data == NULL ? "drawn " : "");
    mb_html_put(html, "<p class=\"lead\">after %s, %.*f s of training on %s</p>\n",
                mb_format_run_length(run, length), mb_decimals(seconds, 3), seconds,
                mb_format_counted(threads, run->machine->threads, "thread"));
    put_figures(html, report, speed);
    mb_html_put(html, "</header>\n");
}

static void put_contents(const mb_html *html)
{
    mb_html_put(html, "<nav aria-label=\"Sections\">\n<ul>\n"
                      "<li><a href=\"#run\">The run</a></li>\n"
                      "<li><a href=\"#pictures\">Pictures</a></li>\n"
                      "<li><a href=\"#epochs\">Epochs</a></li>\n"
                      "<li><a href=\"#classes\">Classes</a></li>\n"
                      "<li><a href=\"#again\">Run it again</a></li>\n</ul>\n</nav>\n");
}

static void begin_section(const mb_html *html, const char *id, const char *title)
{
    mb_html_put(html,
                "<section id=\"%s\" aria-labelledby=\"%s-title\">\n"
                "<h2 id=\"%s-title\">%s</h2>\n",
                id, id, id, title);
}

static void end_section(const mb_html *html) { mb_html_put(html, "</section>\n"); }

/* A narrow page shrinks the picture; the box brings its own size back, in a frame that scrolls. */
static void put_figure(const mb_html *html, const mb_figure *figure)
{
    const char *type = figure->format == MB_FIGURE_SVG ? "image/svg+xml" : "image/png";
    const int stem = (int)strcspn(figure->file, ".");
    mb_html_put(html, "<figure>\n<figcaption><h3>");
    mb_html_text(html, figure->title);
    mb_html_put(html,
                "</h3></figcaption>\n<input type=\"checkbox\" id=\"%.*s-full\">"
                "<label for=\"%.*s-full\">Full size<span class=\"unseen\">: ",
                stem, figure->file, stem, figure->file);
    mb_html_text(html, figure->title);
    mb_html_put(html,
                "</span></label>\n<div class=\"frame\"><img width=\"%zu\" height=\"%zu\" alt=\"",
                figure->width, figure->height);
    mb_html_text(html, figure->text);
    mb_html_put(html, "\" src=\"data:%s;base64,", type);
    mb_html_base64(html, figure->bytes.data, figure->bytes.size);
    mb_html_put(html, "\"></div>\n</figure>\n");
}

static void put_pictures(const mb_html *html, const mb_figures *figures)
{
    begin_section(html, "pictures", "Pictures");
    for (size_t i = 0; i < figures->count; i++)
        if (figures->list[i].on_page)
            put_figure(html, &figures->list[i]);
    end_section(html);
}

static void put_again(const mb_html *html, const mb_report *report)
{
    const mb_machine_info *machine = report->run->machine;
    begin_section(html, "again", "Run it again");
    mb_html_put(html, "<p>This line trains the same network again:</p>\n"
                      "<pre><code id=\"command\">");
    mb_html_command(html, report->command);
    mb_html_put(html,
                "</code></pre>\n<p class=\"note\">Its <code>model.safetensors</code> has the same "
                "bytes wherever mnist_blas %s, the data, OpenBLAS ",
                mb_version());
    mb_html_text(html, machine->blas_version);
    mb_html_put(html, " and its kernel set ");
    mb_html_text(html, machine->blas_core);
    mb_html_put(html, " are the same. Threads and pins change only the time it takes.%s</p>\n",
                report->run->data != NULL && report->run->data[0] != '/'
                    ? " The data folder is named from the folder where the run was started."
                    : "");
    end_section(html);
}

static void put_page(const mb_html *html, const mb_report *report, const mb_spread *speed,
                     const mb_figures *figures)
{
    put_head(html, report);
    mb_html_put(html, "<body>\n");
    put_header(html, report, speed);
    put_contents(html);
    mb_html_put(html, "<main>\n");
    begin_section(html, "run", "The run");
    mb_page_facts(html, report);
    end_section(html);
    put_pictures(html, figures);
    begin_section(html, "epochs", "Epochs");
    mb_page_epochs(html, report->run);
    end_section(html);
    begin_section(html, "classes", "Classes");
    mb_page_classes(html, report->evaluation);
    end_section(html);
    put_again(html, report);
    mb_html_put(html, "</main>\n<footer>The numbers of this page are in <code>summary.json</code> "
                      "and <code>metrics.jsonl</code> beside it.</footer>\n</body>\n</html>\n");
}

mb_status mb_page_make(const mb_report *report, const mb_figures *figures, mb_bytes *page,
                       mb_error *error)
{
    mb_html html;
    mb_spread speed;
    mb_status status = mb_run_speed(report->run, &speed, error);
    if (status == MB_OK)
        status = mb_html_open(&html, error);
    if (status != MB_OK)
        return status;
    put_page(&html, report, &speed, figures);
    return mb_html_close(&html, page, error);
}

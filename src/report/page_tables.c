#include "report/format.h"
#include "report/page_parts.h"

#include <math.h>

/* Beyond so many epochs the table leaves some out. */
enum { MOST_EPOCHS = 60 };

/* A table in a frame that scrolls by itself, by keyboard, too. */
static void begin_table(const mb_html *html, const char *id, const char *name)
{
    mb_html_put(html,
                "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\">\n"
                "<table id=\"%s\">\n<caption class=\"unseen\">%s</caption>\n<thead>\n<tr>",
                name, id, name);
}

static void begin_body(const mb_html *html) { mb_html_put(html, "</tr>\n</thead>\n<tbody>\n"); }

static void end_table(const mb_html *html) { mb_html_put(html, "</tbody>\n</table>\n</div>\n"); }

/* `key` is what metrics.jsonl calls the column. */
static void put_heading(const mb_html *html, const char *key, const char *name)
{
    mb_html_put(html, "<th scope=\"col\" data-key=\"%s\">%s</th>", key, name);
}

static void put_real(const mb_html *html, double value, int decimals)
{
    mb_html_put(html, "<td>");
    mb_html_real(html, NULL, value, "%.*f", decimals, value);
    mb_html_put(html, "</td>");
}

/* Numbers of any size, with `digits` that count. */
static void put_scaled(const mb_html *html, double value, int digits)
{
    mb_html_put(html, "<td>");
    mb_html_real(html, NULL, value, "%.*e", digits - 1, value);
    mb_html_put(html, "</td>");
}

/* Accuracies and scores, 0 .. 1, in percent. */
static void put_share(const mb_html *html, double share)
{
    mb_html_put(html, "<td>");
    mb_html_real(html, NULL, share, "%.2f", 100.0 * share);
    mb_html_put(html, "</td>");
}

/* In whole numbers, with groups of three. */
static void put_speed(const mb_html *html, double speed)
{
    char text[MB_COUNT_LENGTH];
    mb_html_put(html, "<td>");
    mb_html_real(html, NULL, speed, "%s", mb_format_count(text, (size_t)(speed + 0.5)));
    mb_html_put(html, "</td>");
}

/* The least of 2, 5, 10, 20, 50, ... that leaves at most MOST_EPOCHS with the first and the last;
 * 1 where all fit. */
static size_t stride_of(size_t epochs)
{
    static const size_t factors[] = {2, 5, 10};
    size_t stride = 1, power = 1;
    for (size_t i = 0; epochs > MOST_EPOCHS && epochs / stride + 2 > MOST_EPOCHS; i++) {
        stride = factors[i % 3] * power;
        power *= i % 3 == 2 ? 10 : 1;
    }
    return stride;
}

/* Columns whose numbers are of any size, but of one size, have their points in line. */
typedef struct places {
    int seconds, gflops;
} places;

/* As many as the least of them needs: a machine that others use may be slow for some epochs. */
static places places_of(const mb_run *run)
{
    double seconds = INFINITY, gflops = INFINITY;
    for (size_t i = 0; i < run->options->epochs; i++) {
        seconds = fmin(seconds, run->epochs[i].seconds);
        gflops = fmin(gflops, run->epochs[i].gflops);
    }
    return (places){mb_decimals(seconds, 3), mb_decimals(gflops, 3)};
}

static void put_epoch(const mb_html *html, const mb_epoch_metrics *epoch, const places *decimals,
                      bool validation)
{
    mb_html_put(html, "<tr><th scope=\"row\">");
    mb_html_count(html, NULL, epoch->epoch);
    mb_html_put(html, "</th>");
    if (epoch->train_loss < 0.001)
        put_scaled(html, epoch->train_loss, 3);
    else
        put_real(html, epoch->train_loss, 4);
    put_share(html, epoch->train_accuracy);
    if (validation)
        put_share(html, epoch->validation_accuracy);
    put_share(html, epoch->test_accuracy);
    put_scaled(html, epoch->lr, 3);
    mb_html_put(html, "<td>");
    mb_html_count(html, NULL, epoch->threads);
    mb_html_put(html, "</td>");
    put_real(html, epoch->seconds, decimals->seconds);
    put_speed(html, epoch->samples_per_second);
    put_real(html, epoch->gflops, decimals->gflops);
    mb_html_put(html, "</tr>\n");
}

static void explain_epochs(const mb_html *html, size_t epochs, size_t stride)
{
    char text[MB_COUNTED_LENGTH];
    mb_html_put(html, "<p class=\"note\">Loss and training accuracy are means over the epoch, each "
                      "batch before its own update; test accuracy is taken after it.");
    if (stride > 1)
        mb_html_put(html,
                    " Of %s these are the first, every %zu%s, and the last: "
                    "<code>metrics.jsonl</code> has all.",
                    mb_format_counted(text, epochs, "epoch"), stride, stride == 2 ? "nd" : "th");
    mb_html_put(html, "</p>\n");
}

void mb_page_epochs(const mb_html *html, const mb_run *run)
{
    const size_t epochs = run->options->epochs;
    const size_t stride = stride_of(epochs);
    const places decimals = places_of(run);
    const bool validation = !isnan(run->epochs[0].validation_accuracy);
    explain_epochs(html, epochs, stride);
    begin_table(html, "epoch-table", "Table of epochs");
    put_heading(html, "epoch", "Epoch");
    put_heading(html, "train_loss", "Loss, nats");
    put_heading(html, "train_accuracy", "Training %");
    if (validation)
        put_heading(html, "validation_accuracy", "Validation %");
    put_heading(html, "test_accuracy", "Test %");
    put_heading(html, "lr", "Learning rate");
    put_heading(html, "threads", "Threads");
    put_heading(html, "seconds", "Seconds");
    put_heading(html, "samples_per_second", "Samples/s");
    put_heading(html, "gflops", "GFLOP/s");
    begin_body(html);
    for (size_t i = 0; i < epochs; i++)
        if (i == 0 || i + 1 == epochs || (i + 1) % stride == 0)
            put_epoch(html, &run->epochs[i], &decimals, validation);
    end_table(html);
}

void mb_page_classes(const mb_html *html, const mb_evaluation *evaluation)
{
    mb_html_put(html, "<p class=\"note\">Precision: how many of the images called this are this. "
                      "Recall: how many that are this are called so. F1: the harmonic mean of "
                      "both.</p>\n");
    begin_table(html, "class-table", "Table of classes");
    put_heading(html, "class", "Class");
    put_heading(html, "precision", "Precision %");
    put_heading(html, "recall", "Recall %");
    put_heading(html, "f1", "F1 %");
    put_heading(html, "support", "Images");
    begin_body(html);
    for (size_t class = 0; class < evaluation->classes; class ++) {
        const mb_class_score *score = &evaluation->scores[class];
        mb_html_put(html, "<tr><th scope=\"row\">");
        mb_html_count(html, NULL, class);
        mb_html_put(html, "</th>");
        put_share(html, score->precision);
        put_share(html, score->recall);
        put_share(html, score->f1);
        mb_html_put(html, "<td>");
        mb_html_count(html, NULL, score->support);
        mb_html_put(html, "</td></tr>\n");
    }
    end_table(html);
}

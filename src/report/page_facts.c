#include "report/page_parts.h"

static void begin_list(const mb_html *html, const char *title)
{
    mb_html_put(html, "<div>\n<h3>%s</h3>\n<dl class=\"list\">\n", title);
}

static void end_list(const mb_html *html) { mb_html_put(html, "</dl>\n</div>\n"); }

static void begin_fact(const mb_html *html, const char *name)
{
    mb_html_put(html, "<div><dt>%s</dt><dd>", name);
}

static void end_fact(const mb_html *html) { mb_html_put(html, "</dd></div>\n"); }

static void put_count(const mb_html *html, const char *name, const char *key, size_t value)
{
    begin_fact(html, name);
    mb_html_count(html, key, value);
    end_fact(html);
}

static void put_real(const mb_html *html, const char *name, const char *key, double value)
{
    begin_fact(html, name);
    mb_html_real(html, key, value, "%g", value);
    end_fact(html);
}

static void put_word(const mb_html *html, const char *name, const char *key, const char *value)
{
    begin_fact(html, name);
    if (key != NULL)
        mb_html_word(html, key, value);
    else
        mb_html_text(html, value);
    end_fact(html);
}

static void put_optimizer(const mb_html *html, const mb_training_options *options)
{
    put_word(html, "Optimizer", "optimizer", mb_optimizer_name(options->optimizer));
    if (options->optimizer == MB_OPTIMIZER_SGD) {
        begin_fact(html, "Momentum");
        mb_html_put(html, "%g%s", options->momentum, options->nesterov ? ", Nesterov" : "");
    } else {
        begin_fact(html, "Betas");
        mb_html_put(html, "%g, %g", options->beta1, options->beta2);
    }
    end_fact(html);
    put_real(html, "Learning rate", "lr", options->lr);
    put_word(html, "Schedule", "schedule", mb_schedule_name(options->schedule));
    put_real(html, "Weight decay", "weight_decay", options->weight_decay);
    if (options->label_smoothing > 0.0)
        put_real(html, "Label smoothing", "label_smoothing", options->label_smoothing);
    if (options->ema > 0.0)
        put_real(html, "Decay of averaged weights", "ema", options->ema);
}

static void put_augmentation(const mb_html *html, const mb_augmentation *augmentation)
{
    put_word(html, "Augmentation", "augment", mb_augmentation_name(augmentation->kind));
    if (augmentation->kind == MB_AUGMENT_NONE)
        return;
    put_real(html, "Rotation, degrees", "rotate", augmentation->rotate);
    put_real(html, "Scale", "scale", augmentation->scale);
    put_real(html, "Shear", "shear", augmentation->shear);
    put_real(html, "Shift, pixels", "shift", augmentation->shift);
    if (augmentation->kind == MB_AUGMENT_ELASTIC) {
        put_real(html, "Elastic alpha", "elastic_alpha", augmentation->elastic_alpha);
        put_real(html, "Elastic sigma", "elastic_sigma", augmentation->elastic_sigma);
    }
    if (augmentation->plain_epochs > 0)
        put_count(html, "Plain epochs", "plain_epochs", augmentation->plain_epochs);
}

static void put_training(const mb_html *html, const mb_run *run)
{
    const mb_training_options *options = run->options;
    begin_list(html, "Training");
    put_count(html, "Epochs", "epochs", options->epochs);
    put_count(html, "Batch size", "batch_size", options->batch_size);
    if (options->patience > 0)
        put_count(html, "Patience, epochs", "patience", options->patience);
    put_optimizer(html, options);
    put_augmentation(html, &options->augmentation);
    begin_fact(html, "Seed"); /* a name rather than a number: no groups of three */
    mb_html_put(html, "<data data-key=\"seed\" value=\"%llu\">%llu</data>",
                (unsigned long long)options->seed, (unsigned long long)options->seed);
    end_fact(html);
    end_list(html);
}

static void put_machine(const mb_html *html, const mb_machine_info *machine)
{
    begin_list(html, "Machine");
    put_word(html, "Processor", NULL, machine->cpu[0] != '\0' ? machine->cpu : "unknown");
    begin_fact(html, "Cores");
    mb_html_put(html, "%zu, of which %zu may be used", machine->cores, machine->cores_allowed);
    end_fact(html);
    if (machine->quota > 0.0) {
        begin_fact(html, "CPU quota");
        mb_html_put(html, "%g", machine->quota);
        end_fact(html);
    }
    begin_fact(html, "Threads");
    mb_html_count(html, "threads", machine->threads);
    mb_html_put(html, ", decided by ");
    mb_html_text(html, machine->threads_from);
    end_fact(html);
    put_word(html, "Pins", NULL, machine->pin_policy);
    begin_fact(html, "OpenBLAS");
    mb_html_text(html, machine->blas_version);
    mb_html_put(html, ", threading ");
    mb_html_text(html, machine->blas_threading);
    end_fact(html);
    put_word(html, "Its kernel set", "blas_core", machine->blas_core);
    put_word(html, "Other kernels", NULL, machine->cpu_level);
    end_list(html);
}

/* What may be long: on lines of its own. */
static void put_names(const mb_html *html, const mb_run *run)
{
    mb_html_put(html, "<dl class=\"list\">\n");
    put_word(html, "Network", "network", mb_network_spec(run->network));
    begin_fact(html, "Data");
    if (run->data != NULL)
        mb_html_word(html, "data", run->data);
    else
        mb_html_put(html, "<data data-key=\"data\" value=\"synthetic\">digits drawn by the "
                          "program</data>");
    end_fact(html);
    mb_html_put(html, "</dl>\n");
}

static void put_images(const mb_html *html, const char *name, size_t count)
{
    begin_fact(html, name);
    mb_html_count(html, NULL, count);
    mb_html_put(html, " image%s", count == 1 ? "" : "s");
    end_fact(html);
}

static void put_data(const mb_html *html, const mb_report *report)
{
    const mb_dataset *data = report->dataset;
    const size_t validation = report->run->options->validation;
    begin_list(html, "Data");
    put_images(html, "Training", data->train.images.count - validation);
    if (validation > 0)
        put_images(html, "Validation", validation);
    put_images(html, "Test", data->test.images.count);
    begin_fact(html, "Image size");
    mb_html_put(html, "%zu × %zu pixels", data->train.images.rows, data->train.images.columns);
    end_fact(html);
    put_count(html, "Classes", NULL, data->classes);
    end_list(html);
}

void mb_page_facts(const mb_html *html, const mb_report *report)
{
    put_names(html, report->run);
    mb_html_put(html, "<div class=\"facts\">\n");
    put_training(html, report->run);
    put_machine(html, report->run->machine);
    put_data(html, report);
    mb_html_put(html, "</div>\n");
    if (report->run->data == NULL)
        mb_html_put(html, "<p class=\"note\">No handwritten digits were found, so the program drew "
                          "its own. They are not MNIST's: <code>tools/fetch-mnist</code> "
                          "gets those, and the next run uses them.</p>\n");
}

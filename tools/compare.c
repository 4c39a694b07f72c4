/* mnist_blas compare RUN... */
#include "cli.h"
#include "compare_print.h"
#include "library_text.h"
#include "run_data.h"
#include "run_list.h"
#include "terminal.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static const char default_page[] = "compare.html";

typedef struct compare_arguments {
    const char *data, *out;
    bool json;
    size_t threads;
} compare_arguments;

static const mb_option options[] = {
    MB_OPTION_DATA_UNSET("Options:", offsetof(compare_arguments, data),
                         "folder or file that has the images of all runs", "those of each run"),
    {"out", NULL, "Options:", offsetof(compare_arguments, out), "page to write",
     MB_KIND_TEXT("FILE"), .unset = default_page, .complete = ".html"},
    {"json", NULL, "Options:", offsetof(compare_arguments, json),
     "print one JSON object, with the numbers of the images that only one network gets right",
     MB_KIND_FLAG},
    MB_OPTION_THREADS("Options:", offsetof(compare_arguments, threads)),
    {0},
};

/* What the command has opened. */
typedef struct opened {
    mb_run_list list;
    mb_machine *machine;
    mb_comparison *comparison;
    mb_dataset *dataset; /* of the first run */
} opened;

static mb_status open_runs(opened *o, char **paths, size_t threads, mb_error *error)
{
    const mb_machine_options machine_options = {.threads = threads};
    mb_status status = mb_run_list_read(paths, &o->list, error);
    const size_t count = o->list.count;
    if (status == MB_OK && count < 2)
        status = mb_fail(error, MB_ERROR_INVALID, "compare: needs at least 2 runs, got %zu%s%s",
                         count, count > 0 ? ": " : "", count > 0 ? o->list.runs[0].folder : "");
    if (status == MB_OK)
        status = mb_machine_open(&machine_options, &o->machine, error);
    const mb_stored_run **stored = calloc(count + 1, sizeof *stored);
    const char **names = calloc(count + 1, sizeof *names);
    if (status == MB_OK && (stored == NULL || names == NULL))
        status = mb_fail_memory(error, "compare", count * sizeof *stored);
    for (size_t i = 0; i < count && status == MB_OK; i++) {
        stored[i] = o->list.runs[i].stored;
        names[i] = o->list.runs[i].name;
    }
    if (status == MB_OK)
        status = mb_comparison_open(stored, names, count, &o->comparison, error);
    free(stored);
    free(names);
    return status;
}

/* ---- the same images ---- */

static mb_status classify(opened *o, size_t run, const char *data, mb_error *error)
{
    const mb_listed_run *listed = &o->list.runs[run];
    mb_network *network = NULL;
    mb_dataset *dataset = NULL;
    mb_status status = mb_run_model_open(o->machine, listed->folder, listed->stored, data, &network,
                                         &dataset, error);
    if (status == MB_OK)
        status = mb_comparison_classify(o->comparison, run, o->machine, network, dataset, error);
    if (run == 0)
        o->dataset = dataset;
    else
        mb_dataset_close(dataset);
    mb_network_close(network);
    return status;
}

/* Data and models that were not asked for need not be there: the run is excluded then. */
static mb_status classify_or_exclude(opened *o, size_t run, const char *data, mb_error *error)
{
    mb_error why = {0};
    mb_status status = classify(o, run, data, &why);
    if (status == MB_ERROR_INVALID) /* of the library, but of the user's files wrong content */
        status = why.status = MB_ERROR_FORMAT;
    if (status != MB_OK && data == NULL && status != MB_ERROR_MEMORY)
        return mb_comparison_exclude(o->comparison, run, why.text, error);
    if (status != MB_OK)
        *error = why;
    return status;
}

/* Pairs have the first run, without which there are none. */
static mb_status classify_all(opened *o, const char *data, mb_error *error)
{
    const mb_comparison *comparison = o->comparison;
    mb_status status = MB_OK;
    for (size_t run = 0; run < comparison->runs && status == MB_OK; run++) {
        if (comparison->excluded[run] == NULL)
            status = classify_or_exclude(o, run, data, error);
        if (comparison->excluded[0] != NULL)
            break;
    }
    for (size_t run = 0; run < comparison->runs && status == MB_OK; run++)
        if (comparison->excluded[run] != NULL)
            fprintf(stderr, "mnist_blas: warning: %s; no images are compared with %s%s\n",
                    comparison->excluded[run], comparison->names[run],
                    run == 0 ? ", the first run" : "");
    return status;
}

/* ---- output ---- */

/* A build or a machine that cannot draw is a failure only if the page was asked for. */
static mb_status write_page(const mb_comparison *comparison, const compare_arguments *arguments,
                            mb_error *error)
{
    const char *path = arguments->out != NULL ? arguments->out : default_page;
    mb_error why = {0};
    char line[256];
    const int text = mb_library_text_begin(); /* fontconfig's, if it has no configuration */
    const mb_status status = mb_comparison_write(comparison, path, &why);
    mb_library_text_end(text, line, sizeof line);
    if (line[0] != '\0')
        fprintf(stderr, "mnist_blas: warning: page: %s\n", line);
    if (status == MB_ERROR_UNAVAILABLE && arguments->out == NULL) {
        fprintf(stderr, "mnist_blas: warning: %s\n", why.text);
        return MB_OK;
    }
    if (status != MB_OK)
        *error = why;
    else if (!arguments->json)
        printf("\npage     %s\n", path);
    return status;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    const compare_arguments *given = arguments;
    const mb_terminal terminal = mb_terminal_detect(STDOUT_FILENO);
    opened o = {0};
    mb_status status = MB_OK;
    if (given->out != NULL)
        status = mb_check_ending("out", given->out, ".html", error);
    if (status == MB_OK)
        status = open_runs(&o, operands, given->threads, error);
    if (status == MB_OK)
        status = classify_all(&o, given->data, error);
    if (status == MB_OK && given->json)
        status = mb_comparison_print(o.comparison, stdout, error);
    else if (status == MB_OK)
        mb_comparison_print_text(o.comparison, mb_terminal_width(&terminal));
    if (status == MB_OK)
        status = write_page(o.comparison, given, error);
    if (status == MB_OK)
        mb_report_warnings(MB_PROGRAM, o.machine);
    mb_comparison_close(o.comparison);
    mb_dataset_close(o.dataset);
    mb_machine_close(o.machine);
    mb_run_list_free(&o.list);
    return status;
}

const mb_command mb_command_compare = {
    .name = "compare",
    .operands = "RUN...",
    .brief = "compare runs: a table and a page",
    .about =
        "Compares runs, by their folders or a folder that has them. Prints a table of accuracy, "
        "loss, training time, speed and parameters, with the options that differ. Each network "
        "and that of the first run classify the test set: how many images both, one or neither "
        "get right, and the p-value of McNemar's exact test, the probability of such a "
        "difference between equally good networks. Writes a page with the same, curves, and images "
        "that only one of two networks gets right. The images are those that each run was trained "
        "on, unless --data is given; runs without images or model are compared without them.",
    .examples = "Examples:\n"
                "  mnist_blas --quiet --lr 0.01 --out runs/lr_0.01\n"
                "  mnist_blas --quiet --lr 0.001 --out runs/lr_0.001\n"
                "  mnist_blas compare runs\n"
                "  mnist_blas compare runs/lr_0.01 mnist_blas_out --out lr.html",
    .groups = {{options, 0}},
    .size = sizeof(compare_arguments),
    .run = run,
};

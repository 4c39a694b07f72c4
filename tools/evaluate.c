/* mnist_blas evaluate MODEL */
#include "cli.h"
#include "data.h"
#include "model.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

enum { KEY_DATA = 256, KEY_NETWORK, KEY_THREADS };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "On what and with what:", 1},
    {"data", KEY_DATA, "DIR", 0, "folder with the test set's two IDX files", 1},
    {"network", KEY_NETWORK, "SPEC", 0, MB_MODEL_NETWORK_TEXT, 1},
    {"threads", KEY_THREADS, "N", 0, "threads of the team", 1},
    {0}};

typedef struct evaluate_arguments {
    mb_model_arguments model;
    const char *data;
    size_t threads;
    mb_error *error;
} evaluate_arguments;

static error_t parse(int key, char *text, struct argp_state *state)
{
    evaluate_arguments *arguments = state->input;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_DATA:
        arguments->data = text;
        break;
    case KEY_NETWORK:
        arguments->model.network = text;
        break;
    case KEY_THREADS:
        status = mb_parse_size("--threads", text, 1, MB_MAX_THREADS, &arguments->threads,
                               arguments->error);
        break;
    case ARGP_KEY_ARG:
        if (arguments->model.path != NULL)
            status =
                mb_fail(arguments->error, MB_ERROR_INVALID, "%s: evaluate takes one model", text);
        arguments->model.path = text;
        break;
    case ARGP_KEY_END:
        if (arguments->model.path == NULL)
            status =
                mb_fail(arguments->error, MB_ERROR_INVALID, "evaluate: which model? give its file");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == MB_OK ? 0 : EINVAL;
}

static char *with_default(int key, const char *text, void *input)
{
    (void)input;
    return key == KEY_DATA      ? mb_help_default_data(text)
           : key == KEY_NETWORK ? mb_help_default_model(text)
           : key == KEY_THREADS ? mb_help_default_threads(text)
                                : (char *)(uintptr_t)text;
}

static void print_scores(const mb_evaluation *evaluation)
{
    printf("\nclass  precision   recall       F1  support\n");
    for (size_t c = 0; c < evaluation->classes; c++) {
        const mb_class_score *score = &evaluation->scores[c];
        printf("%5zu  %9.4f%9.4f%9.4f%9zu\n", c, score->precision, score->recall, score->f1,
               score->support);
    }
}

static void print_confusion(const mb_evaluation *evaluation)
{
    const size_t classes = evaluation->classes;
    printf("\nconfusion matrix: a row a true class, a column a predicted one\n     ");
    for (size_t c = 0; c < classes; c++)
        printf("%6zu", c);
    putchar('\n');
    for (size_t truly = 0; truly < classes; truly++) {
        printf("%5zu", truly);
        for (size_t guess = 0; guess < classes; guess++)
            printf("%6zu", evaluation->confusion[truly * classes + guess]);
        putchar('\n');
    }
}

/* A test set that is not for this network is to the library a bad argument, and to the user of a
 * command a file that does not fit. */
static mb_status evaluate_test_set(mb_machine *machine, const mb_network *network,
                                   const mb_dataset *dataset, mb_evaluation **evaluation,
                                   mb_error *error)
{
    mb_error why = {0};
    const mb_status status = mb_evaluate(machine, network, &dataset->test, evaluation, &why);
    if (status == MB_ERROR_INVALID)
        return mb_fail(error, MB_ERROR_FORMAT, "%s: %s", dataset->folder, why.text);
    if (status != MB_OK)
        *error = why;
    return status;
}

/* A network that the file does not describe takes images as the data has them. */
static mb_status open_both(const evaluate_arguments *arguments, mb_machine *machine,
                           mb_dataset **dataset, mb_network **network, mb_error *error)
{
    mb_model_arguments model = arguments->model;
    mb_status status = MB_OK;
    if (model.network == NULL)
        status = mb_model_open(machine, &model, network, error);
    if (status == MB_OK)
        status = mb_data_open(arguments->data, MB_SPLIT_TEST, dataset, error);
    if (status == MB_OK && model.network != NULL) {
        model.input = mb_images_shape(&(*dataset)->test.images);
        status = mb_model_open(machine, &model, network, error);
    }
    return status;
}

static mb_status evaluate(const evaluate_arguments *arguments, mb_error *error)
{
    const mb_machine_options machine_options = {.threads = arguments->threads};
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    mb_dataset *dataset = NULL;
    mb_evaluation *evaluation = NULL;
    mb_status status = mb_machine_open(&machine_options, &machine, error);
    if (status == MB_OK)
        status = open_both(arguments, machine, &dataset, &network, error);
    if (status == MB_OK)
        status = evaluate_test_set(machine, network, dataset, &evaluation, error);
    if (status == MB_OK) {
        mb_report_warnings(machine);
        printf("%s: accuracy %.4f (%zu of %zu), loss %.4f\n", arguments->model.path,
               evaluation->accuracy, evaluation->correct, evaluation->samples, evaluation->loss);
        print_scores(evaluation);
        print_confusion(evaluation);
    }
    mb_evaluation_free(evaluation);
    mb_dataset_close(dataset);
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

int mb_command_evaluate(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "MODEL",
        .help_filter = with_default,
        .doc = "Classifies the test set with a saved model and prints accuracy, precision, recall "
               "and F1 of each class, and the confusion matrix.\v"
               "Examples:\n"
               "  mnist_blas evaluate mnist_blas_out/model.safetensors\n"
               "  mnist_blas evaluate --data data/fashion mnist_blas_out/model.safetensors"};
    mb_error error = {0};
    evaluate_arguments arguments = {.error = &error};
    mb_status status = mb_parse_arguments(&argp, argc, argv, &arguments, &error);
    if (status == MB_OK)
        status = evaluate(&arguments, &error);
    return status == MB_OK ? MB_EXIT_DONE : mb_report_error(&error);
}

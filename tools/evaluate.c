/* mnist_blas evaluate MODEL */
#include "cli.h"
#include "data.h"
#include "evaluate_print.h"
#include "model.h"
#include "predictions.h"
#include "run_folder.h"
#include "terminal.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

typedef struct evaluate_arguments {
    mb_model_arguments model;
    const char *data, *predictions, *plot; /* NULL: not given */
    unsigned ground;                       /* of mb_ground_choices */
    mb_data_options reading;
    mb_robustness_options robustness;
    bool json;
    size_t threads;
} evaluate_arguments;

static const mb_option options[] = {
    MB_OPTION_DATA("Options:", offsetof(evaluate_arguments, data), "the test images"),
    MB_OPTION_GROUND(
        "Options:", offsetof(evaluate_arguments, ground),
        "background of the images (auto: that of the images that the model was trained "
        "on)"),
    MB_OPTION_MODEL_NETWORK("Options:", offsetof(evaluate_arguments, model.network)),
    {"seed", NULL, "Options:", offsetof(evaluate_arguments, reading.seed),
     "seed of the distortions, and of the test set, if the data have none",
     .kind = MB_OPTION_UINT64, .metavar = "N", .max_size = INT64_MAX},
    {"predictions", NULL, "Options:", offsetof(evaluate_arguments, predictions),
     "write number, from 0, label, predicted class and its probability of each image as CSV",
     MB_KIND_TEXT("FILE"), .unset = "none", .complete = ".csv"},
    {"plot", NULL, "Options:", offsetof(evaluate_arguments, plot),
     "draw the accuracies of --shift, --rotate and --noise, over the strength, as PNG",
     MB_KIND_TEXT("FILE"), .unset = "none", .complete = ".png"},
    {"json", NULL, "Options:", offsetof(evaluate_arguments, json), "print one JSON object",
     MB_KIND_FLAG},
    MB_OPTION_THREADS("Options:", offsetof(evaluate_arguments, threads)),
    {0},
};

/* A test set that does not match the network is an invalid argument of the library, but a file with
 * the wrong content for the user of the command. */
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

/* The ground that is given, else the model's, with a warning if the images look otherwise. */
static mb_status set_ground(mb_dataset *dataset, mb_image_form form, unsigned ground,
                            mb_error *error)
{
    const mb_ground measured = mb_images_measure(&dataset->test.images).ground;
    if (ground == 0 && measured != form.ground)
        fprintf(stderr,
                "mnist_blas: warning: %s: the ground of the images is %s, of those that the model "
                "was trained on %s; give --ground %s if that is right\n",
                dataset->folder, mb_ground_names.values[measured].name,
                mb_ground_names.values[form.ground].name, mb_ground_names.values[measured].name);
    return mb_dataset_set_form(dataset, mb_data_form(form, ground), error);
}

/* With --network, the network's input has the shape of the data's images. */
static mb_status open_both(const evaluate_arguments *arguments, mb_machine *machine,
                           mb_dataset **dataset, mb_network **network, mb_error *error)
{
    mb_model_arguments model = arguments->model;
    mb_data_options reading = arguments->reading;
    mb_status status = MB_OK;
    reading.machine = machine;
    if (model.network == NULL)
        status = mb_model_open(machine, &model, network, error);
    if (status == MB_OK && *network != NULL) {
        reading.expected_classes = mb_network_classes(*network);
        reading.expected_names = mb_network_class_names(*network);
    }
    if (status == MB_OK)
        status = mb_data_open(arguments->data, MB_SPLIT_TEST, &reading, dataset, error);
    if (status == MB_OK && model.network != NULL) {
        model.input = mb_images_shape(&(*dataset)->test.images);
        status = mb_model_open(machine, &model, network, error);
    }
    if (status == MB_OK && mb_network_class_names(*network) == NULL &&
        (*dataset)->classes == mb_network_classes(*network))
        status = mb_network_set_class_names(*network, (*dataset)->class_names, error);
    if (status == MB_OK)
        status = set_ground(*dataset, mb_network_form(*network), arguments->ground, error);
    return status;
}

static void print_untested(const mb_evaluation *evaluation, const char *const *names,
                           const mb_split *test)
{
    char text[MB_UNTESTED_TEXT];
    if (*mb_data_untested(test, names, evaluation->classes, text) != '\0')
        printf("\n%s; the means leave them out\n", text);
}

static void warn_of_training_images(const mb_network *network, const mb_dataset *dataset)
{
    size_t sampled, trained;
    mb_network_count_trained(network, &dataset->test.images, &sampled, &trained);
    if (trained > 0)
        fprintf(stderr,
                "mnist_blas: warning: %s: the model was trained on these images, or some of them "
                "(%zu of a sample of %zu): the accuracy is too high\n",
                dataset->folder, trained, sampled);
}

/* True if the accuracy on distorted images is asked for. */
static bool distorts(const evaluate_arguments *arguments)
{
    const mb_option *option = mb_robustness_option_table;
    while (option->name != NULL && mb_option_is_zero(option, &arguments->robustness))
        option++;
    return option->name != NULL;
}

static mb_status evaluate_distorted(const evaluate_arguments *arguments, mb_machine *machine,
                                    const mb_network *network, const mb_dataset *dataset,
                                    mb_robustness *robustness, mb_error *error)
{
    mb_robustness_options strengths = arguments->robustness;
    strengths.seed = arguments->reading.seed;
    mb_status status =
        mb_evaluate_robustness(machine, network, &dataset->test, &strengths, robustness, error);
    if (status == MB_OK && arguments->plot != NULL)
        status = mb_robustness_draw(robustness, arguments->plot, error);
    return status;
}

static mb_status print(const evaluate_arguments *arguments, const mb_evaluation *evaluation,
                       const mb_robustness *robustness, const mb_network *network,
                       const mb_dataset *dataset, mb_error *error)
{
    const mb_terminal terminal = mb_terminal_detect(STDOUT_FILENO);
    const char *const *names = mb_network_class_names(network);
    const char *model = arguments->model.path;
    if (arguments->json)
        return mb_evaluation_print(evaluation, robustness, names, model, dataset->folder, stdout,
                                   error);
    mb_evaluation_print_text(evaluation, names, model, mb_terminal_width(&terminal));
    print_untested(evaluation, names, &dataset->test);
    if (robustness != NULL)
        mb_robustness_print_text(robustness);
    return MB_OK;
}

static mb_status evaluate(const evaluate_arguments *arguments, mb_error *error)
{
    const mb_machine_options machine_options = {.threads = arguments->threads};
    mb_machine *machine = NULL;
    mb_network *network = NULL;
    mb_dataset *dataset = NULL;
    mb_evaluation *evaluation = NULL;
    mb_robustness robustness, *measured = distorts(arguments) ? &robustness : NULL;
    mb_status status = mb_machine_open(&machine_options, &machine, error);
    if (status == MB_OK)
        status = open_both(arguments, machine, &dataset, &network, error);
    if (status == MB_OK)
        status = evaluate_test_set(machine, network, dataset, &evaluation, error);
    if (status == MB_OK && measured != NULL)
        status = evaluate_distorted(arguments, machine, network, dataset, measured, error);
    if (status == MB_OK && arguments->predictions != NULL)
        status = mb_predictions_of_split(machine, network, &dataset->test, arguments->predictions,
                                         error);
    if (status == MB_OK) {
        mb_report_warnings(MB_PROGRAM, machine);
        warn_of_training_images(network, dataset);
        status = print(arguments, evaluation, measured, network, dataset, error);
    }
    mb_evaluation_free(evaluation);
    mb_dataset_close(dataset);
    mb_network_close(network);
    mb_machine_close(machine);
    return status;
}

/* MB_ERROR_INVALID for an output that is no plot, has no effect, or would replace another file. */
static mb_status check_outputs(const evaluate_arguments *given, mb_error *error)
{
    const char *predictions = given->predictions, *plot = given->plot, *model = given->model.path;
    mb_status status = mb_check_not_input("predictions", predictions, "the model", model, error);
    if (status == MB_OK)
        status = mb_check_not_input("predictions", predictions, "the data", given->data, error);
    if (status != MB_OK || plot == NULL)
        return status;
    if (!distorts(given))
        return mb_fail(error, MB_ERROR_INVALID,
                       "--plot: has no effect without --shift, --rotate or --noise");
    status = mb_check_not_input("plot", plot, "the model", model, error);
    if (status == MB_OK)
        status = mb_check_not_input("plot", plot, "the file of --predictions", predictions, error);
    return status == MB_OK ? mb_check_ending("plot", plot, ".png", error) : status;
}

static mb_status run(void *arguments, char **operands, mb_error *error)
{
    evaluate_arguments *given = arguments;
    given->model.path = operands[0];
    const mb_status status = check_outputs(given, error);
    return status == MB_OK ? evaluate(given, error) : status;
}

static void set_defaults(void *arguments)
{
    *(evaluate_arguments *)arguments = (evaluate_arguments){.reading = mb_data_defaults()};
}

const mb_command mb_command_evaluate = {
    .name = "evaluate",
    .operands = "MODEL",
    .brief = "evaluate a saved model on a test set",
    .about =
        "Classifies the test set with a saved model and prints accuracy, balanced accuracy (the "
        "mean recall), loss, expected calibration error (how far the probability of the "
        "predicted class is from the accuracy, in 15 bins), the fraction of the images that reach "
        "the model's threshold, if it was trained with validation images, and the error of these, "
        "precision, recall and F1 of each class and their means, and the confusion matrix, or, if "
        "that is wider than the terminal, the ten pairs of classes confused most often. With "
        "--shift, --rotate or --noise, also prints the accuracy on test images that are distorted "
        "by exactly 0, 1/5, 2/5, 3/5, 4/5 and 5/5 of the strength that is given. Pixels from "
        "beyond the border are background or, in images without one, mirrored.",
    .examples = "Examples:\n"
                "  mnist_blas evaluate mnist_blas_out/model.safetensors\n"
                "  mnist_blas evaluate --data data/fashion mnist_blas_out/model.safetensors\n"
                "  mnist_blas evaluate --shift 5 --rotate 45 mnist_blas_out/model.safetensors\n"
                "  mnist_blas evaluate --json mnist_blas_out/model.safetensors",
    .groups = {{options, 0},
               {mb_robustness_option_table, offsetof(evaluate_arguments, robustness)},
               {mb_data_option_table, offsetof(evaluate_arguments, reading)}},
    .size = sizeof(evaluate_arguments),
    .set_defaults = set_defaults,
    .run = run,
};

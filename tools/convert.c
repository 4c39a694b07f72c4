/* mnist_blas convert --data PATH --out DIR */
#include "cli.h"
#include "data.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>

typedef struct convert_arguments {
    const char *data, *out;
    unsigned to; /* mb_conversion */
    mb_data_options reading;
    size_t threads;
} convert_arguments;

static const mb_option options[] = {
    MB_OPTION_DATA("Options:", offsetof(convert_arguments, data), "the images"),
    {"out", NULL, "Options:", offsetof(convert_arguments, out),
     "folder to write, which is new or empty", MB_KIND_TEXT("DIR"), .unset = "required"},
    {"to", NULL, "Options:", offsetof(convert_arguments, to), "what to write",
     MB_KIND_ENUM(mb_conversion_names)},
    {"seed", NULL, "Options:", offsetof(convert_arguments, reading.seed),
     "seed of the test set, if the data have none", .kind = MB_OPTION_UINT64, .metavar = "N",
     .max_size = INT64_MAX},
    MB_OPTION_THREADS("Options:", offsetof(convert_arguments, threads)),
    {0},
};

static void print(const mb_dataset *dataset, const convert_arguments *arguments)
{
    char path[PATH_MAX];
    const mb_images *images = &dataset->train.images;
    printf("%s: %zu + %zu images of %zux%zu%s, %zu classes, as %s\n",
           mb_printable(arguments->out, path, sizeof path), images->count,
           dataset->test.images.count, images->rows, images->columns,
           images->channels > 1 ? " in color" : "", dataset->classes,
           mb_conversion_names.values[arguments->to].help);
}

static mb_status run(void *given, char **operands, mb_error *error)
{
    convert_arguments *arguments = given;
    const mb_machine_options machine_options = {.threads = arguments->threads};
    mb_machine *machine = NULL;
    mb_dataset *dataset = NULL;
    (void)operands;
    if (arguments->out == NULL)
        return mb_fail(error, MB_ERROR_INVALID, "convert: --out DIR is required");
    mb_status status = mb_machine_open(&machine_options, &machine, error);
    if (status == MB_OK) {
        mb_report_warnings(MB_PROGRAM, machine);
        arguments->reading.machine = machine;
        status = mb_data_open(arguments->data, MB_SPLIT_TRAIN | MB_SPLIT_TEST, &arguments->reading,
                              &dataset, error);
    }
    if (status == MB_OK)
        status = mb_dataset_write(dataset, (mb_conversion)arguments->to, arguments->out, error);
    if (status == MB_OK)
        print(dataset, arguments);
    mb_dataset_close(dataset);
    mb_machine_close(machine);
    return status;
}

static void set_defaults(void *arguments)
{
    *(convert_arguments *)arguments = (convert_arguments){.reading = mb_data_defaults()};
}

const mb_command mb_command_convert = {
    .name = "convert",
    .brief = "convert data to another format",
    .about = "Writes images and labels of any format that is read, as the options of reading say, "
             "as a new folder: MNIST's IDX files, with the names of the classes in classes.txt, "
             "PNG files in a folder for each class, or NumPy's archive. A network trains on it to "
             "the same parameters. "
             "Data that take long to read, such as pictures, then take a moment.",
    .examples = "Examples:\n"
                "  mnist_blas convert --data data/mnist --to folder --out pictures\n"
                "  mnist_blas convert --data pictures --size 20x20 --out data/small",
    .groups = {{options, 0}, {mb_data_option_table, offsetof(convert_arguments, reading)}},
    .size = sizeof(convert_arguments),
    .set_defaults = set_defaults,
    .run = run,
};

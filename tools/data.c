#include "data.h"

#include "library_text.h"
#include "text_width.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Synthetic digits are one dataset: runs with different seeds train on the same images. */
enum { SYNTHETIC_SEED = 1 };

static const mb_enum_value grounds[] = {
    {"auto", NULL},
    [1 + MB_GROUND_DARK] = {"dark", NULL},
    [1 + MB_GROUND_LIGHT] = {"light", "inverts the images"},
};
const mb_enum mb_ground_choices = {grounds, sizeof grounds / sizeof *grounds};

static const mb_enum_value standardizations[] = {
    [MB_STANDARDIZE_AUTO] = {"auto", "images without a black or white background"},
    [MB_STANDARDIZE_ON] = {"on", NULL},
    [MB_STANDARDIZE_OFF] = {"off", NULL},
};
const mb_enum mb_standardize_choices = {standardizations,
                                        sizeof standardizations / sizeof *standardizations};

/* Forms that are measured as standardized are dark: a light one was chosen since, which has
 * inverted the images. */
mb_image_form mb_data_standardize(mb_image_form form, const mb_images *images, unsigned choice)
{
    if (choice == MB_STANDARDIZE_OFF)
        form.standardization = (mb_standardization){{0.0f}, {0.0f}};
    else if (mb_form_is_standardized(&form) ? form.ground == MB_GROUND_LIGHT
                                            : choice == MB_STANDARDIZE_ON)
        form.standardization = mb_images_standardization(images);
    return form;
}

mb_image_form mb_data_form(mb_image_form form, unsigned ground)
{
    if (ground > 0)
        form.ground = (mb_ground)(ground - 1);
    return form;
}

bool mb_data_is_chance(const mb_dataset *dataset, double accuracy, char text[MB_CHANCE_TEXT])
{
    const mb_split *test = &dataset->test;
    size_t images[256] = {0}, largest = 0;
    for (size_t i = 0; i < test->images.count; i++)
        images[test->labels[i]]++;
    for (size_t class = 1; class < 256; class ++)
        largest = images[class] > images[largest] ? class : largest;
    const double count = (double)test->images.count, chance = (double)images[largest] / count;
    const double bound = chance + 3.0 * sqrt(chance * (1.0 - chance) / count);
    const char *const *names = dataset->class_names;
    snprintf(text, MB_CHANCE_TEXT,
             "nothing was learned: test accuracy %.2f %%, always predicting class %zu%s%s%s gives "
             "%.2f %%; try a lower --lr or another --ground (it was %s), and look at the images",
             100.0 * accuracy, largest, names != NULL ? " (\"" : "",
             names != NULL ? names[largest] : "", names != NULL ? "\")" : "", 100.0 * chance,
             mb_ground_names.values[dataset->form.ground].name);
    return bound < 1.0 && accuracy <= bound;
}

char *mb_data_untested(const mb_split *test, const char *const *names, size_t classes,
                       char text[MB_UNTESTED_TEXT])
{
    bool tested[256] = {false};
    char number[MB_CLASS_NUMBER_SIZE];
    size_t length = 0;
    for (size_t i = 0; i < test->images.count; i++)
        tested[test->labels[i]] = true;
    *text = '\0';
    for (size_t class = 0; class < classes; class ++)
        if (!tested[class] && length < MB_UNTESTED_TEXT)
            length += (size_t)snprintf(text + length, MB_UNTESTED_TEXT - length, "%s%s",
                                       length == 0 ? "classes without test images: " : ", ",
                                       mb_class_label(names, class, number));
    return text;
}

/* The script of the source tree as it is reached from here, in the tree or in its build folder. */
static const char *fetch_mnist(void)
{
    static const char *const paths[] = {"tools/fetch-mnist", "../tools/fetch-mnist"};
    return paths[access(paths[0], X_OK) != 0 && access(paths[1], X_OK) == 0];
}

/* stderr is discarded meanwhile: libpng and libjpeg print lines of their own about damaged files.
 */
static mb_status open_and_warn(const char *path, unsigned splits, const mb_data_options *options,
                               mb_dataset **dataset, mb_error *error)
{
    char shown[1024], ignored[1];
    const int text = mb_library_text_begin();
    const mb_status status = mb_dataset_open(path, splits, options, dataset, error);
    mb_library_text_end(text, ignored, sizeof ignored);
    if (status == MB_OK && (*dataset)->warning != NULL)
        fprintf(stderr, "mnist_blas: warning: %s\n",
                mb_printable((*dataset)->warning, shown, sizeof shown));
    return status;
}

mb_status mb_data_open(const char *given, unsigned splits, const mb_data_options *options,
                       mb_dataset **dataset, mb_error *error)
{
    char *folder = NULL;
    mb_error none;
    mb_status status = mb_dataset_find(given, &folder, error);
    if (status == MB_OK && folder == NULL) {
        mb_dataset_fail_none(&none);
        status = mb_fail(error, MB_ERROR_IO, "%s: give --data PATH, or run %s to download MNIST",
                         none.text, fetch_mnist());
    }
    if (status == MB_OK)
        status = open_and_warn(folder, splits, options, dataset, error);
    free(folder);
    return status;
}

mb_status mb_data_synthesize(mb_machine *machine, mb_dataset **dataset, mb_error *error)
{
    return mb_dataset_synthesize(machine, SYNTHETIC_SEED, dataset, error);
}

static void warn_of_shared_images(const mb_dataset *dataset)
{
    size_t shared = 0;
    mb_error warning;
    if (mb_dataset_count_shared(dataset, &shared, NULL) != MB_OK || shared == 0)
        return;
    mb_fail(&warning, MB_ERROR_FORMAT,
            "%s: %zu of %zu test images are training images, too: the test accuracy is too high",
            dataset->folder, shared, dataset->test.images.count);
    fprintf(stderr, "mnist_blas: warning: %s\n", warning.text);
}

mb_status mb_data_open_or_synthesize(const char *given, const mb_data_options *options,
                                     mb_machine *machine, mb_dataset **dataset, mb_error *error)
{
    char *folder = NULL;
    mb_error none;
    mb_status status = mb_dataset_find(given, &folder, error);
    if (status == MB_OK && folder == NULL) {
        mb_dataset_fail_none(&none);
        fprintf(stderr, "mnist_blas: %s: training on synthetic digits; run %s to download MNIST\n",
                none.text, fetch_mnist());
        return mb_data_synthesize(machine, dataset, error);
    }
    if (status == MB_OK)
        status = open_and_warn(folder, MB_SPLIT_TRAIN | MB_SPLIT_TEST, options, dataset, error);
    if (status == MB_OK)
        warn_of_shared_images(*dataset);
    free(folder);
    return status;
}

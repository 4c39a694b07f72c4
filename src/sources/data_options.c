/* The options of reading data: names, defaults, ranges and help. A new one is a member of
 * mb_data_options and an entry here. */
#include "sources/source.h"

#include <mnist_blas/options.h>

#include <string.h>

mb_data_options mb_data_defaults(void)
{
    return (mb_data_options){.test_fraction = 0.15, .seed = 1};
}

#define DATA "Data and model:"
#define AT(member) offsetof(mb_data_options, member)

const mb_option mb_data_option_table[] = {
    {"format", NULL, DATA, AT(format), "what the data are", MB_KIND_ENUM(mb_data_format_names),
     .omit_zero = true},
    {"size", NULL, DATA, AT(size), "resize images to ROWSxCOLUMNS, keeping the aspect ratio",
     .kind = MB_OPTION_IMAGE_SIZE, .metavar = "SIZE", .min_size = 1,
     .max_size = MB_IMAGE_MAX_PIXELS, .unset = "all must have one size", .omit_zero = true},
    {"color", NULL, DATA, AT(color), "give gray images three channels", MB_KIND_FLAG,
     .omit_zero = true},
    {"gray", NULL, DATA, AT(gray), "convert color images to gray", MB_KIND_FLAG, .omit_zero = true},
    {"transpose", NULL, DATA, AT(transpose),
     "exchange rows and columns of the images; of EMNIST's files, which are stored so, that is "
     "done "
     "without it, and undone by it",
     MB_KIND_FLAG, .omit_zero = true},
    {"test-fraction", NULL, DATA, AT(test_fraction),
     "share of the images that becomes the test set, if the data have none: a random sample of "
     "each class by the seed",
     MB_KIND_REAL("FLOAT", 0.0, 1.0), .min_excluded = true, .max_excluded = true},
    {"skip-bad", NULL, DATA, AT(skip_bad), "leave out pictures that cannot be read", MB_KIND_FLAG,
     .omit_zero = true},
    {"class-names", NULL, DATA, AT(class_names), "text file with the name of a class in each line",
     MB_KIND_TEXT("FILE"), .unset = "classes.txt of the data's folder", .complete = "txt"},
    {0},
};

bool mb_data_option_is_default(const mb_option *option, const mb_data_options *options)
{
    const mb_data_options defaults = mb_data_defaults();
    char is[MB_OPTION_TEXT_SIZE], unset[MB_OPTION_TEXT_SIZE];
    if (option->kind == MB_OPTION_TEXT)
        return mb_option_is_zero(option, options);
    return strcmp(mb_option_format(option, options, is, sizeof is),
                  mb_option_format(option, &defaults, unset, sizeof unset)) == 0;
}

/* The dataset that a command works on. */
#ifndef MB_TOOLS_DATA_H
#define MB_TOOLS_DATA_H

#include <mnist_blas/dataset.h>
#include <mnist_blas/options.h>

#include <stdbool.h>

/* Opens the splits of the data in `given` or, if that is NULL, of what mb_dataset_find finds. As
 * mb_dataset_open; also MB_ERROR_IO if there is no data, with the places searched and what to do.
 */
mb_status mb_data_open(const char *given, unsigned splits, const mb_data_options *options,
                       mb_dataset **dataset, mb_error *error);

/* Values of --ground: 0, auto, or 1 + an mb_ground. */
extern const mb_enum mb_ground_choices;
#define MB_OPTION_GROUND(heading, place, help)                                                     \
    {                                                                                              \
        "ground", NULL, heading, place, help, MB_KIND_ENUM(mb_ground_choices)                      \
    }

/* `form` with the ground that was chosen; auto: unchanged. */
mb_image_form mb_data_form(mb_image_form form, unsigned ground);

/* Values of --standardize. */
enum { MB_STANDARDIZE_AUTO, MB_STANDARDIZE_ON, MB_STANDARDIZE_OFF };
extern const mb_enum mb_standardize_choices;

/* `form` of the images with the standardization that was chosen, measured on them: their ground may
 * have been chosen after `form` was measured. auto: standardized if it is. */
mb_image_form mb_data_standardize(mb_image_form form, const mb_images *images, unsigned choice);

/* The same for training: if no data was requested and none is found, prints a line on stderr and
 * generates synthetic digits. */
mb_status mb_data_open_or_synthesize(const char *given, const mb_data_options *options,
                                     mb_machine *machine, mb_dataset **dataset, mb_error *error);

/* True, with a text for the user, if three standard errors do not tell this test accuracy from that
 * of always predicting the largest class. */
enum { MB_CHANCE_TEXT = 384 };
bool mb_data_is_chance(const mb_dataset *dataset, double accuracy, char text[MB_CHANCE_TEXT]);

/* "classes without test images: cat, dog", or "" if each of the `classes` classes has some; named
 * by their numbers if `names` is NULL. The names of all classes fit. Returns `text`. */
enum { MB_UNTESTED_TEXT = 1 << 15 };
char *mb_data_untested(const mb_split *test, const char *const *names, size_t classes,
                       char text[MB_UNTESTED_TEXT]);

/* Generates the synthetic digits of mb_data_open_or_synthesize. As mb_dataset_synthesize. */
mb_status mb_data_synthesize(mb_machine *machine, mb_dataset **dataset, mb_error *error);

#endif

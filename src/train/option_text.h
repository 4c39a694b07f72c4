/* Training options one by one, as text: as a checkpoint holds them, and as a command line does. */
#ifndef MB_TRAIN_OPTION_TEXT_H
#define MB_TRAIN_OPTION_TEXT_H

#include "train/options.h"

/* Room for the value of any option. */
enum { MB_OPTION_TEXT_SIZE = 32 };

/* Options are numbered 0 .. mb_option_count()-1; the name is that of the program's option, without
 * its dashes: "batch-size". */
size_t mb_option_count(void);
const char *mb_option_name(size_t number);

/* The option's value as text that reads back as the same value. */
void mb_option_format(const mb_training_options *options, size_t number,
                      char text[MB_OPTION_TEXT_SIZE]);

/* Sets the option; false where the text is none of its values, which leaves it as it was. */
bool mb_option_parse(mb_training_options *options, size_t number, const char *text);

/* Where the option stands in mb_training_options, and how many bytes it has there. */
size_t mb_option_offset(size_t number, size_t *size);

/* Whether a run with the options `held`, of the file `path`, can go on with `asked`: all that
 * decides the result must be equal, but there may be more epochs. MB_ERROR_INVALID names the first
 * difference. */
mb_status mb_training_options_compare(const char *path, const mb_training_options *held,
                                      const mb_training_options *asked, mb_error *error);

/* The shortest decimal that reads back as the same number. */
void mb_format_real(double value, char text[MB_OPTION_TEXT_SIZE]);

#endif

/* Options as tables. An entry describes one member of a struct: its name, valid values and
 * meaning. Command lines, help, checkpoints and reports use the tables. */
#ifndef MNIST_BLAS_OPTIONS_H
#define MNIST_BLAS_OPTIONS_H

#include <mnist_blas/status.h>
#include <mnist_blas/training.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Type of the member. */
typedef enum mb_option_kind {
    MB_OPTION_FLAG,        /* bool; takes no argument on a command line */
    MB_OPTION_SIZE,        /* size_t */
    MB_OPTION_AMOUNT,      /* size_t and after it a double: "5000", or a percentage: "10%" */
    MB_OPTION_UINT64,      /* uint64_t */
    MB_OPTION_REAL,        /* double */
    MB_OPTION_ENUM,        /* an enumeration, whose names are `names` */
    MB_OPTION_TEXT,        /* const char *, borrowed; NULL: not given */
    MB_OPTION_IMAGE_SIZE,  /* mb_shape of one channel: "28x28" */
    MB_OPTION_IMAGE_SHAPE, /* mb_shape: "28x28", or with channels "3x32x32" */
    MB_OPTION_SIZE_LIST,   /* mb_size_list: "1,2,4" */
    MB_OPTION_ENUM_LIST,   /* mb_size_list of enumerators: "sgd,adam" */
    MB_OPTION_TEXT_LIST    /* mb_text_list; each occurrence appends one */
} mb_option_kind;

/* Rule for changing the option of a resumed run. */
typedef enum mb_option_resume {
    MB_RESUME_FIXED, /* no: another value gives another result */
    MB_RESUME_GROWS, /* to a larger value */
    MB_RESUME_FREE   /* yes */
} mb_option_resume;

/* The names of an enumeration's values 0 .. count-1; help: NULL if the name suffices. */
typedef struct mb_enum_value {
    const char *name, *help;
} mb_enum_value;

typedef struct mb_enum {
    const mb_enum_value *values;
    unsigned count;
} mb_enum;

enum { MB_MAX_LIST = 32 };

typedef struct mb_size_list {
    size_t value[MB_MAX_LIST];
    size_t count;
} mb_size_list;

typedef struct mb_text_list {
    const char *value[MB_MAX_LIST];
    size_t count;
} mb_text_list;

typedef struct mb_option {
    const char *name;  /* "batch-size": as on a command line, without dashes */
    const char *label; /* as a heading; NULL: the name, capitalised */
    const char *group; /* heading in the help */
    size_t offset;     /* of the member */
    const char *help;  /* NULL: the command line does not have it */
    mb_option_kind kind;
    const char *metavar;         /* "N"; NULL for a flag */
    uint64_t min_size, max_size; /* SIZE, AMOUNT, UINT64, SIZE_LIST; TEXT: of the length;
                                  * IMAGE_SIZE, IMAGE_SHAPE: of the pixels */
    double min, max;             /* REAL */
    bool min_excluded, max_excluded;
    const mb_enum *names; /* ENUM, ENUM_LIST */
    const char *unset;    /* default as help shows it; NULL: the value in the struct */
    const char
        *complete; /* completion offers these words, or files with this ending (metavar FILE) */
    /* The option applies if the enumeration at needs_offset has one of the values whose bits are
     * set in needs_values; needs NULL: always. */
    const mb_enum *needs;
    size_t needs_offset;
    unsigned needs_values;
    mb_option_resume resume;
    bool omit_zero; /* 0 means that the feature is off: reports and checkpoints may leave it out */
} mb_option;

/* For initialisers, after name, label, group, offset and help: the members for the kind. */
#define MB_KIND_FLAG .kind = MB_OPTION_FLAG
#define MB_KIND_SIZE(minimum, maximum)                                                             \
    .kind = MB_OPTION_SIZE, .metavar = "N", .min_size = (minimum), .max_size = (maximum)
#define MB_KIND_AMOUNT(minimum, maximum)                                                           \
    .kind = MB_OPTION_AMOUNT, .metavar = "N", .min_size = (minimum), .max_size = (maximum)
#define MB_KIND_SIZE_LIST(minimum, maximum)                                                        \
    .kind = MB_OPTION_SIZE_LIST, .metavar = "N,...", .min_size = (minimum), .max_size = (maximum)
#define MB_KIND_REAL(unit, minimum, maximum)                                                       \
    .kind = MB_OPTION_REAL, .metavar = (unit), .min = (minimum), .max = (maximum)
#define MB_KIND_ENUM(list) .kind = MB_OPTION_ENUM, .metavar = "NAME", .names = &(list)
#define MB_KIND_ENUM_LIST(list) .kind = MB_OPTION_ENUM_LIST, .metavar = "NAME,...", .names = &(list)
#define MB_KIND_TEXT(unit) .kind = MB_OPTION_TEXT, .metavar = (unit)

/* ---- one option of any table; `options` points to the table's struct ---- */

/* Storage for the value of any option except texts and lists. */
enum { MB_OPTION_TEXT_SIZE = 32 };

/* Sets the member from text (a flag: "on" or "off"); it is left alone if the text is refused.
 * Texts are borrowed. MB_ERROR_INVALID: "NAME: must be A to B, got TEXT". */
MB_API mb_status mb_option_parse(const mb_option *option, void *options, const char *text,
                                 mb_error *error);

/* The member as text that parses to the same value, cut off at `size`. Returns `text`. */
MB_API char *mb_option_format(const mb_option *option, const void *options, char *text,
                              size_t size);

/* MB_ERROR_INVALID if the member is out of range: "NAME: must be A to B, got VALUE". */
MB_API mb_status mb_option_check(const mb_option *option, const void *options, mb_error *error);

/* The member. */
MB_API const void *mb_option_value(const mb_option *option, const void *options);

/* Copies the member. */
MB_API void mb_option_copy(const mb_option *option, const void *from, void *to);

/* True if the member has an effect, given the others. */
MB_API bool mb_option_applies(const mb_option *option, const void *options);

/* True if the member is 0, off, the first of its names, or no text. */
MB_API bool mb_option_is_zero(const mb_option *option, const void *options);

/* "batch_size", as JSON has it, and "Batch size". Both return `text`. */
MB_API char *mb_option_key(const mb_option *option, char text[MB_OPTION_TEXT_SIZE]);
MB_API char *mb_option_label(const mb_option *option, char text[MB_OPTION_TEXT_SIZE]);

/* "rotate 10, scale 0.1": the options of a table that apply because of the enumeration `needs`,
 * with their values; those that are off are left out. Cut off at `size`. Returns `text`. */
MB_API char *mb_options_describe(const mb_option *table, const void *options, const mb_enum *needs,
                                 char *text, size_t size);

/* ---- training options ---- */

/* The maximum number of epochs of a run. */
enum { MB_MAX_EPOCHS = 1000000 };

/* All members of mb_training_options, in the order of the manual page; ends with a name NULL. */
extern MB_API const mb_option mb_training_option_table[];

/* MB_ERROR_INVALID, with the option's name, if one is out of range for the dataset's training
 * images. */
MB_API mb_status mb_training_options_check(const mb_training_options *options,
                                           const mb_dataset *dataset, mb_error *error);

/* Training images that are held out: the data's own validation split if they have one, else
 * `validation`, or validation_percent of the images, rounded, at least 1. */
MB_API size_t mb_validation_count(const mb_training_options *options, const mb_dataset *dataset);

/* MB_OK if a run with the options `held`, in the file `path`, can be resumed with `asked`: all that
 * applies is equal, except that there may be more epochs. MB_ERROR_INVALID names the first
 * difference. */
MB_API mb_status mb_training_options_compare(const char *path, const mb_training_options *held,
                                             const mb_training_options *asked, mb_error *error);

/* ---- data options ---- */

/* Members of mb_data_options that a command line has; ends with a name NULL. */
extern MB_API const mb_option mb_data_option_table[];

/* True if the option of that table has its default in `options`. */
MB_API bool mb_data_option_is_default(const mb_option *option, const mb_data_options *options);

/* Formats as --format names them; "auto" is 0. */
extern MB_API const mb_enum mb_data_format_names;

/* Names as model files spell them: "light", "none". */
extern MB_API const mb_enum mb_ground_names, mb_framing_names;

/* Names as command lines spell them: "adamw", "onecycle", "elastic". */
extern MB_API const mb_enum mb_optimizer_names, mb_schedule_names, mb_augmentation_names,
    mb_padding_mode_names, mb_class_weights_names;
MB_API const char *mb_optimizer_name(mb_optimizer_kind kind);
MB_API const char *mb_schedule_name(mb_schedule_kind kind);
MB_API const char *mb_augmentation_name(mb_augmentation_kind kind);

#ifdef __cplusplus
}
#endif
#endif

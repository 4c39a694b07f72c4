#include "sweep_options.h"

#include <mnist_blas/network.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP "Sweep:"
#define AT(member) offsetof(mb_sweep_arguments, member)

static const mb_enum_value metrics[] = {
    [MB_SWEEP_BY_ACCURACY] = {"validation", "accuracy on the validation images"},
    [MB_SWEEP_BY_LOSS] = {"validation-loss", NULL},
    [MB_SWEEP_BY_NOTHING] = {"none", "choose nothing"},
};
const mb_enum mb_sweep_metric_names = {metrics, sizeof metrics / sizeof *metrics};

static const mb_option sweep_options[] = {
    {"by", NULL, SWEEP, AT(by), "metric by which runs are sorted and chosen",
     MB_KIND_ENUM(mb_sweep_metric_names)},
    {"random", NULL, SWEEP, AT(random),
     "train N configurations at random, each with all values of --seed, not all of them",
     MB_KIND_SIZE(1, MB_MAX_COMBINATIONS), .unset = "all"},
    {"sweep-seed", NULL, SWEEP, AT(sweep_seed), "seed of --random", .kind = MB_OPTION_UINT64,
     .metavar = "N", .max_size = INT64_MAX},
    {"halving", NULL, SWEEP, AT(halving),
     "successive halving: train all configurations with few epochs, the best third with three "
     "times as many, and so on, up to --epochs",
     MB_KIND_FLAG},
    {"jobs", NULL, SWEEP, AT(jobs),
     "runs at a time, each with one thread on a core of its own; of each rank under mpirun",
     MB_KIND_SIZE(1, 1024), .unset = "OMP_NUM_THREADS, else one per core"},
    {"checkpoint-every", NULL, SWEEP, AT(checkpoint_every),
     "write a checkpoint of each run every N steps, every epoch, or both: 500,epoch",
     MB_KIND_TEXT("WHEN"), .complete = "epoch never"},
    {"out", NULL, SWEEP, AT(out), "folder of the sweep, created if missing", MB_KIND_TEXT("DIR"),
     .min_size = 1},
    {"report", NULL, SWEEP, AT(report), "draw pictures and report.html of each run", MB_KIND_FLAG},
    {"quiet", NULL, SWEEP, AT(quiet), "print only the final lines", MB_KIND_FLAG},
    {0},
};

static void set_defaults(void *arguments)
{
    mb_sweep_arguments *sweep = arguments;
    *sweep = (mb_sweep_arguments){
        .out = "mnist_blas_sweep", .checkpoint_every = "never", .sweep_seed = 1};
    mb_train_set_defaults(&sweep->train);
}

/* ---- lists of values ---- */

static bool is_in(const mb_option *table, const mb_option *option)
{
    while (table->name != NULL && table != option)
        table++;
    return table == option;
}

static bool is_network(const mb_option *option) { return strcmp(option->name, "network") == 0; }

/* Only options of training vary. The data are read once, and validation images are the same. */
static bool varies(const mb_option *option)
{
    return is_network(option) ||
           (is_in(mb_training_option_table, option) && option->kind != MB_OPTION_FLAG &&
            option->kind != MB_OPTION_AMOUNT);
}

static mb_sweep_axis *axis_of(mb_sweep_arguments *arguments, const mb_option *option)
{
    size_t i = 0;
    while (i < arguments->axis_count && arguments->axes[i].option != option)
        i++;
    arguments->axes[i].option = option;
    arguments->axis_count += i == arguments->axis_count;
    return &arguments->axes[i];
}

/* Takes over `value`, which is on the heap; NULL: memory is out. */
static mb_status add_value(mb_sweep_axis *axis, char *value, mb_error *error)
{
    const char *name = axis->option->name;
    char **values = realloc(axis->values, (axis->count + 1) * sizeof *values);
    mb_status status = MB_OK;
    axis->values = values != NULL ? values : axis->values;
    if (values == NULL || value == NULL)
        status = mb_fail_memory(error, name, (axis->count + 1) * sizeof *values);
    else if (axis->count == MB_MAX_COMBINATIONS)
        status = mb_fail(error, MB_ERROR_INVALID, "%s: must have at most %d values", name,
                         MB_MAX_COMBINATIONS);
    for (size_t i = 0; status == MB_OK && i < axis->count; i++)
        if (strcmp(axis->values[i], value) == 0)
            status = mb_fail(error, MB_ERROR_INVALID, "%s: has the value %s twice", name, value);
    if (status == MB_OK)
        axis->values[axis->count++] = value;
    else
        free(value);
    return status;
}

/* Adds the item as train understands it, so that 0.1 and 0.10 are the same. */
static mb_status add_item(mb_sweep_axis *axis, const char *item, mb_error *error)
{
    mb_training_options scratch = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    char value[MB_OPTION_TEXT_SIZE];
    if (is_network(axis->option))
        return add_value(axis, strdup(item), error);
    const mb_status status = mb_option_parse(axis->option, &scratch, item, error);
    return status == MB_OK
               ? add_value(axis,
                           strdup(mb_option_format(axis->option, &scratch, value, sizeof value)),
                           error)
               : status;
}

/* "1..5", of an option of whole numbers: *first and *last. */
static bool read_range(const mb_option *option, const char *item, uint64_t *first, uint64_t *last)
{
    const mb_option number = {.kind = MB_OPTION_UINT64, .max_size = INT64_MAX};
    const char *separator = strstr(item, "..");
    char begin[MB_OPTION_TEXT_SIZE];
    if ((option->kind != MB_OPTION_SIZE && option->kind != MB_OPTION_UINT64) || separator == NULL)
        return false;
    snprintf(begin, sizeof begin, "%.*s", (int)(separator - item), item);
    return mb_option_parse(&number, first, begin, NULL) == MB_OK &&
           mb_option_parse(&number, last, separator + 2, NULL) == MB_OK && *first <= *last;
}

static mb_status add_range(mb_sweep_axis *axis, uint64_t first, uint64_t last, mb_error *error)
{
    mb_status status = MB_OK;
    char item[MB_OPTION_TEXT_SIZE];
    for (uint64_t value = first; status == MB_OK && value <= last; value++) {
        snprintf(item, sizeof item, "%llu", (unsigned long long)value);
        status = add_item(axis, item, error);
    }
    return status;
}

/* The next item of a list separated by commas, on the heap; *list becomes NULL after the last. */
static char *take_item(const char **list)
{
    const size_t length = strcspn(*list, ",");
    char *item = strndup(*list, length);
    *list = (*list)[length] == ',' ? *list + length + 1 : NULL;
    return item;
}

/* True if all items are names of networks, and not layers of one. */
static bool are_networks(const char *list)
{
    char names[256], word[64];
    bool all = true;
    mb_network_list_names(" ", names, sizeof names);
    while (all && list != NULL) {
        const size_t length = strcspn(list, ",");
        const char *at = names;
        snprintf(word, sizeof word, "%.*s", (int)length, list);
        for (all = false; !all && at != NULL; at = strchr(at, ' ')) {
            at += *at == ' ';
            all = length > 0 && strncmp(at, word, length) == 0 &&
                  (at[length] == ' ' || at[length] == '\0');
        }
        list = list[length] == ',' ? list + length + 1 : NULL;
    }
    return all;
}

static mb_status take_list(mb_sweep_axis *axis, const char *list, mb_error *error)
{
    mb_status status = MB_OK;
    while (status == MB_OK && list != NULL) {
        uint64_t first, last;
        char *item = take_item(&list);
        if (item == NULL)
            status = mb_fail_memory(error, axis->option->name, 1);
        else if (read_range(axis->option, item, &first, &last))
            status = add_range(axis, first, last, error);
        else
            status = add_item(axis, item, error);
        free(item);
    }
    return status;
}

/* Options that do not vary have the value that was given last, as with train. */
static mb_status take(void *arguments, const mb_option *option, const char *text, mb_error *error)
{
    if (is_in(sweep_options, option))
        return mb_option_parse(option, arguments, text, error);
    mb_sweep_axis *axis = axis_of(arguments, option);
    if (varies(option) && (!is_network(option) || are_networks(text)))
        return take_list(axis, text, error);
    while (!varies(option) && axis->count > 0)
        free(axis->values[--axis->count]);
    return add_value(axis, strdup(text), error);
}

/* ---- the command line ---- */

const mb_sweep_axis *mb_sweep_axis_of(const mb_sweep_arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->axis_count; i++)
        if (strcmp(arguments->axes[i].option->name, name) == 0)
            return &arguments->axes[i];
    return NULL;
}

/* The order in which options are given does not matter: axes are in that of the tables. */
static void sort_axes(mb_sweep_arguments *arguments)
{
    const mb_option *option;
    size_t offset, sorted = 0;
    for (size_t i = 0; (option = mb_command_option(&mb_command_sweep, i, &offset)) != NULL; i++)
        for (size_t k = sorted; k < arguments->axis_count; k++)
            if (arguments->axes[k].option == option) {
                const mb_sweep_axis axis = arguments->axes[k];
                arguments->axes[k] = arguments->axes[sorted];
                arguments->axes[sorted++] = axis;
                break;
            }
}

static mb_status check(const mb_sweep_arguments *arguments, mb_error *error)
{
    const mb_sweep_axis *epochs = mb_sweep_axis_of(arguments, "epochs");
    if (arguments->halving && epochs != NULL && epochs->count > 1)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--epochs: must be one number with --halving, that of the last rung, got "
                       "%zu",
                       epochs->count);
    if (arguments->halving && arguments->by == MB_SWEEP_BY_NOTHING)
        return mb_fail(error, MB_ERROR_INVALID,
                       "--by none: --halving chooses the best runs; leave one of them out");
    return MB_OK;
}

mb_status mb_sweep_arguments_parse(int argc, char **argv, mb_sweep_arguments *arguments,
                                   mb_error *error)
{
    mb_parsed parsed = {.operands = NULL};
    set_defaults(arguments);
    const mb_status status =
        mb_parse_arguments(&mb_command_sweep, argc, argv, arguments, &parsed, error);
    sort_axes(arguments);
    return status == MB_OK ? check(arguments, error) : status;
}

void mb_sweep_arguments_free(mb_sweep_arguments *arguments)
{
    for (size_t i = 0; i < arguments->axis_count; i++) {
        for (size_t v = 0; v < arguments->axes[i].count; v++)
            free(arguments->axes[i].values[v]);
        free(arguments->axes[i].values);
    }
    arguments->axis_count = 0;
}

const mb_command mb_command_sweep = {
    .name = "sweep",
    .runs_over_ranks = true,
    .brief = "train with all combinations of options",
    .about =
        "Trains with all combinations of values of --network and of the options of training that "
        "take a value (all runs have the same data): separated by commas "
        "(--lr 0.001,0.003), as a range of whole numbers (--seed 1..5), or by giving an option "
        "again. A list of which all items name networks is several networks, else one. As many "
        "runs as there are cores train at a time, each with one thread. Started again after it "
        "was stopped or killed, a sweep goes on. Ranks of mpirun share the runs. The folder of the "
        "sweep gets sweep.csv, sweep.html and a folder of each run.",
    .lists_layers = true,
    .examples = "Examples:\n"
                "  mnist_blas sweep --lr 0.001,0.003,0.01 --seed 1..3 --validation 10%\n"
                "  mnist_blas sweep --network mlp,lenet5 --validation 10% --out networks\n"
                "  mnist_blas sweep --lr .001,.003,.01 --validation 10% --halving --out rungs\n"
                "  mnist_blas sweep --seed 1..5 --by none --out seeds",
    .groups = {{sweep_options, 0},
               {mb_train_model_options, AT(train)},
               {mb_data_option_table, AT(train.reading)},
               {mb_training_option_table, AT(train.training)}},
    .size = sizeof(mb_sweep_arguments),
    .set_defaults = set_defaults,
    .take = take,
    .main = mb_sweep_main,
};

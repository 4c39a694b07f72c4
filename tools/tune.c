/* mnist_blas tune */
#include "cli.h"
#include "data.h"

#include "core/clock.h"
#include "report/summary.h"
#include "train/tune.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seconds for all measurements, and of one of them; rounds and candidates at most. */
static const double all_seconds = 8.0, measured_seconds = 0.05;
enum { MOST_ROUNDS = 25, MOST_CANDIDATES = 16 };

enum { KEY_DATA = 256, KEY_NETWORK, KEY_BATCH_SIZE, KEY_OPTIMIZER };

static const struct argp_option options[] = {
    {0, 0, 0, 0, "What will be trained:", 1},
    {"data", KEY_DATA, "DIR", 0, "folder with the four IDX files", 1},
    {"network", KEY_NETWORK, "SPEC", 0, "as train is given", 1},
    {"batch-size", KEY_BATCH_SIZE, "N", 0, "samples of a step", 1},
    {"optimizer", KEY_OPTIMIZER, "NAME", 0, "sgd, adam or adamw", 1},
    {0}};

typedef struct tune_arguments {
    const char *data, *network;
    size_t batch_size;
    mb_optimizer_kind optimizer;
    mb_error *error;
} tune_arguments;

/* Threads and pins to try, and the samples per second of each round. */
typedef struct candidate {
    mb_machine_options machine;
    double speed[MOST_ROUNDS];
    mb_spread spread;
} candidate;

typedef struct tuning {
    mb_speed_trial job;
    candidate candidates[MOST_CANDIDATES];
    size_t count, rounds;
    bool openmp_binds;
} tuning;

/* ---- candidates ---- */

static void add(tuning *t, size_t threads, const char *pin)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->candidates[i].machine.threads == threads &&
            strcmp(t->candidates[i].machine.pin, pin) == 0)
            return;
    if (t->count < MOST_CANDIDATES)
        t->candidates[t->count++].machine = (mb_machine_options){threads, pin};
}

/* Powers of two and all cores, pinned; all cores left to the operating system; and where cores have
 * several hardware threads, all of those. Where OpenMP binds, only threads are left to choose. */
static void list_candidates(tuning *t, const mb_machine_info *info)
{
    size_t most = info->cores_allowed;
    t->openmp_binds = strcmp(info->pin_policy, "OpenMP") == 0;
    if (info->quota >= 1.0 && info->quota < (double)most)
        most = (size_t)info->quota;
    for (size_t threads = 1; threads < most; threads *= 2)
        add(t, threads, "core");
    add(t, most, "core");
    if (t->openmp_binds)
        return;
    add(t, most, "none");
    if (info->pus_allowed > info->cores_allowed && info->quota == 0.0)
        add(t, info->pus_allowed, "pu");
}

/* ---- measuring ---- */

static mb_status measure(const tuning *t, candidate *c, size_t round, mb_error *error)
{
    double seconds = 0.0;
    const mb_status status = mb_speed_trial_run(&t->job, &c->machine, &seconds, error);
    if (status == MB_OK)
        c->speed[round] = (double)t->job.samples / seconds;
    return status;
}

/* As many samples as take measured_seconds: a step at least. */
static mb_status choose_samples(tuning *t, mb_error *error)
{
    const size_t all = t->job.dataset->train.images.count, step = t->job.options.batch_size;
    candidate *fastest = &t->candidates[t->count - 1]; /* most likely */
    mb_status status = MB_OK;
    for (t->job.samples = step < all ? step : all; status == MB_OK;) {
        status = measure(t, fastest, 0, error);
        const double wanted = fastest->speed[0] * measured_seconds;
        if (t->job.samples == all || wanted < 2.0 * (double)t->job.samples)
            break;
        t->job.samples = wanted < (double)all ? (size_t)wanted : all;
    }
    return status;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sum_up(tuning *t)
{
    const size_t n = t->rounds;
    for (size_t i = 0; i < t->count; i++) {
        double *speed = t->candidates[i].speed;
        qsort(speed, n, sizeof *speed, ascending);
        t->candidates[i].spread =
            (mb_spread){speed[0], 0.5 * (speed[(n - 1) / 2] + speed[n / 2]), speed[n - 1]};
    }
}

/* Rounds in which each candidate has its turn, so that what disturbs the machine disturbs all; one
 * at least, and no more than the time allows. */
static mb_status measure_all(tuning *t, mb_error *error)
{
    const double start = mb_seconds();
    mb_status status = choose_samples(t, error);
    double longest = 0.0;
    while (status == MB_OK && t->rounds < MOST_ROUNDS) {
        const double begun = mb_seconds();
        if (t->rounds > 0 && begun - start + longest > all_seconds)
            break;
        for (size_t i = 0; i < t->count && status == MB_OK; i++)
            status = measure(t, &t->candidates[i], t->rounds, error);
        longest = mb_seconds() - begun > longest ? mb_seconds() - begun : longest;
        t->rounds++;
    }
    if (status == MB_OK)
        sum_up(t);
    return status;
}

/* ---- what is printed ---- */

/* The first that is as good as the fastest but for what a machine's noise makes of it: fewer
 * threads come first, and the default pins. */
static const candidate *best_of(const tuning *t)
{
    const double noise = 0.02;
    const candidate *best = t->candidates;
    double fastest = 0.0;
    for (size_t i = 0; i < t->count; i++)
        fastest = fmax(fastest, t->candidates[i].spread.median);
    while (best->spread.median < (1.0 - noise) * fastest)
        best++;
    return best;
}

static void print_line(const tuning *t, const candidate *c, const candidate *best)
{
    printf("# %7zu  %-6s %10.0f %10.0f %10.0f%s\n", c->machine.threads,
           t->openmp_binds ? "OpenMP" : c->machine.pin, c->spread.min, c->spread.median,
           c->spread.max, c == best ? "  best" : "");
}

/* Lines for a shell; what is not for it are comments. */
static void print_choice(const tuning *t)
{
    const candidate *best = best_of(t);
    printf("# %s, batch size %zu, %s: samples/s in %zu alternating round%s\n", t->job.network,
           t->job.options.batch_size, mb_optimizer_name(t->job.options.optimizer), t->rounds,
           t->rounds > 1 ? "s" : "");
    printf("# threads  pins          min     median        max\n");
    for (size_t i = 0; i < t->count; i++)
        print_line(t, &t->candidates[i], best);
    printf("# best (others within 2 %% count as equal): %.2f times the speed of one thread\n",
           best->spread.median / t->candidates[0].spread.median);
    printf("export OMP_NUM_THREADS=%zu\n", best->machine.threads);
    if (!t->openmp_binds)
        printf("export MNIST_BLAS_PIN=%s\n", best->machine.pin);
}

static mb_status tune(const tune_arguments *arguments, mb_error *error)
{
    tuning t = {.job = {.network = arguments->network,
                        .options = mb_training_defaults(arguments->optimizer)}};
    const mb_machine_options one_thread = {.threads = 1};
    mb_machine *machine = NULL;
    mb_dataset *dataset = NULL;
    t.job.options.batch_size = arguments->batch_size;
    mb_status status = mb_machine_open(&one_thread, &machine, error);
    if (status == MB_OK)
        status = mb_data_open_or_synthesize(arguments->data, machine, &dataset, error);
    if (status == MB_OK) {
        list_candidates(&t, mb_machine_describe(machine));
        mb_report_warnings(machine);
    }
    mb_machine_close(machine); /* before others pin their threads */
    t.job.dataset = dataset;
    if (status == MB_OK)
        status = measure_all(&t, error);
    if (status == MB_OK)
        print_choice(&t);
    mb_dataset_close(dataset);
    return status;
}

/* ---- options ---- */

static error_t parse(int key, char *text, struct argp_state *state)
{
    tune_arguments *arguments = state->input;
    mb_status status = MB_OK;
    switch (key) {
    case KEY_DATA:
        arguments->data = text;
        break;
    case KEY_NETWORK:
        arguments->network = text;
        break;
    case KEY_BATCH_SIZE:
        status = mb_parse_size("--batch-size", text, 1, UINT32_MAX, &arguments->batch_size,
                               arguments->error);
        break;
    case KEY_OPTIMIZER:
        status = mb_parse_optimizer("--optimizer", text, &arguments->optimizer, arguments->error);
        break;
    case ARGP_KEY_ARG:
        status = mb_fail(arguments->error, MB_ERROR_INVALID, "%s: tune takes options only", text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return status == MB_OK ? 0 : EINVAL;
}

static char *with_default(int key, const char *text, void *input)
{
    const tune_arguments *arguments = input;
    switch (arguments != NULL ? key : 0) {
    case KEY_DATA:
        return mb_help_default_data(text);
    case KEY_NETWORK:
        return mb_help_default(text, "%s", arguments->network);
    case KEY_BATCH_SIZE:
        return mb_help_default(text, "%zu", arguments->batch_size);
    case KEY_OPTIMIZER:
        return mb_help_default(text, "%s", mb_optimizer_name(arguments->optimizer));
    default:
        return (char *)(uintptr_t)text;
    }
}

int mb_command_tune(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .help_filter = with_default,
        .doc =
            "Measures with how many threads, and how pinned, this machine trains a network "
            "fastest, and prints it as lines for a shell, with the figures as comments. It takes "
            "less than ten seconds. No choice changes a bit of a model.\v"
            "Examples:\n"
            "  mnist_blas tune\n"
            "  mnist_blas tune --batch-size 256 --network dense:512,relu,dense:10\n"
            "\nTo use what it finds: eval \"$(mnist_blas tune)\""};
    mb_error error = {0};
    const mb_training_options defaults = mb_training_defaults(MB_OPTIMIZER_ADAMW);
    tune_arguments arguments = {.network = "mlp",
                                .batch_size = defaults.batch_size,
                                .optimizer = defaults.optimizer,
                                .error = &error};
    mb_status status = mb_parse_arguments(&argp, argc, argv, &arguments, &error);
    if (status == MB_OK)
        status = tune(&arguments, &error);
    return status == MB_OK ? MB_EXIT_DONE : mb_report_error(&error);
}

/* mnist_blas sweep */
#include "restart.h"
#include "run_folder.h"
#include "signals.h"
#include "sweep_plan.h"
#include "sweep_print.h"
#include "workers.h"

#include <mnist_blas/folder.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEATHS = 2, LOCK_TRIES = 200, LOCK_WAIT_US = 50000 };

typedef struct sweep {
    mb_sweep_arguments arguments;
    mb_sweep_plan plan;
    mb_run_arguments first; /* of run 0, whose data all have */
    mb_train_run inputs;    /* machine and dataset; in a process its own machine */
    uint64_t read_seed;     /* with which the dataset was read */
    mb_sweep_output output;
    size_t jobs; /* runs at a time */
    int lock;
} sweep;

/* ---- in a process of the pool ---- */

/* The machine is that of the process, and the data too if the run has others: a test split drawn by
 * its seed. */
static mb_status open_inputs(sweep *s, size_t process, const mb_train_arguments *arguments,
                             mb_error *error)
{
    const mb_machine_options options = {.threads = 1, .place = process};
    mb_train_run *inputs = &s->inputs;
    mb_status status = MB_OK;
    if (inputs->machine == NULL) {
        mb_restore_initial_affinity();
        status = mb_machine_open(&options, &inputs->machine, error);
    }
    if (status != MB_OK || !inputs->dataset->test_by_seed ||
        arguments->reading.seed == s->read_seed)
        return status;
    mb_dataset *before = inputs->dataset;
    inputs->arguments = *arguments;
    inputs->arguments.data = before->folder;
    inputs->dataset = NULL;
    status = mb_train_open_data(inputs, error);
    if (status != MB_OK) {
        inputs->dataset = before;
        return status;
    }
    mb_dataset_close(before);
    s->read_seed = arguments->reading.seed;
    return MB_OK;
}

static bool is_alone(void *context)
{
    (void)context;
    return mb_worker_is_alone();
}

static void remove_file(const char *folder, const char *name)
{
    char *path = mb_join(folder, name);
    if (path != NULL)
        unlink(path);
    free(path);
}

static mb_status train(void *context, size_t process, size_t number, mb_error *error)
{
    sweep *s = context;
    mb_run_arguments arguments;
    mb_train_run run = {.lock = -1, .shares_inputs = true, .stop = is_alone};
    mb_status status = mb_sweep_plan_arguments(&s->plan, number, true, &arguments, error);
    if (status == MB_OK)
        status = open_inputs(s, process, &arguments.train, error);
    run.machine = s->inputs.machine;
    run.dataset = s->inputs.dataset;
    run.arguments = arguments.train;
    run.from = arguments.from;
    arguments.train = (mb_train_arguments){0};
    arguments.from = NULL;
    run.output.gone = run.errors.gone = true; /* results and failures are in the table */
    if (status == MB_OK)
        status = mb_train_execute(&run, error);
    /* A checkpoint that was written because the run was stopped is of no use after its end. The
     * summary of a failed run, which may have failed later, would make it a finished one. */
    if (status == MB_OK && !run.stopped && strcmp(s->arguments.checkpoint_every, "never") == 0)
        remove_file(s->plan.planned[number].folder, "checkpoint");
    if (status != MB_OK && run.lock >= 0)
        remove_file(s->plan.planned[number].folder, "summary.json");
    mb_train_close(&run);
    mb_run_arguments_free(&arguments);
    return status;
}

/* ---- in the first process ---- */

static bool next_run(void *context, size_t *number)
{
    sweep *s = context;
    mb_sweep_plan *plan = &s->plan;
    size_t i = plan->rung_start;
    while (i < plan->sweep.run_count &&
           (plan->planned[i].taken || plan->sweep.runs[i].state != MB_SWEEP_WAITING))
        i++;
    if (i == plan->sweep.run_count)
        return false;
    plan->planned[i].taken = true;
    *number = i;
    return true;
}

static mb_status fail_run(mb_sweep_run *run, const char *why, mb_error *error)
{
    run->failure = strdup(why);
    run->state = MB_SWEEP_FAILED;
    return run->failure != NULL ? MB_OK : mb_fail_memory(error, "sweep", strlen(why));
}

/* A run whose process died is tried once more: the system may have ended it for want of memory. */
static mb_status end_run(void *context, const mb_job_end *end, mb_error *error)
{
    sweep *s = context;
    mb_planned_run *planned = &s->plan.planned[end->job];
    mb_sweep_run *run = &s->plan.sweep.runs[end->job];
    mb_status status = MB_OK;
    planned->taken = false;
    planned->deaths += end->died;
    if (end->status == MB_OK) {
        status = mb_sweep_read_run(s->arguments.out, planned->command, run, error);
        if (status == MB_OK && run->state != MB_SWEEP_FINISHED)
            status = fail_run(run, "its summary.json is not there, or of another run", error);
    } else if (!end->died || planned->deaths == MAX_DEATHS)
        status = fail_run(run, end->text, error);
    mb_sweep_print_run(&s->output, &s->plan, end);
    return status == MB_OK ? mb_sweep_write(&s->plan.sweep, s->arguments.out, error) : status;
}

static bool is_stopped(void *context)
{
    (void)context;
    return mb_signals_received() != 0;
}

/* Trains the runs of all rungs that are not there yet. */
static mb_status train_runs(sweep *s, mb_error *error)
{
    const mb_workers workers = {.count = s->jobs,
                                .context = s,
                                .work = train,
                                .next = next_run,
                                .ended = end_run,
                                .stop = is_stopped};
    mb_status status = MB_OK;
    for (bool any = true; status == MB_OK && any;) {
        status = mb_sweep_plan_read(&s->plan, error);
        if (status == MB_OK) {
            mb_sweep_print_rung(&s->output, &s->plan, s->jobs);
            status = mb_workers_run(&workers, error);
        }
        if (status == MB_OK && !is_stopped(NULL))
            status = mb_sweep_plan_next_rung(&s->plan, &any, error);
        else
            any = false;
        if (status == MB_OK && any)
            status = mb_sweep_plan_check(&s->plan, &s->inputs, error);
    }
    return status;
}

/* The processes of a sweep that was killed have the folder until they have saved their work. */
static mb_status lock_folder(sweep *s, mb_error *error)
{
    const char *out = s->arguments.out;
    mb_status status = mb_folder_prepare(out, error);
    for (int i = 0; status == MB_OK && i < LOCK_TRIES; i++) {
        if (mb_folder_lock(out, &s->lock, NULL) == MB_OK)
            return MB_OK;
        usleep(LOCK_WAIT_US);
    }
    return status == MB_OK ? mb_run_folder_open(out, &s->lock, error) : status;
}

/* Reads the data with one thread: the processes, which begin as copies of this one, would wait
 * forever for other threads of OpenMP, which a copy does not have. */
static mb_status read_data(sweep *s, mb_error *error)
{
    const mb_machine_options options = {.threads = 1};
    mb_status status = mb_sweep_plan_arguments(&s->plan, 0, false, &s->first, error);
    s->inputs.arguments = s->first.train;
    s->read_seed = s->first.train.reading.seed;
    if (status == MB_OK)
        status = mb_machine_open(&options, &s->inputs.machine, error);
    if (status == MB_OK)
        status = mb_train_open_data(&s->inputs, error);
    if (status != MB_OK)
        return status;
    mb_report_warnings(MB_PROGRAM, s->inputs.machine);
    const size_t threads = mb_machine_describe(s->inputs.machine)->threads_default;
    s->jobs = s->arguments.jobs > 0 ? s->arguments.jobs : threads;
    if (s->jobs == 0)
        return mb_fail(error, MB_ERROR_INVALID, "OMP_NUM_THREADS: '%s' is not a thread count",
                       getenv("OMP_NUM_THREADS"));
    return MB_OK;
}

static mb_status prepare(sweep *s, int argc, char **argv, mb_error *error)
{
    mb_status status = mb_sweep_arguments_parse(argc, argv, &s->arguments, error);
    s->output.quiet = s->arguments.quiet;
    if (status == MB_OK)
        status = mb_sweep_plan_open(&s->arguments, &s->plan, error);
    if (status == MB_OK)
        status = read_data(s, error);
    if (status == MB_OK)
        status = mb_sweep_plan_check(&s->plan, &s->inputs, error);
    if (status == MB_OK)
        status = mb_sweep_plan_command(&s->plan, s->inputs.dataset->folder, error);
    if (status == MB_OK)
        status = lock_folder(s, error);
    if (status == MB_OK)
        status = mb_sweep_claim(s->arguments.out, s->plan.command, error);
    if (status == MB_OK)
        mb_sweep_print_beginning(&s->output, &s->plan, s->inputs.dataset);
    /* Its core is for the runs. */
    mb_machine_close(s->inputs.machine);
    s->inputs.machine = NULL;
    return status;
}

static mb_status finish(sweep *s, mb_error *error)
{
    const char *out = s->arguments.out;
    mb_status status = mb_sweep_write(&s->plan.sweep, out, error);
    if (status == MB_OK)
        status = mb_sweep_draw(&s->output, &s->plan.sweep, out, error);
    return status == MB_OK ? mb_sweep_print_end(&s->output, &s->plan, error) : status;
}

static void close_sweep(sweep *s)
{
    mb_sweep_plan_close(&s->plan);
    mb_run_arguments_free(&s->first);
    mb_sweep_arguments_free(&s->arguments);
    mb_dataset_close(s->inputs.dataset);
    mb_folder_unlock(s->lock);
}

int mb_sweep_main(int argc, char **argv)
{
    sweep s = {.lock = -1};
    mb_error error;
    int stopped = 0;
    mb_signals_install();
    mb_output_open(&s.output.out, STDOUT_FILENO);
    mb_output_open(&s.output.errors, STDERR_FILENO);
    mb_status status = prepare(&s, argc, argv, &error);
    if (status == MB_OK) {
        mb_signals_defer(true);
        status = train_runs(&s, &error);
        stopped = mb_signals_received();
    }
    if (status == MB_OK && stopped == 0)
        status = finish(&s, &error);
    else if (status == MB_OK)
        mb_sweep_print_stop(&s.output, &s.plan, stopped);
    const mb_status closed =
        mb_output_close(&s.output.out, "standard output", status == MB_OK ? &error : NULL);
    status = status == MB_OK ? closed : status;
    mb_output_close(&s.output.errors, "standard error", NULL);
    close_sweep(&s);
    if (status != MB_OK)
        return mb_output_takes_text(STDERR_FILENO) ? mb_report_error(&error) : MB_EXIT_FAILED;
    return stopped != 0 ? 128 + stopped : MB_EXIT_DONE;
}

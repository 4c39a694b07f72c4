/* mnist_blas sweep */
#include "run_folder.h"
#include "signals.h"
#include "sweep_training.h"

#include <mnist_blas/folder.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEATHS = 2, WAIT_MS = 100, WAIT_FOR_RANKS_MS = 5 };

int mb_sweep_wait_ms(const mb_sweep_training *sweep)
{
    return sweep->ranks != NULL ? WAIT_FOR_RANKS_MS : WAIT_MS;
}

bool mb_sweep_is_stopped(mb_sweep_training *sweep)
{
    if (sweep->signal == 0)
        sweep->signal = mb_signals_received();
    return sweep->signal != 0;
}

static bool is_first_rank(const mb_sweep_training *sweep)
{
    return mb_ranks_describe(sweep->ranks).rank == 0;
}

/* ---- runs ---- */

bool mb_sweep_next_run(mb_sweep_training *sweep, size_t rank, size_t *number)
{
    mb_sweep_plan *plan = &sweep->plan;
    size_t i = plan->rung_start;
    while (i < plan->sweep.run_count &&
           (plan->planned[i].taken || plan->sweep.runs[i].state != MB_SWEEP_WAITING))
        i++;
    if (i == plan->sweep.run_count)
        return false;
    plan->planned[i].taken = true;
    plan->planned[i].rank = rank;
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
mb_status mb_sweep_end_run(mb_sweep_training *sweep, const mb_job_end *end, mb_error *error)
{
    mb_planned_run *planned = &sweep->plan.planned[end->job];
    mb_sweep_run *run = &sweep->plan.sweep.runs[end->job];
    mb_status status = MB_OK;
    planned->taken = false;
    planned->deaths += end->died;
    if (end->status == MB_OK && run->state != MB_SWEEP_FINISHED)
        status = fail_run(run, "its summary.json is not there, or of another run", error);
    else if (end->status != MB_OK && (!end->died || planned->deaths == MAX_DEATHS))
        status = fail_run(run, end->text, error);
    mb_sweep_print_run(&sweep->output, &sweep->plan, end);
    return status == MB_OK ? mb_sweep_write(&sweep->plan.sweep, sweep->arguments.out, error)
                           : status;
}

/* ---- runs that processes of this rank train ---- */

static bool next_run(void *context, size_t *number)
{
    return mb_sweep_next_run(context, 0, number);
}

static mb_status end_run(void *context, const mb_job_end *end, mb_error *error)
{
    mb_sweep_training *sweep = context;
    mb_status status = MB_OK;
    if (end->status == MB_OK)
        status = mb_sweep_read_run(sweep->arguments.out, sweep->plan.planned[end->job].command,
                                   &sweep->plan.sweep.runs[end->job], error);
    return status == MB_OK ? mb_sweep_end_run(sweep, end, error) : status;
}

/* ---- rungs ---- */

/* Trains the runs of the rung in progress that are not there yet. */
static mb_status train_rung(mb_sweep_training *sweep, mb_error *error)
{
    const mb_workers_options options = {.count = sweep->jobs,
                                        .context = sweep,
                                        .work = mb_sweep_train,
                                        .next = next_run,
                                        .ended = end_run};
    const int wait_ms = mb_sweep_wait_ms(sweep);
    mb_workers *workers;
    bool busy = true, others_busy = true;
    mb_status status = mb_workers_open(&options, &workers, error);
    if (status != MB_OK)
        return status;
    while (status == MB_OK && (busy || others_busy) && !mb_sweep_is_stopped(sweep)) {
        status = mb_sweep_others_step(sweep, &others_busy, error);
        if (status == MB_OK)
            status = mb_workers_step(workers, wait_ms, &busy, error);
        if (others_busy && !busy)
            usleep(1000 * (unsigned)wait_ms);
    }
    if (status != MB_OK || mb_sweep_is_stopped(sweep))
        mb_sweep_others_stop(sweep);
    while (sweep->ranks != NULL && !mb_workers_end(workers)) {
        mb_sweep_others_step(sweep, &others_busy, NULL);
        usleep(1000 * (unsigned)wait_ms);
    }
    mb_workers_close(workers);
    return status;
}

/* Trains the runs of all rungs that are not there yet. */
static mb_status train_runs(mb_sweep_training *sweep, mb_error *error)
{
    mb_status status = MB_OK;
    for (bool any = true; status == MB_OK && any;) {
        status = mb_sweep_plan_read(&sweep->plan, error);
        if (status == MB_OK) {
            mb_sweep_print_rung(&sweep->output, &sweep->plan, mb_sweep_all_jobs(sweep));
            status = train_rung(sweep, error);
        }
        if (status == MB_OK && !mb_sweep_is_stopped(sweep))
            status = mb_sweep_plan_next_rung(&sweep->plan, &any, error);
        else
            any = false;
        if (status == MB_OK && any)
            status = mb_sweep_plan_check(&sweep->plan, &sweep->inputs, error);
    }
    return status;
}

/* ---- the sweep ---- */

/* The processes of a sweep that was killed have the folder until they have saved their work. */
static mb_status lock_folder(mb_sweep_training *sweep, mb_error *error)
{
    const char *out = sweep->arguments.out;
    const mb_status status = mb_folder_prepare(out, error);
    if (status != MB_OK || mb_sweep_lock(out, &sweep->lock))
        return status;
    return mb_run_folder_open(out, &sweep->lock, error);
}

/* What all ranks do alike, up to the machine, which they open together. They parse before they know
 * each other: --help and the like end all of them. */
static mb_status open_together(mb_sweep_training *sweep, int argc, char **argv, mb_error *error)
{
    mb_error refused;
    const mb_status parsed = mb_sweep_arguments_parse(argc, argv, &sweep->arguments, &refused);
    mb_status status = mb_ranks_open(&sweep->ranks, error);
    if (status != MB_OK)
        return status;
    if (parsed != MB_OK)
        *error = refused;
    status = parsed;
    sweep->output.quiet = sweep->arguments.quiet;
    if (status == MB_OK)
        status = mb_sweep_plan_open(&sweep->arguments, &sweep->plan, error);
    if (status == MB_OK)
        status = mb_sweep_plan_arguments(&sweep->plan, 0, false, &sweep->first, error);
    if (status == MB_OK && is_first_rank(sweep) && sweep->ranks != NULL) {
        const size_t ranks = mb_ranks_describe(sweep->ranks).count;
        sweep->others = calloc(ranks, sizeof *sweep->others);
        if (sweep->others == NULL)
            status = mb_fail_memory(error, "sweep", ranks * sizeof *sweep->others);
    }
    return mb_ranks_agree(sweep->ranks, status, error);
}

/* Reads the data with one thread: the processes, which begin as copies of this one, would wait
 * forever for other threads of OpenMP, which a copy does not have. */
static mb_status read_data(mb_sweep_training *sweep, mb_error *error)
{
    const mb_machine_options options = {.threads = 1, .ranks = sweep->ranks};
    sweep->inputs.arguments = sweep->first.train;
    sweep->read_seed = sweep->first.train.reading.seed;
    mb_status status = mb_machine_open(&options, &sweep->inputs.machine, error);
    if (status == MB_OK)
        status = mb_train_open_data(&sweep->inputs, error);
    if (status != MB_OK)
        return status;
    const mb_machine_info *machine = mb_machine_describe(sweep->inputs.machine);
    if (is_first_rank(sweep))
        mb_report_warnings(MB_PROGRAM, sweep->inputs.machine);
    sweep->place = machine->rank_core;
    sweep->jobs = sweep->arguments.jobs > 0 ? sweep->arguments.jobs : machine->threads_default;
    if (sweep->jobs == 0)
        return mb_fail(error, MB_ERROR_INVALID, "OMP_NUM_THREADS: '%s' is not a thread count",
                       getenv("OMP_NUM_THREADS"));
    return MB_OK;
}

/* Reads the data and checks all runs. */
static mb_status prepare(mb_sweep_training *sweep, mb_error *error)
{
    mb_status status = read_data(sweep, error);
    if (status == MB_OK)
        status = mb_sweep_plan_check(&sweep->plan, &sweep->inputs, error);
    if (status == MB_OK)
        status = mb_sweep_plan_command(&sweep->plan, sweep->inputs.dataset->folder, error);
    if (status == MB_OK && is_first_rank(sweep))
        status = mb_sweep_others_open(sweep, error);
    if (status == MB_OK && is_first_rank(sweep))
        status = lock_folder(sweep, error);
    if (status == MB_OK && is_first_rank(sweep))
        status = mb_sweep_claim(sweep->arguments.out, sweep->plan.command, error);
    if (status == MB_OK && is_first_rank(sweep))
        mb_sweep_print_beginning(&sweep->output, &sweep->plan, sweep->inputs.dataset);
    /* Its core is for the runs. */
    mb_machine_close(sweep->inputs.machine);
    sweep->inputs.machine = NULL;
    return status;
}

static mb_status finish(mb_sweep_training *sweep, mb_error *error)
{
    const char *out = sweep->arguments.out;
    mb_status status = mb_sweep_write(&sweep->plan.sweep, out, error);
    if (status == MB_OK)
        status = mb_sweep_draw(&sweep->output, &sweep->plan.sweep, out, error);
    return status == MB_OK ? mb_sweep_print_end(&sweep->output, &sweep->plan, error) : status;
}

/* Trains, as rank 0 or alone. Returns the exit code. */
static int lead(mb_sweep_training *sweep, mb_status status, mb_error *error)
{
    if (status == MB_OK)
        status = train_runs(sweep, error);
    mb_sweep_others_close(sweep);
    const int stopped = status == MB_OK ? sweep->signal : 0;
    if (status == MB_OK && stopped == 0)
        status = finish(sweep, error);
    else if (status == MB_OK)
        mb_sweep_print_stop(&sweep->output, &sweep->plan, stopped);
    const mb_status closed =
        mb_output_close(&sweep->output.out, "standard output", status == MB_OK ? error : NULL);
    status = status == MB_OK ? closed : status;
    mb_output_close(&sweep->output.errors, "standard error", NULL);
    return stopped != 0 ? 128 + stopped : mb_exit_code_of_ranks(sweep->ranks, status, error);
}

static void close_sweep(mb_sweep_training *sweep)
{
    mb_sweep_plan_close(&sweep->plan);
    mb_run_arguments_free(&sweep->first);
    mb_sweep_arguments_free(&sweep->arguments);
    mb_dataset_close(sweep->inputs.dataset);
    mb_folder_unlock(sweep->lock);
    free(sweep->others);
    if (sweep->all_left)
        mb_ranks_close(sweep->ranks);
    else
        mb_ranks_abandon(sweep->ranks);
}

int mb_sweep_main(int argc, char **argv)
{
    mb_sweep_training sweep = {.lock = -1};
    mb_error error;
    int code;
    mb_signals_install();
    mb_output_open(&sweep.output.out, STDOUT_FILENO);
    mb_output_open(&sweep.output.errors, STDERR_FILENO);
    mb_status status = open_together(&sweep, argc, argv, &error);
    if (status != MB_OK) {
        code = mb_exit_code_of_ranks(sweep.ranks, status, &error);
        sweep.all_left = true;
        close_sweep(&sweep);
        return code;
    }
    status = prepare(&sweep, &error);
    if (status == MB_OK)
        mb_signals_defer(true);
    code = is_first_rank(&sweep) ? lead(&sweep, status, &error)
                                 : mb_sweep_follow(&sweep, status, &error);
    close_sweep(&sweep);
    return code;
}

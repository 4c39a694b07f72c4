/* A process that trains runs of a sweep. */
#include "restart.h"
#include "run_folder.h"
#include "sweep_training.h"

#include <mnist_blas/folder.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOCK_TRIES = 200, LOCK_WAIT_US = 50000 };

bool mb_sweep_lock(const char *folder, int *lock)
{
    for (int i = 0; i < LOCK_TRIES && !mb_worker_is_alone(); i++) {
        if (mb_folder_lock(folder, lock, NULL) == MB_OK)
            return true;
        usleep(LOCK_WAIT_US);
    }
    return false;
}

/* The machine is that of the process, and the data too if the run has others: a test split drawn by
 * its seed. */
static mb_status open_inputs(mb_sweep_training *sweep, size_t process,
                             const mb_train_arguments *arguments, mb_error *error)
{
    const mb_machine_options options = {.threads = 1, .place = sweep->place + process};
    mb_train_run *inputs = &sweep->inputs;
    mb_status status = MB_OK;
    if (inputs->machine == NULL) {
        mb_restore_initial_affinity();
        status = mb_machine_open(&options, &inputs->machine, error);
    }
    if (status != MB_OK || !inputs->dataset->test_by_seed ||
        arguments->reading.seed == sweep->read_seed)
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
    sweep->read_seed = arguments->reading.seed;
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

/* True if the run is finished: a process of a rank that was given up, or of a sweep that was
 * killed, may have trained it since it was handed out. Waits for the end of such processes. */
static mb_status is_finished(const mb_sweep_training *sweep, size_t number, bool *finished,
                             mb_error *error)
{
    const mb_planned_run *planned = &sweep->plan.planned[number];
    mb_sweep_run run = {.name = planned->name};
    int lock = -1;
    if (mb_sweep_lock(planned->folder, &lock))
        mb_folder_unlock(lock);
    const mb_status status = mb_sweep_read_run(sweep->arguments.out, planned->command, &run, error);
    *finished = run.state == MB_SWEEP_FINISHED;
    return status;
}

static mb_status train(mb_sweep_training *sweep, size_t process, size_t number, mb_error *error)
{
    const char *folder = sweep->plan.planned[number].folder;
    mb_run_arguments arguments;
    mb_train_run run = {.lock = -1, .shares_inputs = true, .stop = is_alone};
    mb_status status = mb_sweep_plan_arguments(&sweep->plan, number, true, &arguments, error);
    if (status == MB_OK)
        status = open_inputs(sweep, process, &arguments.train, error);
    run.machine = sweep->inputs.machine;
    run.dataset = sweep->inputs.dataset;
    run.arguments = arguments.train;
    run.from = arguments.from;
    arguments.train = (mb_train_arguments){0};
    arguments.from = NULL;
    run.output.gone = run.errors.gone = true; /* results and failures are in the table */
    if (status == MB_OK)
        status = mb_train_execute(&run, error);
    /* A checkpoint that was written because the run was stopped is of no use after its end. The
     * summary of a failed run, which may have failed later, would make it a finished one. */
    if (status == MB_OK && !run.stopped && strcmp(sweep->arguments.checkpoint_every, "never") == 0)
        remove_file(folder, "checkpoint");
    if (status != MB_OK && run.lock >= 0)
        remove_file(folder, "summary.json");
    mb_train_close(&run);
    mb_run_arguments_free(&arguments);
    return status;
}

mb_status mb_sweep_train(void *context, size_t process, size_t number, mb_error *error)
{
    mb_sweep_training *sweep = context;
    bool finished;
    const mb_status status = is_finished(sweep, number, &finished, error);
    return status == MB_OK && !finished ? train(sweep, process, number, error) : status;
}

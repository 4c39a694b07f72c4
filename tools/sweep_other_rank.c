/* A rank of a sweep that trains the runs that rank 0 hands out. */
#include "signals.h"
#include "sweep_messages.h"

#include <math.h>
#include <mnist_blas/ranks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rank 0 reads data before its first message. */
enum { PREPARATION_S = 600 };

typedef struct follower {
    mb_sweep_training *sweep;
    mb_workers *workers; /* of the rung in progress; NULL: not started */
    size_t *waiting;     /* (waiting_count), runs that no process has yet */
    size_t waiting_count;
    bool stopped, left;     /* by rank 0 */
    double heard, reported; /* when rank 0 was heard, and told that this rank lives, in seconds */
} follower;

static mb_status tell(follower *self, const mb_sweep_message *message, mb_error *error)
{
    self->reported = mb_sweep_now();
    return mb_ranks_send(self->sweep->ranks, 0, message, sizeof *message, error);
}

static mb_status tell_failure(follower *self, mb_status status, const char *text, mb_error *error)
{
    mb_sweep_message message = {.kind = MB_SWEEP_BROKEN, .end.status = status};
    snprintf(message.end.text, sizeof message.end.text, "%s", text);
    return tell(self, &message, error);
}

/* ---- processes ---- */

static bool next_run(void *context, size_t *number)
{
    follower *self = context;
    if (self->waiting_count == 0)
        return false;
    *number = self->waiting[0];
    self->waiting_count--;
    memmove(self->waiting, self->waiting + 1, self->waiting_count * sizeof *self->waiting);
    return true;
}

static mb_status train(void *context, size_t process, size_t number, mb_error *error)
{
    const follower *self = context;
    return mb_sweep_train(self->sweep, process, number, error);
}

/* The result goes with the message: rank 0 might not see the files of this computer yet. */
static mb_status end_run(void *context, const mb_job_end *end, mb_error *error)
{
    follower *self = context;
    const mb_planned_run *planned = &self->sweep->plan.planned[end->job];
    mb_sweep_message message = {.kind = MB_SWEEP_ENDED, .end = *end, .result.name = planned->name};
    mb_status status = MB_OK;
    if (end->status == MB_OK)
        status =
            mb_sweep_read_run(self->sweep->arguments.out, planned->command, &message.result, error);
    return status == MB_OK ? tell(self, &message, error) : status;
}

/* ---- what rank 0 says ---- */

static mb_status begin_rung(follower *self, mb_error *error)
{
    const mb_workers_options options = {.count = self->sweep->jobs,
                                        .context = self,
                                        .work = train,
                                        .next = next_run,
                                        .ended = end_run};
    const mb_status status =
        self->sweep->plan.rung > 0
            ? mb_sweep_plan_check(&self->sweep->plan, &self->sweep->inputs, error)
            : MB_OK;
    return status == MB_OK ? mb_workers_open(&options, &self->workers, error) : status;
}

static mb_status add_run(follower *self, size_t number, mb_error *error)
{
    const mb_status status = self->workers == NULL ? begin_rung(self, error) : MB_OK;
    if (status == MB_OK)
        self->waiting[self->waiting_count++] = number;
    return status;
}

static mb_status take(follower *self, const mb_sweep_message *message, mb_error *error)
{
    mb_sweep_training *sweep = self->sweep;
    self->heard = mb_sweep_now();
    switch (message->kind) {
    case MB_SWEEP_RUNG:
        mb_workers_close(self->workers);
        self->workers = NULL;
        mb_sweep_plan_begin_rung(&sweep->plan);
        return MB_OK;
    case MB_SWEEP_CONFIGURATION:
        return mb_sweep_plan_add(&sweep->plan, message->number, error);
    case MB_SWEEP_RUN:
        return self->stopped ? MB_OK : add_run(self, message->number, error);
    case MB_SWEEP_STOP:
        self->stopped = true;
        sweep->signal = message->signal;
        return MB_OK;
    case MB_SWEEP_LEAVE:
        self->left = true;
        sweep->all_left = message->all_left;
        return MB_OK;
    default:
        return MB_OK;
    }
}

/* True unless rank 0 has been silent for too long. */
static bool is_led(const follower *self, double begin)
{
    return self->heard > 0 ? mb_sweep_now() - self->heard < MB_SWEEP_SILENCE_S
                           : mb_sweep_now() - begin < PREPARATION_S;
}

static mb_status talk(follower *self, mb_error *error)
{
    mb_sweep_message message;
    size_t from;
    mb_status status = MB_OK;
    while (status == MB_OK && !self->left &&
           mb_ranks_receive(self->sweep->ranks, &message, sizeof message, &from))
        status = take(self, &message, error);
    if (status == MB_OK && !self->left && mb_sweep_now() - self->reported > MB_SWEEP_ALIVE_S)
        status = tell(self, &(mb_sweep_message){.kind = MB_SWEEP_ALIVE}, error);
    return status;
}

/* ---- the sweep ---- */

static void wait_shortly(const follower *self)
{
    usleep(1000 * (unsigned)mb_sweep_wait_ms(self->sweep));
}

/* Trains until rank 0 says that all is done, or says no more. */
static mb_status train_runs(follower *self, double begin, mb_error *error)
{
    mb_sweep_training *sweep = self->sweep;
    bool reported_signal = false, busy = false;
    mb_status status = MB_OK;
    while (status == MB_OK && !self->stopped && is_led(self, begin)) {
        if (!reported_signal && mb_signals_received() != 0) {
            reported_signal = true;
            status = tell(
                self, &(mb_sweep_message){.kind = MB_SWEEP_SIGNAL, .signal = mb_signals_received()},
                error);
        }
        if (status == MB_OK)
            status = talk(self, error);
        if (status == MB_OK && self->workers != NULL)
            status = mb_workers_step(self->workers, mb_sweep_wait_ms(sweep), &busy, error);
        if (!busy)
            wait_shortly(self);
    }
    return status;
}

/* Lets the processes save their work; rank 0 then says how to leave. */
static void leave(follower *self, double begin)
{
    mb_error error;
    while (self->workers != NULL && !mb_workers_end(self->workers)) {
        talk(self, &error);
        wait_shortly(self);
    }
    mb_workers_close(self->workers);
    self->workers = NULL;
    /* Not before rank 0 waits for it. */
    while (!self->stopped && is_led(self, begin)) {
        talk(self, &error);
        wait_shortly(self);
    }
    tell(self, &(mb_sweep_message){.kind = MB_SWEEP_LEFT}, &error);
    self->reported = INFINITY;
    while (!self->left && is_led(self, begin)) {
        talk(self, &error);
        wait_shortly(self);
    }
}

int mb_sweep_follow(mb_sweep_training *sweep, mb_status status, const mb_error *prepared)
{
    follower self = {.sweep = sweep};
    mb_error error = {0};
    const double begin = mb_sweep_now();
    if (status != MB_OK)
        error = *prepared;
    else {
        self.waiting = calloc(sweep->jobs, sizeof *self.waiting);
        status = self.waiting != NULL ? MB_OK : mb_fail_memory(&error, "sweep", sweep->jobs);
    }
    if (status == MB_OK)
        status =
            tell(&self, &(mb_sweep_message){.kind = MB_SWEEP_READY, .number = sweep->jobs}, &error);
    if (status == MB_OK)
        status = train_runs(&self, begin, &error);
    if (status != MB_OK)
        tell_failure(&self, status, error.text, NULL);
    leave(&self, begin);
    free(self.waiting);
    if (!self.left)
        fprintf(stderr, "mnist_blas: rank %zu: rank 0 has been silent: stopped\n",
                mb_ranks_describe(sweep->ranks).rank);
    if (sweep->signal != 0)
        return 128 + sweep->signal;
    if (status == MB_ERROR_INVALID)
        return MB_EXIT_USAGE;
    return self.left && status == MB_OK ? MB_EXIT_DONE : MB_EXIT_FAILED;
}

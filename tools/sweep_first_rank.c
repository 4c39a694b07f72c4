/* Rank 0 of a sweep, as others see it: it hands out runs, and collects their ends. */
#include "sweep_messages.h"

#include <mnist_blas/ranks.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

double mb_sweep_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static size_t count_ranks(const mb_sweep_training *sweep)
{
    return sweep->others != NULL ? mb_ranks_describe(sweep->ranks).count : 1;
}

/* ---- to the others ---- */

static mb_status send_to(mb_sweep_training *sweep, size_t rank, const mb_sweep_message *message,
                         mb_error *error)
{
    return mb_ranks_send(sweep->ranks, rank, message, sizeof *message, error);
}

/* To all, also to those that are given up: they may be slow only. */
static mb_status send_to_all(mb_sweep_training *sweep, const mb_sweep_message *message,
                             mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t rank = 1; status == MB_OK && rank < count_ranks(sweep); rank++)
        if (!sweep->others[rank].left)
            status = send_to(sweep, rank, message, error);
    return status;
}

/* The configurations of the rungs that a rank does not know yet. */
static mb_status send_rungs(mb_sweep_training *sweep, size_t rank, mb_error *error)
{
    const mb_sweep_plan *plan = &sweep->plan;
    mb_sweep_other *other = &sweep->others[rank];
    mb_status status = MB_OK;
    while (status == MB_OK && other->rung < plan->rung) {
        other->rung++;
        status = send_to(sweep, rank, &(mb_sweep_message){.kind = MB_SWEEP_RUNG}, error);
        for (size_t i = 0; status == MB_OK && i < plan->sweep.run_count; i++)
            if (plan->sweep.runs[i].rung == other->rung && plan->planned[i].seed == 0)
                status = send_to(sweep, rank,
                                 &(mb_sweep_message){.kind = MB_SWEEP_CONFIGURATION,
                                                     .number = plan->planned[i].configuration},
                                 error);
    }
    return status;
}

/* Hands out runs to a rank that has cores for them. */
static mb_status distribute(mb_sweep_training *sweep, size_t rank, mb_error *error)
{
    mb_sweep_other *other = &sweep->others[rank];
    mb_sweep_message message = {.kind = MB_SWEEP_RUN};
    mb_status status = MB_OK;
    while (status == MB_OK && other->ready && !other->given_up && other->busy < other->jobs &&
           mb_sweep_next_run(sweep, rank, &message.number)) {
        other->busy++;
        status = send_rungs(sweep, rank, error);
        if (status == MB_OK)
            status = send_to(sweep, rank, &message, error);
    }
    return status;
}

static mb_status tell_that_this_lives(mb_sweep_training *sweep, mb_error *error)
{
    const double now = mb_sweep_now();
    if (now - sweep->reported < MB_SWEEP_ALIVE_S)
        return MB_OK;
    sweep->reported = now;
    return send_to_all(sweep, &(mb_sweep_message){.kind = MB_SWEEP_ALIVE}, error);
}

/* ---- from the others ---- */

/* A rank that was given up has no run any more. */
static mb_status end_run(mb_sweep_training *sweep, size_t rank, const mb_sweep_message *message,
                         mb_error *error)
{
    const size_t number = message->end.job;
    mb_planned_run *planned = &sweep->plan.planned[number];
    mb_sweep_run *run = &sweep->plan.sweep.runs[number];
    if (number >= sweep->plan.sweep.run_count || !planned->taken || planned->rank != rank)
        return MB_OK;
    sweep->others[rank].busy--;
    if (message->end.status == MB_OK && message->result.state == MB_SWEEP_FINISHED) {
        const mb_sweep_run before = *run;
        *run = message->result;
        run->name = before.name;
        run->values = before.values;
        run->rung = before.rung;
        run->failure = NULL;
    }
    return mb_sweep_end_run(sweep, &message->end, error);
}

static mb_status take(mb_sweep_training *sweep, size_t rank, const mb_sweep_message *message,
                      mb_error *error)
{
    mb_sweep_other *other = &sweep->others[rank];
    other->heard = mb_sweep_now();
    switch (message->kind) {
    case MB_SWEEP_READY:
        other->ready = true;
        other->jobs = message->number;
        return MB_OK;
    case MB_SWEEP_ENDED:
        return end_run(sweep, rank, message, error);
    case MB_SWEEP_SIGNAL:
        sweep->signal = sweep->signal != 0 ? sweep->signal : message->signal;
        return MB_OK;
    case MB_SWEEP_BROKEN:
        return mb_fail(error, message->end.status, "rank %zu: %s", rank, message->end.text);
    case MB_SWEEP_LEFT:
        other->left = true;
        return MB_OK;
    default:
        return MB_OK;
    }
}

static mb_status receive_all(mb_sweep_training *sweep, mb_error *error)
{
    mb_sweep_message message;
    size_t rank;
    mb_status status = MB_OK;
    while (status == MB_OK && mb_ranks_receive(sweep->ranks, &message, sizeof message, &rank))
        status = take(sweep, rank, &message, error);
    return status;
}

/* Takes back the runs of a rank. */
static mb_status give_up(mb_sweep_training *sweep, size_t rank, mb_error *error)
{
    mb_sweep_plan *plan = &sweep->plan;
    mb_sweep_other *other = &sweep->others[rank];
    for (size_t i = plan->rung_start; i < plan->sweep.run_count; i++)
        if (plan->planned[i].rank == rank)
            plan->planned[i].taken = false;
    mb_output_print(&sweep->output.errors,
                    "mnist_blas: warning: rank %zu: has been silent for %d s and is given up%s\n",
                    rank, MB_SWEEP_SILENCE_S,
                    other->busy > 0 ? "; its runs are handed out again" : "");
    other->given_up = true;
    other->busy = 0;
    return send_to(sweep, rank, &(mb_sweep_message){.kind = MB_SWEEP_STOP}, error);
}

/* A rank that reads data is silent. */
static mb_status give_up_the_silent(mb_sweep_training *sweep, mb_error *error)
{
    const double now = mb_sweep_now();
    mb_status status = MB_OK;
    for (size_t rank = 1; status == MB_OK && rank < count_ranks(sweep); rank++) {
        const mb_sweep_other *other = &sweep->others[rank];
        if (other->ready && !other->given_up && !other->left &&
            now - other->heard > MB_SWEEP_SILENCE_S)
            status = give_up(sweep, rank, error);
    }
    return status;
}

/* ---- the sweep ---- */

mb_status mb_sweep_others_open(mb_sweep_training *sweep, mb_error *error)
{
    const double begin = mb_sweep_now();
    bool all = sweep->others == NULL;
    mb_status status = MB_OK;
    while (status == MB_OK && !all && !mb_sweep_is_stopped(sweep) &&
           mb_sweep_now() - begin < MB_SWEEP_SILENCE_S) {
        usleep(1000 * (unsigned)mb_sweep_wait_ms(sweep));
        status = tell_that_this_lives(sweep, error);
        if (status == MB_OK)
            status = receive_all(sweep, error);
        all = true;
        for (size_t rank = 1; rank < count_ranks(sweep); rank++)
            all = all && sweep->others[rank].ready;
    }
    return status;
}

size_t mb_sweep_all_jobs(const mb_sweep_training *sweep)
{
    size_t jobs = sweep->jobs;
    for (size_t rank = 1; rank < count_ranks(sweep); rank++)
        if (sweep->others[rank].ready && !sweep->others[rank].given_up)
            jobs += sweep->others[rank].jobs;
    return jobs;
}

mb_status mb_sweep_others_step(mb_sweep_training *sweep, bool *busy, mb_error *error)
{
    *busy = false;
    if (sweep->others == NULL)
        return MB_OK;
    mb_status status = tell_that_this_lives(sweep, error);
    if (status == MB_OK)
        status = receive_all(sweep, error);
    if (status == MB_OK)
        status = give_up_the_silent(sweep, error);
    for (size_t rank = 1; status == MB_OK && rank < count_ranks(sweep); rank++) {
        if (!sweep->stopping)
            status = distribute(sweep, rank, error);
        *busy = *busy || sweep->others[rank].busy > 0;
    }
    return status;
}

void mb_sweep_others_stop(mb_sweep_training *sweep)
{
    if (sweep->stopping)
        return;
    sweep->stopping = true;
    send_to_all(sweep, &(mb_sweep_message){.kind = MB_SWEEP_STOP, .signal = sweep->signal}, NULL);
}

/* True if a rank is waited for no longer: it has left, or is dead as far as can be told. */
static bool is_gone(const mb_sweep_other *other, double begin)
{
    const double since = other->heard > begin ? other->heard : begin;
    return other->left || other->given_up || mb_sweep_now() - since > MB_SWEEP_SILENCE_S;
}

void mb_sweep_others_close(mb_sweep_training *sweep)
{
    const double begin = mb_sweep_now();
    bool all_gone = false, busy;
    mb_sweep_others_stop(sweep);
    while (!all_gone) {
        mb_sweep_others_step(sweep, &busy, NULL);
        all_gone = true;
        for (size_t rank = 1; rank < count_ranks(sweep); rank++)
            all_gone = all_gone && is_gone(&sweep->others[rank], begin);
        if (!all_gone)
            usleep(1000 * (unsigned)mb_sweep_wait_ms(sweep));
    }
    mb_sweep_message leave = {.kind = MB_SWEEP_LEAVE, .all_left = true};
    for (size_t rank = 1; rank < count_ranks(sweep); rank++)
        leave.all_left = leave.all_left && sweep->others[rank].left;
    sweep->all_left = leave.all_left;
    for (size_t rank = 1; rank < count_ranks(sweep); rank++)
        send_to(sweep, rank, &leave, NULL);
}

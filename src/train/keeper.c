/* Training must not wait for the disk: it copies its state, and a thread turns the copy into a
 * file. The two meet without a lock, which a thread of low priority could hold for long: snapshot,
 * failure and count of files belong to whoever took the last token, `work` or `idle`. */
#include "train/keeper.h"

#include "core/clock.h"
#include "machine/machine.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/resource.h>
#endif

struct mb_keeper {
    mb_team *team;
    mb_trainer *trainer;
    const mb_checkpoint_metadata *head;
    const char *path;
    mb_snapshot snapshot;
    bool taken;         /* there is a snapshot */
    size_t epoch, step; /* of it */
    size_t written;
    mb_error failure; /* of the last snapshot's writing; status MB_OK: none */
    bool told;        /* of the failure */
    bool ends;
    double held_max, held_sum;
    sem_t work, idle; /* one token, in the one or in the other */
    pthread_t thread;
};

/* On Linux a thread has a priority of its own; elsewhere it would be the process's. A thread of low
 * priority still takes the CPU from the one that wakes it where that has had its time slice: hence
 * another CPU than the caller's, and the policy of batches, who never cut in. */
static void step_back(const mb_keeper *keeper)
{
    mb_team_unpin_from_first_cpu(keeper->team);
#ifdef __linux__
    const int lowest = 19;
    const struct sched_param unused = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &unused);
    (void)setpriority(PRIO_PROCESS, 0, lowest);
#endif
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0 && errno == EINTR)
        ;
}

static void *write_snapshots(void *context)
{
    mb_keeper *keeper = context;
    step_back(keeper);
    for (wait_for(&keeper->work); !keeper->ends; wait_for(&keeper->work)) {
        mb_error failure = {0};
        const mb_status status =
            mb_checkpoint_write(keeper->head, &keeper->snapshot, keeper->path, &failure);
        keeper->failure = failure;
        keeper->told = false;
        keeper->written += status == MB_OK;
        sem_post(&keeper->idle);
    }
    return NULL;
}

/* A new thread inherits which signals are blocked: all, so that handlers run elsewhere. */
static int start_thread(mb_keeper *keeper)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failure = pthread_create(&keeper->thread, NULL, write_snapshots, keeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

mb_status mb_keeper_open(mb_machine *machine, mb_trainer *trainer,
                         const mb_checkpoint_metadata *head, const char *path, mb_keeper **keeper,
                         mb_error *error)
{
    mb_keeper *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return mb_fail_memory(error, "checkpoint", sizeof *opened);
    opened->team = mb_machine_team(machine);
    opened->trainer = trainer;
    opened->head = head;
    opened->path = path;
    sem_init(&opened->work, 0, 0);
    sem_init(&opened->idle, 0, 1);
    mb_status status = mb_snapshot_open(machine, trainer, &opened->snapshot, error);
    const int failure = status == MB_OK ? start_thread(opened) : 0;
    if (failure != 0)
        status = mb_fail(error, MB_ERROR_UNAVAILABLE, "checkpoint: no thread to write it: %s",
                         strerror(failure));
    if (status == MB_OK) {
        *keeper = opened;
        return MB_OK;
    }
    mb_snapshot_close(&opened->snapshot);
    sem_destroy(&opened->work);
    sem_destroy(&opened->idle);
    free(opened);
    return status;
}

/* With the token of `idle` taken. */
static void hand_over(mb_keeper *keeper)
{
    mb_snapshot_take(&keeper->snapshot, keeper->trainer);
    keeper->taken = true;
    keeper->epoch = keeper->trainer->epoch;
    keeper->step = keeper->trainer->step;
    sem_post(&keeper->work);
}

bool mb_keeper_offer(mb_keeper *keeper)
{
    const double started = mb_seconds();
    if (sem_trywait(&keeper->idle) != 0)
        return false;
    hand_over(keeper);
    const double held = mb_seconds() - started;
    keeper->held_sum += held;
    keeper->held_max = held > keeper->held_max ? held : keeper->held_max;
    return true;
}

bool mb_keeper_failed(mb_keeper *keeper, mb_error *error)
{
    if (sem_trywait(&keeper->idle) != 0)
        return false;
    const bool failed = keeper->failure.status != MB_OK && !keeper->told;
    if (failed)
        *error = keeper->failure;
    keeper->told = true;
    sem_post(&keeper->idle);
    return failed;
}

mb_status mb_keeper_finish(mb_keeper *keeper, mb_error *error)
{
    wait_for(&keeper->idle);
    const bool is_newest = keeper->taken && keeper->failure.status == MB_OK &&
                           keeper->epoch == keeper->trainer->epoch &&
                           keeper->step == keeper->trainer->step;
    if (!is_newest) {
        hand_over(keeper);
        wait_for(&keeper->idle);
    }
    const mb_status status = keeper->failure.status;
    if (status != MB_OK && error != NULL)
        *error = keeper->failure;
    sem_post(&keeper->idle);
    return status;
}

mb_checkpoint_costs mb_keeper_costs_of(mb_keeper *keeper)
{
    wait_for(&keeper->idle);
    const mb_checkpoint_costs costs = {keeper->written, keeper->held_max, keeper->held_sum};
    sem_post(&keeper->idle);
    return costs;
}

void mb_keeper_close(mb_keeper *keeper)
{
    if (keeper == NULL)
        return;
    wait_for(&keeper->idle);
    keeper->ends = true;
    sem_post(&keeper->work);
    pthread_join(keeper->thread, NULL);
    mb_snapshot_close(&keeper->snapshot);
    sem_destroy(&keeper->work);
    sem_destroy(&keeper->idle);
    free(keeper);
}

/* Processes of this machine that do jobs, one at a time each. A job is a number; what is to be done
 * is memory that the processes share with the one that started them, as it was when they began.
 * Processes of other machines would take jobs from `next` and report to `ended` as these do. */
#ifndef MB_TOOLS_WORKERS_H
#define MB_TOOLS_WORKERS_H

#include <mnist_blas/status.h>

#include <stdbool.h>
#include <stddef.h>

/* How a job has ended. */
typedef struct mb_job_end {
    size_t job;
    bool died; /* its process has */
    mb_status status;
    char text[1024]; /* why it failed */
} mb_job_end;

typedef struct mb_workers {
    size_t count;
    void *context;
    /* In process number 0 .. count-1: does a job. A long one asks mb_worker_is_alone, and stops. */
    mb_status (*work)(void *context, size_t process, size_t job, mb_error *error);
    /* In this process: the next job. False: there is none now; asked again after each end. */
    bool (*next)(void *context, size_t *job);
    /* In this process. An error ends all work. */
    mb_status (*ended)(void *context, const mb_job_end *end, mb_error *error);
    /* In this process, some times per second: true ends all work. */
    bool (*stop)(void *context);
} mb_workers;

/* Starts the processes when there are jobs for them, until all jobs have ended, and waits for
 * their end. This process must have started no threads of OpenMP: a copy of it would wait for them
 * forever. A process that dies is replaced. MB_ERROR_UNAVAILABLE: none can be started; errors of
 * `ended`. */
mb_status mb_workers_run(const mb_workers *workers, mb_error *error);

/* In a process: true if the one that started it has ended, or asks it to end. */
bool mb_worker_is_alone(void);

#endif

/* Processes of this computer that do jobs, one at a time each. A job is a number; what is to be
 * done is memory that the processes share with the one that started them, as it was when they
 * began. */
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

typedef struct mb_workers_options {
    size_t count; /* at least 1 */
    void *context;
    /* In process number 0 .. count-1: does a job. A long one asks mb_worker_is_alone, and stops. */
    mb_status (*work)(void *context, size_t process, size_t job, mb_error *error);
    /* In this process: the next job. False: there is none now; asked again at the next step. */
    bool (*next)(void *context, size_t *job);
    /* In this process. */
    mb_status (*ended)(void *context, const mb_job_end *end, mb_error *error);
} mb_workers_options;

typedef struct mb_workers mb_workers;

/* The processes are started when there are jobs for them. This process must have started no threads
 * of OpenMP: a copy of it would wait for them forever. The caller closes *workers.
 * MB_ERROR_MEMORY. */
mb_status mb_workers_open(const mb_workers_options *options, mb_workers **workers, mb_error *error);

/* Gives jobs to the processes that have none; *busy is true if there are jobs in progress, and then
 * this waits at most that time until one ends. A process that dies is replaced.
 * MB_ERROR_UNAVAILABLE: none can be started; errors of `ended`. */
mb_status mb_workers_step(mb_workers *workers, int wait_ms, bool *busy, mb_error *error);

/* Asks all processes to end. True if all have: to be called until then, after which there must be
 * no further step. Jobs that had not ended are not reported. */
bool mb_workers_end(mb_workers *workers);

/* Waits for the end of the processes. NULL has no effect. */
void mb_workers_close(mb_workers *workers);

/* In a process: true if the one that started it has ended, or asks it to end. */
bool mb_worker_is_alone(void);

#endif

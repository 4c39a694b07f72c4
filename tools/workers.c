#include "workers.h"

#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 100 };

typedef struct process {
    pid_t pid; /* 0: none */
    int fd;    /* socket to it */
    bool busy;
    size_t job;
} process;

/* In a process: the socket to the one that started it. Its end is the end of that process. */
static int parent = -1;

bool mb_worker_is_alone(void)
{
    size_t job;
    return parent >= 0 && recv(parent, &job, sizeof job, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* ---- in a process ---- */

static _Noreturn void serve(const mb_workers *workers, size_t number)
{
    mb_job_end end = {0};
    mb_signals_ignore();
    while (recv(parent, &end.job, sizeof end.job, 0) == (ssize_t)sizeof end.job) {
        mb_error error = {0};
        end.status = workers->work(workers->context, number, end.job, &error);
        snprintf(end.text, sizeof end.text, "%s", error.text);
        if (send(parent, &end, sizeof end, MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(0); /* buffers of stdio and what atexit has to do are those of the first process */
}

/* ---- in the first process ---- */

static mb_status start(const mb_workers *workers, process *all, size_t number, mb_error *error)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return mb_fail(error, MB_ERROR_UNAVAILABLE, "process: cannot be started: %s",
                       strerror(errno));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        /* Else these would seem open after their owner's end. */
        for (size_t i = 0; i < workers->count; i++)
            if (all[i].pid != 0)
                close(all[i].fd);
        close(sockets[0]);
        parent = sockets[1];
        serve(workers, number);
    }
    close(sockets[1]);
    if (pid < 0) {
        close(sockets[0]);
        return mb_fail(error, MB_ERROR_UNAVAILABLE, "process: cannot be started: %s",
                       strerror(errno));
    }
    all[number] = (process){.pid = pid, .fd = sockets[0]};
    return MB_OK;
}

/* Lets a process end, and waits for that; `text` says how it ended. */
static void end_process(process *one, char *text, size_t size)
{
    int status = 0;
    close(one->fd);
    while (waitpid(one->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(text, size, "its process was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, size, "its process ended with exit code %d", WEXITSTATUS(status));
    *one = (process){0};
}

/* Gives a process that has none a job; starts it, and again if it has died since its last one. */
static mb_status give(const mb_workers *workers, process *all, size_t number, size_t job,
                      mb_error *error)
{
    process *one = &all[number];
    char text[128];
    for (bool again = one->pid != 0;; again = false) {
        const mb_status status = one->pid == 0 ? start(workers, all, number, error) : MB_OK;
        if (status != MB_OK)
            return status;
        if (send(one->fd, &job, sizeof job, MSG_NOSIGNAL) == (ssize_t)sizeof job || !again)
            break;
        end_process(one, text, sizeof text);
    }
    one->busy = true;
    one->job = job;
    return MB_OK;
}

/* Gives jobs to all processes that have none. */
static mb_status give_jobs(const mb_workers *workers, process *all, size_t *busy, mb_error *error)
{
    size_t job;
    *busy = 0;
    for (size_t i = 0; i < workers->count; i++) {
        if (!all[i].busy && workers->next(workers->context, &job)) {
            const mb_status status = give(workers, all, i, job, error);
            if (status != MB_OK)
                return status;
        }
        *busy += all[i].busy;
    }
    return MB_OK;
}

/* Receives the end of a process's job, or of the process. */
static mb_status receive(const mb_workers *workers, process *one, mb_error *error)
{
    mb_job_end end;
    const ssize_t size = recv(one->fd, &end, sizeof end, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return MB_OK;
    if (size != (ssize_t)sizeof end) {
        end = (mb_job_end){.job = one->job, .died = true, .status = MB_ERROR_UNAVAILABLE};
        end_process(one, end.text, sizeof end.text);
    }
    one->busy = false;
    return workers->ended(workers->context, &end, error);
}

static mb_status wait_for_ends(const mb_workers *workers, process *all, struct pollfd *polled,
                               mb_error *error)
{
    mb_status status = MB_OK;
    for (size_t i = 0; i < workers->count; i++)
        polled[i] = (struct pollfd){.fd = all[i].busy ? all[i].fd : -1, .events = POLLIN};
    if (poll(polled, workers->count, WAIT_MS) <= 0)
        return MB_OK;
    for (size_t i = 0; status == MB_OK && i < workers->count; i++)
        if (polled[i].fd >= 0 && polled[i].revents != 0)
            status = receive(workers, &all[i], error);
    return status;
}

mb_status mb_workers_run(const mb_workers *workers, mb_error *error)
{
    process *all = calloc(workers->count, sizeof *all);
    struct pollfd *polled = calloc(workers->count, sizeof *polled);
    size_t busy = 1;
    char text[128];
    mb_status status = all != NULL && polled != NULL
                           ? MB_OK
                           : mb_fail_memory(error, "workers", workers->count * sizeof *polled);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would hide how a process ended */
    while (status == MB_OK && busy > 0 && !workers->stop(workers->context)) {
        status = give_jobs(workers, all, &busy, error);
        if (status == MB_OK && busy > 0)
            status = wait_for_ends(workers, all, polled, error);
    }
    /* All see the end of their sockets before the first is waited for. */
    for (size_t i = 0; all != NULL && i < workers->count; i++)
        if (all[i].pid != 0)
            shutdown(all[i].fd, SHUT_RDWR);
    for (size_t i = 0; all != NULL && i < workers->count; i++)
        if (all[i].pid != 0)
            end_process(&all[i], text, sizeof text);
    free(all);
    free(polled);
    return status;
}

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

typedef struct process {
    pid_t pid; /* 0: none */
    int fd;    /* socket to it */
    bool busy;
    size_t job;
} process;

struct mb_workers {
    mb_workers_options options;
    process *all;          /* (count) */
    struct pollfd *polled; /* (count) */
};

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
        end.status = workers->options.work(workers->options.context, number, end.job, &error);
        snprintf(end.text, sizeof end.text, "%s", error.text);
        if (send(parent, &end, sizeof end, MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(0); /* buffers of stdio and what atexit has to do are those of the first process */
}

/* ---- in the one that started it ---- */

static mb_status start(const mb_workers *workers, size_t number, mb_error *error)
{
    int sockets[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return mb_fail(error, MB_ERROR_UNAVAILABLE, "process: cannot be started: %s",
                       strerror(errno));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        /* Else these would seem open after their owner's end. */
        for (size_t i = 0; i < workers->options.count; i++)
            if (workers->all[i].pid != 0)
                close(workers->all[i].fd);
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
    workers->all[number] = (process){.pid = pid, .fd = sockets[0]};
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
static mb_status give(const mb_workers *workers, size_t number, size_t job, mb_error *error)
{
    process *one = &workers->all[number];
    char text[128];
    for (bool again = one->pid != 0;; again = false) {
        const mb_status status = one->pid == 0 ? start(workers, number, error) : MB_OK;
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
static mb_status give_jobs(const mb_workers *workers, bool *busy, mb_error *error)
{
    size_t job;
    bool any = true;
    *busy = false;
    for (size_t i = 0; i < workers->options.count; i++) {
        process *one = &workers->all[i];
        any = any && (one->busy || workers->options.next(workers->options.context, &job));
        if (any && !one->busy) {
            const mb_status status = give(workers, i, job, error);
            if (status != MB_OK)
                return status;
        }
        *busy = *busy || one->busy;
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
    return workers->options.ended(workers->options.context, &end, error);
}

static mb_status wait_for_ends(mb_workers *workers, int wait_ms, mb_error *error)
{
    mb_status status = MB_OK;
    const size_t count = workers->options.count;
    struct pollfd *polled = workers->polled;
    for (size_t i = 0; i < count; i++)
        polled[i] =
            (struct pollfd){.fd = workers->all[i].busy ? workers->all[i].fd : -1, .events = POLLIN};
    if (poll(polled, count, wait_ms) <= 0)
        return MB_OK;
    for (size_t i = 0; status == MB_OK && i < count; i++)
        if (polled[i].fd >= 0 && polled[i].revents != 0)
            status = receive(workers, &workers->all[i], error);
    return status;
}

mb_status mb_workers_step(mb_workers *workers, int wait_ms, bool *busy, mb_error *error)
{
    mb_status status = give_jobs(workers, busy, error);
    if (status == MB_OK && *busy)
        status = wait_for_ends(workers, wait_ms, error);
    return status;
}

bool mb_workers_end(mb_workers *workers)
{
    bool all_ended = true;
    for (size_t i = 0; i < workers->options.count; i++) {
        process *one = &workers->all[i];
        if (one->pid == 0)
            continue;
        shutdown(one->fd, SHUT_RDWR);
        if (waitpid(one->pid, NULL, WNOHANG) == one->pid) {
            close(one->fd);
            *one = (process){0};
        } else
            all_ended = false;
    }
    return all_ended;
}

void mb_workers_close(mb_workers *workers)
{
    char text[128];
    if (workers == NULL)
        return;
    mb_workers_end(workers); /* all are asked before the first is waited for */
    for (size_t i = 0; i < workers->options.count; i++)
        if (workers->all[i].pid != 0)
            end_process(&workers->all[i], text, sizeof text);
    free(workers->all);
    free(workers->polled);
    free(workers);
}

mb_status mb_workers_open(const mb_workers_options *options, mb_workers **workers, mb_error *error)
{
    mb_workers *opened = calloc(1, sizeof *opened);
    process *all = calloc(options->count, sizeof *all);
    struct pollfd *polled = calloc(options->count, sizeof *polled);
    signal(SIGCHLD, SIG_DFL); /* ignored, it would hide how a process ended */
    if (opened != NULL && all != NULL && polled != NULL) {
        *opened = (mb_workers){.options = *options, .all = all, .polled = polled};
        *workers = opened;
        return MB_OK;
    }
    free(opened);
    free(all);
    free(polled);
    return mb_fail_memory(error, "workers", options->count * (sizeof *all + sizeof *polled));
}

#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { SIGNALS = 3, PATIENCE = 100 /* milliseconds */ };
static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

/* A handler has no other way to know; it changes only while none is set. */
static struct {
    int fd;
    const char *farewell;
    size_t length;
    pthread_t writer;
    bool set[SIGNALS];
    struct sigaction before[SIGNALS];
} guard;

/* On another thread, the writer could draw once more between the farewell and the end. */
static void leave(int number)
{
    const int kept = errno;
    if (!pthread_equal(pthread_self(), guard.writer)) {
        pthread_kill(guard.writer, number);
        errno = kept;
        return;
    }
    struct pollfd terminal = {.fd = guard.fd, .events = POLLOUT};
    if (poll(&terminal, 1, PATIENCE) == 1) { /* one halted by Ctrl-S must not keep us alive */
        const ssize_t put = write(guard.fd, guard.farewell, guard.length);
        (void)put;
    }
    signal(number, SIG_DFL);
    raise(number); /* and it ends the process once this handler, which blocks it, is left */
    errno = kept;
}

void mb_signals_guard(const mb_terminal *terminal, const char *farewell)
{
    guard.fd = terminal->fd;
    guard.farewell = farewell;
    guard.length = strlen(farewell);
    guard.writer = pthread_self();
    struct sigaction action = {.sa_handler = leave, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaction(numbers[i], NULL, &guard.before[i]);
        guard.set[i] = guard.before[i].sa_handler != SIG_IGN;
        if (guard.set[i])
            sigaction(numbers[i], &action, NULL);
    }
}

void mb_signals_release(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (guard.set[i]) {
            sigaction(numbers[i], &guard.before[i], NULL);
            guard.set[i] = false;
        }
}

#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { SIGNALS = 3, PATIENCE = 100 /* milliseconds */ };
static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

/* A handler has no other way to know. */
static struct {
    volatile sig_atomic_t held;
    atomic_int noted; /* two signals may come on two threads at the same time */
    int fd;
    const char *volatile farewell;
    pthread_t writer;
} guard;

/* On another thread, the writer could draw once more between the farewell and the end. */
static void leave(int number)
{
    if (!pthread_equal(pthread_self(), guard.writer)) {
        pthread_kill(guard.writer, number);
        return;
    }
    const char *farewell = guard.farewell;
    struct pollfd terminal = {.fd = guard.fd, .events = POLLOUT};
    /* One halted by Ctrl-S must not keep us alive. */
    if (farewell != NULL && poll(&terminal, 1, PATIENCE) == 1) {
        const ssize_t put = write(guard.fd, farewell, strlen(farewell));
        (void)put;
    }
    _exit(128 + number);
}

static void take(int number)
{
    const int kept = errno;
    int none = 0;
    if (!guard.held)
        leave(number);
    else if (!atomic_compare_exchange_strong(&guard.noted, &none, number) && number != SIGHUP)
        leave(number);
    errno = kept;
}

void mb_signals_install(void)
{
    struct sigaction action = {.sa_handler = take, .sa_flags = SA_RESTART};
    guard.writer = pthread_self();
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction before;
        sigaction(numbers[i], NULL, &before);
        if (before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    }
}

void mb_signals_defer(bool held) { guard.held = held; }

int mb_signals_received(void) { return atomic_load(&guard.noted); }

const char *mb_signals_name(int number)
{
    return number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : "SIGHUP";
}

void mb_signals_farewell(const mb_terminal *terminal, const char *text)
{
    guard.farewell = NULL; /* never one for another terminal */
    if (terminal != NULL)
        guard.fd = terminal->fd;
    guard.farewell = text;
}

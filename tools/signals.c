#include "signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const struct {
    int number;
    const char *name;
} signals[] = {{SIGINT, "SIGINT"},   {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"},
               {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}, {SIGXCPU, "SIGXCPU"}};
enum { SIGNALS = sizeof signals / sizeof *signals, MAX_WAIT_MS = 100 };

/* A handler can only reach globals. */
static struct {
    volatile sig_atomic_t deferred;
    atomic_int received; /* two threads may handle signals at the same time */
    int fd;
    const char *volatile cleanup;
    volatile sig_atomic_t deadline; /* seconds; 0: none */
} state;

static void leave(int number)
{
    const char *cleanup = state.cleanup;
    struct pollfd terminal = {.fd = state.fd, .events = POLLOUT};
    /* A terminal that is halted by Ctrl-S must not keep the process alive. */
    if (cleanup != NULL && poll(&terminal, 1, MAX_WAIT_MS) == 1) {
        const ssize_t written = write(state.fd, cleanup, strlen(cleanup));
        (void)written;
    }
    _exit(128 + number);
}

static void handle(int number)
{
    const int saved_errno = errno;
    int none = 0;
    if (!state.deferred)
        leave(number);
    if (!atomic_compare_exchange_strong(&state.received, &none, number) &&
        (number == SIGINT || number == SIGTERM))
        leave(number);
    else if (none == 0 && state.deadline > 0)
        alarm((unsigned)state.deadline);
    errno = saved_errno;
}

static void write_text(const char *text)
{
    const ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

/* Of the alarm: the time to stop is over. */
static void expire(int number)
{
    const int received = atomic_load(&state.received);
    if (received == 0)
        leave(number); /* another process sent it */
    write_text("mnist_blas: ");
    write_text(mb_signals_name(received));
    write_text(": ended without saving: the other processes of the run do not answer\n");
    leave(received);
}

void mb_signals_install(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction before;
        if (sigaction(signals[i].number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(signals[i].number, &action, NULL);
    }
}

void mb_signals_ignore(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        signal(signals[i].number, SIG_IGN);
}

void mb_signals_defer(bool deferred) { state.deferred = deferred; }

void mb_signals_set_deadline(unsigned seconds)
{
    if (seconds > 0 && state.deadline == 0)
        sigaction(SIGALRM, &(struct sigaction){.sa_handler = expire, .sa_flags = SA_RESTART}, NULL);
    state.deadline = (sig_atomic_t)seconds;
    if (seconds == 0)
        alarm(0);
}

int mb_signals_received(void) { return atomic_load(&state.received); }

const char *mb_signals_name(int number)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (signals[i].number == number)
            return signals[i].name;
    return "signal";
}

void mb_signals_set_cleanup(int fd, const char *text)
{
    state.cleanup = NULL; /* never the old text on the new fd */
    state.fd = fd;
    state.cleanup = text;
}

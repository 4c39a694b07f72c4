#include "output.h"

#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WAIT_MS = 100,    /* until the next look for a signal */
    WAITS_AT_END = 5, /* after a signal */
    SHARED_WRITE = 64 /* to a terminal that could not be opened once more */
};

void mb_output_open(mb_output *output, int fd)
{
    char name[64];
    output->fd = fd;
    output->terminal = isatty(fd);
    output->owns_fd = output->gone = false;
    output->failed = 0;
    output->held = 0;
    signal(SIGPIPE, SIG_IGN); /* writes fail instead */
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const int own =
        output->terminal ? open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (own >= 0) {
        output->fd = own;
        output->owns_fd = true;
    }
}

/* True if `fd` takes text within this time. Where that cannot be told, the write decides. */
static bool takes_text(int fd, int wait_ms)
{
    struct pollfd reader = {.fd = fd, .events = POLLOUT};
    const int ready = poll(&reader, 1, wait_ms);
    return ready > 0 || (ready < 0 && errno != EINTR);
}

/* Waits until `fd` takes text: without a limit, or after a signal for a short time. */
static bool wait_for(int fd)
{
    for (int waits = 0; waits < WAITS_AT_END;) {
        if (takes_text(fd, WAIT_MS))
            return true;
        waits += mb_signals_received() != 0;
    }
    return false;
}

bool mb_output_takes_text(int fd)
{
    return mb_signals_received() != 0 ? wait_for(fd) : takes_text(fd, 0);
}

/* The most that a write takes without waiting, if poll has said that the reader takes text. */
static size_t max_write(const mb_output *output)
{
    return output->owns_fd ? MB_OUTPUT_HELD : output->terminal ? SHARED_WRITE : PIPE_BUF;
}

static void note_failure(mb_output *output, int why)
{
    if (output->terminal || why == EPIPE || why == EBADF)
        output->gone = true;
    else if (output->failed == 0)
        output->failed = why;
}

/* Writes text; returns the bytes that need not be written any more. */
static size_t put(mb_output *output, const char *text, size_t size, bool waits)
{
    const size_t max = max_write(output);
    size_t done = 0;
    while (done < size && !output->gone) {
        if (waits ? !wait_for(output->fd) : !takes_text(output->fd, 0))
            return done;
        const size_t left = size - done;
        const ssize_t written = write(output->fd, text + done, left < max ? left : max);
        if (written >= 0)
            done += (size_t)written;
        else if (errno == EAGAIN && !waits)
            return done;
        else if (errno != EINTR && errno != EAGAIN) {
            note_failure(output, errno);
            return size;
        }
    }
    return size;
}

static void put_held(mb_output *output, bool waits)
{
    const size_t done = put(output, output->text, output->held, waits);
    output->held -= done;
    memmove(output->text, output->text + done, output->held);
}

void mb_output_write(mb_output *output, const char *text, size_t size)
{
    put_held(output, false);
    const size_t done = output->held == 0 ? put(output, text, size, !output->terminal) : 0;
    if (output->terminal && size - done <= MB_OUTPUT_HELD - output->held) {
        memcpy(output->text + output->held, text + done, size - done);
        output->held += size - done;
    }
}

void mb_output_print(mb_output *output, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    mb_output_write(output, text, (size_t)length);
    free(text);
}

bool mb_output_is_held(const mb_output *output) { return output->held > 0; }

mb_status mb_output_close(mb_output *output, const char *name, mb_error *error)
{
    put_held(output, true);
    if (output->owns_fd)
        close(output->fd);
    output->gone = true;
    if (output->failed == 0)
        return MB_OK;
    return mb_fail(error, MB_ERROR_IO, "%s: cannot be written: %s", name, strerror(output->failed));
}

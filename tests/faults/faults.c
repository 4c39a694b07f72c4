/* Preloaded into the program, makes calls that change files below $FAULT_FOLDER (an absolute path)
 * fail: opening to create, write, fsync and rename, counted from 1.
 *
 *     FAULT=fail:ERRNO:N   call N fails with this errno
 *     FAULT=kill:9:N       before call N the calling thread gets this signal
 *     FAULT=twice:2:N      instead of call N the process gets SIGTERM and this signal
 *     FAULT=short:BYTES:0  every write takes at most BYTES bytes, every other one is interrupted
 *
 * FAULT=haswell: unless OPENBLAS_CORETYPE is set, OpenBLAS says that it has chosen its set for
 * AVX2, as it does on a CPU that it does not know.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int open(const char *path, int flags, ...);
EXPORT ssize_t write(int fd, const void *data, size_t size);
EXPORT int fsync(int fd);
EXPORT int rename(const char *from, const char *to);
EXPORT int flock(int fd, int operation);
EXPORT char *openblas_get_corename(void);

static atomic_int calls, writes;

static bool requested(const char *kind, int *number, int *at)
{
    const char *fault = getenv("FAULT");
    const size_t length = strlen(kind);
    return fault != NULL && strncmp(fault, kind, length) == 0 &&
           sscanf(fault + length, ":%d:%d", number, at) == 2;
}

static bool affected(const char *path)
{
    const char *folder = getenv("FAULT_FOLDER");
    char whole[PATH_MAX];
    if (folder == NULL || path == NULL)
        return false;
    if (path[0] != '/' && getcwd(whole, sizeof whole) != NULL) {
        strncat(whole, "/", sizeof whole - strlen(whole) - 1);
        strncat(whole, path, sizeof whole - strlen(whole) - 1);
        path = whole;
    }
    return strncmp(path, folder, strlen(folder)) == 0;
}

static bool affected_fd(int fd)
{
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    return affected(path);
}

/* The thread may be one that handles no signals. */
static void interrupt_twice(int number)
{
    kill(getpid(), SIGTERM);
    kill(getpid(), number);
    for (int seconds = 0; seconds < 60; seconds++)
        sleep(1);
    abort();
}

/* True if this call must fail, with errno set. */
static bool fails(void)
{
    int number = 0, at = 0;
    const int call = ++calls;
    if (requested("kill", &number, &at) && call == at)
        raise(number);
    if (requested("twice", &number, &at) && call == at)
        interrupt_twice(number);
    if (!requested("fail", &number, &at) || call != at)
        return false;
    errno = number;
    return true;
}

int open(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...);
    *(void **)&real = dlsym(RTLD_NEXT, "open");
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    if ((flags & O_CREAT) != 0 && affected(path) && fails())
        return -1;
    return real(path, flags, mode);
}

ssize_t write(int fd, const void *data, size_t size)
{
    ssize_t (*real)(int, const void *, size_t);
    *(void **)&real = dlsym(RTLD_NEXT, "write");
    if (!affected_fd(fd))
        return real(fd, data, size);
    if (fails())
        return -1;
    int max = 0, at = 0;
    if (requested("short", &max, &at)) {
        if (++writes % 2 == 1) {
            errno = EINTR;
            return -1;
        }
        size = size < (size_t)max ? size : (size_t)max;
    }
    return real(fd, data, size);
}

int fsync(int fd)
{
    int (*real)(int);
    *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    return affected_fd(fd) && fails() ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "rename");
    return affected(to) && fails() ? -1 : real(from, to);
}

int flock(int fd, int operation)
{
    int (*real)(int, int);
    int number = 0, at = 0;
    *(void **)&real = dlsym(RTLD_NEXT, "flock");
    if (!requested("locks", &number, &at))
        return real(fd, operation);
    if ((operation & LOCK_NB) == 0)
        abort();
    errno = number;
    return -1;
}

char *openblas_get_corename(void)
{
    static char haswell[] = "Haswell";
    const char *fault = getenv("FAULT");
    char *(*real)(void);
    *(void **)&real = dlsym(RTLD_NEXT, "openblas_get_corename");
    const bool overlooked = fault != NULL && strcmp(fault, "haswell") == 0;
    return overlooked && getenv("OPENBLAS_CORETYPE") == NULL ? haswell : real();
}

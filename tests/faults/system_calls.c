/* Calls of the operating system and of the C library's streams, which make them; one of OpenBLAS.
 */
#include "faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A function that returns `failed` where `fault` says so, and otherwise does what it always does.
 */
#define WRAP(type, name, failed, parameters, arguments, fault)                                     \
    EXPORT type name parameters;                                                                   \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        FIND_REAL(name);                                                                           \
        return fault ? failed : real arguments;                                                    \
    }
#define CALL(type, name, failed, parameters, arguments)                                            \
    WRAP(type, name, failed, parameters, arguments, fault_in_call(#name, CALLER))

CALL(int, stat, -1, (const char *restrict path, struct stat *restrict info), (path, info))
CALL(int, lstat, -1, (const char *restrict path, struct stat *restrict info), (path, info))
CALL(int, fstat, -1, (int fd, struct stat *info), (fd, info))
CALL(int, access, -1, (const char *path, int mode), (path, mode))
CALL(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
CALL(int, unlink, -1, (const char *path), (path))
CALL(int, unlinkat, -1, (int folder, const char *path, int flags), (folder, path, flags))
CALL(ssize_t, read, -1, (int fd, void *data, size_t size), (fd, data, size))
CALL(ssize_t, pread, -1, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
CALL(int, ftruncate, -1, (int fd, off_t size), (fd, size))
CALL(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
CALL(int, fchown, -1, (int fd, uid_t owner, gid_t group), (fd, owner, group))
CALL(int, dup, -1, (int fd), (fd))
CALL(int, isatty, 0, (int fd), (fd))
CALL(int, poll, -1, (struct pollfd * files, nfds_t count, int timeout), (files, count, timeout))
CALL(int, memfd_create, -1, (const char *name, unsigned flags), (name, flags))
CALL(char *, getcwd, NULL, (char *path, size_t size), (path, size))
CALL(char *, realpath, NULL, (const char *restrict path, char *restrict whole), (path, whole))
CALL(DIR *, opendir, NULL, (const char *path), (path))
CALL(struct dirent *, readdir, NULL, (DIR * folder), (folder))
CALL(int, scandir, -1,
     (const char *restrict path, struct dirent ***restrict entries,
      int (*is_taken)(const struct dirent *),
      int (*compare)(const struct dirent **, const struct dirent **)),
     (path, entries, is_taken, compare))
CALL(FILE *, fopen, NULL, (const char *restrict path, const char *restrict mode), (path, mode))
CALL(char *, fgets, NULL, (char *restrict line, int size, FILE *restrict file), (line, size, file))
CALL(ssize_t, __getdelim, -1,
     (char **restrict line, size_t *restrict size, int end, FILE *restrict file),
     (line, size, end, file))
CALL(void *, mmap, MAP_FAILED,
     (void *address, size_t size, int access, int flags, int fd, off_t offset),
     (address, size, access, flags, fd, offset))
CALL(int, madvise, -1, (void *address, size_t size, int advice), (address, size, advice))
CALL(int, socket, -1, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, bind, -1, (int fd, __CONST_SOCKADDR_ARG address, socklen_t size), (fd, address, size))
CALL(int, connect, -1, (int fd, __CONST_SOCKADDR_ARG address, socklen_t size), (fd, address, size))
CALL(int, listen, -1, (int fd, int waiting), (fd, waiting))
CALL(int, getsockopt, -1,
     (int fd, int level, int option, void *restrict value, socklen_t *restrict size),
     (fd, level, option, value, size))
CALL(int, gethostname, -1, (char *name, size_t size), (name, size))
CALL(ssize_t, getrandom, -1, (void *data, size_t size, unsigned flags), (data, size, flags))
CALL(int, sigaction, -1,
     (int number, const struct sigaction *restrict action, struct sigaction *restrict old),
     (number, action, old))
CALL(sighandler_t, signal, SIG_ERR, (int number, sighandler_t handler), (number, handler))
CALL(int, sched_getaffinity, -1, (pid_t process, size_t size, cpu_set_t *cpus),
     (process, size, cpus))
CALL(int, sched_setaffinity, -1, (pid_t process, size_t size, const cpu_set_t *cpus),
     (process, size, cpus))
CALL(int, execve, -1, (const char *path, char *const arguments[], char *const variables[]),
     (path, arguments, variables))
CALL(int, pthread_create, errno,
     (pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*run)(void *),
      void *restrict context),
     (thread, attributes, run, context))
WRAP(int, fsync, -1, (int fd), (fd), fault_in_descriptor("fsync", CALLER, fd))
WRAP(int, rename, -1, (const char *from, const char *to), (from, to),
     fault_in_path("rename", CALLER, to))

/* A descriptor or a stream that fails to close is closed. */
WRAP(int, close, (real(fd), -1), (int fd), (fd), fault_in_call("close", CALLER))
WRAP(int, fclose, (real(file), EOF), (FILE * file), (file), fault_in_call("fclose", CALLER))

CALL(int, getrlimit, -1, (__rlimit_resource_t kind, struct rlimit *limit), (kind, limit))

EXPORT int open(const char *path, int flags, ...);
EXPORT int openat(int folder, const char *path, int flags, ...);
EXPORT int fcntl(int fd, int command, ...);
EXPORT int ioctl(int fd, unsigned long request, ...);
EXPORT ssize_t write(int fd, const void *data, size_t size);
EXPORT int flock(int fd, int operation);

/* The argument after `last`, whether there is one or not. */
#define TAKE_ARGUMENT(type, name, last)                                                            \
    va_list more;                                                                                  \
    va_start(more, last);                                                                          \
    const type name = va_arg(more, type);                                                          \
    va_end(more)

int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    FIND_REAL(open);
    TAKE_ARGUMENT(mode_t, mode, flags);
    const char *created = (flags & O_CREAT) != 0 ? path : NULL;
    return fault_in_path("open", CALLER, created) ? -1 : real(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    static int (*real)(int, const char *, int, ...);
    FIND_REAL(openat);
    TAKE_ARGUMENT(mode_t, mode, flags);
    return fault_in_call("openat", CALLER) ? -1 : real(folder, path, flags, mode);
}

int fcntl(int fd, int command, ...)
{
    static int (*real)(int, int, ...);
    FIND_REAL(fcntl);
    TAKE_ARGUMENT(intptr_t, argument, command);
    return fault_in_call("fcntl", CALLER) ? -1 : real(fd, command, argument);
}

int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, ...);
    FIND_REAL(ioctl);
    TAKE_ARGUMENT(intptr_t, argument, request);
    return fault_in_call("ioctl", CALLER) ? -1 : real(fd, request, argument);
}

/* At most `max` bytes; every other call is interrupted. */
static ssize_t write_short(ssize_t (*real)(int, const void *, size_t), int fd, const void *data,
                           size_t size, size_t max)
{
    static atomic_int writes;
    if (++writes % 2 == 0)
        return real(fd, data, size < max ? size : max);
    errno = EINTR;
    return -1;
}

ssize_t write(int fd, const void *data, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    int max = 0;
    FIND_REAL(write);
    if (fault_requested("short", &max) && fault_is_below_folder(fd))
        return write_short(real, fd, data, size, (size_t)max);
    return fault_in_descriptor("write", CALLER, fd) ? -1 : real(fd, data, size);
}

int flock(int fd, int operation)
{
    static int (*real)(int, int);
    int number = 0;
    FIND_REAL(flock);
    if (!fault_requested("locks", &number))
        return fault_in_call("flock", CALLER) ? -1 : real(fd, operation);
    if ((operation & LOCK_NB) == 0)
        abort();
    errno = number;
    return -1;
}

EXPORT char *openblas_get_corename(void);

char *openblas_get_corename(void)
{
    static char haswell[] = "Haswell";
    static char *(*real)(void);
    int number;
    FIND_REAL(openblas_get_corename);
    const bool overlooked = fault_requested("haswell", &number);
    return overlooked && getenv("OPENBLAS_CORETYPE") == NULL ? haswell : real();
}

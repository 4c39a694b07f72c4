/* The request: FAULT, FAULT_CALLS, FAULT_FOLDER and FAULT_REPORT; README.md describes them. */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

typedef struct range {
    uintptr_t begin, end;
} range;

static const char *const kinds[] = {"folder", "system", "memory", "library"};
enum { FOLDER, SYSTEM, MEMORY, LIBRARY, KINDS };
enum { FIRST_FD = 500 }; /* of this library; those of the program are below */

static struct {
    int kind; /* of the calls that are counted */
    char action[8];
    int number, at;
    const char *folder;
    int report;
    range program, c_library, own;
} request = {.kind = KINDS, .report = -1};
static atomic_int calls;

/* --- whose call --- */

typedef struct search {
    uintptr_t address;
    range found;
} search;

static int search_object(struct dl_phdr_info *object, size_t size, void *context)
{
    search *wanted = context;
    range whole = {UINTPTR_MAX, 0};
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const uintptr_t begin = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        const uintptr_t end = begin + object->dlpi_phdr[i].p_memsz;
        if (object->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        whole.begin = begin < whole.begin ? begin : whole.begin;
        whole.end = end > whole.end ? end : whole.end;
    }
    /* The program comes first. */
    if (wanted->address != 0 && (wanted->address < whole.begin || wanted->address >= whole.end))
        return 0;
    wanted->found = whole;
    return 1;
}

/* Where the object that has this address is loaded; NULL: the program. */
static range object_of(const void *address)
{
    search wanted = {.address = (uintptr_t)address};
    dl_iterate_phdr(search_object, &wanted);
    return wanted.found;
}

static bool is_in(const range *object, uintptr_t address)
{
    return address >= object->begin && address < object->end;
}

static _Unwind_Reason_Code leave_c_library(struct _Unwind_Context *context, void *found)
{
    uintptr_t *const address = found;
    *address = _Unwind_GetIP(context);
    return is_in(&request.own, *address) || is_in(&request.c_library, *address) ? _URC_NO_REASON
                                                                                : _URC_END_OF_STACK;
}

bool fault_by_program(const void **caller)
{
    uintptr_t address = (uintptr_t)*caller;
    if (is_in(&request.c_library, address))
        _Unwind_Backtrace(leave_c_library, &address);
    *caller = (const void *)address;
    return is_in(&request.program, address);
}

/* --- which call --- */

static bool is_below_folder(const char *path)
{
    char whole[PATH_MAX];
    if (request.folder == NULL || path == NULL)
        return false;
    if (path[0] != '/' && getcwd(whole, sizeof whole) != NULL) {
        strncat(whole, "/", sizeof whole - strlen(whole) - 1);
        strncat(whole, path, sizeof whole - strlen(whole) - 1);
        path = whole;
    }
    return strncmp(path, request.folder, strlen(request.folder)) == 0;
}

bool fault_is_below_folder(int fd)
{
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(name, path, sizeof path - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    return is_below_folder(path);
}

bool fault_requested(const char *action, int *number)
{
    *number = request.number;
    return strcmp(request.action, action) == 0;
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

static bool count_call(const char *name, const void *caller)
{
    const int call = ++calls;
    int number;
    if (call < request.at || (call > request.at && !fault_requested("from", &number)))
        return false;
    if (call == request.at)
        fault_report("failed", name, caller, (unsigned long)call);
    if (fault_requested("kill", &number))
        raise(number);
    if (fault_requested("twice", &number))
        interrupt_twice(number);
    if (!fault_requested("fail", &number) && !fault_requested("from", &number))
        return false;
    errno = number;
    return true;
}

bool fault_in_call(const char *name, const void *caller)
{
    return request.kind == SYSTEM && fault_by_program(&caller) && count_call(name, caller);
}

bool fault_in_path(const char *name, const void *caller, const char *path)
{
    if (request.kind != FOLDER)
        return fault_in_call(name, caller);
    return is_below_folder(path) && count_call(name, caller);
}

bool fault_in_descriptor(const char *name, const void *caller, int fd)
{
    if (request.kind != FOLDER)
        return fault_in_call(name, caller);
    return fault_is_below_folder(fd) && count_call(name, caller);
}

bool fault_in_allocation(const char *name, bool by_program, const void *caller)
{
    return request.kind == (by_program ? MEMORY : LIBRARY) && count_call(name, caller);
}

/* --- request and report --- */

void fault_report(const char *what, const char *name, const void *caller, unsigned long number)
{
    char line[160];
    const int why = errno;
    const int length = snprintf(
        line, sizeof line, "%s %s %#lx %lu\n", what, name,
        (unsigned long)(caller != NULL ? (uintptr_t)caller - request.program.begin : 0), number);
    if (request.report >= 0)
        (void)!write(request.report, line, (size_t)length);
    errno = why;
}

__attribute__((constructor)) static void read_request(void)
{
    const char *fault = getenv("FAULT"), *kind = getenv("FAULT_CALLS");
    const char *report = getenv("FAULT_REPORT");
    request.folder = getenv("FAULT_FOLDER");
    request.program = object_of(NULL);
    request.c_library = object_of(dlsym(RTLD_NEXT, "abort"));
    request.own = object_of(&request);
    if (fault != NULL)
        sscanf(fault, "%7[a-z]:%d:%d", request.action, &request.number, &request.at);
    if (report != NULL) {
        const int fd = open(report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        request.report = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
        close(fd);
    }
    for (request.kind = FOLDER; kind != NULL && request.kind < KINDS; request.kind++)
        if (strcmp(kind, kinds[request.kind]) == 0)
            break;
}

__attribute__((destructor)) static void write_report(void)
{
    request.kind = KINDS;
    fault_report("counted", "calls", NULL, (unsigned long)calls);
    fault_report_leaks();
    for (int fd = STDERR_FILENO + 1; fd < FIRST_FD; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            fault_report("leaked", "descriptor", NULL, (unsigned long)fd);
}

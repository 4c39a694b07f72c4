/* Which calls fail. The wrappers of this library ask, before they make a call. */
#ifndef MB_FAULTS_H
#define MB_FAULTS_H

#include <stdbool.h>

#define EXPORT __attribute__((visibility("default")))
#define CALLER __builtin_return_address(0)

/* Sets `real` to the function that the wrapper replaces. */
#define FIND_REAL(name)                                                                            \
    if (real == NULL)                                                                              \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

/* Each counts the call if $FAULT_CALLS names its kind; true if it must fail, with errno set.
 * A call with a path or a descriptor may be one that changes files below $FAULT_FOLDER. */
bool fault_in_call(const char *name, const void *caller);
bool fault_in_path(const char *name, const void *caller, const char *path);
bool fault_in_descriptor(const char *name, const void *caller, int fd);
bool fault_in_allocation(const char *name, bool by_program, const void *caller);

/* True if $FAULT has this action, "ACTION:NUMBER:". */
bool fault_requested(const char *action, int *number);

/* True if the file is below $FAULT_FOLDER. */
bool fault_is_below_folder(int fd);

/* True if the caller is the program. Code of the C library is replaced by that which called it. */
bool fault_by_program(const void **caller);

/* Writes a line to $FAULT_REPORT; an address becomes the offset in the program. */
void fault_report(const char *what, const char *name, const void *caller, unsigned long number);

/* Reports the program's blocks that are not freed. */
void fault_report_leaks(void);

#endif

/* The signals that ask a run to end (SIGINT, SIGTERM, SIGHUP), and those with which schedulers of
 * clusters warn before they end a job (SIGUSR1, SIGUSR2, SIGXCPU): the program ends without losing
 * work or leaving half a line on the terminal. */
#ifndef MB_TOOLS_SIGNALS_H
#define MB_TOOLS_SIGNALS_H

#include <stdbool.h>

/* From now on these signals end the process at once, with exit code 128 + the signal. A signal that
 * is ignored, as under nohup, stays ignored. */
void mb_signals_install(void);

/* From now on they have no effect: another process, which receives them too, ends this one. */
void mb_signals_ignore(void);

/* While deferred, the first signal is only recorded, and the program ends when it has saved its
 * work; a second SIGINT or SIGTERM ends the process at once. Others may come twice: a system that
 * shuts down sends SIGHUP after SIGTERM, and SIGXCPU comes every second. */
void mb_signals_defer(bool deferred);

/* A run whose first deferred signal came `seconds` ago and that has not called this with 0 since
 * ends without saving: it waits for another process, which has ended or hangs. 0: no limit. */
void mb_signals_set_deadline(unsigned seconds);

/* The recorded signal; 0: none. */
int mb_signals_received(void);

/* "SIGINT" */
const char *mb_signals_name(int number);

/* Text written to `fd` before the process ends at once, to erase a line; the caller keeps it. NULL:
 * nothing. */
void mb_signals_set_cleanup(int fd, const char *text);

#endif

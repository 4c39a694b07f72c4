/* SIGINT, SIGTERM and SIGHUP: the program ends without losing work or leaving half a line on the
 * terminal. */
#ifndef MB_TOOLS_SIGNALS_H
#define MB_TOOLS_SIGNALS_H

#include <stdbool.h>

/* From now on the three signals end the process at once, with exit code 128 + the signal. A signal
 * that is ignored, as under nohup, stays ignored. */
void mb_signals_install(void);

/* While deferred, the first signal is only recorded, and the program ends when it has saved its
 * work; a second SIGINT or SIGTERM ends the process at once. A second SIGHUP does not: a system
 * that shuts down sends it after SIGTERM, and a closed terminal may send it twice. */
void mb_signals_defer(bool deferred);

/* The recorded signal; 0: none. */
int mb_signals_received(void);

/* "SIGINT" */
const char *mb_signals_name(int number);

/* Text written to `fd` before the process ends at once, to erase a line; the caller keeps it. NULL:
 * nothing. */
void mb_signals_set_cleanup(int fd, const char *text);

#endif

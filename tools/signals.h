/* SIGINT, SIGTERM and SIGHUP: ending without losing work, and without half a line on the terminal.
 */
#ifndef MB_TOOLS_SIGNALS_H
#define MB_TOOLS_SIGNALS_H

#include "terminal.h"

#include <stdbool.h>

/* From here on the three signals end the process at once with exit code 128 + the signal. One that
 * is ignored, as nohup has it, stays ignored. Called by the thread that writes to the terminal. */
void mb_signals_install(void);

/* While held, the first signal is only noted, and whoever asks for it ends in good order; a second
 * SIGINT or SIGTERM ends the process at once. A second SIGHUP does not: systems that shut down send
 * it after SIGTERM, and a terminal that is closed may send it twice. */
void mb_signals_defer(bool held);

/* The signal that was noted; 0: none. */
int mb_signals_received(void);

/* "SIGINT" */
const char *mb_signals_name(int number);

/* What is written to the terminal before an end at once; kept by the caller, NULL: nothing. */
void mb_signals_farewell(const mb_terminal *terminal, const char *text);

#endif

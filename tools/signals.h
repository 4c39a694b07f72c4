/* Ending by a signal without leaving half a line on the terminal. */
#ifndef MB_TOOLS_SIGNALS_H
#define MB_TOOLS_SIGNALS_H

#include "terminal.h"

/* From here on, SIGINT, SIGTERM and SIGHUP write `farewell` (kept by the caller) to the terminal,
 * and then end the process as they would have: a shell sees 128 + the signal. One that is ignored,
 * as nohup has it, stays ignored. Called by the thread that writes to the terminal; only one guard
 * at a time. */
void mb_signals_guard(const mb_terminal *terminal, const char *farewell);

/* Puts back what the three signals did before the guard. Without one, nothing. */
void mb_signals_release(void);

#endif

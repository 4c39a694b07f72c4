/* The parts of an open machine that the rest of the library uses. */
#ifndef MB_MACHINE_MACHINE_H
#define MB_MACHINE_MACHINE_H

#include "machine/team.h"

#include <mnist_blas/machine.h>

/* The machine's threads; they belong to it. */
mb_team *mb_machine_team(mb_machine *machine);

/* Whether somebody asked for this number of threads; else fewer may work where that is faster. */
bool mb_machine_threads_requested(const mb_machine *machine);

#endif

/* The parts of an open machine that the rest of the library uses. */
#ifndef MB_MACHINE_MACHINE_H
#define MB_MACHINE_MACHINE_H

#include "machine/team.h"

#include <mnist_blas/machine.h>

/* The machine's threads; they belong to it. */
mb_team *mb_machine_team(mb_machine *machine);

#endif

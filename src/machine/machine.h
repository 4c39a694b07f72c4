/* Access to an open machine for the rest of the library. */
#ifndef MB_MACHINE_MACHINE_H
#define MB_MACHINE_MACHINE_H

#include "machine/ranks.h"
#include "machine/team.h"

#include <mnist_blas/machine.h>

/* The team; the machine owns it. */
mb_team *mb_machine_team(mb_machine *machine);

/* The ranks that it was opened with; NULL: this process alone. */
const mb_ranks *mb_machine_ranks(const mb_machine *machine);

/* True if the option or OMP_NUM_THREADS set the thread count; otherwise fewer threads may be used
 * where that is faster. */
bool mb_machine_threads_requested(const mb_machine *machine);

#endif

/* How far apart the cores of a team are: the time that a cache line takes from one core to another
 * and back. Cores that share a cache take about 0.1 us, others several times as long, and so does
 * each exchange of a training step between them. A virtual machine's cores may move. */
#ifndef MB_MACHINE_ROUND_TRIP_H
#define MB_MACHINE_ROUND_TRIP_H

#include "machine/team.h"

#include <mnist_blas/machine.h>

/* Measures between each thread of the team and the next, one pair at a time: about 0.3 ms each. */
mb_round_trip mb_round_trip_measure(mb_team *team);

#endif

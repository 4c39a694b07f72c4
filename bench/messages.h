/* The measurements of bench_messages: what the ranks of a step would send each other, and how long
 * messages between running ranks take. */
#ifndef MB_BENCH_MESSAGES_H
#define MB_BENCH_MESSAGES_H

#include <mnist_blas/mnist_blas.h>

#include <jansson.h>

/* {"ranks": R, "phases": [...], "exchanges": [...]} of a step at R ranks, the maxima over the
 * ranks: of each phase the tiles, and those of the rank that runs most; of each exchange what a
 * rank sends and receives, in bytes and messages. Indices of phases are those of the plan; `finish`
 * is their number at the end of the step. The tiles of the trainer's plan stay divided as those of
 * the last rank. MB_ERROR_MEMORY; MB_ERROR_INVALID. */
mb_status mb_messages_list(mb_trainer *trainer, size_t ranks, json_t **list, mb_error *error);

/* [{"pattern": "one"|"all", "bytes": n, "seconds": {"min", "median", "max"}}, ...]: the time of a
 * message from rank 0 to rank 1, half of a round trip; and of an exchange in which every rank sends
 * n bytes to every other. All ranks call it together; *list is NULL on all but rank 0.
 * MB_ERROR_MEMORY. */
mb_status mb_messages_time(mb_machine *machine, const mb_ranks *ranks, size_t repeats,
                           json_t **list, mb_error *error);

#endif

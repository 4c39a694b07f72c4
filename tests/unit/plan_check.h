/* Checker of plans: runs a step on one thread and finds phases that read or write memory that is
 * not declared in their uses.
 *
 * Each tile of each phase runs twice from the same state. First unmodified: only buffers declared
 * as written may change. Then with NaNs (zeros in indices) in all undeclared buffers, the scratch,
 * and other tiles' parts of buffers declared `own`: the results must not change. The tiles' parts
 * are recorded in a previous step.
 *
 * What the tiles wrote is then compared with the parts that mb_plan_part gives to ranks, for some
 * counts of them: parts do not overlap, and what a rank's tiles write is in the part of that
 * rank. */
#ifndef MB_TESTS_PLAN_CHECK_H
#define MB_TESTS_PLAN_CHECK_H

#include "nn/plan.h"

typedef enum mb_checked_as {
    MB_CHECKED_FLOATS,
    MB_CHECKED_INDICES,   /* integers and flags: poisoned with zeros */
    MB_CHECKED_PER_THREAD /* one row of floats, used by the running tile only */
} mb_checked_as;

/* Memory that phases refer to by `buffer` in their uses; several pieces may have the same name. */
typedef struct mb_checked_buffer {
    const void *buffer;
    const char *text; /* for messages */
    char *start;
    size_t size; /* bytes */
    mb_checked_as kind;
} mb_checked_buffer;

enum { MB_MAX_CHECKED_BUFFERS = 128 };

typedef struct mb_plan_check {
    mb_checked_buffer buffers[MB_MAX_CHECKED_BUFFERS];
    size_t count;
    char problem[256]; /* the first problem; "": none */
} mb_plan_check;

/* Empty buffers are ignored. */
void mb_plan_check_add(mb_plan_check *check, const void *buffer, const char *text,
                       const void *start, size_t size, mb_checked_as kind);

/* Runs the step twice, to record and to check. False, with check->problem, if a phase is wrong. */
bool mb_plan_check_run(mb_plan_check *check, const mb_plan *plan, const mb_step *step);

#endif

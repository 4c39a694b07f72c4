/* Debug mode of a plan: runs a step on one thread and finds a phase that reads or writes what it
 * does not declare in its uses.
 *
 * Each tile of each phase runs twice from the same state: first as it is, and no buffer may change
 * that is not declared as written; then with all buffers that are not declared, the scratch, and
 * the parts of other tiles in buffers that are declared `own` filled with NaNs, and the results may
 * not change. Which parts are other tiles' is learnt from a step before. */
#ifndef MB_TESTS_PLAN_CHECK_H
#define MB_TESTS_PLAN_CHECK_H

#include "nn/plan.h"

/* Memory that phases name by `buffer` in their uses; several pieces may have one name. */
typedef struct mb_checked_buffer {
    const void *buffer;
    const char *text; /* for messages */
    char *start;
    size_t size;     /* bytes */
    bool per_thread; /* one row, of the tile that runs: no part of it is another tile's */
} mb_checked_buffer;

enum { MB_MAX_CHECKED_BUFFERS = 128 };

typedef struct mb_plan_check {
    mb_checked_buffer buffers[MB_MAX_CHECKED_BUFFERS];
    size_t count;
    char problem[256]; /* the first that was found; "": none */
} mb_plan_check;

/* Buffers that are empty are ignored. */
void mb_plan_check_add(mb_plan_check *check, const void *buffer, const char *text,
                       const void *start, size_t size, bool per_thread);

/* Runs the step twice, to learn and to check. False, with check->problem, if a phase is wrong. */
bool mb_plan_check_run(mb_plan_check *check, const mb_plan *plan, const mb_step *step);

#endif

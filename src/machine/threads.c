#include "machine/threads.h"

#include "core/parse.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

static mb_status fail_number(mb_error *error, const char *value)
{
    return mb_fail(error, MB_ERROR_INVALID, "OMP_NUM_THREADS: '%s' is not a thread count", value);
}

static mb_status check_max(size_t threads, const char *from, mb_error *error)
{
    if (threads <= MB_MAX_THREADS)
        return MB_OK;
    return mb_fail(error, MB_ERROR_INVALID, "%s: %zu threads: must be at most %d", from, threads,
                   MB_MAX_THREADS);
}

static const char *skip_blanks(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

/* Checks the whole list, as OpenMP does, although only its first number is used. */
static mb_status parse_list(const char *value, size_t *threads, mb_error *error)
{
    size_t first = 0;
    for (const char *next = value;; next++) {
        next = skip_blanks(next);
        size_t number = 0;
        if (!mb_take_size(&next, 1, SIZE_MAX, &number))
            return fail_number(error, value);
        if (first == 0)
            first = number;
        next = skip_blanks(next);
        if (*next == '\0')
            break;
        if (*next != ',')
            return fail_number(error, value);
    }
    *threads = first;
    return check_max(first, "OMP_NUM_THREADS", error);
}

mb_status mb_threads_choose(size_t requested, const char *omp_num_threads, size_t cores,
                            double quota, size_t limit, size_t *threads, const char **from,
                            mb_error *error)
{
    mb_status status = MB_OK;
    size_t count = cores > 0 ? cores : 1;
    const char *decided_by = "cores";
    if (requested > 0) {
        count = requested;
        decided_by = "--threads";
        status = check_max(count, decided_by, error);
    } else if (omp_num_threads != NULL) {
        decided_by = "OMP_NUM_THREADS";
        status = parse_list(omp_num_threads, &count, error);
    } else if (quota > 0 && quota < (double)count) {
        const size_t whole = (size_t)quota;
        count = whole > 0 ? whole : 1;
        decided_by = count < cores ? "quota" : decided_by;
    }
    if (status != MB_OK)
        return status;
    if (limit > 0 && count > limit) {
        count = limit;
        decided_by = "limit";
    }
    *threads = count;
    *from = decided_by;
    return MB_OK;
}

static void *wait_for(void *mutex)
{
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    return NULL;
}

size_t mb_threads_startable(size_t threads)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_t *started = calloc(threads, sizeof *started);
    size_t running = 1;
    pthread_mutex_lock(&mutex);
    while (started != NULL && running < threads &&
           pthread_create(&started[running], NULL, wait_for, &mutex) == 0)
        running++;
    pthread_mutex_unlock(&mutex);
    for (size_t i = 1; i < running; i++)
        pthread_join(started[i], NULL);
    free(started);
    return running;
}

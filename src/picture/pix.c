#include "picture/pix.h"

#include <pthread.h>

/* Leptonica's settings are global: the first thread that wants no messages changes them, the last
 * one restores them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t users;
static int severity;

static void ignore(const char *text) { (void)text; }

void mb_pix_messages_off(void)
{
    pthread_mutex_lock(&lock);
    if (users++ == 0) {
        severity = setMsgSeverity(L_SEVERITY_NONE);
        leptSetStderrHandler(ignore);
    }
    pthread_mutex_unlock(&lock);
}

void mb_pix_messages_on(void)
{
    pthread_mutex_lock(&lock);
    if (--users == 0) {
        leptSetStderrHandler(NULL);
        setMsgSeverity(severity);
    }
    pthread_mutex_unlock(&lock);
}

/* Time that only goes forward. */
#ifndef MB_CORE_CLOCK_H
#define MB_CORE_CLOCK_H

/* Seconds since some fixed moment, unaffected by changes of the date. */
double mb_seconds(void);

#endif

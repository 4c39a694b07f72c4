/* CPUs that one run of this program claims, so that runs started side by side pin their threads to
 * different ones. */
#ifndef MB_MACHINE_CLAIMS_H
#define MB_MACHINE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

/* {0} claims nothing. */
typedef struct mb_claims {
    int *sockets;
    size_t count;
} mb_claims;

/* Claims a CPU. False if another process has it; true also where claims cannot be made. A claim is
 * a socket that listens at a name in Linux's abstract namespace, which the system frees when the
 * process ends. */
bool mb_claim_cpu(mb_claims *claims, unsigned cpu);

/* Gives the CPUs back; {0} is fine. */
void mb_claims_free(mb_claims *claims);

#endif

#include "machine/claims.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* True if this process has the claim: another machine of it is pinned there, too. */
static bool is_own(const struct sockaddr_un *address, socklen_t size)
{
    struct ucred owner = {0};
    socklen_t length = sizeof owner;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const bool own = fd >= 0 && connect(fd, (const struct sockaddr *)address, size) == 0 &&
                     getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &length) == 0 &&
                     owner.pid == getpid();
    if (fd >= 0)
        close(fd);
    return own;
}

bool mb_claim_cpu(mb_claims *claims, unsigned cpu)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int length =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "mnist_blas/cpu/%u", cpu);
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    int *sockets = realloc(claims->sockets, (claims->count + 1) * sizeof *sockets);
    const int fd = sockets != NULL ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    claims->sockets = sockets != NULL ? sockets : claims->sockets;
    if (fd < 0)
        return true;
    if (bind(fd, (const struct sockaddr *)&address, size) == 0 && listen(fd, SOMAXCONN) == 0) {
        claims->sockets[claims->count++] = fd;
        return true;
    }
    const bool taken = errno == EADDRINUSE;
    close(fd);
    return !taken || is_own(&address, size);
}

void mb_claims_free(mb_claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        close(claims->sockets[i]);
    free(claims->sockets);
    *claims = (mb_claims){0};
}

/* delay_line: a network between namespaces that has a latency and a rate, by TAP devices.
 *
 * delay_line NANOSECONDS BYTES_PER_SECOND NAMESPACE... creates in each namespace (a file of
 * /run/netns) the device `line` and forwards what is sent through it to the device of namespace N,
 * from 1, if N is the last byte of the destination's hardware address. A packet leaves its sender
 * after those before it, at the rate, and arrives after the latency. It prints "ready" and runs
 * until it is ended. Needs root, and Linux. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <time.h>
#include <unistd.h>

enum { MAX_NODES = 16, MAX_PACKET = 65536, MAX_QUEUE = 1024, HEADER = 14, NODE_BYTE = 5 };

typedef struct packet {
    uint64_t due; /* nanoseconds */
    size_t size, to;
    char bytes[MAX_PACKET];
} packet;

/* Packets on their way from a node, in the order in which they are due. */
typedef struct sender {
    int fd;
    uint64_t free_at; /* the last packet has left the sender */
    packet *queue;    /* (MAX_QUEUE), a ring */
    size_t first, count;
} sender;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int fail(const char *what)
{
    fprintf(stderr, "delay_line: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_device(const char *namespace)
{
    char path[256];
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    snprintf(path, sizeof path, "/run/netns/%s", namespace);
    snprintf(request.ifr_name, sizeof request.ifr_name, "line");
    const int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) != 0)
        fail(path);
    close(space);
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
        fail("/dev/net/tun");
    return fd;
}

/* Takes what a node sends, as long as there is place: the device then holds back its sender. */
static void take(sender *from, size_t nodes, uint64_t latency, uint64_t rate)
{
    while (from->count < MAX_QUEUE) {
        packet *next = &from->queue[(from->first + from->count) % MAX_QUEUE];
        const ssize_t size = read(from->fd, next->bytes, sizeof next->bytes);
        if (size < HEADER)
            return;
        const size_t to = (size_t)(unsigned char)next->bytes[NODE_BYTE] - 1;
        if (to >= nodes) /* a broadcast */
            continue;
        const uint64_t time = now();
        if (from->free_at < time)
            from->free_at = time;
        from->free_at += (uint64_t)size * 1000000000u / rate;
        next->due = from->free_at + latency;
        next->size = (size_t)size;
        next->to = to;
        from->count++;
    }
}

static void deliver(sender *from, const sender *links)
{
    for (; from->count > 0; from->count--) {
        const packet *next = &from->queue[from->first];
        if (next->due > now())
            return;
        if (write(links[next->to].fd, next->bytes, next->size) < 0 && errno != EAGAIN &&
            errno != EIO)
            fail("write");
        from->first = (from->first + 1) % MAX_QUEUE;
    }
}

/* Until a packet is due or comes. */
static void wait_for_packets(const sender *links, size_t nodes)
{
    struct pollfd polled[MAX_NODES];
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < nodes; i++) {
        polled[i] = (struct pollfd){links[i].fd, links[i].count < MAX_QUEUE ? POLLIN : 0, 0};
        if (links[i].count > 0 && links[i].queue[links[i].first].due < next)
            next = links[i].queue[links[i].first].due;
    }
    const uint64_t time = now(), left = next > time ? next - time : 0;
    const struct timespec timeout = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    ppoll(polled, nodes, next == UINT64_MAX ? NULL : &timeout, NULL);
}

static uint64_t number_of(const char *text)
{
    char *end;
    const unsigned long long value = strtoull(text, &end, 10);
    if (*end != '\0' || end == text) {
        fprintf(stderr, "delay_line: '%s' must be an integer\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    const size_t nodes = argc > 3 ? (size_t)argc - 3 : 0;
    sender links[MAX_NODES] = {{0}};
    if (nodes < 2 || nodes > MAX_NODES || number_of(argv[2]) == 0) {
        fprintf(stderr, "Usage: delay_line NANOSECONDS BYTES_PER_SECOND NAMESPACE NAMESPACE...\n");
        return 2;
    }
    const uint64_t latency = number_of(argv[1]), rate = number_of(argv[2]);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    prctl(PR_SET_TIMERSLACK, 1);
    for (size_t i = 0; i < nodes; i++) {
        links[i].fd = open_device(argv[3 + i]);
        links[i].queue = calloc(MAX_QUEUE, sizeof(packet));
        if (links[i].queue == NULL)
            fail("queue");
    }
    /* Before the ranks, which wait busily. */
    const struct sched_param priority = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        fail("SCHED_FIFO");
    puts("ready");
    fflush(stdout);
    for (;;) {
        wait_for_packets(links, nodes);
        for (size_t i = 0; i < nodes; i++) {
            take(&links[i], nodes, latency, rate);
            deliver(&links[i], links);
        }
    }
}

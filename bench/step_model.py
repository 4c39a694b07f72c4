"""A model of a training step that ranks divide: the time of its phases and of the messages between them.

Every rank is taken to run what the busiest one runs of each phase, and to send what sends most. A message costs the
processors of both sides `per_message`, and `per_byte` for each byte; its link carries one exchange after the other, at
`bandwidth`, and delays each by `latency`, three times if messages are longer than `eager`, because the sender then asks
first. Links do not disturb each other: the switch is ideal. What is under way between the start and the finish of an
exchange costs no time as long as the phases between them take longer.
"""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Link:
    """Seconds, bytes per second, bytes."""
    name: str
    latency: float
    bandwidth: float
    per_message: float
    per_byte: float
    eager: int = 65536
    source: str = ""

    def delay(self, size):
        """Of a message of that size."""
        return self.latency * (3 if size > self.eager else 1)


def step_seconds(phases, rest, listing, link, busy=1.0):
    """Seconds per step; `phases`: those of each phase on one thread, with all its tiles; `rest`: between steps;
    `listing`: phases and exchanges of bench_messages; `busy`: ranks per core."""
    clock, free, done = 0.0, 0.0, {}
    exchanges = list(enumerate(listing["exchanges"]))
    for index in range(len(phases) + 1):
        for number, one in exchanges:
            if one["start"] == index and one["bytes_of_all"]:
                size = max(one["bytes_sent"], one["bytes_received"])
                free = max(clock, free) + size / link.bandwidth
                messages = max(one["messages_sent"], one["messages_received"])
                done[number] = free + link.delay(size / messages)
                clock += busy * (link.per_message * one["messages_sent"] + link.per_byte * one["bytes_sent"])
        for number, one in exchanges:
            if one["finish"] == index and number in done:
                clock += busy * (link.per_message * one["messages_received"] + link.per_byte * one["bytes_received"])
                clock = max(clock, done[number])
        if index < len(phases):
            here = listing["phases"][index]
            clock += busy * phases[index] * here["max_tiles"] / here["tiles"]
    return clock + busy * rest


# ---- fitting a link to the figures of bench_messages ----

SMALL, LARGE = 512, 131072


def times_of(figures, pattern):
    """The fastest of the repeats by size: what disturbs a message makes it slower."""
    return {one["bytes"]: one["seconds"]["min"] for one in figures if one["pattern"] == pattern}


def slope(times):
    """Seconds per byte of large messages."""
    sizes = sorted(size for size in times if size >= LARGE)
    return statistics.median((times[b] - times[a]) / (b - a) for a, b in zip(sizes, sizes[1:]))


def small(times):
    return statistics.median(seconds for size, seconds in times.items() if size <= SMALL)


def fit_processor(name, figures, eager):
    """A link on which messages cost processors only: shared memory, or TCP within a machine."""
    per_byte = slope(times_of(figures, "all")) / 2
    return Link(name, 0.0, float("inf"), small(times_of(figures, "one")) / 2, max(per_byte, 0.0), eager)


def fit_network(name, figures, processor):
    """A link between machines, whose processors need what `processor` says."""
    one, every = times_of(figures, "one"), times_of(figures, "all")
    latency = max(0.0, small(one) - 2 * processor.per_message)
    return dataclasses.replace(processor, name=name, latency=latency, bandwidth=1 / slope(every))


# ---- networks that are not here ----

ETHERNET = 1448 / 1538  # of a frame's time on the wire carries data of TCP: 1500 bytes, headers, preamble, gap


def assumed(processor):
    """Links of networks, with latencies of MPI from one process to another; `processor`: TCP as measured here."""
    def tcp(name, gigabits, latency, source):
        return dataclasses.replace(processor, name=name, bandwidth=1e9 / 8 * gigabits * ETHERNET,
                                   latency=latency, source=source)

    def direct(name, bandwidth, latency, source):
        return Link(name, latency, bandwidth, 0.3e-6, 0.0, 16384, source)

    return [
        tcp("1 GbE", 1, 30e-6, "assumed: usual for TCP, interrupts not delayed"),
        tcp("10 GbE", 10, 20e-6, "Hurwitz and Feng, Initial End-to-End Performance Evaluation of 10-Gigabit Ethernet, "
            "Hot Interconnects 2003: 20 us"),
        tcp("25 GbE", 25, 15e-6, "assumed: below 10 GbE, as TCP in the kernel remains"),
        direct("100 GbE, RoCE", 100e9 / 8 * ETHERNET, 3e-6, "assumed: Open MPI over Cisco usNIC, 40 GbE without a "
               "switch, has 1.93 us (blogs.cisco.com, MPI over 40Gb Ethernet); a switch added"),
        direct("InfiniBand 100 Gb/s", 12e9, 1.3e-6, "assumed: the figure that OSU's latency test shows in QLogic's "
               "InfiniPath manual is 1.26 us; 100 Gb/s less the headers"),
    ]


# ---- what a table needs ----

def speedups(alone, phases, rest, listings, link):
    """Of each number of ranks, by that number."""
    return {listing["ranks"]: alone / step_seconds(phases, rest, listing, link) if listing["ranks"] > 1 else 1.0
            for listing in listings}


def half_efficient(speeds):
    """The largest number of ranks up to which the speedup is at least half their number."""
    best = 1
    for ranks in sorted(speeds):
        if speeds[ranks] < ranks / 2:
            break
        best = ranks
    return best

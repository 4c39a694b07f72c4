"""A comparison: the installed peers, the fastest configuration of each contender, and the rounds."""

import contextlib
import time

from contenders import PEERS, Missing, Peer, Way, big_sgemm, busy_seconds, round_trip, settle
from outcome import result_of

TRIALS = 5  # timings of each configuration; the fastest counts
ATTEMPTS = 3  # of a round during which the distance of the cores changes


def thread_counts(cores):
    """Thread counts to try: 1, 2, 3, 4, 6, 8, 12, 16, ..., and all cores."""
    steps = {count << shift for count in (1, 3) for shift in range(cores.bit_length())}
    return sorted({count for count in steps if count < cores} | {cores})


def installed(names, python, work):
    """The peers called `names`, or all that can run."""
    peers = []
    for name in names or PEERS:
        peer = Peer(name, python)
        try:
            peer.open(work, Way(1, None)).close()
        except Missing as missing:
            if names:
                raise
            print(f"left out: {missing}", flush=True)
        else:
            peers.append(peer)
    return peers


def wording(way):
    return str(way.threads) + (f" {way.layout}" if way.layout else "")


def ways_of(contender, threads):
    layouts = contender.layouts if len(contender.layouts) > 1 else [None]
    return [Way(count, layout) for count in threads for layout in layouts]


def try_ways(contenders, work, threads, opened):
    """Trainers and the speeds of their trials, by contender and configuration. Trials alternate, so that a temporary
    slowdown of the machine does not affect all trials of one configuration."""
    trainers = {contender: {way: opened.enter_context(contextlib.closing(contender.open(work, way)))
                            for way in ways_of(contender, threads)} for contender in contenders}
    speeds = {contender: {way: [] for way in ways} for contender, ways in trainers.items()}
    for trial in range(1, TRIALS + 1):
        for contender, ways in trainers.items():
            for way, trainer in ways.items():
                speeds[contender][way].append(trainer.train(1, seed=trial).speed())
                settle()
    return trainers, speeds


def choose_way(contender, trainers, speeds):
    """Returns the fastest configuration and closes the other trainers; both arguments are dicts by configuration."""
    best = max(speeds, key=lambda way: max(speeds[way]))
    tried = ", ".join(f"{wording(way)}: {max(timed):,.0f}" for way, timed in speeds.items())
    print(f"  {contender.name}: samples/s by threads {tried}; best {wording(best)}", flush=True)
    for way, trainer in trainers.items():
        if way != best:
            trainer.close()
    return best


def take_turn(trainer, epochs, seed):
    """Trains, and measures the load from other processes, including waiting contenders."""
    busy, used, start = busy_seconds(), trainer.cpu_seconds(), time.monotonic()
    trained = trainer.train(epochs, seed)
    others = busy_seconds() - busy - (trainer.cpu_seconds() - used)
    trained.others = max(0.0, others / (time.monotonic() - start))
    trained.test_accuracy = trainer.evaluate()
    settle()
    return trained


def kind_of(distance):
    return distance["kind"] if distance else None


def run_steadily(number, build, threads, work):
    """Runs work(), again if the distance of the cores changed meanwhile: speeds are never compared across a change.
    Returns its result, and the distances before and after."""
    for attempt in range(1, ATTEMPTS + 1):
        before = round_trip(build, threads)
        done = work()
        distances = (before, round_trip(build, threads))
        if None in distances or kind_of(distances[0]) == kind_of(distances[1]):  # None: a busy machine
            break
        print(f"  round {number}: the cores were {kind_of(distances[0])} before and {kind_of(distances[1])} after it: "
              + ("repeated" if attempt < ATTEMPTS else "marked"), flush=True)
    return done, distances


def run_round(number, trainers, cores, given):
    """Trains with each contender. Returns the turns, the rate of a large SGEMM by thread count, and the distances of the
    cores before and after."""
    def work():
        sgemm = {count: big_sgemm(given.build, count) for count in sorted({1, cores})}
        return {contender: take_turn(trainer, given.epochs_per_round, number)
                for contender, trainer in trainers.items()}, sgemm

    (turns, sgemm), distances = run_steadily(number, given.build, cores, work)
    return turns, sgemm, distances


def compare_at(work, contenders, threads, cores, given):
    """Compares at one batch size: the fastest configurations, then the rounds. Returns outcome.result_of."""
    print(f"{work.network}, batch size {work.batch_size}, {work.optimizer}: finding thread counts", flush=True)
    with contextlib.ExitStack() as opened:
        trainers, tried = try_ways(contenders, work, threads, opened)
        ways = {contender: choose_way(contender, trainers[contender], tried[contender])
                for contender in contenders}
        chosen = {contender: trainers[contender][way] for contender, way in ways.items()}
        rounds = []
        for number in range(1, given.rounds + 1):
            rounds.append(run_round(number, chosen, cores, given))
            turns, _, distances = rounds[-1]
            speeds = ", ".join(f"{contender.name} {turn.speed():,.0f}" for contender, turn in turns.items())
            distance = f", cores {kind_of(distances[1])}" if distances[1] else ""
            print(f"  round {number} of {given.rounds}, samples/s: {speeds}{distance}", flush=True)
    return result_of(work, ways, tried, rounds, cores)

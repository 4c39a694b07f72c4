"""The output of bench/compare: results per contender, table, JSON, verdict on accuracy."""

import collections
import json
import os
import pathlib
import platform
import statistics
import sys
import time

from contenders import OPTIMIZERS, Failure

MARGIN = 0.01  # allowed difference of median test accuracies
BUSY = 0.2  # CPUs kept busy by other processes: warn above
UNSTEADY = 1.2  # max / min of the large SGEMM over the rounds: warn above


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def row_of(contender, way, speeds_by_way, turns, ours_turns, flops_per_sample, sgemm):
    """The results of one contender."""
    row = {
        "version": contender.version, **way._asdict(),
        "tried": [{**tried._asdict(), "samples_per_second": speeds} for tried, speeds in speeds_by_way.items()],
        "epochs": [turn.speeds() for turn in turns],
        "samples_per_second": spread([speed for turn in turns for speed in turn.speeds()]),
        "share_of_sgemm": spread([turn.speed() * flops_per_sample / (1e9 * rate)
                                  for turn, rate in zip(turns, sgemm)]),
        "test_accuracy": spread([turn.test_accuracy for turn in turns]),
        "others": spread([turn.others for turn in turns]),
    }
    if turns is not ours_turns:
        row["ratio"] = spread([mine.speed() / theirs.speed() for mine, theirs in zip(ours_turns, turns)])
    return row


def accuracy_of(rows):
    """Differences between the peers' median accuracies and ours, and whether they are within the margin."""
    ours, *peers = [(name, row["test_accuracy"]["median"]) for name, row in rows.items()]
    apart = {name: accuracy - ours[1] for name, accuracy in peers}
    return {"margin": MARGIN, "from_ours": apart,
            "agree": all(abs(difference) <= MARGIN for difference in apart.values())}


def distance_of(distances):
    """The distance of the cores over all rounds, from pairs of before and after; None for one core."""
    found = [one for pair in distances for one in pair if one]
    if not found:
        return None
    kinds = [{one["kind"] for one in pair if one} for pair in distances]
    return {"rounds": ["changed" if len(kind) > 1 else "".join(kind) or "unknown" for kind in kinds],
            "min_ns": min(one["min_ns"] for one in found), "max_ns": max(one["max_ns"] for one in found)}


def result_of(work, ways, tried, rounds, cores):
    """The results at one batch size; `ways` and `tried` are by contender, ours first; `rounds` are of
    contest.run_round."""
    ours = next(iter(ways))
    turns = {contender: [one[0][contender] for one in rounds] for contender in ways}
    sgemm = {threads: [one[1][threads] for one in rounds] for threads in rounds[0][1]}
    flops = turns[ours][-1].flops_per_sample
    rows = {contender.name: row_of(contender, ways[contender], tried[contender], turns[contender],
                                   turns[ours], flops, sgemm[cores]) for contender in turns}
    return {"network": work.network, "batch_size": work.batch_size, "flops_per_sample": flops,
            "sgemm_gflops": {str(threads): spread(rates) for threads, rates in sgemm.items()},
            "round_trip": distance_of([one[2] for one in rounds]), "contenders": rows, "accuracy": accuracy_of(rows)}


def three(values, form):
    return "".join(f"{format(values[key], form):>10}" for key in ("min", "median", "max"))


def print_rows(rows):
    wide = max(len(name) for name in rows)
    print(f"{'':{wide}}         {'samples/s':>30}{'ratio ours/peer':>30}{'test accuracy':>30}   of big    others, CPUs")
    head = "".join(f"{key:>10}" for key in ("min", "median", "max"))
    print(f"{'contender':{wide}}  threads{head * 3}    SGEMM   median   max")
    for name, row in rows.items():
        ratio = three(row["ratio"], ".2f") if "ratio" in row else f"{'':30}"
        print(f"{name:{wide}}  {row['threads']:7}{three(row['samples_per_second'], ',.0f')}{ratio}"
              f"{three(row['test_accuracy'], '.4f')}{row['share_of_sgemm']['median']:9.2f}"
              f"{row['others']['median']:9.2f}{row['others']['max']:6.2f}")


def print_table(result, cores):
    rows = result["contenders"]
    print(f"\n{result['network']}, batch size {result['batch_size']}")
    print_rows(rows)
    layouts = [f"{name} {row['layout']}" for name, row in rows.items() if row["layout"]]
    if layouts:
        print("memory format: " + ", ".join(layouts))
    for threads, rates in result["sgemm_gflops"].items():
        print(f"big SGEMM, {threads} thread{'s' if threads != '1' else ''}: GFLOP/s"
              f" min {rates['min']:.1f}, median {rates['median']:.1f}, max {rates['max']:.1f}")
    distance = result["round_trip"]
    if distance:
        print(f"cores: {', '.join(sorted(set(distance['rounds'])))}, round trip of a cache line {distance['min_ns']:.0f}"
              f" to {distance['max_ns']:.0f} ns")
    print(f"(of big SGEMM: {result['flops_per_sample'] / 1e3:.0f} kFLOP per sample, relative to the speed of"
          f" {cores} thread{'s' if cores > 1 else ''}; median of the rounds)", flush=True)
    warn(result)


def warn(result):
    worst = max(row["others"]["max"] for row in result["contenders"].values())
    if worst > BUSY:
        print(f"compare: warning: other processes kept {worst:.1f} CPUs busy in a timed turn; "
              "repeat on an idle machine", file=sys.stderr)
    kinds = collections.Counter(result["round_trip"]["rounds"] if result["round_trip"] else [])
    if len(kinds) > 1 or "changed" in kinds:
        print("compare: warning: the distance of the cores changed: "
              + ", ".join(f"{kind} in {count}" for kind, count in kinds.items())
              + f" of {sum(kinds.values())} rounds; compare speeds of one kind only", file=sys.stderr)
    for threads, rates in result["sgemm_gflops"].items():
        if rates["max"] > UNSTEADY * rates["min"]:
            print(f"compare: warning: the large SGEMM with threads {threads} ran at {rates['min']:.0f} to "
                  f"{rates['max']:.0f} GFLOP/s: the speed of the machine itself varied", file=sys.stderr)


def write_text(path, text):
    try:
        pathlib.Path(path).write_text(text)
    except OSError as error:
        raise Failure(f"{path}: cannot be written: {error.strerror}")


def write_json(path, machine, data, given, results):
    whole = {
        "context": {"date": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "host_name": platform.node(),
                    "machine": machine, "load_average": os.getloadavg(), "data": data},
        "settings": {"network": given.network, "samples": given.samples, "optimizer": given.optimizer,
                     **OPTIMIZERS[given.optimizer], "rounds": given.rounds,
                     "epochs_per_round": given.epochs_per_round},
        "comparisons": results,
    }
    write_text(path, json.dumps(whole, indent=2) + "\n")


def check_fairness(results):
    """Fails if test accuracies differ: speeds are comparable only if all trainers learn equally well."""
    unfair = [f"{name}: its test accuracy is {100 * apart:+.2f} points from ours at batch size "
              f"{result['batch_size']}" for result in results
              for name, apart in result["accuracy"]["from_ours"].items() if abs(apart) > MARGIN]
    if unfair:
        raise Failure("; ".join(unfair) + ": the comparison is not fair")
    print(f"test accuracies agree within {100 * MARGIN:.1f} points")

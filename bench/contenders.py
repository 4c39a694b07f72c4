"""The trainers that bench/compare measures: mnist_blas, a new process each time, and the peers, one process each.

A contender has a name, a version, and the layouts (memory formats) that it supports for a network. open(work, way)
returns a trainer. Its train() trains a new network for one warm-up epoch and `epochs` timed ones; evaluate() then
returns the test accuracy. Errors are raised as Failure.
"""

import collections
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time

SETTLING = 0.3  # seconds until idle threads sleep
BENCH = pathlib.Path(__file__).resolve().parent

# The program of each peer in bench/peers.
PEERS = {name: name + ".py" for name in (
    "pytorch_eager", "pytorch_dataloader", "pytorch_compile", "libtorch", "jax_scan", "scikit_learn")}

# Values of --network, and their descriptions.
NETWORKS = {"mlp": "784-128-64-10", "lenet5": "LeNet-5", "cnn": "a network of two 3x3 convolutions",
            "cifar": "a network of six 3x3 convolutions"}

# Hyperparameters, the same for all; learning rates are constant.
OPTIMIZERS = {
    "adam": {"lr": 1e-3, "momentum": 0.0, "weight_decay": 0.0},
    "adamw": {"lr": 1e-3, "momentum": 0.0, "weight_decay": 0.01},
    "sgd": {"lr": 1e-2, "momentum": 0.9, "weight_decay": 0.0},
}


# The task of all contenders, and the configuration of one; layout: None if there is no choice.
Work = collections.namedtuple("Work", "data network spec batch_size optimizer")
Way = collections.namedtuple("Way", "threads layout")


class Failure(Exception):
    """An error with a one-line message."""


class Missing(Failure):
    """A peer that cannot take part: a package, the network or the optimizer is missing."""

class Trained:
    """Result of a training: seconds of each timed epoch, samples per epoch."""

    def __init__(self, seconds, samples, flops_per_sample=None):
        self.seconds, self.samples, self.flops_per_sample = seconds, samples, flops_per_sample
        self.test_accuracy = None
        self.others = 0.0  # CPUs kept busy by other processes during training

    def speeds(self):
        """Samples per second of each epoch."""
        return [self.samples / seconds for seconds in self.seconds]

    def speed(self):
        """Samples per second over all epochs."""
        return self.samples * len(self.seconds) / sum(self.seconds)


def end(process):
    """If it still runs, as after an interruption; mpirun then ends its ranks."""
    if process.poll() is None:
        process.terminate()
        process.communicate()


def start_program(command):
    try:
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                stdin=subprocess.DEVNULL)
    except OSError as error:
        raise Failure(f"{command[0]}: cannot be run: {error.strerror}; "
                      "build it with meson, or give --build DIR")


def run_at_once(commands):
    """Runs our programs at the same time; returns the stdout of each."""
    started, outs = [], []
    with contextlib.ExitStack() as running:
        for command in commands:
            started.append(start_program(command))
            running.callback(end, started[-1])
        for command, process in zip(commands, started):
            out, err = process.communicate()
            if process.returncode != 0:
                lines = err.strip().splitlines() or [f"{command[0]} ended with {process.returncode}"]
                raise Failure(lines[-1])
            outs.append(out)
    return outs


def run_program(command):
    """Runs one of our programs; returns its stdout."""
    out, = run_at_once([command])
    return out


def big_sgemm(build, threads):
    """GFLOP/s of a large SGEMM: the median of bench_gemm's repeats."""
    with tempfile.TemporaryDirectory(prefix="mnist_blas_compare_") as folder:
        path = pathlib.Path(folder, "gemm.json")
        run_program([build / "bench" / "bench_gemm", "--big-only", "--threads", threads, "--json", path])
        return json.loads(path.read_text())["benchmarks"][0]["GFLOP/s"]


def round_trip(build, threads):
    """How far apart the cores of so many threads are: "kind" ("near", "far", "mixed"), "min_ns" and "max_ns" of the
    round trip of a cache line; None for one thread."""
    return json.loads(run_program([build / "mnist_blas", "info", "--json", "--threads", threads]))["round_trip"]


class Ours:
    name, layouts = "mnist_blas", [None]

    def __init__(self, build):
        self.program = build / "mnist_blas"
        self.info = json.loads(run_program([self.program, "info", "--json"]))
        self.version = "mnist_blas " + self.info["version"]

    def find_data(self, given):
        """The folder that training uses with --data `given`; None: without the option."""
        named = ["--data", given] if given is not None else []
        summary, _ = train_ours(self.program, ["--epochs", 1, *named])
        if summary["data"] == "synthetic":
            raise Failure("data: none found, and the peers cannot train on synthetic digits: give --data DIR")
        self.training_images = summary["training_images"]
        return os.path.abspath(summary["data"])

    def spec(self, network):
        """The layers of a network that has a name."""
        return json.loads(run_program([self.program, "info", "--json", "--network", network]))["network"]["spec"]

    def open(self, work, way):
        return OurTrainer(self.program, work, way)


def train_into(folder, program, options, launcher=()):
    """Trains into a folder, under mpirun if `launcher` is its command; returns the summary of the run and the metrics of
    its epochs."""
    run_program([*launcher, program, "train", "--quiet", "--no-report", "--out", folder, *options])
    out = pathlib.Path(folder)
    return (json.loads((out / "summary.json").read_text()),
            [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()])


def train_ours(program, options):
    """Trains; returns the summary of the run and the metrics of its epochs."""
    with tempfile.TemporaryDirectory(prefix="mnist_blas_compare_") as folder:
        return train_into(folder, program, options)


class OurTrainer:
    def __init__(self, program, work, way):
        rules = OPTIMIZERS[work.optimizer]
        self.program = program
        self.options = ["--data", work.data, "--network", work.network, "--threads", way.threads,
                        "--batch-size", work.batch_size, "--optimizer", work.optimizer,
                        "--lr", rules["lr"], "--weight-decay", rules["weight_decay"],
                        "--schedule", "constant"]
        if work.optimizer == "sgd":
            self.options += ["--momentum", rules["momentum"]]
        else:
            self.options += ["--beta1", 0.9, "--beta2", 0.999]

    def train(self, epochs, seed):
        _, metrics = train_ours(self.program, ["--seed", seed, "--epochs", epochs + 1, *self.options])
        last = metrics[-1]
        self.test_accuracy = last["test_accuracy"]
        return Trained([epoch["seconds"] for epoch in metrics[1:]],
                       round(last["samples_per_second"] * last["seconds"]),
                       1e9 * last["gflops"] / last["samples_per_second"])

    def evaluate(self):
        return self.test_accuracy

    def cpu_seconds(self):
        """CPU time of all our child processes, which have ended."""
        times = os.times()
        return times.children_user + times.children_system

    def close(self):
        pass


class Peer:
    def __init__(self, name, python):
        self.name, self.python = name, python
        self.version, self.layouts = None, [None]  # known after open()

    def open(self, work, way):
        trainer = PeerTrainer(self.name, self.python, way.threads)
        try:
            reply = trainer.ask({"command": "open", **work._asdict(), **way._asdict(),
                                 **OPTIMIZERS[work.optimizer]})
        except BaseException:
            trainer.close()
            raise
        self.version, self.layouts = reply["version"], reply["layouts"]
        return trainer


class PeerTrainer:
    def __init__(self, name, python, threads):
        """Starts a process, because many libraries read their thread count only at start-up. OMP_WAIT_POLICY is
        removed: by default threads spin for a moment after work, then sleep (passive slows PyTorch several
        times)."""
        self.name, self.python = name, python
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
        environment["OMP_NUM_THREADS"] = str(threads)
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        try:
            self.process = subprocess.Popen([self.python, str(BENCH / "peers" / PEERS[self.name])],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=self.errors, env=environment, text=True)
        except OSError as error:
            self.errors.close()
            raise Failure(f"{self.python}: cannot be run: {error.strerror}; give --python FILE")

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines() or ["no message"]
            raise Failure(f"{self.name}: ended with {self.process.returncode}: {said[-1]}")
        reply = json.loads(line)
        if "missing" in reply:
            raise Missing(f"{self.name}: {reply['error']}: {self.python} -m pip install -r "
                          f"{os.path.relpath(BENCH / 'peers' / 'requirements.txt')}")
        if "unable" in reply:
            raise Missing(f"{self.name}: {reply['unable']}")
        if "error" in reply:
            raise Failure(f"{self.name}: {reply['error']}")
        return reply

    def train(self, epochs, seed):
        reply = self.ask({"command": "train", "epochs": epochs, "seed": seed})
        return Trained(reply["seconds"], reply["samples"])

    def evaluate(self):
        return self.ask({"command": "evaluate"})["test_accuracy"]

    def cpu_seconds(self):
        """CPU time of the peer's process; 0 if unknown."""
        try:
            fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.errors.close()
            self.process = None


def busy_seconds():
    """CPU time spent by all processes since the system started, on the CPUs that we may use; 0 if unknown."""
    try:
        lines = pathlib.Path("/proc/stat").read_text().splitlines()
    except OSError:
        return 0.0
    allowed = {f"cpu{cpu}" for cpu in os.sched_getaffinity(0)}
    ticks = 0
    for words in (line.split() for line in lines):
        if words[0] in allowed:
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words[1:9])
            ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def settle():
    """Waits until the previous contender's threads sleep."""
    time.sleep(SETTLING)

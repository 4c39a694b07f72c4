"""Starts ranks for bench/ranks and bench/ranks_model: on this machine, or in namespaces with a network of a given latency
and rate between them."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from contenders import Failure, run_program

DEVICE, SUBNET = "line", "10.77.0."  # of bench/delay_line
MTU = 65000  # few packets, because each costs the forwarding process time

# What mpirun runs on another "host": its orted, on the core of that namespace.
AGENT = """#!/bin/sh
node=${{1##*.}}; shift
exec ip netns exec {prefix}$node unshare --uts sh -c "hostname {prefix}$node
exec taskset -c $(( (node - 1) % {cores} )) sh -c '$*'"
"""


def check_mpirun():
    if shutil.which("mpirun") is None:
        raise Failure("mpirun: not found: install Open MPI, and build mnist_blas with -Dmpi=enabled")
    if os.geteuid() == 0:  # Open MPI asks root to confirm
        os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def local(ranks, transport=None):
    """The command that starts `ranks` ranks here; `transport`: "vader" (shared memory) or "tcp", of Open MPI."""
    chosen = ["--mca", "pml", "ob1", "--mca", "btl", f"{transport},self"] if transport else []
    return ["mpirun", "--oversubscribe", "-n", ranks, *chosen] if ranks > 1 or transport else []


class Line:
    """Namespaces, one a rank, joined by a network with that latency (seconds) and rate (bytes per second)."""

    def __init__(self, build, ranks, latency, rate, cores):
        self.ranks, self.latency, self.rate, self.cores = ranks, latency, rate, cores
        self.program = build / "bench" / "delay_line"
        self.prefix = f"mb{os.getpid()}n"

    def name(self, node):
        return f"{self.prefix}{node}"

    def __enter__(self):
        with contextlib.ExitStack() as opened:
            for node in range(1, self.ranks + 1):
                run_program(["ip", "netns", "add", self.name(node)])
                opened.callback(self.tear_down, node)
            self.start_line(opened)
            for node in range(1, self.ranks + 1):
                self.set_up(node)
            folder = pathlib.Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="mnist_blas_line_")))
            self.agent = folder / "agent"
            self.agent.write_text(AGENT.format(prefix=self.prefix, cores=self.cores))
            self.agent.chmod(0o700)
            self.opened = opened.pop_all()
        return self

    def tear_down(self, node):
        """Ends what still runs in a namespace, and removes it."""
        pids = subprocess.run(["ip", "netns", "pids", self.name(node)], capture_output=True, text=True, check=False)
        for pid in map(int, pids.stdout.split()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", self.name(node)], check=False)

    def start_line(self, opened):
        command = [self.program, round(1e9 * self.latency), round(self.rate),
                   *(self.name(node) for node in range(1, self.ranks + 1))]
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
        opened.callback(process.stdout.close)
        opened.callback(process.wait)
        opened.callback(process.terminate)
        if process.stdout.readline() != "ready\n":
            raise Failure("delay_line: did not start")

    def set_up(self, node):
        ip = ["ip", "-n", self.name(node)]
        run_program([*ip, "link", "set", DEVICE, "address", f"02:00:00:00:00:{node:02x}"])
        run_program([*ip, "addr", "add", f"{SUBNET}{node}/24", "dev", DEVICE])
        run_program([*ip, "link", "set", DEVICE, "mtu", MTU, "up"])
        run_program([*ip, "link", "set", "lo", "up"])
        for other in set(range(1, self.ranks + 1)) - {node}:
            run_program([*ip, "neigh", "add", f"{SUBNET}{other}", "lladdr", f"02:00:00:00:00:{other:02x}",
                         "dev", DEVICE, "nud", "permanent"])
        for setting in ("tcp_slow_start_after_idle=0", "tcp_congestion_control=reno"):
            run_program(["ip", "netns", "exec", self.name(node), "sysctl", "-qw", f"net.ipv4.{setting}"])

    def __exit__(self, *_):
        self.opened.close()

    def launcher(self):
        """The command that starts a rank in each namespace, over TCP."""
        hosts = ",".join(f"{SUBNET}{node}" for node in range(1, self.ranks + 1))
        mca = {"plm": "rsh", "plm_rsh_agent": self.agent, "pml": "ob1", "btl": "tcp,self",
               "btl_tcp_if_include": DEVICE, "oob_tcp_if_include": DEVICE,
               "mpi_yield_when_idle": int(self.ranks > self.cores)}
        options = [word for name, value in mca.items() for word in ("--mca", name, value)]
        return ["ip", "netns", "exec", self.name(1), "unshare", "--uts", "sh", "-c",
                f'hostname {self.name(1)}; exec taskset -c 0 mpirun "$@"', "mpirun", "-n", self.ranks,
                "--host", hosts, "--bind-to", "none", *options]

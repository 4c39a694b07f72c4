"""Runs over ranks: the program started by mpirun, or by what MNIST_BLAS_MPIRUN names."""
import os
import re
import shutil
import subprocess
import time
import unittest

import support
from run_folder import RunFolderTest

MPIRUN = os.environ.get("MNIST_BLAS_MPIRUN") or shutil.which("mpirun")
RANK = "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}"  # in a shell
# Each rank is this script, which has the name of a file for its process and then what to run.
NOTE_PROCESS = f'echo $$ > "$0.{RANK}"; exec "$@"'


def is_open_mpi():
    version = subprocess.run([MPIRUN, "--version"], capture_output=True, text=True, check=True).stdout
    return "Open MPI" in version or "OpenRTE" in version


def is_running(process):
    """False also for one that has ended and that nobody has waited for."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class RanksTest(RunFolderTest):
    """Skips if the build or the machine has no MPI."""
    DATA = {"classes": 10, "rows": 28, "columns": 28, "train": 3000, "test": 500}

    @classmethod
    def setUpClass(cls):
        if MPIRUN is None:
            raise unittest.SkipTest("there is no mpirun")
        features = subprocess.run([support.PROGRAM, "info", "--json"], capture_output=True, text=True, check=True).stdout
        if not re.search(r'"mpi": *true', features):
            raise unittest.SkipTest("built without MPI")
        cls.mpirun = [MPIRUN, *(["--allow-run-as-root", "--oversubscribe"] if is_open_mpi() else [])]

    def start_ranks(self, ranks, *arguments, script=None, options=(), **variables):
        """Starts the program, or a script that is run with "$@" as the program and its arguments."""
        run = [support.PROGRAM, *arguments]
        if script is not None:
            run = ["sh", "-c", script, self.path("process"), *run]
        if "ASAN_OPTIONS" in os.environ:  # finds Open MPI's functions in tests/leaks.txt, slowly
            variables["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"] + ":fast_unwind_on_malloc=0"
        return self.start(*self.mpirun[1:], *options, "-n", ranks, *run, program=self.mpirun[0], **variables)

    def run_ranks(self, ranks, *arguments, **options):
        """The Result, whose errors are the program's lines: mpirun reports failures, too."""
        return self.own_lines(self.finish(self.start_ranks(ranks, *arguments, **options)))

    @staticmethod
    def own_lines(result):
        result.errors = [line for line in result.errors if line.startswith("mnist_blas: ")]
        return result

    def fail_ranks(self, code, ranks, *arguments, says=(), **options):
        return self.check_failure(self.run_ranks(ranks, *arguments, **options), code, says)

    def train_ranks(self, ranks, *arguments, out="out", **options):
        result = self.run_ranks(ranks, "train", "--data", "data", "--quiet", "--no-report", "--out", out, *arguments,
                                **options)
        self.assertEqual((0, []), (result.code, result.errors), result)
        return result

    def compare_ranks(self, arguments, counts):
        """Trains as one process, then by counts of ranks, or of (ranks, threads of each): the results are the same."""
        self.train("data", *arguments, out="whole")
        for count in counts:
            ranks, threads = count if isinstance(count, tuple) else (count, 1)
            self.train_ranks(ranks, "--epochs", 1, "--threads", threads, *arguments)
            with self.subTest(ranks=ranks, threads=threads):
                self.assert_same_run()

    def process_of(self, rank, seconds=support.HANG):
        """The process that NOTE_PROCESS noted."""
        path, end = self.path(f"process.{rank}"), time.monotonic() + seconds
        while not os.path.exists(path) or not self.read(path):
            self.assertLess(time.monotonic(), end, "the rank did not start")
            time.sleep(0.01)
        return int(self.read(path))

    def assert_all_end(self, processes, seconds):
        """A generous limit: ranks must not wait for one that has ended."""
        end = time.monotonic() + seconds
        while running := [process for process in processes if is_running(process)]:
            self.assertLess(time.monotonic(), end, f"still running: {running}")
            time.sleep(0.05)

"""Run folders in which a temporary file is being written: what a second signal leaves there, and what
another run into the same folder does to it. MNIST_BLAS_FAULTS names the library of tests/faults."""
import os
import signal
import subprocess
import unittest

import run_files
import support
from support import PROGRAM, ProgramTest

FAULTS = os.environ.get("MNIST_BLAS_FAULTS")
FIRST_CALLS = 4  # open, write, fsync, rename: of the first checkpoint


@unittest.skipUnless(FAULTS, "MNIST_BLAS_FAULTS is not set")
class Sharing(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data(train=300, test=60)
        self.options = ["--data", self.data, "--epochs", 3, "--checkpoint-every", "epoch",
                        "--no-report", "--quiet", "--out", "out"]

    def environment(self, fault):
        return {"LD_PRELOAD": FAULTS, "FAULT": fault, "FAULT_FOLDER": self.path("out"),
                "OMP_NUM_THREADS": "1"}

    def check_whole(self, said):
        for name in run_files.files(self.path("out")):
            if name == "checkpoint":
                self.succeed("--resume", "out/checkpoint", "--out", "resumed", "--quiet")
                self.assertEqual(self.model_bytes("whole"), self.model_bytes("resumed"), said)
            else:
                run_files.check_whole(self.path("out", name))

    def test_second_signal_during_each_call(self):
        """It leaves what is whole and at most a temporary file, which the next run removes."""
        self.succeed(*self.options[:-1], "whole")
        left = 0
        for number in range(1, 1000):
            result = self.run_program(*self.options, **self.environment(f"twice:{signal.SIGINT:d}:{number}"))
            said = f"call {number}: {result}"
            if result.code == 0:
                break
            self.assertIn(result.code, (128 + signal.SIGINT, 128 + signal.SIGTERM), said)
            self.assertEqual([], result.errors, said)
            self.assertLessEqual(len(run_files.leftovers(self.path("out"))), 1, said)
            left += len(run_files.leftovers(self.path("out")))
            self.check_whole(said)
        self.assertGreater(number, 4 * FIRST_CALLS)
        self.assertGreater(left, 0)
        self.assertEqual([], run_files.leftovers(self.path("out")))
        self.assertEqual(self.model_bytes("whole"), self.model_bytes())

    def stopped(self, call):
        """A run that stands still before this call."""
        process = subprocess.Popen(
            [PROGRAM, *map(str, self.options)], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=support.clean_environment(self.folder,
                                          **self.environment(f"kill:{signal.SIGSTOP:d}:{call}")))
        self.assertTrue(os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]))
        return process

    def test_another_run_into_the_same_folder(self):
        """It leaves the file alone that the first one is writing, and both end well."""
        self.succeed(*self.options[:-1], "whole")
        for call in range(2, FIRST_CALLS + 1):
            with self.stopped(call) as process:
                try:
                    before = run_files.leftovers(self.path("out"))
                    self.assertEqual(1, len(before))
                    self.succeed(*self.options)
                    self.assertEqual(before, run_files.leftovers(self.path("out")))
                finally:
                    process.send_signal(signal.SIGCONT)
                errors = process.communicate(timeout=support.HANG)[1]
            self.assertEqual((0, ""), (process.returncode, errors))
            self.assertEqual([], run_files.leftovers(self.path("out")))
            self.assertEqual(self.model_bytes("whole"), self.model_bytes())
            self.check_whole(f"call {call}")


if __name__ == "__main__":
    unittest.main()

"""Files under their final names are whole, whatever happens while they are written: the old ones, or
the new ones. MNIST_BLAS_FAULTS names the library of tests/faults, MNIST_BLAS_LONG_TESTS asks for more."""
import errno
import os
import random
import signal
import subprocess
import time
import unittest

import run_files
import support
from support import PROGRAM, ProgramTest

FAULTS = os.environ.get("MNIST_BLAS_FAULTS")
LONG = bool(os.environ.get("MNIST_BLAS_LONG_TESTS"))
RANDOM_KILLS = 300 if LONG else 15
# What changes from run to run, and so cannot be compared.
TIMED = {"summary.json", "metrics.jsonl", "report.html", "loss.svg", "loss.png"}


class Torn(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data(train=300, test=60)
        self.options = ["--data", self.data, "--epochs", 1, "--out", "out"]
        self.command = [PROGRAM, *map(str, self.options), "--quiet", "--seed", "2"]
        self.succeed(*self.options, "--seed", 2)
        self.new = run_files.files(self.path("out"))
        self.succeed(*self.options, "--seed", 1)
        self.old = run_files.files(self.path("out"))
        self.assertEqual(set(self.old), set(self.new))
        self.assertNotEqual(self.old["model.safetensors"], self.new["model.safetensors"])

    def restore(self):
        for name, data in self.old.items():
            support.write_bytes(self.path("out", name), data)

    def check(self, said):
        """All that the old run had is there, whole, of one run or the other."""
        found = run_files.files(self.path("out"))
        self.assertEqual(set(self.old), set(found), said)
        for name, data in found.items():
            run_files.check_whole(self.path("out", name))
            if name not in TIMED:
                self.assertIn(data, (self.old[name], self.new[name]), f"{name}: {said}")

    def environment(self, fault):
        return {"LD_PRELOAD": FAULTS, "FAULT": fault, "FAULT_FOLDER": self.path("out"),
                "OMP_NUM_THREADS": "1"}

    def calls(self, make):
        """Lets each call that changes the run folder go wrong in turn; yields how the runs ended, and
        ends with one that goes well."""
        for number in range(1, 1000):
            result = self.run_program(*self.options, "--seed", 2, "--quiet",
                                      **self.environment(make(number)))
            if result.code == 0:
                self.assertGreater(number, 4 * len(self.old))
                return
            yield number, result

    @unittest.skipUnless(FAULTS, "MNIST_BLAS_FAULTS is not set")
    def test_every_call_fails(self):
        numbers = (errno.ENOSPC, errno.EIO, errno.EDQUOT)
        for number, result in self.calls(lambda n: f"fail:{numbers[n % 3]}:{n}"):
            said = f"call {number}: {result}"
            self.assertEqual(1, result.code, said)
            self.assertEqual(1, len(result.errors), said)
            self.assertRegex(result.errors[0], r"^mnist_blas: out/[a-z.]+: (cannot be )?written.*: "
                             + os.strerror(numbers[number % 3]) + "$")
            self.assertEqual([], run_files.leftovers(self.path("out")), said)
            self.check(said)
            self.restore()

    @unittest.skipUnless(FAULTS, "MNIST_BLAS_FAULTS is not set")
    def test_killed_at_every_call(self):
        left = 0
        for number, result in self.calls(lambda n: f"kill:{signal.SIGKILL:d}:{n}"):
            said = f"call {number}: {result}"
            self.assertEqual(-signal.SIGKILL, result.code, said)
            self.check(said)
            left += len(run_files.leftovers(self.path("out")))
            self.assertLessEqual(len(run_files.leftovers(self.path("out"))), 1, said)
            self.restore()
        self.assertGreater(left, len(self.old))
        self.assertEqual([], run_files.leftovers(self.path("out")))

    @unittest.skipUnless(FAULTS, "MNIST_BLAS_FAULTS is not set")
    def test_short_and_interrupted_writes(self):
        self.succeed(*self.options, "--seed", 2, **self.environment("short:1000:0"))
        self.check("short writes")
        self.assertEqual(self.new["model.safetensors"], self.model_bytes())

    def test_killed_at_random_moments(self):
        chance = random.Random(time.time_ns())
        environment = support.clean_environment(self.folder)
        began = time.monotonic()
        subprocess.run(self.command, cwd=self.folder, env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        took = time.monotonic() - began
        for kill in range(RANDOM_KILLS):
            self.restore()
            delay = chance.uniform(0, 1.2 * took)
            with subprocess.Popen(self.command, cwd=self.folder, env=environment,
                                  stdout=subprocess.DEVNULL) as process:
                time.sleep(delay)
                process.kill()
            self.check(f"kill {kill}, after {delay} s")
            self.succeed("evaluate", "--data", self.data, "out/model.safetensors")
        self.succeed(*self.options)
        self.assertEqual([], run_files.leftovers(self.path("out")))

    def test_leftovers_of_others_are_not_mine(self):
        """What a killed run has left goes with the next; other files stay."""
        half, mine = self.path("out", ".mnist_blas.abcdef.tmp"), self.path("out", "notes.tmp")
        for path in (half, mine):
            support.write_bytes(path, b"half")
        self.succeed(*self.options)
        self.assertFalse(os.path.exists(half))
        self.assertTrue(os.path.exists(mine))


if __name__ == "__main__":
    unittest.main()

"""Files under their final names are always complete, the old or the new version, even if writing fails. Calls fail, runs are killed, and two runs share a folder, by the library of tests/faults, which
MNIST_BLAS_FAULTS names."""
import errno
import os
import random
import signal
import subprocess
import time

import support
from run_folder import RunFolderTest
from support import MODEL, needs_faults

RANDOM_KILLS = 300 if support.LONG_TESTS else 15
# Files that change from run to run, and so cannot be compared.
TIMED = {"summary.json", "metrics.jsonl", "report.html", "loss.svg", "loss.png"}
PICTURES = {"report.html", "try.html", "loss.svg", "loss.png", "predictions.png", "mistakes.png", "confusion.svg", "reliability.svg", "weights.png"}
FIRST_CALLS = 4  # open, write, fsync, rename: of the first checkpoint
MODEL_RENAME = 4  # the pictures of the old model are removed before


class Torn(RunFolderTest):
    """A run with another seed into the folder of an earlier one."""
    DATA = {"train": 300, "test": 60}

    def setUp(self):
        super().setUp()
        self.options = ["--data", "data", "--epochs", 1, "--quiet", "--out", "out"]
        self.other = [*self.options, "--seed", 2]
        self.succeed(*self.other)
        self.new = self.whole_files()
        self.succeed(*self.options)
        self.old = self.whole_files()
        self.assertEqual(set(self.old), set(self.new))
        self.assertNotEqual(self.old["model.safetensors"], self.new["model.safetensors"])

    def restore(self):
        for name, data in self.old.items():
            self.write(f"out/{name}", data)

    def check(self, said, lost=()):
        """Each file is complete, from either run; pictures of the old run go before the new model comes. They may be
        `lost` with the old model."""
        found = self.whole_files()
        has_model = found["model.safetensors"] == self.new["model.safetensors"]
        has_metrics = found["metrics.jsonl"] != self.old["metrics.jsonl"]
        self.assertLessEqual(set(self.old) - set(PICTURES if has_model else lost), set(found), said)
        self.assertLessEqual(set(found), set(self.old), said)
        if has_model:
            self.assertEqual([], [name for name in PICTURES & set(found) if found[name] == self.old[name] != self.new[name]],
                             said)
        for name in set(found) - TIMED:
            self.assertTrue(found[name] == self.new[name] or (not has_metrics and found[name] == self.old[name]),
                            f"{name}: {said}")

    def calls(self, fault):
        """Runs train once per call that changes the run folder, with that call failing; yields the results, and
        ends with a run that succeeds."""
        for number in range(1, 1000):
            result = self.run_program(*self.other, **self.faults(fault(number)))
            if result.code == 0:
                self.assertGreater(number, 4 * len(self.old))
                return
            said = f"call {number}: {result}"
            yield number, result, said
            self.check(said, PICTURES if number == MODEL_RENAME else ())
            self.restore()

    @needs_faults
    def test_every_call_fails(self):
        numbers = (errno.ENOSPC, errno.EIO, errno.EDQUOT)
        for number, result, said in self.calls(lambda n: f"fail:{numbers[n % 3]}:{n}"):
            self.assertRegex(self.check_failure(result, 1), r"^mnist_blas: out/[a-z.]+: (cannot be )?written.*: "
                             + os.strerror(numbers[number % 3]) + "$")
            self.assertEqual([], self.leftovers(), said)

    @needs_faults
    def test_killed_at_every_call(self):
        left = 0
        for _, result, said in self.calls(lambda n: f"kill:{signal.SIGKILL:d}:{n}"):
            self.assertEqual(-signal.SIGKILL, result.code, said)
            self.assertLessEqual(len(self.leftovers()), 1, said)
            left += len(self.leftovers())
        self.assertGreater(left, len(self.old))
        self.assertEqual([], self.leftovers())

    @needs_faults
    def test_report_lost_with_the_old_model_is_redrawn(self):
        """Killed between the removal of the old report and the rename of the new model: the old run is whole, and has all
        that its report is made from."""
        self.need_feature("report")
        self.run_program(*self.other, **self.faults(f"kill:{signal.SIGKILL:d}:{MODEL_RENAME}"))
        self.assertEqual({name: data for name, data in self.old.items() if name not in PICTURES}, self.whole_files())
        self.succeed("report", "out", "--data", "data")
        self.assertEqual(self.old, self.whole_files())

    @needs_faults
    def test_short_and_interrupted_writes(self):
        self.succeed(*self.other, **self.faults("short:1000:0"))
        self.check("short writes")
        self.assertEqual(self.new["model.safetensors"], self.model_bytes())

    @needs_faults
    def test_other_file_systems(self):
        """Some cannot flush a file, or have no locks, or rename only files that are closed."""
        for fault in ("fail:{EINVAL}:3", "fail:{ENOSYS}:3", "fail:{EOPNOTSUPP}:3", "fail:{ETXTBSY}:4", "fail:{EACCES}:4",
                      "fail:{EBUSY}:4", "locks:{EAGAIN}:0", "locks:{ENOLCK}:0"):
            self.restore()
            self.succeed(*self.other, **self.faults(fault.format_map(vars(errno))))
            self.check(fault)
            self.assertEqual(self.new["model.safetensors"], self.model_bytes())
            self.assertEqual([], self.leftovers())

    def test_killed_at_random_moments(self):
        chance = random.Random(time.time_ns())
        began = time.monotonic()
        self.succeed(*self.other)
        took = time.monotonic() - began
        for kill in range(RANDOM_KILLS):
            self.restore()
            delay = chance.uniform(0, 1.2 * took)
            process = self.start(*self.other)
            time.sleep(delay)
            process.kill()
            self.finish(process)
            self.check(f"kill {kill}, after {delay} s", PICTURES)
            self.succeed("evaluate", "--data", "data", MODEL)
        self.succeed(*self.options)
        self.assertEqual([], self.leftovers())

    def test_leftovers_are_removed(self):
        """The next run removes the leftovers of a killed run; other files stay."""
        for name in (".mnist_blas.abcdef.tmp", "notes.tmp"):
            self.write(f"out/{name}", b"half")
        self.succeed(*self.options)
        self.assertEqual(sorted([*self.old, "notes.tmp"]), self.names())


@needs_faults
class Sharing(RunFolderTest):
    """A folder in which a checkpoint is being written."""
    DATA = {"train": 300, "test": 60}
    RUN = ["--data", "data", "--epochs", 3, "--checkpoint-every", "epoch", "--no-report", "--quiet", "--out"]

    def setUp(self):
        super().setUp()
        self.succeed(*self.RUN, "whole")

    def check(self, said):
        if "checkpoint" in self.whole_files():
            self.succeed("--resume", "out/checkpoint", "--out", "resumed", "--quiet")
            self.assertEqual(self.model_bytes("whole"), self.model_bytes("resumed"), said)

    def test_second_signal_during_each_call(self):
        """It leaves complete files and at most one temporary file, which the next run removes."""
        left = 0
        for number in range(1, 1000):
            result = self.run_program(*self.RUN, "out", **self.faults(f"twice:{signal.SIGINT:d}:{number}"))
            said = f"call {number}: {result}"
            if result.code == 0:
                break
            self.assertIn(result.code, (128 + signal.SIGINT, 128 + signal.SIGTERM), said)
            self.assertEqual([], result.errors, said)
            self.assertLessEqual(len(self.leftovers()), 1, said)
            left += len(self.leftovers())
            self.check(said)
        self.assertGreater(number, 4 * FIRST_CALLS)
        self.assertGreater(left, 0)
        self.assertEqual([], self.leftovers())
        self.assert_same_model("whole", "out")

    def test_another_run_into_the_same_folder(self):
        """It is refused while the first one lives, and does not touch what that is writing."""
        process = self.start(*self.RUN, "out", stdout=subprocess.DEVNULL, **self.faults(f"kill:{signal.SIGSTOP:d}:2"))
        self.assertTrue(os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]))
        try:
            before = self.files()
            self.fail_with(1, *self.RUN, "out", says="out: another run is writing into this folder")
            self.assertEqual((1, before), (len(self.leftovers()), self.files()))
        finally:
            process.send_signal(signal.SIGCONT)
        result = self.finish(process)
        self.assertEqual((0, ""), (result.code, result.err))
        self.assertEqual([], self.leftovers())
        self.assert_same_model("whole", "out")
        self.succeed(*self.RUN, "out")

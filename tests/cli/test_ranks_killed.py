"""A rank that is killed at a random moment: all end, and the checkpoint is whole. 3 times, or 50 with
MNIST_BLAS_LONG_TESTS."""
import contextlib
import os
import random
import shutil
import signal
import time

import support
from mpi import NOTE_PROCESS, RanksTest

KILLS = 50 if support.LONG_TESTS else 3
RUN = ["--batch-size", 16, "--epochs", 8, "--no-report", "--quiet", "--ema", 0.9]


class Killed(RanksTest):
    def wait_for_checkpoint(self, process):
        while process.poll() is None and not os.path.exists(self.path("out/checkpoint")):
            time.sleep(0.01)

    def kill_one(self, rng, after_checkpoint):
        """Kills a rank, and resumes the run; False if there was no checkpoint yet. It may have finished before."""
        for rank in 0, 1:
            if os.path.exists(self.path(f"process.{rank}")):
                os.remove(self.path(f"process.{rank}"))
        process = self.start_ranks(2, "--data", "data", "--out", "out", *RUN, "--checkpoint-every", "20,epoch",
                                   script=NOTE_PROCESS)
        processes = [self.process_of(0), self.process_of(1)]
        if after_checkpoint:
            self.wait_for_checkpoint(process)
        else:
            time.sleep(rng.uniform(0.0, 1.5))
        with contextlib.suppress(ProcessLookupError):
            os.kill(processes[rng.randrange(2)], signal.SIGKILL)
        self.assert_all_end([*processes, process.pid], seconds=10)
        if self.finish(process).code == 0:
            self.assert_same_run()
        if "checkpoint" not in (self.whole_files() if os.path.exists(self.path("out")) else {}):
            return False
        self.succeed("--resume", "out/checkpoint", "--quiet")
        self.assert_same_run()
        return True

    def test_random_moments(self):
        rng = random.Random(1)
        self.train("data", *RUN, out="whole")
        resumed = 0
        for number in range(KILLS):
            with self.subTest(number=number):
                resumed += self.kill_one(rng, after_checkpoint=number % 2 == 0)
            shutil.rmtree(self.path("out"), ignore_errors=True)
        self.assertGreater(resumed, 0)

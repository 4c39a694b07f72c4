"""A rank that is killed at a random moment: all end, and the checkpoint is whole. 3 times, or 50 with
MNIST_BLAS_LONG_TESTS."""
import os
import random
import shutil
import signal
import time

import support
from mpi import NOTE_PROCESS, RanksTest

KILLS = 50 if support.LONG_TESTS else 3
RUN = ["--batch-size", 16, "--epochs", 25, "--no-report", "--quiet", "--ema", 0.9]


class Killed(RanksTest):
    def kill_one(self, rng):
        """Returns whether there was a checkpoint to resume from."""
        for rank in 0, 1:
            if os.path.exists(self.path(f"process.{rank}")):
                os.remove(self.path(f"process.{rank}"))
        process = self.start_ranks(2, "--data", "data", "--out", "out", *RUN, "--checkpoint-every", "20,epoch",
                                   script=NOTE_PROCESS)
        processes = [self.process_of(0), self.process_of(1)]
        time.sleep(rng.uniform(0.0, 1.5))
        os.kill(processes[rng.randrange(2)], signal.SIGKILL)
        self.assert_all_end([*processes, process.pid], seconds=10)
        self.assertNotEqual(0, self.finish(process).code)
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
                resumed += self.kill_one(rng)
            shutil.rmtree(self.path("out"), ignore_errors=True)
        self.assertGreater(resumed, 0)

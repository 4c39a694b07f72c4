"""sweep over MPI ranks: the runs and the table of one process, and each run once, whichever process is killed."""
import csv
import io
import os
import random
import signal
import time

import mpi
import support
from support import cases
from test_sweep import SweepTest, command

KILLS = 50 if support.LONG_TESTS else 5


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


class RanksTest(SweepTest, mpi.RanksTest):
    DATA = SweepTest.DATA

    def start_ranks(self, ranks, *arguments, **options):
        """Each rank has one process for runs."""
        return super().start_ranks(ranks, *arguments, "--jobs", 1, **options)

    def sweep_with_ranks(self, ranks, *arguments):
        result = self.finish(self.start_ranks(ranks, *arguments))
        self.assertEqual((0, ""), (result.code, result.err), result)
        return result.out

    def columns(self, out):
        """The table but for times."""
        table = list(csv.DictReader(io.StringIO(self.read(out, "sweep.csv").decode(), newline="")))
        return [{name: value for name, value in row.items() if name != "seconds"} for row in table]

    def wait_for(self, condition):
        end = time.monotonic() + support.HANG
        while not condition():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.01)

    @staticmethod
    def rank_of(pid):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                variables = dict(line.partition(b"=")[::2] for line in file.read().split(b"\0"))
            return int(variables.get(b"OMPI_COMM_WORLD_RANK", variables.get(b"PMI_RANK", -1)))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return -1

    def processes(self, mpirun):
        """{rank: its process}"""
        return {self.rank_of(pid): pid for pid in children(mpirun.pid) if self.rank_of(pid) >= 0}

    def wait_until_all_train(self, mpirun, count):
        """Until each rank has a process that trains. Returns {rank: its process}."""
        def all_train():
            ranks = self.processes(mpirun)
            return mpirun.poll() is not None or (len(ranks) == count and all(children(pid) for pid in ranks.values()))
        self.wait_for(all_train)
        return self.processes(mpirun)


class Results(RanksTest):
    @cases({"all": ["--lr", "0.003,0.01", "--seed", "1..3"],
            "random": ["--lr", "0.001,0.003,0.01,0.02", "--batch-size", "16,64", "--seed", "1,2", "--random", 3],
            "halving": ["--lr", "0.0001,0.0003,0.001,0.002,0.003,0.01,0.015,0.02,0.03", "--halving"]})
    def test_any_number_of_ranks(self, options):
        self.sweep(*options, epochs=9, out="alone")
        for ranks in 1, 2, 3:
            out = f"ranks{ranks}"
            self.sweep_with_ranks(ranks, *command(*options, epochs=9, out=out))
            self.assertEqual(self.columns("alone"), self.columns(out))
            for name in self.runs("alone"):
                self.assert_same_model(f"alone/{name}", f"{out}/{name}")
                self.assertEqual(support.RUN_FILES, self.names(f"{out}/{name}"))
            self.assertEqual(self.names("alone"), self.names(out))

    def test_runs_that_fail(self):
        """What failed on another rank is in the table."""
        options = command("--optimizer", "sgd", "--lr", "900000,1000000,0.01,0.02", epochs=2)
        self.assertEqual(1, self.run_program(*options).code)
        alone = self.columns("out")
        result = self.finish(self.start_ranks(2, *options[:-1], "ranks"))
        self.assertEqual(1, result.code, result)
        self.assertIn("mnist_blas: sweep: 2 of 4 runs failed; started again, it trains them again", result.errors)
        self.assertEqual(alone, self.columns("ranks"))

    def test_help(self):
        result = self.finish(self.start_ranks(2, "sweep", "--help"))
        self.assertEqual((0, "", self.succeed("sweep", "--help").out), (result.code, result.err, result.out))

    @cases({"option": (["--lr", "0.1,x"], 2), "data": (["--data", "nosuch"], 1), "combination": (["--batch-size", "4,1100"], 2)})
    def test_errors_are_told_once(self, options, code):
        result = self.finish(self.start_ranks(3, *command(*options)))
        self.assertEqual(code, result.code, result)
        self.assertEqual(1, result.err.count("mnist_blas: "), result)
        self.assertFalse(os.path.exists(self.path("out")))


class Ending(RanksTest):
    @cases([0, 1])
    def test_signal(self, number):
        """To any rank: all save checkpoints, with which the sweep goes on."""
        mpirun = self.start_ranks(2, *command("--seed", "1,2", "--batch-size", 4, epochs=2000))
        ranks = self.wait_until_all_train(mpirun, 2)
        self.wait_for(lambda: len(self.names("out")) >= 3)
        time.sleep(0.3)
        os.kill(ranks[number], signal.SIGTERM)
        result = self.finish(mpirun)
        self.assertEqual(128 + signal.SIGTERM, result.code, result)
        self.assertIn("mnist_blas: SIGTERM: stopped with 0 of 2 runs finished; to go on: mnist_blas sweep", result.err)
        for seed in 1, 2:
            self.assertIn("checkpoint", self.names(f"out/seed={seed}"))

    @cases({"it_has_a_run": 1, "it_hands_out_runs": 0})
    def test_a_killed_rank_ends_the_job(self, number):
        """Unless mpirun is told to go on; started again, the sweep goes on."""
        options = command("--seed", "1..4", "--batch-size", 4, epochs=100)
        mpirun = self.start_ranks(2, *options)
        os.kill(self.wait_until_all_train(mpirun, 2)[number], signal.SIGKILL)
        self.assertNotEqual(0, self.finish(mpirun).code)
        before = self.finished()
        self.sweep_with_ranks(2, *options)
        now = self.finished()
        self.assertEqual((4, before), (len(now), {name: now[name] for name in before}))

    def test_the_others_go_on_without_a_killed_rank(self):
        """Its run is trained by another one, in the same job."""
        if not mpi.is_open_mpi():
            self.skipTest("mpirun is not Open MPI's")
        options = command("--seed", "1..6", "--batch-size", 4, epochs=100)
        mpirun = self.start_ranks(3, *options, options=["--enable-recovery"])
        os.kill(self.wait_until_all_train(mpirun, 3)[1], signal.SIGKILL)
        result = self.finish(mpirun)
        self.assertRegex(result.err, "mnist_blas: warning: rank 1: has been silent for .* handed out again")
        self.assertEqual([("finished", str(seed)) for seed in range(1, 7)],
                         [(row["state"], row["seed"]) for row in self.columns("out")])
        self.succeed(*options[:-1], "alone")
        for seed in range(1, 7):
            self.assert_same_model(f"alone/seed={seed}", f"out/seed={seed}")
        before = self.finished()
        self.sweep_with_ranks(2, *options)
        self.assertEqual(before, self.finished())

    def test_killed_at_random_moments(self):
        """A rank, a process that trains, or mpirun: nothing is done twice, and nothing is lost."""
        runs = 2 * KILLS
        options = command("--seed", f"1..{runs}", "--batch-size", 4, epochs=40)
        rng = random.Random(1)
        before = {}
        for _ in range(KILLS):
            mpirun = self.start_ranks(2, *options)
            self.wait_for(lambda: self.processes(mpirun) or mpirun.poll() is not None)
            time.sleep(rng.uniform(0.0, 0.7))
            ranks = list(self.processes(mpirun).values())
            victims = [mpirun.pid, *ranks, *(child for pid in ranks for child in children(pid))]
            victim = rng.choice(victims)
            if mpirun.poll() is None:
                os.kill(victim, signal.SIGKILL)
            self.finish(mpirun)
            now = self.finished() if os.path.exists(self.path("out")) else {}
            self.assertEqual(before, {name: now.get(name) for name in before})
            before = now
        self.finish(self.start_ranks(2, *options))
        now = self.finished()
        self.assertEqual((runs, before), (len(now), {name: now[name] for name in before}))
        self.assertEqual(["finished"] * runs, [row["state"] for row in self.columns("out")])
        self.succeed(*options[:-1], "whole")
        for name in now:
            self.assert_same_model(f"out/{name}", f"whole/{name}")
            self.assertEqual(support.RUN_FILES, self.names(f"out/{name}"))

"""Training by several ranks: the bytes of one process, at any number of them; stopping, resuming and failing together."""
import os
import shutil
import signal

import mpi
import support
from mpi import NOTE_PROCESS, RANK, RanksTest
from run_folder import STOPPED
from support import ProgramTest, cases

SMALL = {"train": 330, "test": 40}  # for networks that take their time
VARIED = ("conv2d:8x3/stride2/pad1,batchnorm2d,relu,conv2d:32x3/groups2/pad1,batchnorm2d,relu,maxpool2d:2,"
          "dropout:0.3,conv2d:36x3/groups4/stride2/pad1,relu,avgpool2d:2/stride1,flatten,dense:24,relu,dense:10")
DROPOUT = "dense:130,relu,dropout:0.3,dense:64,gelu,dropout:0.1,dense:10"
# Options of training, and the counts of ranks, or ranks and threads of each.
RUNS = {
    "mlp": ([], (1, 2, 3, 4, (2, 2))),
    "mlp_100": (["--batch-size", 100], (2, 3)),
    "mlp_512": (["--batch-size", 512], (2, 4)),
    "mlp_1024": (["--batch-size", 1024, "--epochs", 2], (2, 3, (2, 2))),  # divided by samples; the last batch is not
    "lenet5_1100": (["--network", "lenet5", "--batch-size", 1100], (2, 3)),
    "dropout_1300": (["--network", DROPOUT, "--batch-size", 1300, "--augment", "affine"], (2, 4)),
    "fewer_units_than_ranks": (["--network", "dense:3,relu,dense:10"], (2, 4)),
    "dropout": (["--network", DROPOUT, "--epochs", 2], (2, 3)),
    "sgd": (["--optimizer", "sgd", "--nesterov", "--lr", 0.05], (2, 4)),
    "adam": (["--optimizer", "adam", "--weight-decay", 0.01, "--batch-size", 100], (2, 3)),
    "lion": (["--optimizer", "lion", "--lr", 0.0003], (2, 3)),
    "ema": (["--ema", 0.95, "--epochs", 2], (2, 3, (2, 2))),
    "validation": (["--patience", 1, "--validation", 300, "--epochs", 6], (2, 4)),
    "plateau": (["--patience", 1, "--schedule", "plateau", "--validation", "10%", "--epochs", 6, "--ema", 0.9], (2, 3)),
    "class_weights": (["--class-weights", "balanced", "--label-smoothing", 0.1], (2, 3)),
    "affine": (["--augment", "affine"], (2, 3)),
}
SMALL_RUNS = {
    "batch_of_one": (["--batch-size", 1], (2, 3)),
    "lenet5": (["--network", "lenet5"], (2, 3)),
    "lenet5_affine": (["--network", "lenet5", "--augment", "affine", "--batch-size", 100], (2, 4)),
    "best": (["--network", "best", "--augment", "elastic"], (2, 3)),
    "cnn": (["--network", "cnn"], (2, (2, 2))),
    "varied": (["--network", VARIED, "--epochs", 2], (2, 3, 4)),
    "varied_elastic": (["--network", VARIED, "--augment", "elastic", "--ema", 0.9, "--batch-size", 17], (2, 4)),
}
LONG = ["--batch-size", 16, "--epochs", 15, "--no-report"]  # a few seconds
ONE_PROCESS = ["evaluate", "predict", "export", "report", "compare", "tune", "convert"]


class Bytes(RanksTest):
    """The model and the metrics are those of one process."""

    @cases(RUNS)
    def test_of(self, arguments, counts):
        self.compare_ranks(arguments, counts)

    @cases(SMALL_RUNS)
    def test_small(self, arguments, counts):
        shutil.rmtree(self.path("data"))
        self.make_data(**{**self.DATA, **SMALL})
        self.compare_ranks(arguments, counts)

    def test_report(self):
        """Rank 0 has all files and pictures of a run."""
        arguments = ["--data", "data", "--epochs", 1, "--validation", 200]
        self.succeed("train", *arguments, "--out", "whole")
        result = self.run_ranks(2, "train", *arguments, "--out", "out")
        self.assertEqual((0, []), (result.code, result.errors), result)
        self.assert_same_run()
        self.assertEqual(self.names("whole"), self.names("out"))
        self.assertEqual(1, result.out.count("test accuracy"), result)
        self.assertEqual((2, None), (self.summary()["ranks"], self.summary("whole").get("ranks")))
        self.assertIn(b"of training on 2 ranks of 1 thread each", self.read("out", "report.html"))
        os.remove(self.path("out", "report.html"))
        self.succeed("report", "out", "--data", "data")
        self.assertIn(b"of training on 2 ranks of 1 thread each", self.read("out", "report.html"))
        self.assertIn(" ranks\n", self.succeed("compare", "whole", "out").out)


class DataOfRank0(RanksTest):
    """Ranks that find no data get those of rank 0, with their class names, and say so."""

    @cases({"folder": 'set -- "$@" --data nowhere', "none": "unset MNIST_BLAS_DATA"})
    def test_missing(self, change):
        self.write("data/classes.txt", b"".join(b"class %d\n" % i for i in range(10)))
        self.train("data", "--epochs", 1, out="whole")
        result = self.run_ranks(3, "train", "--out", "out", "--epochs", 1, "--no-report", MNIST_BLAS_DATA="data",
                                script=f'[ "{RANK}" = 0 ] || {change}; exec "$@"')
        self.assertEqual((0, []), (result.code, result.errors), result)
        self.assertIn("2 found no data, and got rank 0's", result.out)
        self.assert_same_run()


class Stopping(RanksTest):
    def test_other_counts_go_on(self):
        """Each epoch with another number of ranks, from the checkpoint of the last."""
        arguments = ["--schedule", "constant", "--ema", 0.95, "--augment", "affine"]
        self.train("data", *arguments, "--epochs", 5, out="whole")
        self.train_ranks(2, *arguments, "--epochs", 1, "--checkpoint-every", "20,epoch")
        for epochs, ranks in (2, 3), (3, 1), (4, 4):
            result = self.run_ranks(ranks, "--resume", "out/checkpoint", "--epochs", epochs, "--quiet")
            self.assertEqual((0, []), (result.code, result.errors), result)
        self.succeed("--resume", "out/checkpoint", "--epochs", 5, "--quiet")
        self.assert_same_run()

    def interrupt_ranks(self, number, ranks, rank, *arguments, **options):
        """Sends a signal to one rank after the first epoch."""
        process = self.start_ranks(ranks, "--data", "data", "--out", "out", *arguments, script=NOTE_PROCESS, **options)
        processes = [self.process_of(i) for i in range(ranks)]
        seen = ""
        while not seen.startswith("epoch 1/"):
            seen = process.stdout.readline()
            self.assertNotEqual("", seen, "the run ended")
        os.kill(processes[rank], number)
        result = self.own_lines(self.finish(process))
        self.assert_all_end(processes, seconds=10)
        return result

    @cases({"terminate_1_of_2": (signal.SIGTERM, 2, 1), "terminate_0_of_2": (signal.SIGTERM, 2, 0),
            "user_2_of_3": (signal.SIGUSR1, 3, 2)})
    def test_signal(self, number, ranks, rank):
        self.train("data", *LONG, out="whole")
        result = self.interrupt_ranks(number, ranks, rank, *LONG)
        line = self.check_failure(result, 128 + number)
        self.assertRegex(line, STOPPED)
        name, step, _, epoch, _, path = STOPPED.fullmatch(line).groups()
        self.assertEqual((number.name, "out/checkpoint"), (name, path))
        self.assertEqual({"epoch": int(epoch), "step": int(step)}, self.summary()["interrupted_at"])
        self.whole_files()
        self.succeed("--resume", path, "--quiet")
        self.assert_same_run()

    def test_checkpoint_that_cannot_be_written(self):
        os.makedirs(self.path("out", "checkpoint"))
        self.check_failure(self.interrupt_ranks(signal.SIGTERM, 2, 1, *LONG), 1,
                           says="out/checkpoint: cannot be written: ")
        os.rmdir(self.path("out", "checkpoint"))
        self.assertIn("model.safetensors", self.whole_files())

    def test_rank_that_waits_for_one_that_was_killed(self):
        """mpirun, if told so, lets the others run: a signal ends them nevertheless."""
        if not mpi.is_open_mpi():
            self.skipTest("an option of Open MPI")
        process = self.start_ranks(2, "--data", "data", "--out", "out", *LONG, "--epochs", 10000, script=NOTE_PROCESS,
                                   options=("--mca", "orte_enable_recovery", "1", "--mca", "btl", "vader,self"))
        processes = [self.process_of(0), self.process_of(1)]
        while not process.stdout.readline().startswith("epoch 1/"):
            self.assertIsNone(process.poll())
        os.kill(processes[1], signal.SIGKILL)
        os.kill(processes[0], signal.SIGTERM)
        result = self.own_lines(self.finish(process))
        self.assertEqual(["mnist_blas: SIGTERM: ended without saving: the other processes of the run do not answer"],
                         result.errors, result)
        self.assert_all_end(processes, seconds=10)


class Failing(RanksTest):
    """One line, once, on all ranks; nobody waits for a rank that has failed."""
    TRAIN = ["train", "--data", "data", "--out", "out", "--epochs", 1, "--quiet", "--no-report"]

    @cases({
        "unknown_option": (2, ["--lrr", 1], "--lrr"),
        "no_value": (2, ["--lr"], "--lr"),
        "wrong_value": (2, ["--epochs", "many"], "--epochs: "),
        "no_data": (1, ["--data", "nowhere"], "nowhere: "),
        "no_checkpoint": (1, ["--resume", "nowhere/checkpoint"], "nowhere/checkpoint: "),
        "network": (2, ["--network", "dense:3"], "network: 'dense:3' must end in dense:10"),
        "lr_find": (2, ["--lr-find"], "--lr-find: runs as one process: start it without mpirun"),
        "run_folder": (1, ["--out", "data/" + support.TRAIN_IMAGES], "is not a folder"),
        "not_finite": (1, ["--lr", 1e6, "--optimizer", "sgd"], "training: the loss is not finite at step "),
    })
    def test_all(self, code, arguments, says):
        self.fail_ranks(code, 2, *self.TRAIN, *arguments, says=says)

    def test_help(self):
        for option in "--help", "--version":
            result = self.run_ranks(2, "train", option)
            self.assertEqual((0, [], self.succeed("train", option).out), (result.code, result.errors, result.out))

    @cases({
        "other_data": (2, "--data other", "data.training: "),
        "seed": (2, "--seed 5", "seed: here 5, on rank 0 other: "),
        "batch_size": (2, "--batch-size 65", "batch-size: here 65, "),
        "network": (2, "--network dense:9,relu,dense:10", "network: "),
        "checkpoint_every": (2, "--checkpoint-every 7", "checkpoint-every: here 7, "),
        "learning_rates_tested": (2, "--lr-find", "--lr-find: "),
        "kernels": (2, None, "blas: here "),
    })
    def test_one(self, code, arguments, says):
        """Rank 1 has other options, or another kernel set."""
        self.make_data("other", **{**self.DATA, "train": 2999})
        change = f"set -- \"$@\" {arguments}" if arguments else "export OPENBLAS_CORETYPE=Nehalem"
        self.fail_ranks(code, 2, *self.TRAIN, says=("rank 1: ", says),
                        script=f'[ "{RANK}" != 1 ] || {change}; exec "$@"')

    @cases({"help": "--help", "no_value": "--lr"})
    def test_one_that_ends_early(self, option):
        """argp ends that rank: the others, whose run is longer than the test, do not wait for it."""
        self.fail_ranks(2, 2, *self.TRAIN, "--epochs", 100000, says="rank 1: arguments: ",
                        script=f'[ "{RANK}" != 1 ] || set -- "$@" {option}; exec "$@"')

    def test_model_that_cannot_be_written(self):
        os.makedirs(self.path("out", "model.safetensors", "busy"))
        self.fail_ranks(1, 2, *self.TRAIN, says="out/model.safetensors: ")

    def test_full_disk(self):
        """Of rank 0, for its standard output."""
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = self.own_lines(self.finish(self.start_ranks(
                2, *(a for a in self.TRAIN if a != "--quiet"), script='exec "$@" > /dev/full', stdout=full)))
        self.check_failure(result, 1, says="standard output: cannot be written")

    @cases(ONE_PROCESS)
    def test_command_of_one_process(self, command):
        self.fail_ranks(2, 3, command, "nowhere", says=f"{command}: runs as one process: start it without mpirun")


class Mismatch(ProgramTest):
    """An mpirun that is not the program's: it has another MPI, or none."""

    @cases({"open_mpi": "OMPI_COMM_WORLD", "mpich": "PMI"})
    def test_of(self, prefix):
        self.make_data()
        for rank in 0, 1:
            result = self.run_program("train", "--data", "data", "--epochs", 1,
                                      **{f"{prefix}_SIZE": "2", f"{prefix}_RANK": str(rank)})
            if rank == 0:
                self.check_failure(result, 1, says="mpirun: ")
            else:
                self.assertEqual((0, "", ""), (result.code, result.out, result.err))
            self.assertFalse(os.path.exists(self.path("mnist_blas_out")))

"""Signals: a run stops cleanly, leaves complete files, and can be resumed. Signals at 10 random moments, or
500 with MNIST_BLAS_LONG_TESTS."""
import contextlib
import fcntl
import os
import random
import shutil
import signal
import termios
import time

import support
from run_folder import SHORT_EPOCHS, RunFolderTest
from support import cases

MOMENTS = 500 if support.LONG_TESTS else 10
ENDLESS = [*SHORT_EPOCHS, "--epochs", 100000]
STOPPED_FILES = ["checkpoint", *support.RUN_FILES]


class Ending(RunFolderTest):
    @cases({"interrupt": signal.SIGINT, "terminate": signal.SIGTERM, "hangup": signal.SIGHUP,
            "user_1": signal.SIGUSR1, "user_2": signal.SIGUSR2, "cpu_time": signal.SIGXCPU})
    def test_signal(self, number):
        """The files of an earlier run are replaced."""
        self.train("data")
        before = self.files()
        name, step, steps, epoch, epochs, path = self.interrupted(number, *ENDLESS)
        self.assertEqual((number.name, "300", "100000", "out/checkpoint"), (name, steps, epochs, path))
        self.assertLessEqual(int(step), 300)
        self.assertGreaterEqual(int(epoch), 2)
        summary = self.summary()
        self.assertEqual({"epoch": int(epoch), "step": int(step)}, summary["interrupted_at"])
        self.assertEqual((int(epoch) - 1,) * 2, (summary["epochs"], len(self.metrics())))
        self.assertEqual(self.metrics()[-1]["test_accuracy"], summary["test_accuracy"])
        after = self.whole_files()
        self.assertEqual(STOPPED_FILES, sorted(after))
        for name, content in before.items():
            self.assertNotEqual(content, after[name])

    def test_before_an_epoch_is_done(self):
        """There is a model, and a summary without results."""
        self.interrupt(signal.SIGTERM, *SHORT_EPOCHS, "--network", "dense:900,relu,dense:900,relu,dense:4",
                       "--batch-size", 1, "--epochs", 3, after="machine")
        self.assertEqual(STOPPED_FILES, sorted(self.whole_files()))
        summary = self.summary()
        self.assertEqual([], self.metrics())
        self.assertEqual((0, None, None, 0.0), (summary["epochs"], summary["test_accuracy"],
                                                summary["final_train_loss"], summary["train_seconds"]))
        self.assertEqual({"min": None, "median": None, "max": None}, summary["samples_per_second"])
        self.assertEqual(1, summary["interrupted_at"]["epoch"])

    def test_second_signal_ends_at_once(self):
        """Both are pending when the stopped program continues; it may have begun to save."""
        numbers = signal.SIGINT, signal.SIGTERM
        process = self.start_run(*ENDLESS, after="epoch 1/")
        for number in (signal.SIGSTOP, *numbers, signal.SIGCONT):
            process.send_signal(number)
        result = self.finish(process)
        self.assertIn(result.code, [128 + number for number in numbers], result)
        self.assertEqual("", result.err)
        self.assertLessEqual(set(self.names()), set(STOPPED_FILES))

    @cases([signal.SIGHUP, signal.SIGXCPU])
    def test_repeated_signal_counts_once(self, number):
        process = self.start_run(*ENDLESS, after="epoch 1/")
        for _ in range(5):
            process.send_signal(number)
        self.assertEqual(128 + number, self.finish(process).code)
        self.assertIn("checkpoint", self.whole_files())

    def test_while_the_report_is_made(self):
        """All files are complete; which of them exist depends on the moment."""
        for delay in (0.0, 0.02, 0.1, 0.3):
            result = self.interrupt(signal.SIGINT, "--epochs", 1, after="test accuracy", delay=delay)
            self.assertIn(result.code, (0, 128 + signal.SIGINT), result)
            self.assertEqual([], [line for line in result.errors if "report skipped" not in line])
            self.assertEqual(1, self.summary()["epochs"])
            self.whole_files()

    def test_closed_output(self):
        """The same files are saved after the terminal has closed."""
        with self.start_run(*ENDLESS, after="epoch 1/") as process:
            process.stderr.close()
            process.send_signal(signal.SIGHUP)
            self.assertEqual(128 + signal.SIGHUP, process.wait(support.HANG))
        self.assertIn("checkpoint", self.whole_files())

    def test_reader_that_has_gone(self):
        """The run goes on, and saves; a command whose answer is printed ends without a word."""
        with self.start_run(*SHORT_EPOCHS, "--epochs", 9, after="data ") as process:
            process.stdout.close()
            self.assertEqual((0, ""), (process.wait(support.HANG), process.stderr.read()))
        self.assertEqual(9, self.summary()["epochs"])
        with self.start("evaluate", "--data", "data", support.MODEL) as process:
            process.stdout.close()
            self.assertEqual((-signal.SIGPIPE, ""), (process.wait(support.HANG), process.stderr.read()))

    def test_reader_that_stalls(self):
        """A pipe is full: a signal ends the run with its files."""
        process = self.start_run(*SHORT_EPOCHS, "--epochs", 100000, after="epoch 1/", prepare=lambda: fcntl.fcntl(
            1, fcntl.F_SETPIPE_SZ, 4096))
        while fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4)) == bytes(4):
            pass
        process.send_signal(signal.SIGTERM)
        self.assertEqual(128 + signal.SIGTERM, process.wait(support.HANG))
        self.finish(process)
        self.assertIn("checkpoint", self.whole_files())

    @cases([(0, 1, 2), (1,), (2,)])
    def test_closed_streams(self, *numbers):
        """No file of a run gets what is printed; an answer that cannot be printed is an error."""
        close = {"prepare": lambda: [os.close(number) for number in numbers], "stdout": None}
        arguments = [*SHORT_EPOCHS, "--epochs", 2, "--checkpoint-every", "epoch", "--data", "data", "--out", "out"]
        self.assertEqual(0, self.run_program(*arguments, **close).code)
        self.assertEqual(STOPPED_FILES, sorted(self.whole_files()))
        self.assertEqual(int(1 in numbers), self.run_program(
            "evaluate", "--data", "data", support.MODEL, **close).code)

    def remove_run(self):
        """Again if a checkpoint is written meanwhile."""
        removed = False
        while not removed:
            with contextlib.suppress(OSError):
                shutil.rmtree(self.path("out"))
                removed = True

    def test_folder_that_was_removed(self):
        """It is made again, for the next checkpoint and at the end."""
        for number, every in ((signal.SIGTERM, []), (signal.SIGKILL, ["--checkpoint-every", "epoch"])):
            process = self.start_run(*ENDLESS, *every, after="epoch 1/")
            while every and "checkpoint" not in self.names():
                self.assertIsNone(process.poll())
            self.remove_run()
            while every and not os.path.exists(self.path("out/checkpoint")):
                self.assertIsNone(process.poll())
            process.send_signal(number)
            self.finish(process)
            self.assertIn("checkpoint", self.whole_files())

    def test_files_of_another_run(self):
        """Pictures do not stand beside the model of another run; a checkpoint is kept under another name."""
        self.succeed("--data", "data", "--epochs", 1, "--quiet", "--checkpoint-every", "epoch", "--out", "out")
        before = self.files()
        result = self.succeed("--data", "data", "--epochs", 1, "--quiet", "--no-report", "--seed", 2, "--out", "out")
        self.assertEqual(["mnist_blas: warning: out/checkpoint of another run is now out/checkpoint.old"],
                         result.warnings[-1:])
        self.assertEqual(["checkpoint.old", *support.RUN_FILES], self.names())
        self.assertEqual(before["checkpoint"], self.read("out/checkpoint.old"))
        self.succeed("--resume", "out/checkpoint.old", "--epochs", 2, "--quiet", "--out", "other")
        self.interrupted(signal.SIGTERM, *ENDLESS)
        self.assertEqual(["checkpoint", "checkpoint.old", *support.RUN_FILES], self.names())

    def test_checkpoint_that_cannot_be_written(self):
        os.makedirs(self.path("out", "checkpoint"))
        self.check_failure(self.interrupt(signal.SIGTERM, *ENDLESS), 1,
                           says="out/checkpoint: cannot be written: ")
        os.rmdir(self.path("out", "checkpoint"))
        self.assertIn("model.safetensors", self.whole_files())


class RandomMoments(RunFolderTest):
    RUN = [*SHORT_EPOCHS, "--epochs", 30, "--quiet"]

    def check(self, number, delay, every):
        """A signal at any moment: a finished run exits with 0; before signals are handled, the default action
        applies. A killed run leaves what it had written."""
        arguments = [*self.RUN, *(["--checkpoint-every", every] if every else [])]
        result = self.interrupt(number, *arguments, delay=delay, after="")
        self.assertIn(result.code, (0, 128 + number, -number), result)
        found = self.whole_files() if os.path.exists(self.path("out")) else {}
        self.assertLessEqual(set(found), set(STOPPED_FILES))
        if "checkpoint" in found:
            self.succeed("--resume", "out/checkpoint", "--quiet")
        elif result.code != 0 and (number == signal.SIGKILL or "model.safetensors" not in found):
            if number != signal.SIGKILL:
                self.assertEqual({}, found)
            self.succeed("--data", "data", *self.RUN, "--out", "out")
        self.assert_same_run()
        self.assertEqual([], self.leftovers())
        for name in self.whole_files():
            os.remove(self.path("out", name))

    def test_files_are_whole_and_the_run_is_resumed(self):
        rng = random.Random(7)
        begin = time.monotonic()
        self.succeed("--data", "data", *self.RUN, "--out", "whole")
        lasted = time.monotonic() - begin
        for moment in range(MOMENTS):
            number = rng.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
            delay = rng.uniform(0, lasted)
            with self.subTest(moment=moment, number=number, delay=delay):
                self.check(number, delay, rng.choice(("", "epoch", "50")))

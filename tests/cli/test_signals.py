"""Signals: a run ends in good order, leaves whole files, and can go on. Ten random moments, or with
MNIST_BLAS_LONG_TESTS two hundred."""
import os
import random
import signal
import time
import unittest

import support
from interrupting import SHORT_EPOCHS, InterruptingTest
from support import add_methods

MOMENTS = 200 if os.environ.get("MNIST_BLAS_LONG_TESTS") else 10
ENDLESS = [*SHORT_EPOCHS, "--epochs", 100000]
NUMBERS = {"interrupt": [signal.SIGINT], "terminate": [signal.SIGTERM], "hangup": [signal.SIGHUP]}


class Ending(InterruptingTest):
    def test_before_an_epoch_is_done(self):
        """There is a model, and a summary that says that nothing is known yet."""
        self.interrupt(signal.SIGTERM, *SHORT_EPOCHS, "--network", "dense:900,relu,dense:900,relu,dense:4",
                       "--batch-size", 1, "--epochs", 3, after="machine")
        self.assertEqual({"model.safetensors", "metrics.jsonl", "summary.json", "checkpoint"},
                         set(self.files()))
        summary = self.summary()
        self.assertEqual([], self.metrics())
        self.assertEqual((0, None, None, 0.0), (summary["epochs"], summary["test_accuracy"],
                                                summary["final_train_loss"], summary["train_seconds"]))
        self.assertEqual({"min": None, "median": None, "max": None}, summary["samples_per_second"])
        self.assertEqual(1, summary["interrupted_at"]["epoch"])

    def test_earlier_runs_files_are_replaced(self):
        self.train(self.data)
        before = self.files()
        self.interrupted(signal.SIGINT, *ENDLESS)
        after = self.files()
        self.assertEqual(set(before) | {"checkpoint"}, set(after))
        for name, content in before.items():
            self.assertNotEqual(content, after[name])

    def test_second_signal_ends_at_once(self):
        """Both are there when the stopped program goes on, before it could save anything."""
        numbers = signal.SIGINT, signal.SIGTERM
        with self.start(*ENDLESS) as process:
            while not process.stdout.readline().startswith("epoch 1/"):
                self.assertIsNone(process.poll())
            for number in (signal.SIGSTOP, *numbers, signal.SIGCONT):
                process.send_signal(number)
            text, errors = process.communicate(timeout=support.HANG)
        self.assertIn(process.returncode, [128 + number for number in numbers], text + errors)
        self.assertEqual("", errors)
        self.assertEqual({}, self.files())

    def test_second_hangup_is_no_second_signal(self):
        with self.start(*ENDLESS) as process:
            while not process.stdout.readline().startswith("epoch 1/"):
                self.assertIsNone(process.poll())
            for _ in range(5):
                process.send_signal(signal.SIGHUP)
            process.communicate(timeout=support.HANG)
        self.assertEqual(128 + signal.SIGHUP, process.returncode)
        self.assertIn("checkpoint", self.files())

    def test_while_the_report_is_made(self):
        """The run is whole, and so is every file; which there are, is a matter of the moment."""
        arguments = ["--epochs", 1]
        for delay in (0.0, 0.02, 0.1, 0.3):
            result = self.interrupt(signal.SIGINT, *arguments, after="test accuracy", delay=delay)
            self.assertIn(result.code, (0, 128 + signal.SIGINT), result)
            self.assertEqual([], [line for line in result.errors if "report is left out" not in line])
            self.assertEqual(1, self.summary()["epochs"])
            support.read_model(self.path("out", "model.safetensors"))

    def test_nobody_reads(self):
        """A terminal that is gone takes nothing from what is saved."""
        with self.start(*ENDLESS) as process:
            while not process.stdout.readline().startswith("epoch 1/"):
                self.assertIsNone(process.poll())
            process.stderr.close()
            process.send_signal(signal.SIGHUP)
            self.assertIn(process.wait(support.HANG), (128 + signal.SIGHUP, -signal.SIGPIPE))
        self.assertIn("checkpoint", self.files())

    def test_no_room_for_what_is_to_be_saved(self):
        os.makedirs(self.path("out", "checkpoint"))
        result = self.interrupt(signal.SIGTERM, *ENDLESS)
        self.assertEqual(1, result.code, result)
        self.assertEqual(1, len(result.errors), result)
        self.assertIn("out/checkpoint: cannot be written: ", result.errors[0])
        support.read_model(self.path("out", "model.safetensors"))


def number_test(number):
    def test(self):
        name, step, steps, epoch, epochs, path = self.interrupted(number, *ENDLESS)
        self.assertEqual((number.name, "300", "100000", "out/checkpoint"), (name, steps, epochs, path))
        self.assertLessEqual(int(step), 300)
        self.assertGreaterEqual(int(epoch), 2)
        summary = self.summary()
        self.assertEqual({"epoch": int(epoch), "step": int(step)}, summary["interrupted_at"])
        self.assertEqual((int(epoch) - 1,) * 2, (summary["epochs"], len(self.metrics())))
        self.assertEqual(self.metrics()[-1]["test_accuracy"], summary["test_accuracy"])
        self.assertEqual({"model.safetensors", "metrics.jsonl", "summary.json", "checkpoint"},
                         set(self.files()))
    return test


add_methods(Ending, NUMBERS, number_test)


class RandomMoments(InterruptingTest):
    RUN = [*SHORT_EPOCHS, "--epochs", 30, "--quiet"]

    def check(self, number, delay, kept):
        """A signal at any moment; 0 is a run that was at its end already. One before the program
        handles signals ends it as it always does."""
        arguments = [*self.RUN, *(["--checkpoint-every", kept] if kept else [])]
        result = self.interrupt(number, *arguments, after="", delay=delay)
        self.assertIn(result.code, (0, 128 + number, -number), result)
        found = self.files()
        if "checkpoint" in found:
            self.succeed("--resume", "out/checkpoint", "--quiet")
        elif result.code != 0 and "model.safetensors" not in found:
            self.assertEqual({}, found)
            self.succeed("--data", self.data, *self.RUN, "--out", "out")
        self.assertEqual(self.model_bytes("whole"), self.model_bytes())
        self.assertEqual(self.learned("whole"), self.learned())
        for name in self.files():
            os.remove(self.path("out", name))

    def test_files_are_whole_and_the_run_goes_on(self):
        rng = random.Random(7)
        begin = time.monotonic()
        self.succeed("--data", self.data, *self.RUN, "--out", "whole")
        lasted = time.monotonic() - begin
        for moment in range(MOMENTS):
            number, delay = rng.choice((signal.SIGINT, signal.SIGTERM)), rng.uniform(0, lasted)
            with self.subTest(moment=moment, number=number, delay=delay):
                self.check(number, delay, rng.choice(("", "epoch", "50")))


if __name__ == "__main__":
    unittest.main()

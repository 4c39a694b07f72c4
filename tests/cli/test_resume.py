"""--checkpoint-every and --resume: a run that goes on ends as the run that never stopped."""
import hashlib
import os
import re
import resource
import signal
import unittest

import support
from interrupting import SHORT_EPOCHS, InterruptingTest
from support import add_methods

RUN = [*SHORT_EPOCHS, "--epochs", 30]
KINDS = {
    "sgd": ["--optimizer", "sgd", "--nesterov"],
    "adam": ["--optimizer", "adam", "--schedule", "cosine"],
    "adamw": ["--seed", 3, "--validation", 100],
    "average": ["--ema", 0.99, "--label-smoothing", 0.05],
    "patience": ["--validation", 100, "--patience", 29, "--schedule", "constant"],
    "affine": ["--augment", "affine", "--batch-size", 7],
    "elastic": ["--augment", "elastic", "--shift", 1],
    "plain": ["--augment", "affine", "--plain-epochs", 10],
    "dropout": ["--network", "dense:60,relu,dropout:0.3,dense:4"],
    "convolution": ["--network", "conv2d:4x3,batchnorm2d,relu,maxpool2d:2,flatten,dense:4",
                    "--batch-size", 64],
}
OTHERS = {
    "batch_size": [["--batch-size", 5], ["--batch-size 5 conflicts", "trained with 4"]],
    "lr": [["--lr", 0.5], ["--lr 0.5 conflicts", "trained with 0.005"]],
    "seed": [["--seed", 8], ["--seed 8 conflicts", "trained with 1"]],
    "optimizer": [["--optimizer", "sgd"], ["--optimizer sgd conflicts", "trained with adamw"]],
    "schedule": [["--schedule", "constant"], ["--schedule constant conflicts", "trained with onecycle"]],
    "decay": [["--weight-decay", 0], ["--weight-decay 0 conflicts", "trained with 0.1"]],
    "beta2": [["--beta2", 0.9], ["--beta2 0.9 conflicts", "trained with 0.98"]],
    "augment": [["--augment", "affine"], ["--augment affine conflicts", "trained with off"]],
    "ema": [["--ema", 0.9], ["--ema 0.9 conflicts", "trained with 0"]],
    "label_smoothing": [["--label-smoothing", 0.1], ["--label-smoothing 0.1 conflicts", "trained with 0.03"]],
    "validation": [["--validation", 10], ["--validation 10 conflicts", "trained with 0"]],
    "patience": [["--validation", 0, "--patience", 1], ["--patience 1 conflicts", "trained with 0"]],
    "fewer_epochs": [["--epochs", 29], ["--epochs 29 conflicts", "trained with 30"]],
    "network": [["--network", "dense:4"], ["--network dense:4 conflicts", "trained with dense:128,relu"]],
}
WHEN = {"nonsense": "often", "zero": "0", "negative": "-1", "two_numbers": "5,6", "epoch_twice":
        "epoch,epoch", "empty": "", "trailing_comma": "5,", "huge": "9" * 30, "long": "1" * 100}


def signed(content):
    """The bytes of a checkpoint with the checksum that belongs to them."""
    at = content.index(b'"checksum":"') + len('"checksum":"')
    before, after = content[:at], content[at + 64:]
    digest = hashlib.sha256(before + b"0" * 64 + after).hexdigest()
    return before + digest.encode() + after


class GoingOn(InterruptingTest):
    def whole(self, *arguments):
        self.succeed("--data", self.data, "--quiet", "--out", "whole", *RUN, *arguments)

    def same_as_whole(self, out="out"):
        self.assertEqual(self.model_bytes("whole"), self.model_bytes(out))
        self.assertEqual(self.learned("whole"), self.learned(out))
        whole, summary = self.summary("whole"), self.summary(out)
        self.assertEqual(set(whole) - {"checkpoints"}, set(summary) - {"checkpoints"})
        for key in ("epochs", "final_train_loss", "test_accuracy", "network", "data", "seed"):
            self.assertEqual(whole[key], summary[key])

    def test_nothing_but_the_file_is_needed(self):
        """The run goes on in its own folder, with its own data and options, without a report."""
        self.whole()
        _, step, steps, epoch, epochs, path = self.interrupted(signal.SIGTERM, *RUN)
        self.assertEqual("out/checkpoint", path)
        result = self.succeed("--resume", path)
        self.assertIn(f"resumed  out/checkpoint: step {step} of {steps} in epoch {epoch}/{epochs}\n",
                      result.out)
        self.same_as_whole()
        self.assertEqual({"checkpoint", "metrics.jsonl", "model.safetensors", "summary.json"},
                         set(self.files()))

    def test_interrupted_again_and_again(self):
        self.whole()
        self.interrupted(signal.SIGTERM, *RUN)
        for _ in range(3):
            self.interrupt(signal.SIGINT, "--resume", "out/checkpoint", after="epoch ")
        self.succeed("--resume", "out/checkpoint")
        self.same_as_whole()

    def test_into_another_folder(self):
        self.whole()
        self.interrupted(signal.SIGTERM, *RUN)
        before = self.files()
        self.succeed("--resume", "out/checkpoint", "--out", "other", "--quiet")
        self.same_as_whole("other")
        self.assertEqual(before, self.files())

    def test_same_options_may_be_given(self):
        self.whole()
        self.interrupted(signal.SIGTERM, *RUN)
        self.succeed("--resume", "out/checkpoint", "--data", self.data, *RUN, "--network", "mlp",
                     "--lr", "0.0050", "--momentum", 0.5)  # which is sgd's
        self.same_as_whole()

    def test_finished_run(self):
        self.whole("--checkpoint-every", "epoch")
        result = self.succeed("--resume", "whole/checkpoint", "--out", "out")
        self.assertIn("resumed  whole/checkpoint: all 30 epochs are trained\n", result.out)
        self.same_as_whole()

    def test_more_epochs_with_a_constant_rate(self):
        self.whole("--schedule", "constant")
        self.succeed("--data", self.data, *RUN, "--epochs", 7, "--schedule", "constant",
                     "--checkpoint-every", "epoch", "--out", "out", "--quiet")
        result = self.succeed("--resume", "out/checkpoint", "--epochs", 30)
        self.assertNotIn("schedule ", result.out)
        self.same_as_whole()

    def test_more_epochs_stretch_a_schedule(self):
        self.interrupted(signal.SIGTERM, *RUN)
        result = self.succeed("--resume", "out/checkpoint", "--epochs", 32)
        self.assertIn("schedule onecycle now spans 32 epochs, not 30", result.out)
        self.assertEqual(32, self.summary()["epochs"])
        self.assertLess(self.metrics()[-1]["lr"], 1e-5)

    def test_more_epochs_move_the_plain_ones(self):
        self.interrupted(signal.SIGTERM, *RUN, *KINDS["plain"], "--schedule", "constant")
        result = self.succeed("--resume", "out/checkpoint", "--epochs", 32)
        self.assertIn("augment  plain epochs are now the last of 32, not of 30\n", result.out)
        self.assertNotIn("schedule ", result.out)

    def test_report_of_a_stretched_run_makes_it_again(self):
        """Only the checkpoint knows where the run changed."""
        for changed in ([], [*KINDS["plain"], "--plain-epochs", 1, "--schedule", "constant"]):
            arguments = ["--data", self.data, *changed, "--epochs", 2, "--checkpoint-every", "epoch",
                         "--quiet"]
            self.succeed(*arguments, "--out", "out")
            self.succeed("--resume", "out/checkpoint", "--epochs", 3, "--out", "longer", "--quiet")
            page = support.read_bytes(self.path("longer", "report.html")).decode()
            command = re.search('<code id="command">(.*?)</code>', page).group(1)
            self.assertEqual("mnist_blas train --resume out/checkpoint --epochs 3",
                             re.sub("<[^>]*>", "", command))

    def test_drawn_digits(self):
        """They are drawn again, whatever data are found meanwhile."""
        done = self.run_program("--epochs", 1, "--checkpoint-every", "epoch", "--out", "out",
                                "--no-report", "--quiet")
        self.assertEqual((0, []), (done.code, done.errors), done)
        self.make_data("data/mnist")
        self.succeed("--resume", "out/checkpoint", "--quiet", "--out", "again")
        self.assertEqual(self.model_bytes(), self.model_bytes("again"))
        self.assertEqual("synthetic", self.summary("again")["data"])


def kind_test(arguments):
    def test(self):
        self.whole(*arguments)
        for threads in (1, 2, 4):
            self.interrupted(signal.SIGTERM, *RUN, *arguments, "--threads", threads)
            self.succeed("--resume", "out/checkpoint", "--threads", 5 - threads, "--quiet")
            self.same_as_whole()
    return test


add_methods(GoingOn, {f"with_{name}": [arguments] for name, arguments in KINDS.items()}, kind_test)


class Refused(InterruptingTest):
    """What cannot go on, and leaves everything as it was."""

    def setUp(self):
        super().setUp()
        self.interrupted(signal.SIGTERM, *RUN)
        self.before = self.files()

    def refuse(self, code, *arguments, says=()):
        self.fail_with(code, "--quiet", *arguments, says=says)
        self.assertEqual(self.before, self.files())

    def test_file_that_is_missing(self):
        self.refuse(1, "--resume", "nowhere", says="nowhere: cannot be opened")

    def test_model(self):
        self.refuse(1, "--resume", "out/model.safetensors", says="not a checkpoint of mnist_blas")

    def test_damaged_file(self):
        content = bytearray(self.before["checkpoint"])
        content[-1] ^= 1
        support.write_bytes(self.path("damaged"), content)
        self.refuse(1, "--resume", "damaged", says="damaged: damaged: its bytes")

    def test_truncated_file(self):
        support.write_bytes(self.path("half"), self.before["checkpoint"][:-5000])
        self.refuse(1, "--resume", "half", says="half: ")

    def test_tampered_file(self):
        """Whatever was changed, with a checksum that fits: one line, and no memory for what is asked."""
        whole = self.before["checkpoint"]
        self.assertEqual(whole, signed(whole))
        for old, new, says in (
                (b"dense:128,relu,dense:64,relu,dense:4", b"dense:999999,dense:9999,relu,dense:4",
                 "parameters, expected at most"),
                (b"dense:64,", b"dense:65,", 'tensor "2.weight" has the wrong dtype or size'),
                (b'"option.batch-size":"4"', b'"option.batch-size":"0"', "batch-size: must be 1 to "),
                (b'"option.batch-size":"4"', b'"option.batch-size":"5"', " steps"),
                (b'"option.epochs":"30"', b'"option.epochs":"00"', "epochs: must be 1 to ")):
            self.assertEqual((1, len(old)), (whole.count(old), len(new)))
            support.write_bytes(self.path("tampered"), signed(whole.replace(old, new)))
            result = self.run_program("--resume", "tampered", "--quiet")
            self.assertIn(result.code, (1, 2), result)
            self.assertEqual(1, len(result.errors), result)
            self.assertIn(says, result.errors[0])
            self.assertEqual(self.before, self.files())

    def test_other_data(self):
        for name, sizes in {"more": {"train": 1201}, "fewer": {"test": 199}, "wider": {"columns": 11},
                            "more_classes": {"classes": 5}}.items():
            self.refuse(1, "--resume", "out/checkpoint", "--data", self.make_data(name, **sizes),
                        says=[name, "images or labels", "out/checkpoint"])

    def test_data_that_is_gone(self):
        os.rename(self.data, self.path("moved"))
        self.refuse(1, "--resume", "out/checkpoint", says=self.data)
        self.succeed("--resume", "out/checkpoint", "--data", "moved", "--quiet")


def other_test(arguments, says):
    def test(self):
        self.refuse(2, "--resume", "out/checkpoint", *arguments, says=[*says, "out/checkpoint"])
    return test


add_methods(Refused, {f"other_{name}": case for name, case in OTHERS.items()}, other_test)


class Keeping(InterruptingTest):
    """--checkpoint-every"""

    def test_none_without_it(self):
        self.succeed("--data", self.data, *RUN, "--quiet", "--out", "out")
        self.assertNotIn("checkpoint", self.files())
        self.assertNotIn("checkpoints", self.summary())

    def test_changes_no_bit(self):
        self.train(self.data, *SHORT_EPOCHS, out="plain")
        for when in ("1", "7", "epoch", "100,epoch", "epoch,100", "100000"):
            self.train(self.data, *SHORT_EPOCHS, "--checkpoint-every", when)
            self.assertEqual(self.model_bytes("plain"), self.model_bytes())
            kept = self.summary()["checkpoints"]
            self.assertGreaterEqual(kept["written"], 1)
            self.assertLessEqual(kept["held_seconds_max"], kept["held_seconds_sum"])

    def test_one_is_there_after_a_kill(self):
        with self.start(*SHORT_EPOCHS, "--epochs", 100000, "--checkpoint-every", "epoch") as process:
            while not os.path.exists(self.path("out", "checkpoint")):
                self.assertIsNone(process.poll())
            process.kill()
            process.communicate()
        result = self.interrupt(signal.SIGTERM, "--resume", "out/checkpoint", after="resumed")
        self.assertEqual(128 + signal.SIGTERM, result.code, result)

    def test_one_that_does_not_fit_on_the_disk(self):
        """The model does, and is kept; one warning while it trains, and one line at the end."""
        with self.start(*RUN, "--checkpoint-every", "epoch", "--quiet", prepare=lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (200000, 200000))) as process:
            result = support.Result(None, *process.communicate(timeout=support.HANG))
        self.assertEqual(1, process.returncode, result)
        self.assertEqual(1, len(result.errors), result)
        self.assertRegex(result.errors[0], "^mnist_blas: out/checkpoint: cannot be written: .*")
        self.assertGreaterEqual(len(result.warnings), 1)
        self.assertEqual({"model.safetensors", "metrics.jsonl", "summary.json"}, set(self.files()))

    def test_folder_in_its_place(self):
        os.makedirs(self.path("out", "checkpoint"))
        self.fail_with(1, "--data", self.data, *RUN, "--checkpoint-every", "epoch", "--quiet", "--out",
                       "out", says="out/checkpoint: cannot be written: ")


def when_test(text):
    def test(self):
        self.fail_with(2, "--data", self.data, "--checkpoint-every", text,
                       says=["--checkpoint-every", text[:20]])
    return test


add_methods(Keeping, {f"refuses_{name}": [text] for name, text in WHEN.items()}, when_test)

if __name__ == "__main__":
    unittest.main()

"""--checkpoint-every and --resume: a resumed run gives the result of an uninterrupted one."""
import os
import re
import resource
import shutil
import signal

import model_files
from run_folder import SHORT_EPOCHS, RunFolderTest
from support import RUN_FILES, cases

RUN = [*SHORT_EPOCHS, "--epochs", 30]
PLAIN = ["--augment", "affine", "--plain-epochs", 10]
KINDS = {
    "sgd": ["--optimizer", "sgd", "--nesterov"],
    "adam": ["--optimizer", "adam", "--schedule", "cosine"],
    "adamw": ["--seed", 3, "--validation", 100],
    "ema": ["--ema", 0.99, "--label-smoothing", 0.05],
    "class_weights": ["--class-weights", "balanced", "--validation", 50, "--batch-size", 7],
    "patience": ["--validation", 100, "--patience", 29, "--schedule", "constant"],
    "shift": ["--augment", "shift", "--flip", "--cutout", 4, "--padding-mode", "reflect"],
    "affine": ["--augment", "affine", "--flip", "--batch-size", 7],
    "elastic": ["--augment", "elastic", "--shift", 1],
    "plain_epochs": PLAIN,
    "dropout": ["--network", "dense:60,relu,dropout:0.3,dense:4"],
    "convolution": ["--network", "conv2d:4x3,batchnorm2d,relu,maxpool2d:2,flatten,dense:4", "--batch-size", 64],
}
# An option that the checkpoint has with another value: its name, the value given, the value trained with.
CONFLICTS = [
    ("batch-size", 5, "4"), ("lr", 0.5, "0.005"), ("seed", 8, "1"), ("optimizer", "sgd", "adamw"),
    ("schedule", "constant", "onecycle"), ("weight-decay", 0, "0.1"), ("beta2", 0.9, "0.98"),
    ("augment", "affine", "off"), ("ema", 0.9, "0"), ("label-smoothing", 0.1, "0.03"),
    ("class-weights", "balanced", "off"), ("validation", 10, "0"),
    ("patience", 1, "0"), ("epochs", 29, "30"), ("network", "dense:4", "dense:128,relu"),
]
# Bytes of the checkpoint, others of that length in their place, words of the line.
TAMPERED = [
    (b"dense:128,relu,dense:64,relu,dense:4", b"dense:999999,dense:9999,relu,dense:4",
     "parameters, expected at most"),
    (b"dense:64,", b"dense:65,", 'tensor "2.weight" has the wrong dtype or size'),
    (b'"option.batch-size":"4"', b'"option.batch-size":"0"', "batch-size: must be 1 to "),
    (b'"option.batch-size":"4"', b'"option.batch-size":"5"', " steps"),
    (b'"option.epochs":"30"', b'"option.epochs":"00"', "epochs: must be 1 to "),
]


class Resumed(RunFolderTest):
    def train_whole(self, *arguments):
        self.succeed("--data", "data", "--quiet", "--out", "whole", *RUN, *arguments)

    def check(self, out="out"):
        """The run is the same as the whole one."""
        self.assert_same_run(out)
        whole, summary = self.summary("whole"), self.summary(out)
        self.assertEqual(set(whole) - {"checkpoints"}, set(summary) - {"checkpoints"})
        for key in ("epochs", "final_train_loss", "test_accuracy", "network", "data", "seed"):
            self.assertEqual(whole[key], summary[key])

    @cases(KINDS)
    def test_run_with(self, arguments):
        self.train_whole(*arguments)
        for threads in (1, 4):
            self.interrupted(signal.SIGTERM, *RUN, *arguments, "--threads", threads)
            self.succeed("--resume", "out/checkpoint", "--threads", 5 - threads, "--quiet")
            self.check()

    def test_only_the_file_is_needed(self):
        """The run continues in its own folder, with its own data and options, without a report."""
        self.train_whole()
        _, step, steps, epoch, epochs, path = self.interrupted(signal.SIGTERM, *RUN)
        self.assertEqual("out/checkpoint", path)
        result = self.succeed("--resume", path)
        self.assertIn(f"resumed  out/checkpoint: step {step} of {steps} in epoch {epoch}/{epochs}\n", result.out)
        self.check()
        self.assertEqual(["checkpoint", *RUN_FILES], sorted(self.whole_files()))

    def test_interrupted_again_and_again(self):
        self.train_whole()
        self.interrupted(signal.SIGTERM, *RUN)
        for _ in range(3):
            self.interrupt(signal.SIGINT, "--resume", "out/checkpoint", after="epoch ")
        self.succeed("--resume", "out/checkpoint")
        self.check()

    def test_same_options_into_another_folder(self):
        self.train_whole()
        self.interrupted(signal.SIGTERM, *RUN)
        before = self.files()
        self.succeed("--resume", "out/checkpoint", "--out", "other", "--quiet")
        self.check("other")
        self.assertEqual(before, self.files())
        self.succeed("--resume", "out/checkpoint", "--data", "data", *RUN, "--network", "mlp",
                     "--lr", "0.0050")
        self.check()
        self.fail_with(2, "--resume", "out/checkpoint", "--momentum", 0.9,
                       says="--momentum: has no effect with --optimizer adamw: it needs --optimizer sgd")

    def test_from_another_folder(self):
        """Data and run folder are found from where the run was started; --out is said."""
        self.train_whole()
        self.interrupted(signal.SIGTERM, *RUN)
        os.mkdir(self.path("other"))
        shutil.copy(self.path("out/checkpoint"), self.path("other/copy"))
        result = self.succeed("--resume", "copy", "--out", "here", cwd=self.path("other"))
        self.assertIn(f"out      here, not {self.folder}/out\n", result.out)
        self.assert_same_run("other/here")
        self.succeed("--resume", "../out/checkpoint", "--quiet", cwd=self.path("other"))
        self.assert_same_run()
        self.assertEqual(["copy", "here"], self.names("other"))

    def test_copy_of_a_checkpoint(self):
        """One in another folder does not say where files are written."""
        self.interrupted(signal.SIGTERM, *RUN)
        for copy in "out/copy", "copy":
            self.write(copy, self.read("out/checkpoint"))
        before = self.files()
        self.fail_with(2, "--resume", "copy", says=["copy: is not in the folder of its run, out", "--out DIR"])
        self.assertEqual(before, self.files())
        self.succeed("--resume", "copy", "--out", "other", "--quiet")
        self.succeed("--resume", "out/copy", "--quiet")
        self.assert_same_model("out", "other")

    def test_finished_run(self):
        self.train_whole("--checkpoint-every", "epoch")
        result = self.succeed("--resume", "whole/checkpoint", "--out", "out")
        self.assertIn("resumed  whole/checkpoint: all 30 epochs are trained\n", result.out)
        self.check()

    def test_more_epochs_with_a_constant_rate(self):
        self.train_whole("--schedule", "constant")
        self.succeed("--data", "data", *RUN, "--epochs", 7, "--schedule", "constant",
                     "--checkpoint-every", "epoch", "--out", "out", "--quiet")
        result = self.succeed("--resume", "out/checkpoint", "--epochs", 30)
        self.assertNotIn("schedule ", result.out)
        self.check()

    def test_more_epochs_extend_a_schedule(self):
        self.interrupted(signal.SIGTERM, *RUN)
        result = self.succeed("--resume", "out/checkpoint", "--epochs", 32)
        self.assertIn("schedule onecycle now spans 32 epochs, not 30", result.out)
        self.assertEqual(32, self.summary()["epochs"])
        self.assertLess(self.metrics()[-1]["lr"], 1e-5)

    def test_more_epochs_move_the_plain_epochs(self):
        self.interrupted(signal.SIGTERM, *RUN, *PLAIN, "--schedule", "constant")
        result = self.succeed("--resume", "out/checkpoint", "--epochs", 32)
        self.assertIn("augment  plain epochs are now the last of 32, not of 30\n", result.out)
        self.assertNotIn("schedule ", result.out)

    @cases({"schedule": [], "plain_epochs": [*PLAIN, "--plain-epochs", 1, "--schedule", "constant"]})
    def test_report_of_more_epochs_with_another(self, arguments):
        """Its command resumes: only the checkpoint has the step at which the run changed."""
        self.succeed("--data", "data", *arguments, "--epochs", 2, "--checkpoint-every", "epoch", "--quiet",
                     "--out", "out")
        self.succeed("--resume", "out/checkpoint", "--epochs", 3, "--out", "longer", "--quiet")
        command = re.search('<code id="command">(.*?)</code>', self.read("longer", "report.html").decode())[1]
        self.assertEqual("mnist_blas train --resume out/checkpoint --epochs 3", re.sub("<[^>]*>", "", command))

    def test_report_of_a_checkpoint(self):
        """It has the pictures that the run itself would have drawn; a stopped run has them, too."""
        self.need_feature("report")
        self.succeed("--data", "data", "--epochs", 2, "--checkpoint-every", "epoch", "--quiet", "--out", "out")
        before = self.files()
        for name in set(before) - {"checkpoint"}:
            os.remove(self.path("out", name))
        self.succeed("report", "out")
        after = self.whole_files()
        self.assertEqual(set(before) - set(RUN_FILES), set(after))
        for name in [name for name in after if name.endswith(".png")]:
            self.assertEqual(before[name], after[name], name)
        self.interrupted(signal.SIGTERM, *RUN)
        self.succeed("report", "../out", cwd=self.make_data("elsewhere"))
        self.assertIn("report.html", self.names())
        self.fail_with(1, "report", "elsewhere", says=["elsewhere/summary.json: cannot be opened", "elsewhere/checkpoint does not exist"])

    def test_synthetic_digits(self):
        """They are generated again, even if data has appeared."""
        os.rename(self.path("data"), self.path("elsewhere"))
        self.succeed("--epochs", 1, "--checkpoint-every", "epoch", "--out", "out", "--no-report", "--quiet")
        self.make_data("data/mnist")
        self.succeed("--resume", "out/checkpoint", "--quiet", "--out", "again")
        self.assert_same_model("out", "again")
        self.assertEqual("synthetic", self.summary("again")["data"])


class Refused(RunFolderTest):
    """Checkpoints that cannot be resumed; all files stay as they were."""

    @classmethod
    def setUpClass(cls):
        maker = RunFolderTest()
        maker.setUp()
        maker.interrupted(signal.SIGTERM, *RUN)
        cls.before = maker.files()
        maker.doCleanups()

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("out"))
        for name, content in self.before.items():
            self.write(f"out/{name}", content)

    def refuse(self, code, checkpoint, *arguments, says=()):
        line = self.fail_with(code, "--quiet", "--resume", checkpoint, *arguments, says=says)
        self.assertEqual(self.before, self.files())
        return line

    @cases({name: (name, given, trained) for name, given, trained in CONFLICTS})
    def test_other(self, name, given, trained):
        others = ["--validation", 0] if name == "patience" else []
        self.refuse(2, "out/checkpoint", *others, "--" + name, given, says=[
            f"--{name} {given} conflicts", f"trained with {trained}", "out/checkpoint"])

    @cases({"missing": (None, ": cannot be opened"),
            "model": (lambda files: files["model.safetensors"], "not a checkpoint of mnist_blas"),
            "damaged": (lambda files: files["checkpoint"][:-1] + bytes([files["checkpoint"][-1] ^ 1]),
                        ": damaged: its bytes"),
            "truncated": (lambda files: files["checkpoint"][:-5000], ": ")})
    def test_file(self, change, says):
        if change:
            self.write("file", change(self.before))
        self.refuse(1, "file", says=["mnist_blas: file: ", says])

    def test_tampered_file(self):
        """With a valid checksum: one line, and no huge allocation."""
        whole = self.before["checkpoint"]
        self.assertEqual(whole, model_files.sign(whole))
        for old, new, says in TAMPERED:
            with self.subTest(new=new):
                self.assertEqual((1, len(old)), (whole.count(old), len(new)))
                self.write("tampered", model_files.sign(whole.replace(old, new)))
                result = self.run_program("--resume", "tampered", "--out", "out", "--quiet")
                self.assertIn(result.code, (1, 2), result)
                self.check_failure(result, result.code, says)
                self.assertEqual(self.before, self.files())

    @cases({"more": {"train": 1201}, "fewer": {"test": 199}, "wider": {"columns": 11}})
    def test_data(self, sizes):
        self.refuse(1, "out/checkpoint", "--data", self.make_data("other", **sizes),
                    says=["other", "images or labels", "out/checkpoint"])

    def test_data_with_more_classes(self):
        self.refuse(1, "out/checkpoint", "--data", self.make_data("other", classes=5),
                    says=["other", "label 4 at item", "has 4 classes"])

    def test_missing_data(self):
        os.rename(self.path("data"), self.path("moved"))
        self.refuse(1, "out/checkpoint", says="data: ")
        self.succeed("--resume", "out/checkpoint", "--data", "moved", "--quiet")


class CheckpointEvery(RunFolderTest):
    def test_none_without_it(self):
        self.succeed("--data", "data", *RUN, "--quiet", "--out", "out")
        self.assertEqual(RUN_FILES, self.names())
        self.assertNotIn("checkpoints", self.summary())

    @cases(["1", "7", "epoch", "100,epoch", "epoch,100", "100000"])
    def test_changes_no_bit(self, every):
        self.train("data", *SHORT_EPOCHS, out="plain")
        self.train("data", *SHORT_EPOCHS, "--checkpoint-every", every)
        self.assert_same_model("plain", "out")
        checkpoints = self.summary()["checkpoints"]
        self.assertGreaterEqual(checkpoints["written"], 1)
        self.assertLessEqual(checkpoints["held_seconds_max"], checkpoints["held_seconds_sum"])

    @cases(["often", "0", "-1", "5,6", "epoch,epoch", "", "5,", "9" * 30, "1" * 100])
    def test_refuses(self, every):
        self.fail_with(2, "--data", "data", "--checkpoint-every", every, says=["--checkpoint-every", every[:20]])

    def test_kill_leaves_a_checkpoint(self):
        process = self.start_run(*SHORT_EPOCHS, "--epochs", 100000, "--checkpoint-every", "epoch")
        while not os.path.exists(self.path("out", "checkpoint")):
            self.assertIsNone(process.poll())
        process.kill()
        self.finish(process)
        result = self.interrupt(signal.SIGTERM, "--resume", "out/checkpoint", after="resumed")
        self.assertEqual(128 + signal.SIGTERM, result.code, result)

    def test_checkpoint_above_the_file_size_limit(self):
        """The model is not, and is saved; one warning during training, and one line at the end."""
        result = self.finish(self.start_run(
            *RUN, "--checkpoint-every", "epoch", "--quiet",
            prepare=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))))
        self.check_failure(result, 1, says="out/checkpoint: cannot be written: ")
        self.assertGreaterEqual(len(result.warnings), 1)
        self.assertEqual(RUN_FILES, sorted(self.whole_files()))

    def test_folder_in_place_of_the_checkpoint(self):
        os.makedirs(self.path("out", "checkpoint"))
        self.fail_with(1, "--data", "data", *RUN, "--checkpoint-every", "epoch", "--quiet", "--out",
                       "out", says="out/checkpoint: cannot be written: ")

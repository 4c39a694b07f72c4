"""--temperature, and the threshold for an error of 0.1 %: both by the validation images, in the model."""
import csv
import io
import json
import os
import signal
import struct

from model_files import TensorFile
from run_folder import SHORT_EPOCHS, RunFolderTest
from support import MODEL, ProgramTest, cases

HELD_OUT = ["--validation", "25%", "--batch-size", 16, "--epochs", 3]
UNSURE = {"blank": 0.1, "test": 400}  # nobody can classify images that are blank


def single(value):
    """The nearest float of C."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


class Calibrated(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data(**UNSURE)

    def learn(self, *arguments, out="out"):
        result = self.succeed("--data", self.data, "--no-report", "--out", out, *HELD_OUT, *arguments)
        return result.out, TensorFile.read(self.model_bytes(out))

    def evaluate(self, out="out"):
        """(figures, predicted class and probability of each image)"""
        text = self.succeed("evaluate", "--json", f"{out}/model.safetensors", "--data", self.data, "--predictions",
                            "all.csv").out
        rows = list(csv.DictReader(io.StringIO(self.read("all.csv").decode())))
        return json.loads(text), [(row["label"], row["predicted"], float(row["probability"])) for row in rows]

    @cases({"plain": (), "ema": ("--ema", 0.9), "patience": ("--patience", 1, "--schedule", "constant"),
            "convolutions": ("--network", "conv2d:4x3,batchnorm2d,relu,flatten,dense:4")})
    def test_temperature(self, *arguments):
        """Divides the last layer, and nothing else: the same classes with better probabilities."""
        _, plain = self.learn(*arguments, out="plain")
        shown, model = self.learn(*arguments, "--temperature")
        self.assertNotIn("temperature", plain.metadata)
        temperature = float(model.metadata["temperature"])
        names = list(plain.tensors)
        self.assertEqual(names, list(model.tensors))
        for name, (dtype, shape, values) in plain.tensors.items():
            last = name.split(".")[0] == names[-1].split(".")[0]
            expected = [single(value / temperature) for value in values] if last else values
            self.assertEqual([dtype, shape, expected], model.tensors[name], name)
        (before, classes), (after, same) = self.evaluate("plain"), self.evaluate()
        self.assertEqual([row[:2] for row in classes], [row[:2] for row in same])
        self.assertLess(after["test_loss"], before["test_loss"])
        summary, found = self.summary(), self.summary()["calibration"]
        self.assertIs(True, summary["temperature"])
        self.assertAlmostEqual(temperature, found["temperature"], places=7)
        self.assertLess(summary["validation_loss"], found["validation_loss_before"])
        self.assertAlmostEqual(self.summary("plain")["validation_loss"], found["validation_loss_before"], places=6)
        for key in ("test_loss", "test_accuracy", "calibration_error", "coverage", "confidence_threshold"):
            self.assertEqual(after[key], summary[key])
        self.assertIn(f"temperature {temperature:.4g}, fitted on 300 validation images: calibration error "
                      f"{100 * found['validation_calibration_error_before']:.2f} % to "
                      f"{100 * found['validation_calibration_error']:.2f} %, loss "
                      f"{found['validation_loss_before']:.4f} to {summary['validation_loss']:.4f}\n", shown)

    def test_info(self):
        for arguments in (), ("--temperature",):
            _, model = self.learn(*arguments)
            temperature = float(model.metadata.get("temperature", 1))
            threshold = float(model.metadata["confidence_threshold"])
            found = self.info(MODEL)["model"]
            self.assertAlmostEqual(temperature, found["temperature"], places=7)
            self.assertAlmostEqual(threshold, found["confidence_threshold"], places=7)
            text = self.succeed("info", MODEL).out
            self.assertIn(f"\nthreshold  probability {threshold:.6g}, by the validation images\n", text)
            self.assertEqual(bool(arguments), f"\ncalibrated temperature {temperature:.4g}\n" in text)

    @cases({"plain": (), "temperature": ("--temperature",)})
    def test_threshold(self, *arguments):
        """Images from this probability on; of the validation images so few are accepted that none of them is wrong."""
        shown, model = self.learn(*arguments)
        figures, rows = self.evaluate()
        threshold = float(model.metadata["confidence_threshold"])
        self.assertAlmostEqual(threshold, figures["confidence_threshold"], places=8)
        accepted = [label != predicted for label, predicted, probability in rows if probability >= single(threshold)]
        self.assertTrue(0 < len(accepted) < len(rows))
        self.assertAlmostEqual(len(accepted) / len(rows), figures["coverage"], places=8)
        self.assertAlmostEqual(sum(accepted) / len(accepted), figures["selective_risk"], places=8)
        said = f"{100 * figures['coverage']:.2f} % of the {{}}images, {100 * figures['selective_risk']:.2f} % of these wrong\n"
        self.assertIn(f"threshold   {threshold:.6g} by the validation images (error at most 0.1 %): {said.format('test ')}", shown)
        self.assertIn(f"\nprobability of at least {threshold:.6g}: {said.format('')}\n",
                      self.succeed("evaluate", MODEL, "--data", self.data).out)

    def test_threshold_that_accepts_nothing(self):
        _, model = self.learn()
        model.metadata["confidence_threshold"] = "1"
        self.write(MODEL, model.bytes())
        figures, _ = self.evaluate()
        self.assertEqual((1, 0, None),
                         tuple(figures[key] for key in ("confidence_threshold", "coverage", "selective_risk")))

    def test_without_validation_images(self):
        """There is neither, as in models of earlier versions."""
        self.succeed("--data", self.data, "--no-report", "--epochs", 1, "--out", "out")
        self.assertEqual(set(), {"temperature", "confidence_threshold"} & set(TensorFile.read(self.model_bytes()).metadata))
        self.assertNotIn("coverage", self.evaluate()[0])
        self.assertNotIn("probability", self.succeed("evaluate", MODEL, "--data", self.data).out)

    def test_threads(self):
        for threads in (1, 2, 3):
            self.learn("--temperature", "--threads", threads, out=f"run{threads}")
        self.assert_same_model("run1", "run2", "run3")

    def test_no_temperature(self):
        """Every validation image is right: an error, after all files of the run are written."""
        self.data = self.make_data("easy")
        line = self.fail_with(1, "--data", self.data, "--out", "out", *HELD_OUT, "--temperature", says=[
            "mnist_blas: temperature: none from 0.001 to 1000", "300 validation images, 300 of which"])
        self.assertIn("confidence_threshold", TensorFile.read(self.model_bytes()).metadata)
        self.assertEqual(self.info()["features"]["report"], os.path.exists(self.path("out", "report.html")))
        self.assertNotIn("\n", line)
        self.learn(out="plain")
        tensors = [TensorFile.read(self.model_bytes(out)).tensors for out in ("out", "plain")]
        self.assertEqual(*tensors)
        self.assertNotIn("calibration", self.summary())

    def test_report_of_no_temperature(self):
        """It is drawn from a checkpoint, too, and the error is that of the run."""
        self.need_feature("report")
        self.data = self.make_data("easy")
        self.fail_with(1, "--data", self.data, "--no-report", "--checkpoint-every", "epoch", "--out", "out", *HELD_OUT,
                       "--temperature", says="temperature: none")
        self.fail_with(1, "report", "out", says="temperature: none")
        self.assertIn("report.html", self.names("out"))


class Resumed(RunFolderTest):
    DATA = UNSURE

    def test_same_bytes(self):
        """The checkpoint has the undivided parameters; the model of a run that was stopped, too."""
        run = [*SHORT_EPOCHS, "--epochs", 30, "--validation", 200, "--temperature", "--ema", 0.99]
        self.succeed("--data", "data", "--quiet", "--out", "whole", *run)
        for threads in (1, 2):
            self.interrupted(signal.SIGTERM, *run, "--threads", threads)
            self.assertNotIn("temperature", TensorFile.read(self.model_bytes()).metadata)
            self.succeed("--resume", "out/checkpoint", "--threads", 3 - threads, "--quiet")
            self.assert_same_run()
            self.succeed("--resume", "out/checkpoint", "--quiet")
            self.assert_same_run()

    def test_more_epochs(self):
        run = ["--validation", 200, "--schedule", "constant", "--temperature", "--checkpoint-every", "epoch", "--no-report"]
        self.succeed("--data", "data", "--out", "whole", "--epochs", 4, *run)
        self.succeed("--data", "data", "--out", "out", "--epochs", 2, *run)
        self.assertIn("temperature", TensorFile.read(self.model_bytes()).metadata)
        self.succeed("--resume", "out/checkpoint", "--epochs", 4)
        self.assert_same_run()

    def test_changed(self):
        self.succeed("--data", "data", "--out", "out", "--epochs", 1, "--validation", 200, "--checkpoint-every", "epoch",
                     "--no-report")
        self.fail_with(2, "--resume", "out/checkpoint", "--temperature",
                       says="--temperature on conflicts with out/checkpoint, which was trained with off")

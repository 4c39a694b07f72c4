"""evaluate: consistent figures that agree with the run, for models of all layers; data that does not fit
the model is refused."""
import json
import os
import shutil

import support
from model_files import TensorFile, zero_model
from support import MODEL, ProgramTest, TrainedTest, cases
from test_damaged_models import NETWORK, SHAPES


SCORES = ("precision", "recall", "f1")


def ratio(part, whole):
    return part / whole if whole else 0.0


class TrainingImages(ProgramTest):
    """The model knows which images it was trained on, all of them or some, also inverted ones."""

    @cases({"dark": 0, "light": 255})
    def test_warning(self, ground):
        data = self.make_data(test=900)
        for name in (support.TRAIN_IMAGES, support.TEST_IMAGES):
            content = self.read("data", name)
            self.write(f"data/{name}", content[:16] + bytes(byte ^ ground for byte in content[16:]))
        self.train(data)
        self.assertEqual([], self.succeed("evaluate", MODEL, "--data", data).warnings)
        images, labels = (self.read("data", name) for name in (support.TRAIN_IMAGES, support.TRAIN_LABELS))
        for count in (1200, 300):
            for name, content in ((support.TEST_IMAGES, images[16:]), (support.TEST_LABELS, labels[8:])):
                size = len(content) // 1200
                sizes = (count,) if size == 1 else (count, support.ROWS, support.COLUMNS)
                self.write(f"data/{name}", support.idx(sizes, content[:count * size]))
            line, = self.succeed("evaluate", MODEL, "--data", data).warnings
            self.assertRegex(line, r"^mnist_blas: warning: .*data: the model was trained on these images, or some of them "
                                   r"\((\d+) of a sample of \1\): the accuracy is too high$")


class Figures(ProgramTest):
    """Accuracy, scores and confusion matrix, as JSON and as text."""

    @cases({"of_a_good_model": ({},),
            "of_a_bad_model": ({"classes": 10}, "--lr", 1e-6),
            "of_one_class_for_all": ({"classes": 3, "blank": 1.0},),
            "of_two_classes": ({"classes": 2},),
            "of_thirteen_classes": ({"classes": 13}, "--lr", 1e-3),
            "of_256_classes": ({"classes": 256, "train": 2560, "test": 512},),
            "of_convolutions": ({"train": 300, "test": 80}, "--network", NETWORK, "--epochs", 2)})
    def test_figures(self, data, *arguments):
        """They agree with each other and the run, and are the same at each thread count."""
        folder = self.make_data(**data)
        summary = self.train(folder, *arguments)
        text, = {self.succeed("evaluate", MODEL, "--json", "--data", folder, "--threads", threads).out
                 for threads in (1, 2, 3, 4)}
        found = json.loads(text)
        rows, scores = found["confusion"], found["class_scores"]
        self.assertEqual((MODEL, folder), (found["model"], found["data"]))
        self.assertEqual(summary["test_accuracy"], found["test_accuracy"])
        self.assertAlmostEqual(found["test_accuracy"], found["correct"] / found["test_images"], places=8)
        self.assertEqual(found["test_images"], sum(map(sum, rows)))
        self.assertEqual(found["correct"], sum(row[i] for i, row in enumerate(rows)))
        self.assertEqual(list(range(len(rows))), [score["class"] for score in scores])
        for name, score in enumerate(scores):
            hits, actual, predicted = rows[name][name], sum(rows[name]), sum(row[name] for row in rows)
            self.assertEqual(actual, score["support"])
            for key, expected in zip(SCORES, (ratio(hits, predicted), ratio(hits, actual),
                                              ratio(2 * hits, predicted + actual))):
                self.assertAlmostEqual(expected, score[key], places=8)
        for key in SCORES:
            self.assertAlmostEqual(sum(score[key] for score in scores) / len(scores),
                                   found["macro"][key], places=7)
        self.assertEqual(found["macro"]["recall"], found["balanced_accuracy"])
        bins = found["confidence_bins"]
        self.assertEqual(found["test_images"], sum(one["samples"] for one in bins))
        self.assertAlmostEqual(found["correct"], sum(one["samples"] * one["accuracy"] for one in bins), places=6)
        self.assertAlmostEqual(
            found["calibration_error"],
            sum(one["samples"] * abs(one["accuracy"] - one["confidence"]) for one in bins) / found["test_images"],
            places=8)
        for one in bins:
            self.assertTrue(one["from"] <= one["confidence"] <= one["from"] + 1 / 15 + 1e-12, one)
        self.check_text(found, self.succeed("evaluate", MODEL, "--data", folder).out)

    def check_text(self, found, text):
        """The same as text, in percent; the matrix if it fits into 80 columns, else its largest cells."""
        first, scores, last = text.split("\n\n")
        self.assertEqual(f"{MODEL}: accuracy {100 * found['test_accuracy']:.2f} % ({found['correct']} of "
                         f"{found['test_images']}), balanced accuracy {100 * found['balanced_accuracy']:.2f} %, "
                         f"loss {found['test_loss']:.4f}, calibration error {100 * found['calibration_error']:.2f} %", first)
        rows = [line.split() for line in scores.splitlines()[1:]]
        table = [*found["class_scores"], {**found["macro"], "class": "mean"}]
        self.assertEqual([[str(score["class"]), *("-" if score[key] is None else f"{100 * score[key]:.2f}"
                                                  for key in SCORES), str(score["support"])]
                          for score in table], rows)
        self.assertLessEqual(max(map(len, text.splitlines()[1:])), 80)
        cells = [[int(cell) for cell in line.split()] for line in last.splitlines()[2:]]
        confusion = found["confusion"]
        if len(confusion) <= 12:
            self.assertEqual([[i, *row] for i, row in enumerate(confusion)], cells)
        else:
            pairs = [[i, k, count] for i, row in enumerate(confusion) for k, count in enumerate(row)
                     if i != k and count]
            self.assertEqual(sorted(pairs, key=lambda pair: -pair[2])[:10], cells)

    def test_model_of_other_software(self):
        """Our metadata in a file written by another library: other order, other white space."""
        model = zero_model("dense:6,relu,dense:4", SHAPES, 4)
        model.tensors = dict(reversed(model.tensors.items()))
        self.write("model", model.bytes(indent=1))
        text = self.succeed("evaluate", "model", "--json", "--data", self.make_data()).out
        self.assertEqual(50, json.loads(text)["correct"])


class Convolutional(TrainedTest):
    DATA, TRAINING = {"train": 300, "test": 80}, ["--network", NETWORK, "--epochs", 2]

    def test_order_of_the_tensors_changes_no_digit(self):
        file = TensorFile.read(self.read(MODEL))
        file.tensors = dict(reversed(file.tensors.items()))
        self.write("reversed", file.bytes())
        self.assertNotEqual(self.model_bytes(), self.read("reversed"))
        outputs = {self.succeed("predict", model, self.images, "--json", "--threads", threads).out
                   for model in (MODEL, "reversed") for threads in (1, 3)}
        self.assertEqual(1, len(outputs))

    def test_tensors_are_those_of_pytorch(self):
        tensors = TensorFile.read(self.read(MODEL)).tensors
        self.assertEqual({"0.weight": [6, 1, 3, 3], "0.bias": [6], "5.weight": [20, 3, 3, 3],
                          "5.bias": [20], "9.weight": [16, 20 * 4 * 3], "9.bias": [16],
                          "12.weight": [4, 16], "12.bias": [4],
                          **{f"{layer}.{name}": [channels] for layer, channels in ((1, 6), (6, 20))
                             for name in ("weight", "bias", "running_mean", "running_var")},
                          "1.num_batches_tracked": [], "6.num_batches_tracked": []},
                         {name: shape for name, (_, shape, _) in tensors.items()})
        self.assertEqual(["I64", [], [2 * 5]], tensors["6.num_batches_tracked"])
        self.assertTrue(all(value >= 0 for value in tensors["6.running_var"][2]))


class Ground(ProgramTest):
    """Images on a light ground train as the same images on a dark one."""

    def setUp(self):
        super().setUp()
        self.make_data("dark", classes=5, rows=13)
        self.make_data("light", classes=5, rows=13)
        for name in support.FILES:
            if "images" in name:
                content = self.read("light", name)
                self.write(f"light/{name}", content[:16] + bytes(255 - value for value in content[16:]))

    def accuracy(self, model, data, *arguments):
        text = self.succeed("evaluate", model, "--json", "--data", data, *arguments).out
        return json.loads(text)["test_accuracy"]

    @cases({"dense": (), "convolutions": ("--network", "conv2d:4x3,relu,flatten,dense:5"),
            "augmented": ("--augment", "affine", "--ema", 0.9)})
    def test_inverted(self, *arguments):
        dark, light = (self.train(data, *arguments, out=data) for data in ("dark", "light"))
        models = [TensorFile.read(self.model_bytes(data)) for data in ("dark", "light")]
        self.assertEqual(models[0].tensors, models[1].tensors)
        self.assertEqual({**models[0].metadata, "ground": "light"}, models[1].metadata)
        self.assertEqual(("light", None), (light.get("ground"), dark.get("ground")))
        accuracy = self.accuracy("dark/model.safetensors", "dark")
        self.assertEqual(light["test_accuracy"], accuracy)
        for model, data, ground in (("light", "light", "auto"), ("light", "dark", "dark"),
                                    ("dark", "light", "light")):
            self.assertEqual(accuracy, self.accuracy(f"{model}/model.safetensors", data,
                                                     "--ground", ground))
        for model, data in (("light", "dark"), ("dark", "light")):
            run = self.succeed("evaluate", f"{model}/model.safetensors", "--data", data)
            self.assertRegex(run.err, rf"warning: {data}: the ground of the images is {data}, .*; "
                                      rf"give --ground {data} if that is right\n$")

    def test_given(self):
        """A ground that is given is not measured; a resumed run has that of its checkpoint."""
        self.assertIn("5 classes, light ground, inverted\n",
                      self.succeed("--data", "light", "--epochs", 1, "--no-report").out)
        self.train("light", "--ground", "dark", "--epochs", 2, "--schedule", "constant", out="whole")
        self.train("light", "--ground", "dark", "--schedule", "constant", "--checkpoint-every", "epoch",
                   out="half")
        self.train("light", "--resume", "half/checkpoint", "--epochs", 2, out="resumed")
        self.assert_same_model("whole", "resumed")
        self.assertNotIn("ground", TensorFile.read(self.model_bytes("whole")).metadata)
        self.fail_with(2, "--resume", "half/checkpoint", "--ground", "light",
                       says=["--ground light", "half/checkpoint", "trained with dark"])

    def test_nothing_learned(self):
        """A run that ends at chance level says so; one that has learned does not."""
        run = self.run_program("--data", "dark", "--lr", 1e-9, "--epochs", 1, "--no-report", "--quiet")
        self.assertEqual((0, 1), (run.code, len(run.warnings)), run)
        self.assertRegex(run.err, r"nothing was learned: test accuracy [0-9.]+ %, always predicting class "
                                  r"\d gives 20.00 %; try a lower --lr ")
        self.assertEqual([], self.succeed("--data", "dark", "--epochs", 2, "--no-report").warnings)


class Data(TrainedTest):
    """Which data a model is evaluated on."""

    def test_places_are_those_of_train(self):
        self.make_data("data/mnist")
        self.succeed("evaluate", MODEL)
        self.succeed("evaluate", MODEL, MNIST_BLAS_DATA=self.data)

    def test_training_files_are_not_needed(self):
        for name in support.FILES[:2]:
            os.remove(os.path.join(self.data, name))
        self.succeed("evaluate", MODEL, "--data", self.data)

    def test_without_a_class(self):
        few = self.make_data("few", classes=2)
        found = json.loads(self.succeed("evaluate", MODEL, "--json", "--data", few).out)
        nothing = {**dict.fromkeys(SCORES), "support": 0}
        self.assertEqual([{"class": 2, **nothing}, {"class": 3, **nothing}], found["class_scores"][2:])
        self.assertAlmostEqual(sum(score["recall"] for score in found["class_scores"][:2]) / 2,
                               found["macro"]["recall"], places=7)
        text = self.succeed("evaluate", MODEL, "--data", few).out
        self.assertRegex(text, r"(?m)^ +3 +- +- +- +0$")
        self.assertIn("classes without test images: 2, 3; the means leave them out\n", text)
        for name in support.FILES[2:]:
            shutil.copy(os.path.join(few, name), self.path("data", name))
        text = self.succeed("train", "--data", "data", "--epochs", 1, "--out", "gap").out
        self.assertIn("classes without test images: 2, 3\n", text)
        self.write("names.txt", "a\nb\ncat\nKätze\n".encode())
        text = self.succeed("train", "--data", "data", "--class-names", "names.txt", "--out", "named").out
        self.assertIn("classes without test images: cat, Kätze\n", text)
        text = self.succeed("evaluate", "named/model.safetensors", "--data", "data").out
        self.assertIn("classes without test images: cat, Kätze; the means leave them out\n", text)

    @cases({"of_another_size": ({"rows": 10, "columns": 12}, ["other", "10x12", "12x10"]),
            "of_more_classes": ({"classes": 6}, ["other", "label", "4 classes"])})
    def test_other(self, data, says):
        self.fail_with(1, "evaluate", MODEL, "--data", self.make_data("other", **data), says=says)

    def test_missing(self):
        self.fail_with(1, "evaluate", MODEL, "--data", "nowhere", says="nowhere: no such folder")

    def test_nowhere(self):
        """Runs two folders down, so that ../data has no data of this machine."""
        os.makedirs(self.path("a/b"))
        self.fail_with(1, "evaluate", "../../" + MODEL, cwd=self.path("a/b"), XDG_CACHE_HOME="/nowhere",
                       says=["./data/mnist", "./data/MNIST/raw", "../data/mnist", "../data/MNIST/raw",
                             "/nowhere/mnist_blas", "--data", "tools/fetch-mnist"])

    def test_fetch_mnist_is_named_as_it_is_reached(self):
        for folder in ("tools", "build", "else/where"):
            os.makedirs(self.path(folder))
        self.write("tools/fetch-mnist", b"")
        os.chmod(self.path("tools/fetch-mnist"), 0o755)
        os.rename(self.path("data"), self.path("moved"))
        for folder, says in ((".", " tools/"), ("build", " ../tools/"), ("else/where", " tools/")):
            self.fail_with(1, "evaluate", self.path(MODEL), cwd=self.path(folder), XDG_CACHE_HOME="/nowhere",
                           says=f"or run{says}fetch-mnist to download MNIST")

    def test_truncated(self):
        support.write_bytes(self.images, support.read_bytes(self.images)[:-1])
        self.fail_with(1, "evaluate", MODEL, "--data", "data",
                       says=[support.TEST_IMAGES, "truncated", "200", "199"])

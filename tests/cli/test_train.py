"""train: the run folder, the output, the search for data, and networks on all kinds of data."""
import math
import os
import re
import shutil

import support
from model_files import TensorFile
from support import COLUMNS, ROWS, RUN_FILES, ProgramTest, cases


class RunFolder(ProgramTest):
    """The three files of a run."""

    def test_holds_exactly_its_files(self):
        self.train(self.make_data())
        self.assertEqual(RUN_FILES, self.names())

    def test_summary_has_the_keys_and_types_of_the_contract(self):
        summary = self.train(self.make_data())
        for key, kind in {"data": str, "network": str, "parameters": int, "epochs": int,
                          "batch_size": int, "optimizer": str, "seed": int, "threads": int,
                          "blas_core": str, "final_train_loss": float, "test_accuracy": float,
                          "train_seconds": float, "samples_per_second": dict}.items():
            self.assertIs(kind, type(summary[key]), key)
        self.assertEqual({"min", "median", "max"}, set(summary["samples_per_second"]))

    def test_summary_repeats_the_options(self):
        summary = self.train(self.make_data(), "--network", "dense:7,relu,dense:4", "--epochs", 2,
                             "--batch-size", 50, "--optimizer", "adam", "--seed", 77,
                             "--threads", 1)
        self.assertEqual(("dense:7,relu,dense:4", (ROWS * COLUMNS + 1) * 7 + (7 + 1) * 4),
                         (summary["network"], summary["parameters"]))
        self.assertEqual((2, 50, "adam", 77, 1),
                         tuple(summary[key] for key in
                               ("epochs", "batch_size", "optimizer", "seed", "threads")))

    def test_summary_names_the_data_as_given(self):
        self.make_data()
        for given in ("data", "./data/", "data/../data"):
            self.assertEqual(given, self.train(given)["data"])

    def test_defaults_are_those_of_the_contract(self):
        self.succeed("train", "--data", self.make_data())
        summary = self.summary("mnist_blas_out")
        self.assertEqual(("dense:128,relu,dense:64,relu,dense:4", 5, 64, "adamw", 1),
                         tuple(summary[key] for key in
                               ("network", "epochs", "batch_size", "optimizer", "seed")))

    def test_metrics_have_one_line_per_epoch(self):
        self.train(self.make_data(), "--epochs", 3)
        metrics = self.metrics()
        self.assertEqual([1, 2, 3], [epoch["epoch"] for epoch in metrics])
        for epoch in metrics:
            for key in ("train_loss", "train_accuracy", "test_accuracy", "lr", "seconds",
                        "samples_per_second", "gflops"):
                self.assertIs(float, type(epoch[key]), key)
                self.assertTrue(math.isfinite(epoch[key]), key)
                self.assertGreaterEqual(epoch[key], 0, key)

    def test_summary_and_metrics_agree(self):
        summary = self.train(self.make_data(), "--epochs", 4)
        metrics = self.metrics()
        speeds = sorted(epoch["samples_per_second"] for epoch in metrics)
        speed = summary["samples_per_second"]
        self.assertEqual((speeds[0], speeds[3]), (speed["min"], speed["max"]))
        self.assertAlmostEqual(1.0, speed["median"] / (0.5 * (speeds[1] + speeds[2])), places=6)
        self.assertEqual(metrics[-1]["train_loss"], summary["final_train_loss"])
        self.assertEqual(metrics[-1]["test_accuracy"], summary["test_accuracy"])
        self.assertAlmostEqual(1.0, sum(epoch["seconds"] for epoch in metrics) /
                               summary["train_seconds"], places=6)

    def test_speed_and_gflops_are_consistent(self):
        self.train(self.make_data(), "--network", "dense:16,relu,dense:4")
        epoch, = self.metrics()
        self.assertAlmostEqual(1.0, 1200 / epoch["seconds"] / epoch["samples_per_second"], places=6)
        flops = 2 * (2 * ROWS * COLUMNS * 16 + 3 * 16 * 4)
        self.assertAlmostEqual(1.0, 1e-9 * flops * epoch["samples_per_second"] / epoch["gflops"],
                               places=6)

    def test_learning_rates_follow_the_schedule(self):
        data = self.make_data()
        for schedule, end in {"constant": 0.01, "cosine": 0.0, "onecycle": 0.0}.items():
            self.train(data, "--epochs", 4, "--lr", 0.01, "--schedule", schedule, out=schedule)
            rates = [epoch["lr"] for epoch in self.metrics(schedule)]
            self.assertTrue(all(0.0 <= rate <= 0.01 for rate in rates), rates)
            self.assertAlmostEqual(end, rates[-1], places=3)

    def test_later_run_replaces_only_its_files(self):
        data = self.make_data()
        self.train(data)
        support.write_bytes(self.path("out", "notes.txt"), b"mine")
        before = {name: support.read_bytes(self.path("out", name)) for name in RUN_FILES}
        self.train(data, "--seed", 2)
        self.assertEqual(sorted(RUN_FILES + ["notes.txt"]), self.names())
        self.assertEqual(b"mine", support.read_bytes(self.path("out", "notes.txt")))
        for name in RUN_FILES:
            self.assertNotEqual(before[name], support.read_bytes(self.path("out", name)), name)

    def test_parent_folders_are_created(self):
        self.train(self.make_data(), out="a/b/c")
        self.assertEqual(RUN_FILES, sorted(os.listdir(self.path("a", "b", "c"))))

    def test_validation_is_reported(self):
        data = self.make_data()
        summary = self.train(data, "--epochs", 3, "--validation", 180)
        for where in (summary, self.metrics()[-1]):
            self.assertTrue(0.5 < where["validation_accuracy"] <= 1.0, where)
        self.train(data, "--epochs", 3, "--validation", "15%", out="percent")
        self.assert_same_model("out", "percent")

    def test_no_validation_is_not_reported(self):
        self.assertNotIn("validation_accuracy", self.train(self.make_data()))
        self.assertNotIn("validation_accuracy", self.metrics()[0])


class ModelFile(ProgramTest):
    """model.safetensors, read by hand."""

    def test_contents(self):
        """Tensors have PyTorch's names and shapes, and finite values, one per parameter."""
        summary = self.train(self.make_data())
        file = TensorFile.read(self.model_bytes())
        self.assertEqual({"0.weight": [128, ROWS * COLUMNS], "0.bias": [128], "2.weight": [64, 128],
                          "2.bias": [64], "4.weight": [4, 64], "4.bias": [4]},
                         {name: shape for name, (_, shape, _) in file.tensors.items()})
        self.assertEqual({"F32"}, {dtype for dtype, _, _ in file.tensors.values()})
        values = [value for _, _, values in file.tensors.values() for value in values]
        self.assertEqual(summary["parameters"], len(values))
        self.assertTrue(all(map(math.isfinite, values)))
        for key, value in {"generator": "mnist_blas", "input": f"1x{ROWS}x{COLUMNS}",
                           "classes": "4", "network": "dense:128,relu,dense:64,relu,dense:4",
                           "format": "pt"}.items():
            self.assertEqual(value, file.metadata[key])

    def test_equal_runs_give_equal_bytes(self):
        """On plain and gzipped data; another seed gives another model."""
        data = self.make_data()
        self.train(data, out="one")
        self.train(data, out="two")
        self.train(self.make_data("packed", packed=True), out="three")
        self.assert_same_model("one", "two", "three")
        self.train(data, "--seed", 2, out="two")
        self.assertNotEqual(self.model_bytes("one"), self.model_bytes("two"))


class Printed(ProgramTest):
    """The text output."""

    def test_quiet_prints_one_line(self):
        result = self.succeed("--data", self.make_data(), "--epochs", 2, "--quiet")
        self.assertEqual(1, result.out.count("\n"), result)
        self.assertIn("test accuracy", result.out)


class DataPlaces(ProgramTest):
    """The search for data. Each place has a dataset of another size, which identifies it."""

    PLACES = ["work/data/mnist", "work/data/MNIST/raw", "data/mnist", "data/MNIST/raw",
              "cache/mnist_blas"]

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("work"))

    def found(self, *arguments, **variables):
        """The folder that a run reads, from its summary."""
        self.succeed("--quiet", "--epochs", 1, "--out", self.path("out"), *arguments,
                     cwd=self.path("work"), **variables)
        return self.summary()["data"]

    def test_order_of_the_usual_places(self):
        for place in self.PLACES:
            self.make_data(place)
        cache = self.path("cache")
        for place, shown in zip(self.PLACES, ["./data/mnist", "./data/MNIST/raw", "../data/mnist",
                                              "../data/MNIST/raw", cache + "/mnist_blas"]):
            self.assertEqual(shown, self.found(XDG_CACHE_HOME=cache))
            shutil.rmtree(self.path(place))

    def test_cache_at_home(self):
        data = self.make_data(".cache/mnist_blas")
        self.assertEqual(data, self.found())

    def test_empty_folder_is_skipped(self):
        os.makedirs(self.path("work/data/mnist"))
        self.make_data("work/data/MNIST/raw")
        self.assertEqual("./data/MNIST/raw", self.found())

    def test_variable_wins_over_the_usual_places(self):
        self.make_data("work/data/mnist")
        data = self.make_data("named")
        self.assertEqual(data, self.found(MNIST_BLAS_DATA=data))

    def test_option_wins_over_the_variable(self):
        data = self.make_data("given")
        self.assertEqual(data, self.found("--data", data, MNIST_BLAS_DATA="/nowhere"))

    def test_option_takes_a_relative_path_as_given(self):
        self.make_data("given")
        self.assertEqual("../given", self.found("--data", "../given"))


# Data, arguments, the minimum accuracy.
LEARNS = {
    "two_classes": ({"classes": 2},),
    "256_classes": ({"classes": 256, "train": 5120, "test": 512}, ["--epochs", 10], 0.5),
    "one_row_of_pixels": ({"rows": 1, "columns": 200},),
    "large_odd_images": ({"rows": 45, "columns": 37, "train": 400, "test": 80},),
    "images_without_a_zero": ({"background": 20},),
    "blank_batches": ({"blank": 0.25}, ["--batch-size", 2, "--lr", 0.001], 0.7),
    "batch_of_one": ({"train": 300}, ["--batch-size", 1, "--lr", 0.001]),
    "last_batch_of_one": ({}, ["--batch-size", 109]),
    "one_layer": ({}, ["--network", "dense:4"]),
    "layers_of_odd_widths": ({}, ["--network", "dense:37,relu,dense:19,relu,dense:4"]),
    "wide_layer": ({}, ["--network", "dense:1100,relu,dense:4"]),
    "nesterov": ({}, ["--optimizer", "sgd", "--nesterov"]),
    "plain_sgd": ({}, ["--optimizer", "sgd", "--momentum", 0, "--weight-decay", 0]),
    **{f"{optimizer}_{schedule}": ({}, ["--optimizer", optimizer, "--schedule", schedule])
       for optimizer in ("sgd", "adam", "adamw") for schedule in ("constant", "cosine", "onecycle")},
}


class Learns(ProgramTest):
    """Each choice trains, and learns."""

    @cases(LEARNS)
    def test_learns(self, data, arguments=(), minimum=0.9):
        summary = self.train(self.make_data(**data), "--epochs", 5, *arguments)
        self.assertGreaterEqual(summary["test_accuracy"], minimum)
        self.assertLess(summary["final_train_loss"], self.metrics()[0]["train_loss"])
        if "--optimizer" in arguments:
            self.assertEqual(arguments[1], summary["optimizer"])

    @cases({"images_of_one_pixel": ({"rows": 1, "columns": 1},),
            "batch_larger_than_half_the_set": ({}, "--batch-size", 1000),
            "batch_of_the_whole_set": ({}, "--batch-size", 1200),
            "batch_of_all_but_validation": ({}, "--validation", 1000, "--batch-size", 200)})
    def test_trains(self, data, *arguments):
        self.train(self.make_data(**data), *arguments)

    def test_all_images_blank(self):
        self.assertEqual(0.5, self.train(self.make_data(classes=2, blank=1.0))["test_accuracy"])

"""evaluate --shift, --rotate, --noise: accuracies on distorted images, as table, JSON and plot."""
import json
import os
import re

import pictures
import support
from support import MODEL, ProgramTest, TrainedTest, cases

DISTORTIONS = {"shift": "shift, pixels", "rotate": "rotation, degrees", "noise": "noise, standard deviation"}
ALL = ["--shift", 3, "--rotate", 60, "--noise", 0.8]


def is_blue(pixel):
    """True if it is of a line or a marker, smoothed or not."""
    return pixel[2] - pixel[0] > 60


class Robustness(TrainedTest):
    def evaluate(self, *arguments):
        return self.succeed("evaluate", MODEL, "--data", self.data, *arguments).out

    def curves(self, *arguments):
        return json.loads(self.evaluate("--json", *arguments))["robustness"]

    def test_table_and_json_agree(self):
        """The table follows what evaluate prints without the options."""
        curves = self.curves(*ALL)
        self.assertEqual(list(DISTORTIONS), [curve["distortion"] for curve in curves])
        text, plain = self.evaluate(*ALL), self.evaluate()
        self.assertEqual(plain, text[:len(plain)])
        empty, heading, *lines = text[len(plain):].splitlines()
        self.assertEqual(("", "accuracy on distorted images, by strength of the distortion"), (empty, heading))
        self.assertLessEqual(max(map(len, lines)), 80)
        for curve, strengths, accuracies in zip(curves, lines[::2], lines[1::2]):
            name, numbers = re.fullmatch(r"(\D+)((?: +[0-9.]+){6})", strengths).groups()
            self.assertEqual(DISTORTIONS[curve["distortion"]], name.rstrip())
            self.assertEqual(curve["strength"], [float(number) for number in numbers.split()])
            self.assertEqual(["accuracy", "%", *(f"{100 * part:.2f}" for part in curve["test_accuracy"])],
                             accuracies.split())
            self.assertEqual(curve["test_accuracy"], [correct / 200 for correct in curve["correct"]])
        self.assertEqual(2 * len(curves), len(lines))

    def test_strengths(self):
        shift, = self.curves("--shift", 2.5)
        self.assertEqual([0, 0.5, 1, 1.5, 2, 2.5], shift["strength"])

    def test_accuracy_falls_from_that_of_evaluate(self):
        for curve in self.curves(*ALL):
            accuracies = curve["test_accuracy"]
            self.assertEqual(self.trained_summary["test_accuracy"], accuracies[0])
            self.assertLess(accuracies[-1], accuracies[0] - 0.1, curve)

    def test_threads_change_nothing_and_the_seed_does(self):
        texts = {self.evaluate("--json", *ALL, "--threads", threads) for threads in (1, 2, 3)}
        self.assertEqual(1, len(texts))
        self.assertEqual(json.loads(*texts)["robustness"], self.curves(*ALL, "--seed", 1))
        self.assertNotEqual(json.loads(*texts)["robustness"], self.curves(*ALL, "--seed", 2))

    def test_a_kind_does_not_depend_on_the_others(self):
        self.assertEqual(self.curves(*ALL)[2:], self.curves("--noise", 0.8))

    @cases({"one": (["--rotate", 20], 1), "two": (["--noise", 1, "--shift", 4], 2), "three": (ALL, 3)})
    def test_plot(self, arguments, panels):
        """A panel for each kind, with a line from its left to its right side."""
        self.need_feature("report")
        self.assertEqual(self.evaluate(*arguments), self.evaluate(*arguments, "--plot", "plot.png"))
        width, height, rows = pictures.read_png(self.read("plot.png"))
        self.assertEqual((900, 470), (width, height))
        line = [x for x in range(width) if any(is_blue(row[x]) for row in rows[104:406])]
        self.assertEqual(panels - 1, sum(right - left > 20 for left, right in zip(line, line[1:])))
        self.assertGreater(len(line), 600)
        first = self.read("plot.png")
        self.evaluate("--json", *arguments, "--plot", "plot.png", "--threads", 2)
        self.assertEqual(first, self.read("plot.png"))

    def test_points_of_the_plot(self):
        """Its markers are at the accuracies."""
        self.need_feature("report")
        curve, = self.curves("--shift", 5, "--plot", "plot.png")
        *_, rows = pictures.read_png(self.read("plot.png"))
        bottom = 10 * int(10 * min(0.99, *curve["test_accuracy"]))
        for i, accuracy in enumerate(curve["test_accuracy"]):
            x, y = 58 + 818 * i / 5, 110 + 290 * (100 - 100 * accuracy) / (100 - bottom)
            self.assertTrue(is_blue(rows[round(y)][round(x)]), (i, accuracy))


class Images(ProgramTest):
    """Images of other kinds."""

    @cases({"without_a_background": ({"background": 90},), "of_many_classes": ({"classes": 20},),
            "of_another_shape": ({"rows": 7, "columns": 30},), "in_color": ({}, "--color")})
    def test_images(self, data, *arguments):
        folder = self.make_data(**data)
        accuracy = self.train(folder, *arguments)["test_accuracy"]
        text = self.succeed("evaluate", MODEL, "--data", folder, "--json", *ALL, *arguments).out
        for curve in json.loads(text)["robustness"]:
            self.assertEqual(accuracy, curve["test_accuracy"][0])
            self.assertLess(curve["test_accuracy"][-1], accuracy)


class BadUsage(TrainedTest):
    @cases({"shift_of_0": (["--shift", 0], "--shift: must be above 0 and at most 1000, got 0"),
            "negative_shift": (["--shift", -2], "--shift: must be above 0 and at most 1000, got -2"),
            "more_than_half_a_turn": (["--rotate", 181], "--rotate: must be above 0 and at most 180, got 181"),
            "more_noise_than_range": (["--noise", 2], "--noise: must be above 0 and at most 1, got 2"),
            "no_number": (["--noise", "much"], "--noise: must be above 0 and at most 1, got 'much'"),
            "nothing_to_plot": (["--plot", "a.png"], "--plot: has no effect without --shift, --rotate or --noise"),
            "another_format": (["--shift", 1, "--plot", "a.svg"], "--plot: must end in .png, got 'a.svg'"),
            "the_model": (["--shift", 1, "--plot", MODEL], f"--plot: must not be the model, got {MODEL}"),
            "the_predictions": (["--shift", 1, "--plot", "a.png", "--predictions", "a.png"],
                                "--plot: must not be the file of --predictions, got a.png")})
    def test_refused(self, arguments, says):
        before = self.files()
        self.fail_with(2, "evaluate", MODEL, "--data", self.data, *arguments, says=says)
        self.assertEqual((before, ["data", "out"]), (self.files(), self.names(".")))

    def test_place_that_cannot_be_written(self):
        self.need_feature("report")
        os.mkdir(self.path("taken.png"))
        for path, says in (("no/a.png", "no/a.png: cannot be written: No such file or directory"),
                           ("taken.png", "taken.png: cannot be written: Is a directory")):
            result = self.run_program("evaluate", MODEL, "--data", self.data, "--shift", 1, "--plot", path)
            self.check_failure(result, 1, says)
            self.assertEqual("", result.out)

    def test_data_that_do_not_fit_leave_the_old_plot(self):
        self.write("plot.png", b"old")
        other = self.make_data("other", rows=support.ROWS + 1)
        self.fail_with(1, "evaluate", MODEL, "--data", other, "--shift", 1, "--plot", "plot.png", says="other: ")
        self.assertEqual(b"old", self.read("plot.png"))

    def test_build_without_cairo(self):
        if self.info()["features"]["report"]:
            self.skipTest("built with cairo")
        self.fail_with(1, "evaluate", MODEL, "--data", self.data, "--shift", 1, "--plot", "a.png",
                       says="a.png: no report: this build has no cairo")

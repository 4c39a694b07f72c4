"""Folders of pictures as data: the same models as from IDX files, and pictures that cannot be read."""
import os
import random

import pictures
import support
from support import COLUMNS, ROWS, ProgramTest
from test_predict import SEEDS


class FolderTest(ProgramTest):
    def write_folder(self, name, *arguments, **options):
        pictures.write_folder(self.path(name), *arguments, **options)
        return name


class Folders(FolderTest):
    def test_the_same_model_as_from_idx_files(self):
        self.train(self.make_data(train=300, test=100), out="idx")
        self.train(self.write_folder("pictures"), out="pictures_out")
        self.train("pictures", "--threads", 1, out="one_thread")
        self.train(self.write_folder("pgm", make=pictures.pgm), "--format", "folder", out="pgm_out")
        self.assert_same_model("idx", "pictures_out", "one_thread", "pgm_out")

    def write_color_folder(self):
        """Pictures whose classes differ in colour only, with noise."""
        rng = random.Random(1)
        colors = {"blue": (60, 90, 200), "green": (70, 180, 80), "red": (200, 70, 60)}
        for split, count in ("train", 60), ("test", 20):
            for name, color in colors.items():
                os.makedirs(self.path("color", split, name))
                for i in range(count):
                    samples = bytes(value + rng.randrange(-50, 50) for _ in range(ROWS * COLUMNS) for value in color)
                    self.write(f"color/{split}/{name}/{i}.png", pictures.png(COLUMNS, ROWS, samples, 2))
        return list(colors)

    def test_colors(self):
        """predict reads the pictures as training does."""
        names = self.write_color_folder()
        summary = self.train("color", "--network", "dense:3", "--batch-size", 16, "--epochs", 5)
        self.assertEqual(1.0, summary["test_accuracy"])
        paths = [f"color/test/{name}/{i}.png" for name in names for i in range(20)]
        for one, expected in zip(self.predict(support.MODEL, *paths), sorted([0, 1, 2] * 20)):
            self.assertEqual(expected, one["class"])
        self.fail_with(2, "predict", "--form", "mnist", support.MODEL, paths[0], says=["--form mnist", "3 channels"])

    def test_standardization_after_inversion(self):
        """Pictures without a background are standardized by the pixels that are trained on, inverted by --ground."""
        self.write_color_folder()
        fit = [self.train("color", "--network", "dense:3", "--batch-size", 16, "--ground", ground, out=ground)
               ["standardization"] for ground in ("dark", "light")]
        for before, after in zip(fit[0]["mean"], fit[1]["mean"]):
            self.assertAlmostEqual(1 - before, after, places=6)
        for before, after in zip(fit[0]["std"], fit[1]["std"]):
            self.assertAlmostEqual(before, after, places=6)

    def test_a_size(self):
        """Pictures of another size are refused, and resized on request, by predict, too."""
        self.write_folder("pictures")
        self.write("pictures/train/1/00007a.png", pictures.png(2, 3, bytes(6)))
        self.refuse(1, "--data", "pictures", says=["pictures/train/1/00007a.png: 3x2 pixels", f"{ROWS}x{COLUMNS}",
                                                   "--size"])
        self.train("pictures", "--size", "6x5")
        found = self.predict("--raw", support.MODEL, *sorted(
            os.path.join("pictures/test/2", name) for name in os.listdir(self.path("pictures/test/2"))))
        self.assertGreater(sum(one["class"] == 2 for one in found), len(found) / 2)

    def test_without_a_test_folder(self):
        summary = self.train(self.write_folder("pictures", (("all", 400, 11),)), "--test-fraction", 0.25)
        self.assertEqual((300, 100), (summary["training_images"], summary["test_images"]))


class BadPictures(FolderTest):
    """Of 300 training pictures three are damaged: libpng's and libjpeg's own lines do not appear."""

    def setUp(self):
        super().setUp()
        self.write_folder("pictures")
        damaged = SEEDS["jpg"][:-40] + bytes(20) + SEEDS["jpg"][-20:]
        for name, data in ("0/00000a.jpg", damaged), ("3/00001a.png", b"seven\n"), ("0/9.png", b""):
            self.write(f"pictures/train/{name}", data)

    def test_they_stop_the_run(self):
        line = self.refuse(1, "--data", "pictures", says=["damaged or truncated JPEG", "3/00001a.png, 0/9.png",
                                                          "3 of 303 pictures", "--skip-bad"])
        self.assertTrue(line.startswith("mnist_blas: pictures/train/0/00000a.jpg: "), line)

    def test_they_are_left_out(self):
        self.write_folder("good")
        self.train("good", out="good_out")
        result = self.succeed("train", "--data", "pictures", "--skip-bad", "--epochs", 1, "--quiet", "--no-report")
        self.assertIn("mnist_blas: warning: pictures/train: 3 pictures left out, the first is "
                      "pictures/train/0/00000a.jpg: damaged or truncated JPEG", result.warnings)
        self.succeed("train", "--data", "pictures", "--skip-bad", "--epochs", 1, "--quiet", "--no-report", "--out",
                     "bad_out")
        self.assert_same_model("good_out", "bad_out")

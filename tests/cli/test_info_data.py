"""info --data: what is in a data set, and what may be wrong with it."""
import os
import struct

import pictures
import support
from support import COLUMNS, ROWS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, ProgramTest, cases, idx

IMAGE, HEADER = ROWS * COLUMNS, 16
COLORS = {"blue": (60, 90, 200), "green": (70, 180, 80), "red": (200, 70, 60)}


class Info(ProgramTest):
    """Data with faults that are known."""

    def make_faulty(self):
        """Training image 5 = 3, of another class; test images 1 and 2 are training image 0; test image 7 is blank."""
        data = self.make_data()
        train, test, labels, test_labels = (os.path.join(data, name)
                                            for name in (TRAIN_IMAGES, TEST_IMAGES, TRAIN_LABELS, TEST_LABELS))
        images, checked = bytearray(support.read_bytes(train)), bytearray(support.read_bytes(test))
        numbers, checked_numbers = bytearray(support.read_bytes(labels)), bytearray(support.read_bytes(test_labels))
        at = [slice(HEADER + i * IMAGE, HEADER + (i + 1) * IMAGE) for i in range(10)]
        images[at[5]] = images[at[3]]
        checked[at[1]] = checked[at[2]] = images[at[0]]
        checked[at[7]] = bytes(IMAGE)
        numbers[8 + 5] = (numbers[8 + 3] + 1) % 4
        checked_numbers[8 + 1] = checked_numbers[8 + 2] = numbers[8 + 0]
        for path, content in ((train, images), (test, checked), (labels, numbers), (test_labels, checked_numbers)):
            support.write_bytes(path, content)
        return numbers[8:]

    def text(self, *arguments):
        result = self.succeed("info", "--data", "data", *arguments)
        return result.out

    def test_text(self):
        self.make_faulty()
        self.write("data/classes.txt", "cat\ndog\neel\nfox\n".encode())
        out = self.text()
        for line in ("data       data", "format     idx, ", f"images     1200 training, 200 test; {ROWS}x{COLUMNS}, gray",
                     "repeated   1 of 1200 training images", "           training image 5 = training image 3",
                     "leak       2 of 200 test images", "           test image 2 = training image 0",
                     "labels     1 different images", "blank      1 of 200 test images", "           test image 7\n",
                     "\nfox        300       50\n"):
            self.assertIn(line, out)
        self.assertRegex(out, r"training image 5 \(\w+\) = training image 3 \(\w+\)")
        self.assertLessEqual(max(map(len, out.splitlines())), 80)

    def test_json(self):
        labels = self.make_faulty()
        data = self.info("--data", "data")["data"]
        self.assertEqual(("data", "idx", ROWS, COLUMNS, 1), tuple(
            data[key] for key in ("path", "format", "rows", "columns", "channels")))
        self.assertEqual(["0", "1", "2", "3"], data["classes"])
        self.assertEqual([labels.count(c) for c in range(4)], data["training"]["class_images"])
        self.assertEqual({"image": {"split": "test", "image": 1, "class": labels[0]},
                          "equals": {"split": "training", "image": 0, "class": labels[0]}},
                         data["test"]["shared"]["examples"][0])
        self.assertEqual([1, 2, 1, 1], [data["training"]["repeated"]["count"], data["test"]["shared"]["count"],
                                        data["contradictions"]["count"], data["test"]["blank"]["count"]])
        self.assertNotIn("validation", data)

    def test_many_classes_stand_side_by_side(self):
        self.make_data(classes=100, train=1200, test=200)
        self.write("data/classes.txt", "".join(f"class_{i:02d}\n" for i in range(100)).encode())
        lines = self.text().splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("class "))
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertEqual(1 + 50, len(lines) - start)
        self.assertRegex(lines[start + 1], r"^class_00 +12 +2 +class_50 +12 +2$")

    def test_color(self):
        data = self.make_data(classes=2, train=40, test=20)
        pixels = bytes((i * 7 + i // 3) % 251 for i in range(40 * IMAGE * 3))
        for name, count in ((TRAIN_IMAGES, 40), (TEST_IMAGES, 20)):
            support.write_bytes(os.path.join(data, name), idx((count, ROWS, COLUMNS, 3), pixels[:count * IMAGE * 3]))
        self.assertIn(f"; {ROWS}x{COLUMNS}, in color\n", self.text())
        mean = self.info("--data", "data")["data"]["mean"]
        for channel in range(3):
            self.assertAlmostEqual(sum(pixels[channel::3]) / (255 * 40 * IMAGE), mean[channel], 5)
        self.assertIn(", gray\n", self.text("--gray"))

    def test_options_without_data(self):
        for option in (["--gray"], ["--size", "8x8"]):
            self.fail_with(2, "info", *option, says=f"{option[0]}: has no effect without --data")
        self.fail_with(1, "info", "--data", "nowhere", says="nowhere: no such folder")


class Sheet(ProgramTest):
    """--sheet: some training images of each class, as one PNG."""

    def setUp(self):
        super().setUp()
        self.need_feature("report")

    def write_colors(self, colors, side=8):
        """A folder of classes; each has images of one color: 1, 21, 41, ... for training."""
        for number, (name, color) in enumerate(colors.items()):
            for split, count in ("train", 1 + 20 * number), ("test", 1):
                os.makedirs(self.path("data", split, name))
                for i in range(count):
                    self.write(f"data/{split}/{name}/{i}.png", pictures.png(side, side, bytes(color) * side * side, 2))

    def sheet(self, *arguments):
        self.succeed("info", "--data", "data", "--sheet", "sheet.png", *arguments)
        return pictures.read_png(self.read("sheet.png"))

    def check_colors(self, side, drawn, most):
        """Images of a class, drawn with sides of so many pixels, are below those of the class before."""
        self.write_colors(COLORS, side)
        width, height, rows = self.sheet()
        bottom = 0
        for number, color in enumerate(COLORS.values()):
            at = [(x, y) for y, row in enumerate(rows) for x, pixel in enumerate(row) if pixel == color]
            self.assertEqual(min(1 + 20 * number, most) * drawn * drawn, len(at))
            self.assertLess(bottom, at[0][1])
            self.assertEqual([(24 + i, at[0][1]) for i in range(drawn)], at[:drawn])
            bottom = at[-1][1]
        self.assertEqual(900, width)
        self.assertIn(height - bottom, range(20, 30))

    def test_each_class_has_its_images(self):
        self.check_colors(8, 64, 48)

    def test_large_images_are_reduced(self):
        self.check_colors(120, 91, 36)

    @cases({"on_black": (0, (31, 35, 40), (255, 255, 255)), "without_a_ground": (90, (90, 90, 90), (255, 255, 255))})
    def test_gray_images(self, background, darkest, lightest):
        """Those on black are drawn dark on white, others as they are; enlarged 5 times."""
        self.make_data(classes=2, train=40, test=20, background=background)
        *_, rows = self.sheet()
        drawn = [row[24:24 + 5 * COLUMNS] for row in rows[110:110 + 5 * ROWS]]
        self.assertEqual(drawn, [[drawn[y // 5 * 5][x // 5 * 5] for x in range(5 * COLUMNS)] for y in range(5 * ROWS)])
        pixels = sorted(pixel for row in drawn for pixel in row)
        for expected, found in ((darkest, pixels[0]), (lightest, pixels[-1])):
            for channel in range(3):
                self.assertAlmostEqual(expected[channel], found[channel], delta=8)

    def test_many_classes(self):
        self.make_data(classes=256, train=512, test=256)
        self.succeed("info", "--data", "data", "--sheet", "sheet.png")
        width, height = struct.unpack_from(">II", self.read("sheet.png"), 16)
        self.assertEqual(900, width)
        self.assertLess(height, 13000)

    def test_is_the_same_on_each_run_and_beside_json(self):
        self.make_data()
        self.assertIn("\nsheet      a.png\n", self.succeed("info", "--data", "data", "--sheet", "a.png").out)
        self.assertNotIn("\nsheet", self.succeed("info", "--data", "data").out)
        self.assertIn("data", self.info("--data", "data", "--sheet", "b.PNG", "--threads", 1))
        self.assertEqual(self.read("a.png"), self.read("b.PNG"))

    def test_replaces_a_file_and_keeps_its_mode(self):
        self.make_data()
        self.write("sheet.png", b"old")
        os.chmod(self.path("sheet.png"), 0o604)
        self.sheet()
        self.assertEqual(0o604, os.stat(self.path("sheet.png")).st_mode & 0o777)
        self.assertEqual(["data", "sheet.png"], self.names("."))

    @cases({"no_such_folder": ("no/a.png", "no/a.png: cannot be written: No such file or directory"),
            "a_folder": ("taken.png", "taken.png: cannot be written: Is a directory")})
    def test_place_that_cannot_be_written(self, path, says):
        self.make_data()
        os.mkdir(self.path("taken.png"))
        for more in ([], ["--json"]):
            result = self.run_program("info", "--data", "data", "--sheet", path, *more)
            self.check_failure(result, 1, says)
            self.assertEqual("", result.out)
        self.assertEqual([], self.names("taken.png"))

    def test_bad_data_leave_the_old_sheet(self):
        self.write("sheet.png", b"old")
        self.fail_with(1, "info", "--data", "nowhere", "--sheet", "sheet.png", says="nowhere")
        self.assertEqual(b"old", self.read("sheet.png"))


class SheetOptions(ProgramTest):
    @cases({"no_data": (["a.png"], "--sheet: has no effect without --data"),
            "another_format": (["a.jpg", "--data", "data"], "--sheet: must end in .png, got 'a.jpg'"),
            "nothing": (["", "--data", "data"], "--sheet: must end in .png, got ''")})
    def test_refuses(self, arguments, says):
        self.make_data()
        self.fail_with(2, "info", "--sheet", *arguments, says=says)
        self.assertEqual(["data"], self.names("."))

    def test_build_without_cairo(self):
        if self.info()["features"]["report"]:
            self.skipTest("built with cairo")
        self.make_data()
        self.fail_with(1, "info", "--data", "data", "--sheet", "a.png", says="a.png: no report: this build has no cairo")

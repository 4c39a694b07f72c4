"""info --data: what is in a data set, and what may be wrong with it."""
import os

import support
from support import COLUMNS, ROWS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, ProgramTest, idx

IMAGE, HEADER = ROWS * COLUMNS, 16


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

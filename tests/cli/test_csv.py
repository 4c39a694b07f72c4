"""Tables in CSV as data, as Python's programs write them; the same model as from IDX; damaged ones are refused."""
import csv
import gzip
import io
import os
import random
import unittest

import support
from support import COLUMNS, FILES, ROWS, ProgramTest, made_split, needs_real_data

CLASSES, TRAIN, TEST = 4, 300, 60
SIZE = f"{ROWS}x{COLUMNS}"


def split(name):
    count, seed = {"train": (TRAIN, 11), "test": (TEST, 12)}[name]
    images, labels = made_split(count, CLASSES, ROWS, COLUMNS, 0.0, 0, seed)
    pixels = ROWS * COLUMNS
    return [(label, images[i * pixels:(i + 1) * pixels]) for i, label in enumerate(labels)]


def plain(name):
    """As pandas' to_csv(index=False) writes it."""
    header = ",".join(["label"] + [f"pixel{i}" for i in range(ROWS * COLUMNS)])
    return "\n".join([header] + [",".join(map(str, [label, *image])) for label, image in split(name)]) + "\n"


def by_csv(name):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerows([label, *image] for label, image in split(name))
    return "\ufeff" + text.getvalue()


def by_savetxt(name):
    """As numpy.savetxt(..., delimiter=",") writes an array of floats."""
    return "".join(",".join("%.18e" % value for value in [label, *image]) + "\n" for label, image in split(name))


def by_pandas_with_index(name):
    lines = ["," + ",".join(map(str, range(ROWS * COLUMNS))) + ",class"]
    lines += [",".join(map(str, [i, *image, label])) for i, (label, image) in enumerate(split(name))]
    return "\n".join(lines) + "\n"


def fractions(name):
    return "".join(f"{label}\t" + "\t".join(repr(p / 255) for p in image) + "\r\n" for label, image in split(name))


class SameModel(ProgramTest):
    """The bytes of the model from IDX files of the same images."""

    def setUp(self):
        super().setUp()
        self.train(self.make_data(train=TRAIN, test=TEST, classes=CLASSES), out="idx")

    @support.cases({"plain": plain, "csv": by_csv, "savetxt": by_savetxt, "pandas": by_pandas_with_index,
                    "fractions": fractions})
    def test_as_written_by(self, text):
        os.mkdir(self.path("tables"))
        for name in "train", "test":
            self.write(f"tables/{name}.csv", text(name).encode())
        summary = self.train("tables", "--size", SIZE)
        self.assertEqual((TRAIN, TEST), (summary["training_images"], summary["test_images"]))
        self.train("tables/train.csv", "--size", SIZE, "--threads", 1, out="file")
        self.assert_same_model("idx", "out", "file")

    def test_packed_and_transposed(self):
        os.mkdir(self.path("tables"))
        for name in "train", "test":
            rows = []
            for label, image in split(name):
                turned = [image[r * COLUMNS + c] for c in range(COLUMNS) for r in range(ROWS)]
                rows.append(",".join(map(str, [label, *turned])) + "\n")
            self.write(f"tables/{name}.csv.gz", gzip.compress("".join(rows).encode()))
        self.train("tables", "--size", SIZE, "--transpose")
        self.assert_same_model("idx", "out")


class Kaggle(ProgramTest):
    """Its test.csv has no labels."""

    def setUp(self):
        super().setUp()
        self.write("train.csv", plain("train").encode())
        lines = plain("test").splitlines()
        self.write("test.csv", "\n".join(line.split(",", 1)[1] for line in lines).encode())

    def test_training_images_are_the_test_split(self):
        result = self.succeed("train", "--data", ".", "--size", SIZE, "--epochs", 1, "--no-report", "--out", "out")
        self.assertEqual(1, len([line for line in result.warnings if "./test.csv: has no labels: images of "
                                 "./train.csv are the test split (--test-fraction)" in line]), result)
        self.assertEqual((255, 45), tuple(self.summary()[f"{part}_images"] for part in ("training", "test")))
        result = self.succeed("evaluate", "--data", "train.csv", "--size", SIZE, support.MODEL)
        self.assertIn(" of 45)", result.out)

    def test_it_is_not_trained_on(self):
        self.fail_with(1, "train", "--data", "test.csv", "--size", SIZE,
                       says=["test.csv: has no labels", f"images of 1x{SIZE}; predict classifies them"])

    def test_columns_without_a_size(self):
        self.fail_with(1, "train", "--data", "train.csv", says=["train.csv: line 1 has 121 columns", "--size ROWSxCOLUMNS"])


class Damaged(ProgramTest):
    """Cut short, or with changed bytes: refused with a line that names the file, or data of the same shape."""

    def check(self, number, content):
        self.write("one.csv", content)
        result = self.run_program("train", "--data", "one.csv", "--size", SIZE, "--epochs", 1, "--quiet",
                                  "--no-report", "--network", "dense:4", "--batch-size", 1, "--out", "out", "--threads", 1)
        if result.code != 0:  # 2: too few images for a test split
            self.check_failure(result, 2 if "test-fraction" in result.err else 1, "one.csv: ")
        return min(1, result.code)

    def test_cut_short(self):
        whole, rng = plain("test").encode(), random.Random(5)
        codes = []
        for number in range(200):
            end = rng.randrange(len(whole))
            rest = whole[:end].rpartition(b"\n")[2]
            codes.append(self.check(number, whole[:end]))
            if rest.count(b",") < ROWS * COLUMNS and rest:
                self.assertEqual(1, codes[-1], f"{number}: {end}")
        self.assertGreater(sum(codes), 150)

    def test_changed_bytes(self):
        whole, rng = bytearray(plain("test").encode()), random.Random(6)
        for number in range(200):
            at, byte = rng.randrange(len(whole)), rng.randrange(256)
            changed = whole[:at] + bytes([byte]) + whole[at + 1:]
            code = self.check(number, changed)
            digit = chr(byte).isdigit() and byte < 128
            if at > whole.index(b"\n") and not digit and byte not in b' \t".+\r' and whole[at] != byte:
                self.assertEqual(1, code, f"{number}: byte {at}: {byte}")


class Huge(ProgramTest):
    def test_ten_million_columns(self):
        self.write("wide.csv", b"0," * 10_000_000 + b"0\n")
        self.refuse(1, "--data", "wide.csv", says=["wide.csv: line 1 has more than 65540 columns"])

    def test_a_line_without_end(self):
        self.write("line.csv", b"x" * 50_000_000)
        self.refuse(1, "--data", "line.csv", says="line.csv: line 1 has 1 column: must be a label and the pixels")


class RealMnist(ProgramTest):
    @needs_real_data
    def test_same_model(self):
        tables = self.path("tables")
        os.mkdir(tables)
        for name, files in ("train", FILES[:2]), ("test", FILES[2:]):
            images, labels = (self.read_idx(file) for file in files)
            words = [str(value) for value in range(256)]
            with open(os.path.join(tables, f"mnist_{name}.csv"), "w", encoding="ascii") as table:
                for i, label in enumerate(labels[8:]):
                    image = images[16 + 784 * i:16 + 784 * (i + 1)]
                    table.write(f"{label}," + ",".join([words[pixel] for pixel in image]) + "\n")
        self.train(support.REAL_DATA, out="idx")
        self.train("tables")
        self.assert_same_model("idx", "out")

    @staticmethod
    def read_idx(name):
        path = os.path.join(support.REAL_DATA, name)
        if os.path.exists(path):
            return support.read_bytes(path)
        with gzip.open(path + ".gz") as file:
            return file.read()


if __name__ == "__main__":
    unittest.main()

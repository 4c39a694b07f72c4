"""NPZ archives and NPY files as data: the same model as from IDX files, and the data's own validation split."""
import json
import os
import struct
import zipfile
import zlib

from numpy_files import npy, npz
from support import COLUMNS, MODEL, ROWS, ProgramTest, cases, made_split

TRAIN, VALIDATION, TEST, CLASSES = 240, 60, 60, 4
PIXELS = ROWS * COLUMNS


def numbers(kind, values):
    return struct.pack(kind[0] + str(len(values)) + {"i4": "i", "i8": "q", "f4": "f", "f8": "d"}[kind[1:]], *values)


def fractions(images):
    return numbers("<f4", [value / 255 for value in images])


def first_fastest(images, count):
    return bytes(images[i * PIXELS + p] for p in (r * COLUMNS + c for c in range(COLUMNS) for r in range(ROWS))
                 for i in range(count))


def split(name):
    count, seed = {"train": (TRAIN + VALIDATION, 11), "test": (TEST, 12)}[name]
    return (*made_split(count, CLASSES, ROWS, COLUMNS, 0.0, 0, seed), count)


class NumpyTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.need_feature("npz")

    def write_keras(self, name="data.npz", method=zipfile.ZIP_DEFLATED, **changed):
        arrays = {}
        for part in ("train", "test"):
            images, labels, count = split(part)
            arrays["x_" + part] = npy("|u1", (count, ROWS, COLUMNS), images)
            arrays["y_" + part] = npy("|u1", (count,), labels)
        arrays.update(changed)
        return self.write(name, npz({key: value for key, value in arrays.items() if value is not None}, method))

    def write_divided(self, name="divided.npz", **changed):
        """The last training images are a validation split."""
        images, labels, count = split("train")
        return self.write_keras(name, **{
            "x_train": npy("|u1", (TRAIN, ROWS, COLUMNS), images[:TRAIN * PIXELS]),
            "y_train": npy("|u1", (TRAIN, 1), labels[:TRAIN]),
            "x_val": npy("|u1", (count - TRAIN, ROWS, COLUMNS), images[TRAIN * PIXELS:]),
            "y_val": npy("|u1", (count - TRAIN, 1), labels[TRAIN:]), **changed})


class SameModel(NumpyTest):
    """The bytes of the model from IDX files of the same images."""

    def setUp(self):
        super().setUp()
        self.train(self.make_data("idx", train=TRAIN + VALIDATION, test=TEST), out="idx_out")

    def check(self, data):
        summary = self.train(data)
        self.assert_same_model("idx_out", "out")
        self.assertEqual((TRAIN + VALIDATION, 0), (summary["training_images"], summary["validation_images"]))
        found, wanted = (json.loads(self.succeed("evaluate", "--json", "--data", name, MODEL).out)
                         for name in (data, "idx"))
        self.assertEqual(wanted["confusion"], found["confusion"])

    @cases({"stored": zipfile.ZIP_STORED, "packed": zipfile.ZIP_DEFLATED})
    def test_keras(self, method):
        self.check(self.write_keras(method=method))

    def test_fractions_and_one_hot_labels(self):
        images, labels, count = split("train")
        hot = b"".join(numbers("<f4", [float(label == c) for c in range(CLASSES)]) for label in labels)
        self.check(self.write_keras(x_train=npy("<f4", (count, ROWS, COLUMNS, 1), fractions(images), version=2),
                                    y_train=npy("<f4", (count, CLASSES), hot)))

    def test_kmnist(self):
        os.mkdir(self.path("kmnist"))
        for part in ("train", "test"):
            images, labels, count = split(part)
            self.write(f"kmnist/kmnist-{part}-imgs.npz", npz({"arr_0": npy("|u1", (count, ROWS, COLUMNS), images)}))
            self.write(f"kmnist/kmnist-{part}-labels.npz", npz({"arr_0": npy("|u1", (count,), labels)}))
        self.check("kmnist")

    def test_npy_files(self):
        os.mkdir(self.path("npy"))
        for part in ("train", "test"):
            images, labels, count = split(part)
            self.write(f"npy/{part}-images.npy",
                       npy("|u1", (count, ROWS, COLUMNS), first_fastest(images, count), fortran=True))
            self.write(f"npy/{part}-labels.npy", npy(">i8", (count,), numbers(">i8", list(labels))))
        self.check("npy")

    def test_flat_images(self):
        images, _, count = split("train")
        test_images, _, test_count = split("test")
        data = self.write_keras(x_train=npy(">f8", (count, PIXELS), numbers(">f8", [float(v) for v in images])),
                                x_test=npy("|u1", (test_count, PIXELS), test_images))
        self.refuse(1, "--data", data, says=["x_train", "shape (300, 120)", "--size"])
        summary = self.train(data, "--size", f"{ROWS}x{COLUMNS}")
        self.assert_same_model("idx_out", "out")
        self.assertEqual(TEST, summary["test_images"])


class Validation(NumpyTest):
    """The data's own validation split."""

    def test_is_held_out(self):
        data = self.write_divided()
        summary = self.train(data, "--epochs", 2, out="divided")
        self.assertEqual((TRAIN, VALIDATION, TEST), tuple(
            summary[key] for key in ("training_images", "validation_images", "test_images")))
        self.assertTrue(all("validation_loss" in line for line in self.metrics("divided")))
        self.train(data, "--epochs", 2, "--validation", VALIDATION, out="named")
        self.assert_same_model("divided", "named")
        self.train(self.write_divided("plain.npz", x_val=None, y_val=None), "--epochs", 2, out="without")
        for line, other in zip(self.metrics("divided"), self.metrics("without")):
            self.assertEqual([line[key] for key in ("train_loss", "test_accuracy")],
                             [other[key] for key in ("train_loss", "test_accuracy")])
            self.assertNotIn("validation_loss", other)

    def test_another_is_refused(self):
        data = self.write_divided()
        line = "--validation: the data have a validation split of 60 images: must be 0 or 60, got "
        self.refuse(2, "--data", data, "--validation", 61, says=line + "61")
        self.refuse(2, "--data", data, "--validation", "10%", says=line + "30")

    def test_said_at_the_beginning(self):
        result = self.succeed("train", "--data", self.write_divided(), "--epochs", 1, "--no-report")
        self.assertIn("the last 60 training images are for validation\n", result.out)

    def test_patience(self):
        summary = self.train(self.write_divided(), "--epochs", 30, "--patience", 2, "--schedule", "constant")
        best = max(self.metrics(), key=lambda line: line["validation_accuracy"])
        self.assertEqual(best["test_accuracy"], summary["test_accuracy"])
        self.assertEqual(best["validation_accuracy"], summary["validation_accuracy"])

    def test_resume(self):
        data = self.write_divided()
        options = ["--schedule", "constant", "--checkpoint-every", "epoch"]
        self.train(data, *options, "--epochs", 3, out="whole")
        self.train(data, *options, "--epochs", 2)
        self.succeed("--resume", "out/checkpoint", "--epochs", 3, "--quiet", "--no-report")
        self.assert_same_model("whole", "out")
        self.assertEqual(self.summary("whole")["validation_accuracy"], self.summary()["validation_accuracy"])
        self.write_divided(x_val=None, y_val=None)
        self.fail_with(1, "--resume", "out/checkpoint", "--epochs", 4, "--quiet", says="out/checkpoint")

    def test_report(self):
        self.need_feature("report")
        data = self.write_divided()
        self.succeed("train", "--data", data, "--epochs", 1, "--augment", "affine", "--quiet", "--out", "out")
        drawn = self.read("out/augmented.png")
        os.remove(self.path("out/augmented.png"))
        self.succeed("report", "out")
        self.assertEqual(drawn, self.read("out/augmented.png"))

    def test_beside_a_test_fraction(self):
        data = self.write_divided(x_test=None, y_test=None)
        summary = self.train(data, "--test-fraction", 0.25)
        self.assertEqual((180, VALIDATION, 60), tuple(
            summary[key] for key in ("training_images", "validation_images", "test_images")))


class Refused(NumpyTest):
    def test_bomb(self):
        """2 GB of zeros, which are packed to 2 MB; and more bytes than the archive says."""
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        zeros = bytes(1 << 24)
        packed = packer.compress(npy("|u1", (1 << 31,), b"")) + b"".join(packer.compress(zeros) for _ in range(128))
        packed += packer.flush()
        for size in (2 ** 31 + 128, TRAIN * PIXELS + 128):
            name = b"x_train.npy"
            facts = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, 0, len(packed), size, len(name), 0)
            local = b"PK\3\4" + facts + name + packed
            entry = b"PK\1\2" + struct.pack("<H", 20) + facts + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
            end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)
            self.refuse(1, "--data", self.write("bomb.npz", local + entry + end),
                        says=["bomb.npz: x_train: too large: shape (2147483648,)"])

    def test_packed_data_that_is_cut_short(self):
        whole = self.read(self.write_keras())
        for size in range(0, len(whole), len(whole) // 15):
            self.refuse(1, "--data", self.write("data.npz", whole[:size]), says="data.npz: ")

    def test_standardized_images(self):
        images, _, count = split("train")
        data = self.write_keras(x_train=npy("<f4", (count, ROWS, COLUMNS),
                                            numbers("<f4", [(value - 33) / 78 for value in images])))
        self.refuse(1, "--data", data, says=["x_train", "value ", "0 to 255"])

    def test_several_labels(self):
        _, labels, count = split("train")
        rows = b"".join(bytes([label != 2, 1, label == 3]) for label in labels)
        data = self.write_keras(y_train=npy("|u1", (count, 3), rows))
        self.refuse(1, "--data", data, says=["y_train", "several labels for one image"])

    def test_two_archives_in_a_folder(self):
        os.mkdir(self.path("two"))
        for name in ("pathmnist", "bloodmnist"):
            self.write_keras(f"two/{name}.npz")
        self.refuse(1, "--data", "two", says=["two arrays of training images", "pathmnist.npz", "bloodmnist.npz"])
        self.train("two/pathmnist.npz")


class Unavailable(ProgramTest):
    def test_without_libzip(self):
        if self.info()["features"]["npz"]:
            self.skipTest("built with npz")
        self.refuse(1, "--data", self.write("a.npz", b"PK"), says="no NPZ: this build has no libzip")

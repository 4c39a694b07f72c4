"""evaluate: the figures agree with each other and with the run; bad models are refused."""
import json
import os
import re
import struct
import unittest

import support
from support import COLUMNS, ROWS, ProgramTest, add_methods

# The network of the broken models: small, so that their bytes can be written down.
NETWORK, CLASSES = "dense:6,relu,dense:4", 4
SHAPES = {"0.weight": [6, ROWS * COLUMNS], "0.bias": [6], "2.weight": [4, 6], "2.bias": [4]}
METADATA = {"network": NETWORK, "input": f"1x{ROWS}x{COLUMNS}", "classes": str(CLASSES)}


def read_report(text):
    """(accuracy, right, samples, {class: [precision, recall, F1, support]}, confusion rows) of what
    evaluate prints."""
    first, scores, confusion = text.split("\n\n")
    accuracy, right, samples = re.search(r"accuracy ([0-9.]+) \((\d+) of (\d+)\)", first).groups()
    table = {}
    for line in scores.splitlines()[1:]:
        name, *figures = line.split()
        table[int(name)] = [float(figure) for figure in figures]
    rows = [[int(cell) for cell in line.split()[1:]] for line in confusion.splitlines()[2:]]
    return float(accuracy), int(right), int(samples), table, rows


def share(part, whole):
    return part / whole if whole else 0.0


class Figures(ProgramTest):
    """Accuracy, scores and confusion matrix."""

    def report(self, *arguments, classes=4, **data):
        """Trains, evaluates, and returns the summary and what read_report makes of the report."""
        folder = self.make_data(classes=classes, **data)
        summary = self.train(folder, *arguments)
        text = self.succeed("evaluate", "out/model.safetensors", "--data", folder).out
        return summary, read_report(text)

    def check(self, summary, report):
        accuracy, right, samples, table, rows = report
        self.assertAlmostEqual(summary["test_accuracy"], right / samples, places=8)
        self.assertAlmostEqual(summary["test_accuracy"], accuracy, delta=0.5001e-4)
        self.assertEqual(samples, sum(map(sum, rows)))
        self.assertEqual(right, sum(row[i] for i, row in enumerate(rows)))
        self.assertEqual(list(range(len(rows))), sorted(table))
        for name, (precision, recall, f1, count) in table.items():
            hit, truly = rows[name][name], sum(rows[name])
            guessed = sum(row[name] for row in rows)
            self.assertEqual(truly, count)
            for figure, expected in ((precision, share(hit, guessed)), (recall, share(hit, truly)),
                                     (f1, share(2 * hit, guessed + truly))):
                self.assertAlmostEqual(expected, figure, delta=0.5001e-4)

    def test_agree_with_each_other_and_the_run(self):
        self.check(*self.report())

    def test_agree_where_the_model_is_bad(self):
        self.check(*self.report("--lr", 1e-6, classes=10))

    def test_agree_where_one_class_takes_all(self):
        self.check(*self.report(classes=3, blank=1.0))

    def test_agree_for_two_classes(self):
        self.check(*self.report(classes=2))

    def test_agree_for_256_classes(self):
        self.check(*self.report(classes=256, train=2560, test=512))

    def test_do_not_depend_on_threads(self):
        folder = self.make_data()
        self.train(folder)
        texts = {self.succeed("evaluate", "out/model.safetensors", "--data", folder, "--threads",
                              threads).out for threads in (1, 2, 3, 4)}
        self.assertEqual(1, len(texts), texts)

    def test_data_is_found_as_train_finds_it(self):
        folder = self.make_data("data/mnist")
        self.train(folder)
        self.succeed("evaluate", "out/model.safetensors")
        self.succeed("evaluate", "out/model.safetensors", MNIST_BLAS_DATA=folder)

    def test_training_files_are_not_needed(self):
        folder = self.make_data()
        self.train(folder)
        for name in support.FILES[:2]:
            os.remove(os.path.join(folder, name))
        self.succeed("evaluate", "out/model.safetensors", "--data", folder)

    def test_class_that_the_test_set_lacks(self):
        self.train(self.make_data(classes=5))
        few = self.make_data("few", classes=3)
        text = self.succeed("evaluate", "out/model.safetensors", "--data", few).out
        self.assertEqual([0.0, 0.0], [read_report(text)[3][name][3] for name in (3, 4)])

    def test_model_of_other_software(self):
        """A file with our metadata that another library has written: other order, other blanks."""
        model = Model()
        model.header = dict(reversed(model.header.items()))
        support.write_bytes(self.path("model"), model.bytes(indent=1))
        text = self.succeed("evaluate", "model", "--data", self.make_data()).out
        self.assertEqual(50, read_report(text)[1])


class Model:
    """A safetensors file in the making: all its numbers are 0 until a test breaks it."""

    def __init__(self):
        self.header, at = {"__metadata__": dict(METADATA)}, 0
        for name, shape in SHAPES.items():
            size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
            self.header[name] = {"dtype": "F32", "shape": list(shape),
                                 "data_offsets": [at, at + size]}
            at += size
        self.data = bytearray(at)

    def bytes(self, **form):
        header = json.dumps(self.header, **form).encode()
        return struct.pack("<Q", len(header)) + header + bytes(self.data)


def edit_header(change):
    """A breakage: `change` is given the model."""
    def make():
        model = Model()
        change(model)
        return model.bytes()
    return make


def edit_bytes(change):
    """A breakage: `change` maps the bytes of a good file to those of a bad one."""
    return lambda: change(Model().bytes())


def change_entry(name, **values):
    return edit_header(lambda model: model.header[name].update(values))


def change_metadata(**values):
    return edit_header(lambda model: model.header["__metadata__"].update(values))


def hole(model):
    begin, end = model.header["2.bias"]["data_offsets"]
    model.header["2.bias"]["data_offsets"] = [begin + 4, end + 4]
    model.data += bytes(4)


def overlap(model):
    begin, end = model.header["2.bias"]["data_offsets"]
    model.header["2.bias"]["data_offsets"] = [begin - 4, end - 4]
    del model.data[-4:]


def number(value):
    """A breakage: one weight is this."""
    return edit_header(lambda model: struct.pack_into("<f", model.data, 8, value))


def rename(old, new):
    return edit_header(lambda model: model.header.update({new: model.header.pop(old)}))


def more(model):
    at = len(model.data)
    model.header["4.bias"] = {"dtype": "F32", "shape": [1], "data_offsets": [at, at + 4]}
    model.data += bytes(4)


BAD_MODELS = {
    "empty": [bytes, "truncated"],
    "of_seven_bytes": [edit_bytes(lambda good: good[:7]), "truncated"],
    "without_its_end": [edit_bytes(lambda good: good[:-1]), "truncated"],
    "cut_in_the_header": [edit_bytes(lambda good: good[:40]), "truncated"],
    "with_bytes_behind": [edit_bytes(lambda good: good + b"x"), "trailing"],
    "with_a_huge_header": [edit_bytes(lambda good: b"\xff" * 8 + good[8:]), "header too long"],
    "with_a_header_past_its_end":
        [edit_bytes(lambda good: struct.pack("<Q", len(good)) + good[8:]), "truncated"],
    "with_an_empty_header": [lambda: bytes(8), "JSON"],
    "that_is_not_json": [edit_bytes(lambda good: good[:9] + b"#" + good[10:]), "JSON"],
    "that_is_a_picture": [lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000), "header"],
    "with_a_hole": [edit_header(hole), "hole"],
    "with_an_overlap": [edit_header(overlap), "overlap"],
    "with_offsets_backwards": [change_entry("0.bias", data_offsets=[100, 0]), "backwards"],
    "with_negative_offsets": [change_entry("0.weight", data_offsets=[-4, 2876]), "offsets"],
    "with_a_shape_that_overflows":
        [change_entry("0.weight", shape=[1 << 40, 1 << 40]), "overflows"],
    "with_another_shape": [change_entry("0.weight", shape=[ROWS * COLUMNS, 6]), "shape"],
    "with_another_dtype":
        [change_entry("2.bias", dtype="F16", shape=[8]), "dtype F16, must be F32"],
    "with_an_unknown_dtype": [change_entry("2.bias", dtype="F31"), "dtype"],
    "without_a_tensor": [rename("2.bias", "3.bias"), "2.bias"],
    "with_a_tensor_too_many": [edit_header(more), "4.bias"],
    "with_a_nan": [number(float("nan")), "not finite"],
    "with_an_infinity": [number(float("inf")), "not finite"],
    "without_metadata": [edit_header(lambda model: model.header.pop("__metadata__")), "metadata"],
    "with_a_number_as_metadata": [change_metadata(classes=4), "string"],
    "with_another_class_count": [change_metadata(classes="5"), "dense:5"],
    "with_no_class_count": [change_metadata(classes="many"), "many"],
    "with_another_input": [change_metadata(input="1x99x10"), "shape"],
    "with_a_huge_input": [change_metadata(input="1x99999999x99999999"), "99999999"],
    "with_a_huge_network": [change_metadata(network="dense:2000000000,relu,dense:4"), "dense"],
    "with_another_network": [change_metadata(network="dense:4"), "tensor"],
    "with_a_network_that_is_none": [change_metadata(network="dense:"), "dense"],
    "with_an_empty_network": [change_metadata(network=""), "network"],
}


class BadModels(ProgramTest):
    """Each is refused in one line that names the file."""

    def test_missing(self):
        self.fail_with(1, "evaluate", "nowhere.safetensors", "--data", self.make_data(),
                       says=["nowhere.safetensors: ", "No such file"])

    def test_folder_in_its_place(self):
        self.make_data()
        self.fail_with(1, "evaluate", "data", "--data", "data", says="data: ")

    def test_pipe_in_its_place(self):
        os.mkfifo(self.path("pipe"))
        self.fail_with(1, "evaluate", "pipe", "--data", self.make_data(), says="pipe: ")


def bad_model_test(make, words):
    def test(self):
        support.write_bytes(self.path("model"), make())
        line = self.fail_with(1, "evaluate", "model", "--data", self.make_data(), says=words)
        self.assertTrue(line.startswith("mnist_blas: model: "), line)
    return test


add_methods(BadModels, BAD_MODELS, bad_model_test)


class OtherData(ProgramTest):
    """A good model and data that are not for it: refused, with the data's folder or file."""

    def evaluate_on(self, says, classes=4, **data):
        self.train(self.make_data())
        folder = self.make_data("other", classes=classes, **data)
        self.fail_with(1, "evaluate", "out/model.safetensors", "--data", folder, says=says)

    def test_of_another_size(self):
        self.evaluate_on(["other", "10x12", "12x10"], rows=10, columns=12)

    def test_of_more_classes(self):
        self.evaluate_on(["other", "label", "4 classes"], classes=6)

    def test_missing(self):
        self.train(self.make_data())
        self.fail_with(1, "evaluate", "out/model.safetensors", "--data", "nowhere",
                       says="nowhere: no such folder")

    def test_nowhere(self):
        self.train(self.make_data())
        os.makedirs(self.path("a/b"))
        self.fail_with(1, "evaluate", "../../out/model.safetensors", cwd=self.path("a/b"),
                       XDG_CACHE_HOME="/nowhere", says=["./data/mnist", "/nowhere/mnist_blas"])

    def test_truncated(self):
        self.train(self.make_data())
        path = self.path("data", support.TEST_IMAGES)
        support.write_bytes(path, support.read_bytes(path)[:-1])
        self.fail_with(1, "evaluate", "out/model.safetensors", "--data", "data",
                       says=[support.TEST_IMAGES, "truncated", "200", "199"])


if __name__ == "__main__":
    unittest.main()

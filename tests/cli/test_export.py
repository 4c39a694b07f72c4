"""export, and --network for files that do not say what they are: what is refused, and how. What others
read in the files, tests/interop has."""
import json
import os
import struct
import unittest

import support
from support import ProgramTest, add_methods

# Name of the test: arguments behind MODEL, words of the line. Bad usage.
USAGE = {
    "no_kind": [[], "--onnx FILE is required"],
    "second_model": [["--onnx", "a.onnx", "more"], ["more", "one file"]],
    "no_file": [["--onnx"], "--onnx"],
    "size_of_letters": [["--onnx", "a.onnx", "--input", "big"], ["--input", "'big'", "28x28"]],
    "size_of_one_number": [["--onnx", "a.onnx", "--input", "28"], "'28'"],
    "size_with_more_behind": [["--onnx", "a.onnx", "--input", "28x28x1"], "'28x28x1'"],
    "size_0": [["--onnx", "a.onnx", "--input", "0x28"], "got 0x28"],
    "size_negative": [["--onnx", "a.onnx", "--input", "-1x28"], "'-1x28'"],
    "size_too_large": [["--onnx", "a.onnx", "--input", "65536x2"], "got 65536x2"],
    "no_such_layer": [["--onnx", "a.onnx", "--network", "conv9d:1"], "conv9d"],
    "other_classes": [["--onnx", "a.onnx", "--network", "dense:7"], ["dense:4", "one unit per class"]],
}


def state_dict(path, tensors):
    """A safetensors file without metadata of {name: (shape, numbers)}."""
    header, body = {}, b""
    for name, (shape, numbers) in tensors.items():
        data = struct.pack(f"<{len(numbers)}f", *numbers)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    support.write_bytes(path, struct.pack("<Q", len(text)) + text + body)


class ExportTest(ProgramTest):
    def setUp(self):
        super().setUp()
        if not self.info()["features"]["onnx"]:
            self.skipTest("built without protobuf-c")
        self.data = self.make_data()
        self.train(self.data)
        self.model = "out/model.safetensors"


class Usage(ExportTest):
    def test_no_model(self):
        self.fail_with(2, "export", "--onnx", "a.onnx", says="missing MODEL")


def usage_test(arguments, words):
    def test(self):
        self.fail_with(2, "export", self.model, *arguments, says=words)
        self.assertFalse(os.path.exists(self.path("a.onnx")))
    return test


add_methods(Usage, USAGE, usage_test)


class Files(ExportTest):
    def refuse(self, *arguments, says):
        self.fail_with(1, "export", *arguments, says=says)

    def test_says_what_it_wrote(self):
        out = self.succeed("export", self.model, "--onnx", "a.onnx").out
        self.assertRegex(out, r"^a\.onnx: ONNX of dense:128,.*, input \(batch, 1, 12, 10\) .*\n$")

    def test_no_such_model(self):
        self.refuse("nowhere", "--onnx", "a.onnx", says="nowhere: cannot be opened")

    def test_no_such_folder(self):
        self.refuse(self.model, "--onnx", "no/a.onnx", says="no/a.onnx: cannot be written: No such")

    def test_a_folder(self):
        self.refuse(self.model, "--onnx", "out", says="out: cannot be written: Is a directory")

    def test_a_device(self):
        self.refuse(self.model, "--onnx", "/dev/null", says="/dev/null: cannot be written: is not a")

    def test_replaces_a_file_and_its_leftovers(self):
        for name in ("a.onnx", ".mnist_blas.abcdef.tmp"):
            support.write_bytes(self.path(name), b"old")
        self.succeed("export", self.model, "--onnx", "a.onnx")
        self.assertNotEqual(b"old", support.read_bytes(self.path("a.onnx")))
        self.assertEqual({"a.onnx", "data", "out"}, set(os.listdir(self.folder)))

    def test_other_size(self):
        self.refuse(self.model, "--network", "mlp", "--onnx", "a.onnx",
                    says='tensor "0.weight": shape (128, 120), must be (128, 784)')
        self.succeed("export", self.model, "--network", "mlp", "--input", "12x10", "--onnx", "a.onnx")


class States(ProgramTest):
    """A file of someone else, with --network."""

    def setUp(self):
        super().setUp()
        self.data = self.make_data()
        tensors = {"0.weight": ([3, 120], [0.01] * 360), "0.bias": ([3], [1, 2, 3]),
                   "2.weight": ([4, 3], [0.5] * 12), "2.bias": ([4], [0, 0, 1, 0])}
        state_dict(self.path("state"), tensors)
        self.images = os.path.join(self.data, support.TEST_IMAGES)

    def test_evaluate_takes_the_size_of_the_data(self):
        out = self.succeed("evaluate", "state", "--network", "dense:3,relu,dense:4", "--data",
                           self.data).out
        self.assertIn("state: accuracy 0.2500 (50 of 200)", out)

    def test_predict_is_told_the_size(self):
        spec = ["--network", "dense:3,relu,dense:4"]
        answer = json.loads(self.succeed("predict", "--json", *spec, "--input", "12x10", "state",
                                         self.images).out)
        self.assertEqual({2}, {one["class"] for one in answer})
        self.fail_with(1, "predict", *spec, "state", self.images, says=["(3, 120)", "(3, 784)"])

    def test_without_network(self):
        for command in (["evaluate", "--data", self.data, "state"], ["predict", "state", self.images]):
            self.fail_with(1, *command, says='no metadata "network"')

    def test_another_network(self):
        self.fail_with(1, "evaluate", "--data", self.data, "state", "--network",
                       "dense:3,dense:4", says='tensor "1.weight" of shape (4, 3) is missing')
        self.fail_with(2, "evaluate", "--data", self.data, "state", "--network", "dense:x",
                       says="dense takes its number of units")


if __name__ == "__main__":
    unittest.main()

"""Models of convolutional networks, with all that batch normalisation keeps: what is saved is what is
read, and a file that was damaged is refused, be it a model, a file of PyTorch or a checkpoint."""
import hashlib
import json
import os
import re
import struct
import unittest

import support
from support import COLUMNS, ROWS, ProgramTest, add_methods

NETWORK = ("conv2d:6x3/pad1,batchnorm2d,relu,maxpool2d:2,dropout:0.3,conv2d:20x3/groups2,batchnorm2d,relu,"
           "flatten,dense:16,relu,dropout:0.5,dense:4")
FORMS = {"F32": "f", "I64": "q", "F64": "d"}


class TensorFile:
    """A safetensors file taken apart: `tensors` maps names to [dtype, shape, numbers]."""

    def __init__(self, path):
        data = support.read_bytes(path)
        length, = struct.unpack_from("<Q", data)
        header, body = json.loads(data[8:8 + length]), data[8 + length:]
        self.metadata = header.pop("__metadata__")
        self.tensors = {}
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = entry["data_offsets"]
            numbers = [one for one, in struct.iter_unpack("<" + FORMS[entry["dtype"]], body[begin:end])]
            self.tensors[name] = [entry["dtype"], entry["shape"], numbers]

    def bytes(self):
        header, body = {"__metadata__": self.metadata} if self.metadata else {}, b""
        for name, (dtype, shape, numbers) in self.tensors.items():
            packed = struct.pack(f"<{len(numbers)}{FORMS[dtype]}", *numbers)
            header[name] = {"dtype": dtype, "shape": shape,
                            "data_offsets": [len(body), len(body) + len(packed)]}
            body += packed
        text = json.dumps(header, separators=(",", ":")).encode()
        return struct.pack("<Q", len(text)) + text + body

    def checkpoint_bytes(self):
        """The same with a checksum that is right: of the bytes with zeros in its place."""
        self.metadata["checksum"] = "0" * 64
        data = self.bytes()
        checksum = hashlib.sha256(data).hexdigest().encode()
        key = b'"checksum":"'
        return data.replace(key + b"0" * 64, key + checksum)


class Image(ProgramTest):
    """One trained network, in out/."""

    def setUp(self):
        super().setUp()
        self.data = self.make_data(train=300, test=80)

    def train_network(self, *arguments):
        return self.train(self.data, "--network", NETWORK, "--epochs", 2, *arguments)


class Kept(Image):
    """What was saved."""

    def test_evaluates_as_the_run_did_on_any_threads(self):
        summary = self.train_network()
        texts = {self.succeed("evaluate", "out/model.safetensors", "--data", self.data, "--threads",
                              threads).out for threads in (1, 2, 3, 4)}
        text, = texts
        right, samples = map(int, re.search(r"\((\d+) of (\d+)\)", text).groups())
        self.assertAlmostEqual(summary["test_accuracy"], right / samples, places=8)

    def test_predicts_the_same_to_the_last_digit_from_the_same_numbers_in_other_bytes(self):
        """Another order of tensors, as other software may write them."""
        self.train_network()
        file = TensorFile(self.path("out", "model.safetensors"))
        file.tensors = dict(reversed(file.tensors.items()))
        support.write_bytes(self.path("turned"), file.bytes())
        self.assertNotEqual(self.model_bytes(), support.read_bytes(self.path("turned")))
        images = os.path.join(self.data, support.TEST_IMAGES)
        outputs = {self.succeed("predict", model, images, "--json", "--threads", threads).out
                   for model in ("out/model.safetensors", "turned") for threads in (1, 3)}
        self.assertEqual(1, len(outputs))

    def test_has_the_tensors_of_pytorch(self):
        self.train_network()
        file = TensorFile(self.path("out", "model.safetensors"))
        shapes = {name: shape for name, (_, shape, _) in file.tensors.items()}
        self.assertEqual({"0.weight": [6, 1, 3, 3], "0.bias": [6], "5.weight": [20, 3, 3, 3],
                          "5.bias": [20], "9.weight": [16, 20 * 4 * 3], "9.bias": [16],
                          "12.weight": [4, 16], "12.bias": [4],
                          **{f"{layer}.{name}": [channels] for layer, channels in ((1, 6), (6, 20))
                             for name in ("weight", "bias", "running_mean", "running_var")},
                          "1.num_batches_tracked": [], "6.num_batches_tracked": []}, shapes)
        self.assertEqual(["I64", [], [2 * 5]], file.tensors["6.num_batches_tracked"])
        self.assertTrue(all(number >= 0 for number in file.tensors["6.running_var"][2]))


# --- damage ---

def without(name):
    return lambda file: file.tensors.pop(name)


def reshaped(name, *shape):
    return lambda file: file.tensors[name].__setitem__(1, list(shape))


def longer(name):
    """One channel too many."""
    def damage(file):
        _, shape, numbers = file.tensors[name]
        shape[0] += 1
        numbers += numbers[-(len(numbers) // (shape[0] - 1)):]
    return damage


def number(name, place, value):
    return lambda file: file.tensors[name][2].__setitem__(place, value)


def of_floats(name):
    return lambda file: file.tensors[name].__setitem__(0, "F32")


def of_network(old, new):
    return lambda file: file.metadata.update(network=file.metadata["network"].replace(old, new))


NAN, INFINITY = float("nan"), float("inf")
DAMAGE = {
    "kernels_missing": [without("0.weight"), ['"0.weight"', "(6, 1, 3, 3)", "missing"]],
    "bias_missing": [without("5.bias"), ['"5.bias"', "(20)", "missing"]],
    "scale_missing": [without("1.weight"), ['"1.weight"', "(6)", "missing"]],
    "mean_missing": [without("6.running_mean"), ['"6.running_mean"', "(20)", "missing"]],
    "variance_missing": [without("6.running_var"), ['"6.running_var"', "(20)", "missing"]],
    "count_missing": [without("1.num_batches_tracked"), ['"1.num_batches_tracked"', "missing"]],
    "kernels_turned": [reshaped("5.weight", 3, 3, 3, 20),
                       ['"5.weight"', "(3, 3, 3, 20)", "must be (20, 3, 3, 3)"]],
    "kernels_flat": [reshaped("5.weight", 20, 27), ['"5.weight"', "(20, 27)", "must be (20, 3, 3, 3)"]],
    "kernels_too_many": [longer("0.weight"), ['"0.weight"', "(7, 1, 3, 3)", "must be (6, 1, 3, 3)"]],
    "variances_too_many": [longer("1.running_var"), ['"1.running_var"', "(7)", "must be (6)"]],
    "variances_square": [reshaped("6.running_var", 4, 5), ['"6.running_var"', "(4, 5)", "must be (20)"]],
    "count_of_floats": [of_floats("1.num_batches_tracked"),
                        ['"1.num_batches_tracked"', "F32", "must be I64"]],
    "kernel_nan": [number("0.weight", 7, NAN), ['"0.weight"', "element 7 is not finite"]],
    "kernel_infinite": [number("5.weight", 539, -INFINITY), ['"5.weight"', "element 539 is not finite"]],
    "scale_nan": [number("6.weight", 19, NAN), ['"6.weight"', "element 19 is not finite"]],
    "mean_nan": [number("1.running_mean", 0, NAN), ['"1.running_mean"', "element 0 is not finite"]],
    "variance_nan": [number("1.running_var", 5, NAN), ['"1.running_var"', "element 5 is not finite"]],
    "variance_infinite": [number("6.running_var", 3, INFINITY),
                          ['"6.running_var"', "element 3 is not finite"]],
    "variance_negative": [number("6.running_var", 11, -0.25),
                          ['"6.running_var"', "element 11 is negative: -0.25"]],
    "variance_barely_negative": [number("1.running_var", 2, -1e-30),
                                 ['"1.running_var"', "element 2 is negative: -1e-30"]],
    "count_negative": [number("1.num_batches_tracked", 0, -1),
                       ['"1.num_batches_tracked"', "element 0 is negative: -1"]],
}
OF_THE_NETWORK = {
    "groups_that_do_not_divide": [of_network("groups2", "groups3"), ["layer 6", "3 groups"]],
    "dropout_of_more_than_all": [of_network("dropout:0.3", "dropout:1.5"), ["layer 5", "dropout:1.5"]],
    "kernel_too_large": [of_network("conv2d:20x3", "conv2d:20x30"), ["layer 6", "30x30", "6x6x5"]],
    "another_kernel": [of_network("6x3/pad1", "6x5/pad2"),
                       ['"0.weight"', "(6, 1, 3, 3)", "must be (6, 1, 5, 5)"]],
    "no_normalisation": [of_network("conv2d:20x3/groups2,batchnorm2d,relu", "conv2d:20x3/groups2,relu"),
                         '"8.weight"'],
}


class Damaged(Image):
    """Refused in one line that names the file; nothing is written."""

    def refuse_file(self, model, words, metadata):
        images = os.path.join(self.data, support.TEST_IMAGES)
        spec, size = (["--network", NETWORK], ["--input", f"{ROWS}x{COLUMNS}"]) if not metadata else ([], [])
        for command in (["evaluate", model, "--data", self.data], ["predict", model, images, *size]):
            line = self.fail_with(1, *command, *spec, says=words)
            self.assertTrue(line.startswith(f"mnist_blas: {model}: "), line)

    def resume(self, damage, words, *arguments):
        """A run whose checkpoint was damaged, and has a checksum that says it was not."""
        self.train_network("--checkpoint-every", "epoch", *arguments)
        checkpoint = self.path("out", "checkpoint")
        file = TensorFile(checkpoint)
        whole = file.checkpoint_bytes()
        damage(file)
        damaged = file.checkpoint_bytes()
        support.write_bytes(checkpoint, whole)
        self.succeed("--resume", checkpoint, "--epochs", 3, "--quiet")
        support.write_bytes(checkpoint, damaged)
        before = {name: support.read_bytes(self.path("out", name)) for name in os.listdir(self.path("out"))}
        line = self.fail_with(1, "--resume", checkpoint, "--epochs", 4, "--quiet", says=words)
        self.assertIn("out/checkpoint: ", line)
        self.assertEqual(before, {name: support.read_bytes(self.path("out", name))
                                  for name in os.listdir(self.path("out"))})

    def test_checkpoint_with_a_negative_variance(self):
        self.resume(number("6.running_var", 4, -2.0), ['"6.running_var"', "element 4 is negative: -2"])

    def test_checkpoint_with_a_nan(self):
        self.resume(number("0.weight", 3, NAN), ['"0.weight"', "element 3 is not finite"])

    def test_checkpoint_with_a_negative_variance_in_the_average(self):
        self.resume(number("average.1.running_var", 0, -2.0),
                    ['"average.1.running_var"', "element 0 is negative: -2"], "--ema", 0.9)


def damaged_test(damage, words, metadata=True):
    def test(self):
        self.train_network()
        file = TensorFile(self.path("out", "model.safetensors"))
        if not metadata:
            file.metadata = {}
        damage(file)
        support.write_bytes(self.path("damaged"), file.bytes())
        self.refuse_file("damaged", words, metadata)
    return test


add_methods(Damaged, DAMAGE, damaged_test)
add_methods(Damaged, {"metadata_with_" + name: case for name, case in OF_THE_NETWORK.items()}, damaged_test)
add_methods(Damaged, {"of_pytorch_" + name: [*case, False] for name, case in DAMAGE.items()}, damaged_test)


if __name__ == "__main__":
    unittest.main()

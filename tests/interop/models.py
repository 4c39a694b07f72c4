"""Helpers of the tests of models in other tools: networks trained on real digits, and the predictions of our
program."""
import gzip
import json
import os
import re
import subprocess
import sys

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../cli"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools"))
import support  # noqa: E402 (found by the line above)

# Every kind of layer, with all of its arguments. Kinds without arguments that are not here have the
# network PLAIN.
NETWORKS = {
    "one_layer": "dense:10",
    "mlp": "mlp",
    "deep": "dense:60,relu,dense:50,relu,dense:40,relu,dense:10",
    "flat_first": "flatten,dense:40,relu,dropout:0.2,dense:10",
    "lenet5": "lenet5",
    "best": "best",
    "cnn": "cnn",
    "strides": "conv2d:8x3/stride2,relu,conv2d:16x3/pad1/stride2,relu,flatten,dense:10",
    "groups": "conv2d:8x5/pad2,relu,maxpool2d:2,conv2d:16x3/pad1/groups4,relu,"
              "conv2d:16x3/groups16,relu,flatten,dense:10",
    "pools": "conv2d:8x3,relu,maxpool2d:3/stride2/pad1,conv2d:12x3,relu,avgpool2d:3/stride2/pad1,"
             "flatten,dense:10",
    "normalised": "batchnorm2d,conv2d:8x3,batchnorm2d,relu,maxpool2d:2,conv2d:16x3,relu,batchnorm2d,"
                  "avgpool2d:2,dropout:0.1,flatten,dense:32,relu,dense:10",
    "global": "conv2d:16x3/stride2,batchnorm2d,relu,conv2d:32x3/stride2,relu,globalavgpool,flatten,"
              "dense:10",
}
PLAIN = "conv2d:8x3,{0},maxpool2d:2,flatten,dense:40,{0},dense:10"
TRAINED, TESTED = 2000, 500  # images of each training run


def read_idx(folder, name):
    """The content of an IDX file as an array."""
    path = os.path.join(folder, name)
    if os.path.exists(path):
        data = support.read_bytes(path)
    else:
        data = gzip.decompress(support.read_bytes(path + ".gz"))
    sizes = numpy.frombuffer(data, ">u4", data[3], 4)
    return numpy.frombuffer(data, numpy.uint8, -1, 4 + 4 * data[3]).reshape(sizes)


def write_idx(path, array):
    support.write_bytes(path, support.idx(array.shape, array.tobytes()))


def floats(images):
    """Bytes, (count, rows, columns) or with 3 channels last, as a module or a graph takes them: (count, channels, rows,
    columns) from 0 to 1."""
    channels_first = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return numpy.ascontiguousarray(channels_first, numpy.float32) / numpy.float32(255)


class PredictionTest(support.ProgramTest):
    """A test that compares predictions of our program with others'."""

    def predict(self, model, images, *arguments):
        """(logits, probabilities) of our program, (count, classes) each."""
        write_idx(self.path("images"), images)
        answer = json.loads(self.succeed("predict", "--json", *arguments, model, "images").out)
        return (numpy.array([one["logits"] for one in answer]),
                numpy.array([one["probabilities"] for one in answer]))

    def assert_close(self, expected, found, tolerance):
        """The largest difference is at most `tolerance` times the largest value."""
        self.assertEqual(expected.shape, found.shape)
        apart = numpy.abs(expected - found).max() / numpy.abs(expected).max()
        self.assertLessEqual(apart, tolerance)

    def assert_same_logits(self, theirs, ours, count):
        """Of `count` images with 10 classes: within 1e-5 of the largest, and the same class for each image."""
        self.assertEqual((count, 10), theirs.shape)
        self.assert_close(theirs, ours, 1e-5)
        self.assertEqual(count, numpy.sum(ours.argmax(1) == theirs.argmax(1)))

    def assert_evaluated(self, logits, labels, data, *arguments):
        """evaluate counts as many right predictions as these logits of the first images are. Returns their number."""
        right = int(numpy.sum(logits[:len(labels)].argmax(1) == labels))
        line = self.succeed("evaluate", "--data", data, *arguments).out.splitlines()[0]
        self.assertIn(f"({right} of {len(labels)})", line)
        return right


class ModelTest(PredictionTest):
    """A test with real digits: self.data is a folder with some of them, self.images are all test
    images, (10000, 28, 28) bytes."""

    def setUp(self):
        super().setUp()
        if not support.REAL_DATA:
            self.skipTest("MNIST_BLAS_DATA names no folder with real MNIST")
        self.data = self.path("data")
        os.makedirs(self.data)
        for name in support.FILES:
            array = read_idx(support.REAL_DATA, name)
            write_idx(os.path.join(self.data, name), array[:TRAINED if "train" in name else TESTED])
        self.images = read_idx(support.REAL_DATA, support.TEST_IMAGES)

    def invert(self):
        """Turns all images to dark on light."""
        self.images = 255 - self.images
        for name in support.FILES:
            if "images" in name:
                write_idx(os.path.join(self.data, name), 255 - read_idx(self.data, name))

    def train_network(self, spec, *arguments):
        """Trains briefly; returns the path of the model."""
        self.train(self.data, "--network", spec, "--epochs", 2, *arguments, out="run")
        return self.path("run", "model.safetensors")


def plain_networks():
    """{kind: network} of the kinds of layers in the program's help that no other network has."""
    help_text = subprocess.run([support.PROGRAM, "train", "--help"], check=True, text=True,
                               capture_output=True).stdout
    layers = help_text.partition("Layers of --network SPEC:\n")[2].partition("\n\n")[0]
    tested = {re.split("[:/]", layer)[0] for spec in NETWORKS.values() for layer in spec.split(",")}
    return {kind: PLAIN.format(kind) for kind in re.findall("^  (\\w+)  ", layers, re.MULTILINE)
            if kind not in tested}


# Decorator: a test per network, which is given its spec.
each_network = support.cases({**NETWORKS, **plain_networks()})

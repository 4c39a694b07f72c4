"""export --c: compiled without a warning by the compilers that there are, and run: the classes and probabilities that
predict gives, for every kind of layer and form of images."""
import json
import os
import re
import shutil
import subprocess

from model_files import TensorFile
from numpy_files import npy, npz
from support import (COLUMNS, MODEL, ROWS, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, ProgramTest, TrainedTest, cases, idx,
                     made_split)

STRICT = ["-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror", "-O2"]
COMPILERS = {"gcc": ("gcc", "-std=c99"), "clang": ("clang", "-std=c99"), "c++": ("c++", "-std=c++11", "-x", "c++")}
# Reads images from standard input; prints class, name and probabilities of each.
MAIN = """
#include <stdint.h>
#include <stdio.h>
int digits_classify(const uint8_t *image, float *probabilities);
const char *digits_class_name(int index);
int main(void)
{
    static uint8_t image[SIZE];
    float probabilities[CLASSES];
    while (fread(image, 1, SIZE, stdin) == SIZE) {
        const int best = digits_classify(image, probabilities);
        if (best != digits_classify(image, NULL))
            return 1;
        printf("%s", digits_class_name(best));
        for (int i = 0; i < CLASSES; i++)
            printf(" %.9g", (double)probabilities[i]);
        printf("\\n");
    }
    return 0;
}
"""
NETWORKS = {
    "dense": "dense:20,relu,dense:4",
    "gelu": "dense:20,gelu,dropout:0.3,dense:4",
    "padding": "conv2d:5x3/pad1,relu,maxpool2d:2,flatten,dense:12,relu,dense:4",
    "stride": "conv2d:6x3/stride2/pad2,relu,conv2d:8x3/stride3,relu,flatten,dense:4",
    "groups": "conv2d:6x3,relu,conv2d:12x3/groups3/pad1,gelu,conv2d:4x1/groups2,flatten,dense:4",
    "batchnorm_folded": "conv2d:20x3,batchnorm2d,relu,conv2d:8x3/stride2,batchnorm2d,relu,flatten,dense:4",
    "batchnorm_after_pool": "conv2d:20x3,maxpool2d:2,batchnorm2d,relu,globalavgpool,flatten,dense:4",
    "overlapping_pools": "conv2d:4x3,maxpool2d:3/stride2/pad1,avgpool2d:3/stride2/pad1,flatten,dense:4",
    "avgpool": "conv2d:4x3,relu,avgpool2d:2,flatten,dropout:0.2,dense:4",
}


class CompiledTest(ProgramTest):
    """A model that is exported, compiled and run."""

    def compile(self, *command):
        done = subprocess.run([*command], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr[:2000]))

    def export(self, model, size, classes, *arguments):
        """Returns what the program says."""
        out = self.succeed("export", model, "--c", "digits.c", *arguments).out
        self.write("main.c", MAIN.encode())
        self.compile("cc", "-std=c99", *STRICT, f"-DSIZE={size}", f"-DCLASSES={classes}", "main.c", "digits.c", "-o",
                     "digits")
        return out

    def run_exported(self, images):
        """[(name, probabilities)] of images, (rows, columns, channels) each."""
        done = subprocess.run([self.path("digits")], input=images, capture_output=True, check=True)
        return self.parse(done.stdout.decode())

    @staticmethod
    def parse(text):
        lines = [line.split() for line in text.splitlines()]
        return [(line[0], [float(p) for p in line[1:]]) for line in lines]

    def check_integers(self, size, labels, images, data, allowed):
        """Exported with integers, it has the accuracy that the program says, `allowed` below that with floats."""
        out = self.export(MODEL, size, max(labels) + 1, "--quantize", "int8", "--calibrate", data)
        found = self.run_exported(images)
        self.assertEqual(len(labels), len(found))
        right = sum(name == str(label) for label, (name, _) in zip(labels, found)) / len(labels)
        accuracy, floats = (float(word) for word in re.findall(r"([\d.]+) %", out))
        self.assertAlmostEqual(100 * right, accuracy, delta=0.0051)
        self.assertGreaterEqual(accuracy, floats - allowed)
        for _, probabilities in found:
            self.assertAlmostEqual(1, sum(probabilities), delta=1e-5)

    def check_answers(self, model, found, source, allowed=2e-5):
        """What the exported model gives to images is what predict gives to the same ones in the file `source`."""
        expected = json.loads(self.succeed("predict", "--json", "--raw", model, source).out)[:len(found)]
        self.assertEqual([str(entry["class"]) for entry in expected], [name for name, _ in found])
        worst = max(abs(p - q) for entry, (_, probabilities) in zip(expected, found)
                    for p, q in zip(entry["probabilities"], probabilities))
        self.assertLess(worst, allowed)


class ExportC(TrainedTest, CompiledTest):
    def check(self):
        self.export(MODEL, ROWS * COLUMNS, 4)
        self.check_answers(MODEL, self.run_exported(self.read("data", TEST_IMAGES)[16:]), self.images)

    @cases(NETWORKS)
    def test_network(self, network):
        self.train(self.data, "--network", network)
        self.check()

    @cases(NETWORKS)
    def test_integers(self, network):
        self.train(self.data, "--network", network, "--epochs", 3)
        self.check_integers(ROWS * COLUMNS, self.read("data", TEST_LABELS)[8:], self.read("data", TEST_IMAGES)[16:],
                            self.data, allowed=1.0)

    def test_light_ground(self):
        for name in TRAIN_IMAGES, TEST_IMAGES:
            content = self.read("data", name)
            self.write(f"data/{name}", content[:16] + bytes(255 - pixel for pixel in content[16:]))
        self.train(self.data)
        self.assertEqual("light", self.summary()["ground"])
        self.check()
        self.check_integers(ROWS * COLUMNS, self.read("data", TEST_LABELS)[8:], self.read("data", TEST_IMAGES)[16:],
                            self.data, allowed=1.0)

    def test_standardized(self):
        self.train(self.data, "--standardize", "on")
        self.check()

    def test_temperature(self):
        """It is in the parameters of floats, and in the scales of integers."""
        self.train(self.make_data("unsure", blank=0.1), "--epochs", 3, "--validation", 300, "--temperature")
        self.check()
        self.export(MODEL, ROWS * COLUMNS, 4, "--quantize", "int8", "--calibrate", self.data)
        self.check_answers(MODEL, self.run_exported(self.read("data", TEST_IMAGES)[16:]), self.images, allowed=0.01)

    def test_names_of_classes(self):
        names = ["zero", 'say_"?\\??/"', "é", "one"]
        self.write("data/classes.txt", "\n".join(names).encode())
        self.train(self.data)
        self.export(MODEL, ROWS * COLUMNS, 4)
        found = self.run_exported(self.read("data", TEST_IMAGES)[16:])
        labels = self.read("data", TEST_LABELS)[8:]
        self.assertEqual(set(names), {name for name, _ in found})
        self.assertGreater(sum(name == names[label] for label, (name, _) in zip(labels, found)), 150)

    @cases(COMPILERS)
    def test_compiles_without_a_warning_with(self, *command):
        if shutil.which(command[0]) is None:
            self.skipTest(f"no {command[0]}")
        self.train(self.data, "--network", NETWORKS["batchnorm_after_pool"].replace("relu", "gelu"))
        self.succeed("export", MODEL, "--c", "digits.c")
        self.compile(*command, *STRICT, "-c", "digits.c")

    def test_needs_no_library(self):
        self.train(self.data, "--network", NETWORKS["gelu"])
        self.succeed("export", MODEL, "--c", "digits.c")
        self.compile("cc", "-std=c99", "-ffreestanding", "-c", "digits.c")
        wanted = subprocess.run(["nm", "-u", self.path("digits.o")], capture_output=True, check=True).stdout
        self.assertEqual(set(), {name for name in wanted.decode().split() if not name.startswith(("U", "_GLOBAL"))})

    def test_name_of_the_functions(self):
        for path, name in ("3-d.net.c", "m3_d"), ("a b.c", "a_b"), ("é.c", "m__"):
            out = self.succeed("export", MODEL, "--c", path).out
            self.assertIn(f" {name}_classify(image, probabilities), weights ", out)
            self.assertIn(f"int {name}_classify(const uint8_t *image", self.read(path).decode())

    def test_sizes_are_those_of_the_file(self):
        out = self.succeed("export", MODEL, "--c", "digits.c").out
        parameters = self.trained_summary["parameters"]
        self.assertIn(f"weights {4 * parameters} bytes, scratch {4 * (120 + 128)} bytes", out)

    def test_equal_models_give_equal_bytes(self):
        for folder in "a", "b":
            os.mkdir(self.path(folder))
            self.succeed("export", MODEL, "--c", f"{folder}/digits.c")
        self.assertEqual(self.files("a"), self.files("b"))

    @cases({"calibrate_alone": (["--c", "a.c", "--calibrate", "data"], "--calibrate: applies with --quantize only"),
            "other_bits": (["--c", "a.c", "--quantize", "int4"], ["off", "int8", "int4"])})
    def test_usage(self, arguments, says):
        self.fail_with(2, "export", MODEL, *arguments, says=says)
        self.assertFalse(os.path.exists(self.path("a.c")))

    def test_calibration_images_of_another_size(self):
        other = self.make_data("other", rows=9)
        line = self.fail_with(1, "export", MODEL, "--c", "a.c", "--quantize", "int8", "--calibrate", other)
        self.assertIn("images are 1x9x10 (channels, rows, columns), those of the model 1x12x10", line)
        self.assertFalse(os.path.exists(self.path("a.c")))

    def change_weights(self, change):
        """Applies `change` to the values of the first layer's weights and of its biases."""
        model = TensorFile.read(self.model_bytes())
        weights, biases = (model.tensors[f"0.{name}"][2] for name in ("weight", "bias"))
        change(weights, biases)
        self.write(MODEL, model.bytes())

    def test_outputs_that_are_not_finite(self):
        def change(weights, _):
            weights[:] = [3e38] * len(weights)
        self.change_weights(change)
        self.fail_with(1, "export", MODEL, "--c", "a.c", "--quantize", "int8", "--calibrate", self.data,
                       says="int8: outputs of dense1 are not finite")
        self.assertFalse(os.path.exists(self.path("a.c")))

    def test_a_range_far_below_the_weights(self):
        """Images of calibration leave a tiny output; then all that a scale can do is limited."""
        def change(weights, biases):
            weights[:], biases[:] = [-1e15] * len(weights), [1e-12] * len(biases)
        self.change_weights(change)
        self.make_data("faint", blank=1.0)
        self.export(MODEL, ROWS * COLUMNS, 4, "--quantize", "int8", "--calibrate", "faint")
        self.assertEqual(200, len(self.run_exported(self.read("data", TEST_IMAGES)[16:])))

    def test_more_products_than_a_sum_has_room_for(self):
        data = self.make_data("large", rows=182, columns=182, train=80, test=8)
        self.train(data, "--network", "dense:4")
        self.fail_with(1, "export", MODEL, "--c", "a.c", "--quantize", "int8", "--calibrate", data,
                       says="int8: dense1 adds up 33124 products, at most 32768 have a sum of 32 bits")
        self.succeed("export", MODEL, "--c", "a.c")

    @cases({"its_path": MODEL, "a_link": "link.c"})
    def test_model_is_not_overwritten(self, path):
        os.symlink(MODEL, self.path("link.c"))
        self.fail_with(2, "export", MODEL, "--c", path, says=f"--c: must not be the model itself, got {path}")
        self.assertEqual(self.trained_files["model.safetensors"], self.model_bytes())


class ExportColor(CompiledTest):
    @cases({"standardized": "on", "as_it_is": "off"})
    def test_color(self, standardize):
        self.need_feature("npz")
        arrays, rows, columns = {}, 8, 5
        for part, count, seed in ("train", 400, 1), ("test", 100, 2):
            images, labels = made_split(count, 4, rows, 3 * columns, 0.0, 40, seed)
            arrays[f"x_{part}"] = npy("|u1", (count, rows, columns, 3), images)
            arrays[f"y_{part}"] = npy("|u1", (count,), labels)
        self.write("data.npz", npz(arrays))
        self.train(self.path("data.npz"), "--network", "conv2d:8x3/pad1,relu,flatten,dense:4", "--standardize",
                   standardize)
        size = rows * columns * 3
        self.export(MODEL, size, 4)
        planes = b"".join(images[i * size + c:(i + 1) * size:3] for i in range(100) for c in range(3))
        self.write("test-idx4", idx((100, 3, rows, columns), planes))
        self.check_answers(MODEL, self.run_exported(images), "test-idx4")
        self.check_integers(size, labels, images, "data.npz", allowed=2.0)

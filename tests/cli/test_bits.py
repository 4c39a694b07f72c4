"""The bits of the model do not depend on threads, pins, or what OpenMP is told."""
import hashlib
import os
import unittest

import support
from support import ProgramTest, add_methods

THREADS = (1, 2, 3, 4)
PINS = ("none", "core")
BATCHES = (64, 100, 256, 1000)
REPEATS = 3
KERNEL_SETS = {"best": {}, "haswell": {"OPENBLAS_CORETYPE": "Haswell"}}

# Sets and networks that are cut into tiles in different ways. The first is the usual one.
SETS = {
    "sparse": {},
    "without_zeros": {"background": 20},
    "with_blank_images": {"blank": 0.5},
    "of_large_images": {"rows": 40, "columns": 41, "train": 500, "test": 50},
    "of_256_classes": {"classes": 256},
}
NETWORKS = {"one_layer": "dense:4", "odd": "dense:37,relu,dense:19,relu,dense:4",
            "wide": "dense:1100,relu,dense:130,relu,dense:4"}
# Of images: convolutions in both forms, in groups, with strides; whole batches for batchnorm2d; real
# dropout. What they are trained on, and with which options.
DIGITS = {"rows": 28, "columns": 28, "train": 320, "test": 50, "classes": 10}
VARIED = ("conv2d:8x3/stride2/pad1,batchnorm2d,relu,conv2d:32x3/groups2/pad1,batchnorm2d,relu,maxpool2d:2,"
          "dropout:0.3,conv2d:36x3/groups4/stride2/pad1,relu,avgpool2d:2/stride1,flatten,dense:24,relu,"
          "dropout:0.5,dense:10")
IMAGE_NETWORKS = {
    "lenet5": ["--network", "lenet5"],
    "lenet5_affine": ["--network", "lenet5", "--augment", "affine", "--batch-size", 100],
    "lenet5_of_large_batches": ["--network", "lenet5", "--batch-size", 320, "--epochs", 3],
    "cnn": ["--network", "cnn"],
    "varied": ["--network", VARIED, "--epochs", 2],
    "varied_affine": ["--network", VARIED, "--augment", "affine", "--batch-size", 50],
    "varied_elastic": ["--network", VARIED, "--augment", "elastic", "--ema", 0.9, "--batch-size", 17],
    "varied_of_one": ["--network", VARIED, "--batch-size", 1, "--validation", 200],
    "samples_normalised": ["--network", "batchnorm2d,globalavgpool,flatten,dense:10"],
}
OTHERS = {
    "sgd": ["--optimizer", "sgd", "--nesterov"],
    "adam": ["--optimizer", "adam", "--weight-decay", 0.01],
    "validation": ["--validation", 111],
    "affine": ["--augment", "affine"],
    "elastic": ["--augment", "elastic", "--batch-size", 100, "--epochs", 2],
    "batch_of_one": ["--batch-size", 1],
    "batch_of_the_set": ["--batch-size", 1200],
}
ENVIRONMENTS = {
    "thread_limit": {"OMP_THREAD_LIMIT": "1"},
    "dynamic_teams": {"OMP_DYNAMIC": "true"},
    "openmp_binding": {"OMP_PROC_BIND": "close", "OMP_PLACES": "cores"},
    "openmp_spread": {"OMP_PROC_BIND": "spread"},
    "active_waiting": {"OMP_WAIT_POLICY": "active"},
    "passive_waiting": {"OMP_WAIT_POLICY": "passive"},
    "one_cpu_for_all": {"MNIST_BLAS_PIN": str(min(os.sched_getaffinity(0)))},
    "openblas_told_one": {"OPENBLAS_NUM_THREADS": "1"},
    "openblas_told_two": {"OPENBLAS_NUM_THREADS": "2"},
}


class BitsTest(ProgramTest):
    """Runs that must end in the same model."""

    def digest(self, data, threads, *arguments, **variables):
        """Of the model that a run of one epoch gives. `threads` is checked to be what it had."""
        result = self.run_program("train", "--data", data, "--epochs", 1, "--quiet", "--no-report", "--out", "out",
                                  "--threads", threads, *arguments, **variables)
        self.assertEqual((0, []), (result.code, result.errors), result)
        if "OMP_THREAD_LIMIT" not in variables:
            self.assertEqual(threads, self.summary()["threads"])
        return hashlib.sha256(self.model_bytes()).hexdigest()

    def same_at_any_thread_count(self, data, *arguments, repeats=1, pins=("core",), **variables):
        digests = {(threads, pin, repeat): self.digest(data, threads, *arguments,
                                                       MNIST_BLAS_PIN=pin, **variables)
                   for threads in THREADS for pin in pins for repeat in range(repeats)}
        self.assertEqual(1, len(set(digests.values())), digests)


class Made(BitsTest):
    """On made data."""

    def test_threads_are_as_the_variable_says_too(self):
        data = self.make_data()
        one = self.digest(data, 1)
        self.train(data, OMP_NUM_THREADS="3")
        self.assertEqual(one, hashlib.sha256(self.model_bytes()).hexdigest())


def batch_test(batch, kernel_set):
    def test(self):
        self.same_at_any_thread_count(self.make_data(), "--batch-size", batch, "--epochs", 2,
                                      repeats=REPEATS, pins=PINS, **KERNEL_SETS[kernel_set])
    return test


def set_test(name, batch):
    def test(self):
        self.same_at_any_thread_count(self.make_data(**SETS[name]), "--batch-size", batch)
    return test


def augmented_test(name):
    def test(self):
        self.same_at_any_thread_count(self.make_data(**SETS[name]), "--augment", "elastic")
    return test


def network_test(name, batch):
    def test(self):
        self.same_at_any_thread_count(self.make_data(), "--network", NETWORKS[name], "--batch-size",
                                      batch)
    return test


def image_network_test(arguments, kernel_set):
    def test(self):
        self.same_at_any_thread_count(self.make_data(**DIGITS), *arguments, **KERNEL_SETS[kernel_set])
    return test


def other_test(arguments):
    def test(self):
        self.same_at_any_thread_count(self.make_data(), *arguments)
    return test


def environment_test(variables):
    def test(self):
        data = self.make_data()
        expected = self.digest(data, 1)
        self.assertEqual([expected] * 4, [self.digest(data, threads, **variables)
                                          for threads in THREADS])
    return test


add_methods(Made, {f"batch_{batch}_{kernel_set}": [batch, kernel_set]
                   for batch in BATCHES for kernel_set in KERNEL_SETS}, batch_test)
add_methods(Made, {f"images_{name}_batch_{batch}": [name, batch]
                   for name in SETS for batch in (64, 100, 500)}, set_test)
add_methods(Made, {f"augmented_{name}": [name] for name in SETS}, augmented_test)
add_methods(Made, {f"network_{name}_batch_{batch}": [name, batch]
                   for name in NETWORKS for batch in (64, 100, 1000)}, network_test)
add_methods(Made, {f"of_images_{name}": [arguments, "best"] for name, arguments in IMAGE_NETWORKS.items()},
            image_network_test)
add_methods(Made, {f"of_images_{name}_haswell": [IMAGE_NETWORKS[name], "haswell"]
                   for name in ("lenet5", "cnn", "varied")}, image_network_test)
add_methods(Made, {f"with_{name}": [arguments] for name, arguments in OTHERS.items()}, other_test)
add_methods(Made, {f"under_{name}": [variables] for name, variables in ENVIRONMENTS.items()},
            environment_test)


@unittest.skipUnless(support.REAL_DATA, "MNIST_BLAS_DATA is not set: no real MNIST to train on")
class Real(BitsTest):
    """On real MNIST."""


def real_test(batch, kernel_set):
    def test(self):
        self.same_at_any_thread_count(support.REAL_DATA, "--batch-size", batch,
                                                          **KERNEL_SETS[kernel_set])
    return test


def real_image_network_test(*arguments):
    def test(self):
        self.same_at_any_thread_count(support.REAL_DATA, *arguments)
    return test


def real_augmented_test(kind):
    def test(self):
        self.same_at_any_thread_count(support.REAL_DATA, "--augment", kind)
    return test


add_methods(Real, {"lenet5": ["--network", "lenet5", "--augment", "affine"]}, real_image_network_test)
add_methods(Real, {kind: [kind] for kind in ("affine", "elastic")}, real_augmented_test)
add_methods(Real, {f"batch_{batch}_{kernel_set}": [batch, kernel_set]
                   for batch in BATCHES for kernel_set in KERNEL_SETS}, real_test)

if __name__ == "__main__":
    unittest.main()

"""The bits of the model do not depend on threads, pins or OpenMP variables."""
import hashlib
import os

import support
from support import ProgramTest, cases, needs_real_data

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
    """Runs that must give the same model."""

    def digest(self, data, threads, *arguments, **variables):
        """The digest of the model after one epoch; the run must have had `threads` threads."""
        result = self.run_program("train", "--data", data, "--epochs", 1, "--quiet", "--no-report", "--out", "out",
                                  "--threads", threads, *arguments, **variables)
        self.assertEqual((0, []), (result.code, result.errors), result)
        if "OMP_THREAD_LIMIT" not in variables:
            self.assertEqual(threads, self.summary()["threads"])
        return hashlib.sha256(self.model_bytes()).hexdigest()

    def same_at_any_thread_count(self, data, *arguments, threads=THREADS, repeats=1, pins=("core",), **variables):
        digests = {(count, pin, repeat): self.digest(data, count, *arguments, MNIST_BLAS_PIN=pin, **variables)
                   for count in threads for pin in pins for repeat in range(repeats)}
        self.assertEqual(1, len(set(digests.values())), digests)


class Made(BitsTest):
    """On generated data."""

    @cases({f"{batch}_{kernel_set}": (batch, kernel_set) for batch in BATCHES for kernel_set in KERNEL_SETS})
    def test_batch(self, batch, kernel_set):
        self.same_at_any_thread_count(self.make_data(), "--batch-size", batch, "--epochs", 2,
                                      repeats=REPEATS, pins=PINS, **KERNEL_SETS[kernel_set])

    @cases({f"{name}_batch_{batch}": (name, "--batch-size", batch) for name in SETS for batch in (64, 100, 500)} |
           {f"{name}_augmented": (name, "--augment", "elastic") for name in SETS})
    def test_images(self, name, *arguments):
        self.same_at_any_thread_count(self.make_data(**SETS[name]), *arguments)

    @cases({f"network_{name}_batch_{batch}": ["--network", network, "--batch-size", batch]
            for name, network in NETWORKS.items() for batch in (64, 100, 1000)} | OTHERS)
    def test_with(self, arguments):
        self.same_at_any_thread_count(self.make_data(), *arguments)

    @cases({name: (arguments, "best") for name, arguments in IMAGE_NETWORKS.items()} |
           {f"{name}_haswell": (IMAGE_NETWORKS[name], "haswell") for name in ("lenet5", "cnn", "varied")})
    def test_image_network(self, arguments, kernel_set):
        self.same_at_any_thread_count(self.make_data(**DIGITS), *arguments, **KERNEL_SETS[kernel_set])

    @cases(ENVIRONMENTS)
    def test_under(self, variables):
        data = self.make_data()
        expected = self.digest(data, 1)
        self.assertEqual([expected] * 4, [self.digest(data, threads, **variables) for threads in THREADS])

    def test_threads_of_the_variable(self):
        data = self.make_data()
        one = self.digest(data, 1)
        self.train(data, OMP_NUM_THREADS="3")
        self.assertEqual(one, hashlib.sha256(self.model_bytes()).hexdigest())


@needs_real_data
class Real(BitsTest):
    """On real MNIST. Each batch size with one kernel set: Made has all pairs."""

    @cases({"lenet5": (["--network", "lenet5", "--augment", "affine"], "best", (1, 3)),
            "affine": (["--augment", "affine"], "best", (1, 4)),
            "elastic": (["--augment", "elastic"], "best", (1, 2)),
            "batch_64_best": (["--batch-size", 64], "best", THREADS),
            "batch_64_haswell": (["--batch-size", 64], "haswell", (2, 3)),
            "batch_100_haswell": (["--batch-size", 100], "haswell", (1, 3)),
            "batch_256_best": (["--batch-size", 256], "best", (1, 4)),
            "batch_1000_haswell": (["--batch-size", 1000], "haswell", (1, 2, 4))})
    def test_mnist(self, arguments, kernel_set, threads):
        self.same_at_any_thread_count(support.REAL_DATA, *arguments, threads=threads, **KERNEL_SETS[kernel_set])

"""Memory of training, measured and as info predicts it."""
import os
import re
import resource
import subprocess

import support
from support import PROGRAM, ProgramTest

GIGABYTE = 10**9
REST = 300 * 10**6  # what info leaves out: program and libraries, data, evaluation, threads' scratch


class Cnn(ProgramTest):
    """The largest named network, in large batches."""

    def peak(self, *arguments):
        """Peak memory of a run, in bytes."""
        environment = support.clean_environment(self.folder, MALLOC_PERTURB_="0")
        with open(self.path("errors"), "w", encoding="utf-8") as errors:
            process = subprocess.Popen([PROGRAM, *map(str, arguments)], cwd=self.folder, env=environment,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(0, process.returncode, support.read_bytes(self.path("errors")))
        return 1024 * usage.ru_maxrss

    def said(self, batch_size, *arguments):
        """The memory that info predicts."""
        network = self.info("--network", "cnn", "--batch-size", batch_size, *arguments)["network"]
        self.assertEqual(batch_size, network["batch_size"])
        return network["training_bytes"]

    def train_cnn(self, threads, *arguments):
        data = self.make_data(f"data{threads}", classes=10, rows=28, columns=28, train=2048, test=1100)
        peak = self.peak("train", "--data", data, "--network", "cnn", "--epochs", 1, "--quiet", "--no-report",
                         "--out", "out", "--threads", threads, *arguments)
        summary = self.summary()
        self.assertEqual(("conv2d:32x3", 1), (summary["network"].split(",")[0], summary["epochs"]))
        return peak, summary

    def test_trains_in_batches_of_1024_within_a_gigabyte(self):
        for threads in (1, 4):
            with self.subTest(threads=threads):
                peak, summary = self.train_cnn(threads, "--batch-size", 1024)
                self.assertEqual(1024, summary["batch_size"])
                self.assertLess(peak, GIGABYTE)
                said = self.said(1024, "--threads", threads)
                self.assertLess(said, peak)
                self.assertLess(peak, said + REST)

    def test_info_says_so_beforehand(self):
        said = self.said(1024)
        self.assertLess(said, GIGABYTE)
        text = self.succeed("info", "--network", "cnn", "--batch-size", 1024).out
        megabytes, = re.findall(r"; ([0-9.]+) MB for batches of 1024$", text, re.MULTILINE)
        self.assertAlmostEqual(said / 1e6, float(megabytes), delta=0.051)

    def test_more_than_there_is_is_refused_before_it_is_used(self):
        network = "dense:1000000,dense:1000000,dense:10"
        says = ("network: needs 4003.", "GB of memory", "leaves", "smaller layers")
        self.fail_with(1, "info", "--network", network, says=says)
        data = self.make_data("data", classes=10, rows=28, columns=28, train=4096, test=100)
        blas = 256 * (1 << 20) * len(os.sched_getaffinity(0))
        # activations that do not fit; parameters that do, with moments that do not
        for network, batch, limit in (("cnn", 4096, 6 * GIGABYTE // 10),
                                      ("dense:15000,dense:15000,dense:10", 64, 2 * GIGABYTE)):
            limit += blas
            self.fail_with(1, "train", "--data", data, "--network", network, "--batch-size", batch, "--no-report",
                           says=(f"training in batches of {batch}: needs", "ulimit -v leaves", "take smaller layers"),
                           prepare=lambda to=limit: resource.setrlimit(resource.RLIMIT_AS, (to, to)))
        self.assertFalse(os.path.exists(self.path("mnist_blas_out/model.safetensors")))

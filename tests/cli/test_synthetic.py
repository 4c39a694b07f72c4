"""A first run on a machine without data, which trains on synthetic digits."""
import os
import unittest

import support
from support import ProgramTest


class Nowhere(ProgramTest):
    """Runs two folders down, so that ../data has no data of this machine."""

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("a/b"))

    def train_here(self, *arguments, out="out"):
        return self.succeed("--epochs", 1, "--no-report", "--out", self.path(out), *arguments,
                            cwd=self.path("a/b"), XDG_CACHE_HOME="/nowhere")


class WithoutData(Nowhere):
    """Training on synthetic digits, and the messages."""

    def test_trains_and_says_so_in_one_line(self):
        for arguments in ([], ["--quiet"]):
            notice, = self.train_here(*arguments).notices
            for word in ("./data/mnist", "/nowhere/mnist_blas", "synthetic", "tools/fetch-mnist"):
                self.assertIn(word, notice)
            self.assertEqual("synthetic", self.summary()["data"])
            self.assertGreater(self.summary()["test_accuracy"], 0.8)
            self.assertTrue(self.model_bytes())

    def test_says_what_it_trains_on(self):
        self.assertIn("synthetic digits: 60000 + 10000 images of 28x28, 10 classes", self.train_here().out)

    def test_digits_and_model_are_the_same_at_any_thread_count(self):
        for threads in (1, 2, 3):
            self.train_here("--threads", threads, out=str(threads))
            self.assertEqual(self.model_bytes("1"), self.model_bytes(str(threads)))

    def test_another_seed_trains_another_model(self):
        self.train_here(out="one")
        self.train_here("--seed", 2, out="two")
        self.assertNotEqual(self.model_bytes("one"), self.model_bytes("two"))

    def test_data_that_was_asked_for_is_never_replaced(self):
        for arguments, variables in ((["--data", "/nowhere"], {}),
                                     ([], {"MNIST_BLAS_DATA": "/nowhere"})):
            result = self.run_program(*arguments, **variables)
            self.assertEqual((1, []), (result.code, result.notices), result)


@unittest.skipUnless(support.REAL_DATA, "MNIST_BLAS_DATA is not set")
class OnRealDigits(Nowhere):
    """A network trained on synthetic digits recognises handwritten ones."""

    def test_recognises_four_of_five(self):
        self.train_here("--epochs", 5)
        text = self.succeed("evaluate", "--data", support.REAL_DATA,
                            self.path("out", "model.safetensors")).out
        self.assertGreater(float(text.split("accuracy ")[1].split()[0]), 0.8)

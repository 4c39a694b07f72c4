"""predict on real MNIST, from MNIST_BLAS_DATA: pictures of digits in many formats get the predictions of
their IDX images."""
import functools
import gzip
import json
import os
import unittest

import pictures
import support
from support import ProgramTest, cases

SIDE, FACTOR = 28, 10
STEP, FEW, FEWEST = 10, 50, 400  # one test image in 10; one in 50 or 400 if pictures are slow to make


@functools.lru_cache(maxsize=None)
def test_images():
    for name, read in ((support.TEST_IMAGES, open), (support.TEST_IMAGES + ".gz", gzip.open)):
        path = os.path.join(support.REAL_DATA, name)
        if os.path.exists(path):
            with read(path, "rb") as file:
                data = file.read()[16:]
            return [data[i:i + SIDE * SIDE] for i in range(0, len(data), SIDE * SIDE)]
    raise FileNotFoundError(f"{support.REAL_DATA}: no {support.TEST_IMAGES}")


def square(enlarge, factor, invert):
    """A conversion: enlarged by this function, if any; dark on light or not."""
    def make(image, number):
        del number
        pixels = enlarge(image, SIDE, factor) if enlarge else image
        side = SIDE * factor
        return pictures.png(side, side, pixels.translate(pictures.INVERTED) if invert else pixels)
    return make


def photograph(invert):
    def make(image, number):
        width, height, pixels = pictures.photograph(image, SIDE, number)
        return pictures.png(width, height,
                            pixels.translate(pictures.INVERTED) if invert else pixels)
    return make


def drawn(style):
    return lambda image, number: pictures.png(*pictures.drawn(image, SIDE, style))


# Name of the test: conversion to a picture, images, minimum fraction of equal predictions.
FORMS = {
    "of_its_size": (square(None, 1, False), STEP, 0.97),
    "of_its_size_dark_on_light": (square(None, 1, True), STEP, 0.97),
    "in_blocks": (square(pictures.blocks, FACTOR, False), STEP, 0.97),
    "in_blocks_dark_on_light": (square(pictures.blocks, FACTOR, True), STEP, 0.97),
    "smooth": (square(pictures.smooth, FACTOR, False), STEP, 0.97),
    "smooth_dark_on_light": (square(pictures.smooth, FACTOR, True), STEP, 0.97),
    "photographed": (photograph(False), FEW, 0.90),
    "photographed_light_on_dark": (photograph(True), FEW, 0.90),
    **{style: (drawn(style), FEWEST, 0.92) for style in pictures.STYLES},
}


@unittest.skipUnless(support.REAL_DATA, "MNIST_BLAS_DATA is not set: no real MNIST to predict")
class Mnist(ProgramTest):
    model = None

    @classmethod
    def setUpClass(cls):
        """One model for all conversions."""
        maker = ProgramTest()
        maker.setUp()
        cls.addClassCleanup(maker.doCleanups)
        maker.train(support.REAL_DATA, "--epochs", 2)
        cls.model = maker.path("out/model.safetensors")

    def classes(self, *files):
        """By image; a picture that is refused, as of a digit in two parts, has none."""
        found = json.loads(self.run_program("predict", "--json", self.model, *files).out)
        return [(one["image"], one["class"]) for one in found]

    @cases(FORMS)
    def test_digits(self, make, step, minimum):
        images = test_images()[::step]
        support.write_bytes(self.path("images"),
                            support.idx((len(images), SIDE, SIDE), b"".join(images)))
        names = []
        for number, image in enumerate(images):
            names.append(f"{number}.png")
            support.write_bytes(self.path(names[-1]), make(image, number))
        answers = dict(self.classes(*names))
        expected = [one for _, one in self.classes("images")]
        self.assertEqual(len(images), len(expected))
        alike = sum(answers.get(name) == one for name, one in zip(names, expected))
        print(f"{alike} of {len(images)} alike", end=" ", flush=True)
        self.assertGreaterEqual(alike, minimum * len(images))

"""predict on real MNIST, from MNIST_BLAS_DATA: pictures of digits in many forms get the predictions of
their IDX images; of digits drawn and photographed in many styles, their labels."""
import functools
import gzip
import json
import os
import unittest

import pictures
import support
from support import ProgramTest, cases

SIDE, FACTOR = 28, 5
STEP, FEW, FEWEST = 10, 50, 400  # one test image in 10; one in 50 or 400 if pictures are slow to make
MAX_WRONG = 1  # of the 25 of a style


@functools.lru_cache(maxsize=None)
def test_items(name, header, size):
    """The items of an IDX file, plain or .gz."""
    for path, read in ((name, open), (name + ".gz", gzip.open)):
        path = os.path.join(support.REAL_DATA, path)
        if os.path.exists(path):
            with read(path, "rb") as file:
                data = file.read()[header:]
            return [data[i:i + size] for i in range(0, len(data), size)]
    raise FileNotFoundError(f"{support.REAL_DATA}: no {name}")


def test_images():
    return test_items(support.TEST_IMAGES, 16, SIDE * SIDE)


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


# Name of the test: conversion to a picture, images, minimum fraction of equal predictions.
FORMS = {
    "of_its_size": (square(None, 1, False), STEP, 0.995),
    "of_its_size_dark_on_light": (square(None, 1, True), STEP, 0.995),
    "in_blocks": (square(pictures.blocks, FACTOR, False), STEP, 0.99),
    "in_blocks_dark_on_light": (square(pictures.blocks, FACTOR, True), STEP, 0.99),
    "smooth": (square(pictures.smooth, FACTOR, False), STEP, 0.99),
    "smooth_dark_on_light": (square(pictures.smooth, FACTOR, True), STEP, 0.99),
    "photographed": (photograph(False), FEW, 0.95),
    "photographed_light_on_dark": (photograph(True), FEW, 0.95),
}


@unittest.skipUnless(support.REAL_DATA, "MNIST_BLAS_DATA is not set: no real MNIST to predict")
class Mnist(ProgramTest):
    model = None

    @classmethod
    def setUpClass(cls):
        """One model for all pictures, which expects digits tilted by more than the 15 degrees that some are."""
        maker = ProgramTest()
        maker.setUp()
        cls.addClassCleanup(maker.doCleanups)
        maker.train(support.REAL_DATA, "--epochs", 5, "--network", "lenet5", "--augment", "affine", "--rotate", 20,
                    "--threads", 1)
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

    @cases({style: (style,) for style in pictures.STYLES})
    def test_drawn(self, style):
        images, labels = test_images()[::FEWEST], test_items(support.TEST_LABELS, 8, 1)[::FEWEST]
        names = [f"{number}.png" for number in range(len(images))]
        for number, image in enumerate(images):
            support.write_bytes(self.path(names[number]),
                                pictures.png(*pictures.drawn(image, SIDE, style, number)))
        answers = dict(self.classes(*names))
        wrong = [(name, answers.get(name), label[0]) for name, label in zip(names, labels)
                 if answers.get(name) != label[0]]
        self.assertLessEqual(len(wrong), MAX_WRONG, wrong)

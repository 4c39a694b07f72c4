"""Forms of images other than MNIST's: images in color, made with NumPy, and a network briefly trained on each form."""
import dataclasses
import os

import numpy

import models

SIDE, TRAINED, TESTED = 16, 3000, 2500
NAMES = [f"{color} {angle}" for color in ("warm", "cold") for angle in ("0", "36", "72", "108", "144")]
NETWORK = ("conv2d:16x3/pad1,batchnorm2d,relu,maxpool2d:2,conv2d:32x3/pad1,batchnorm2d,relu,globalavgpool,flatten,"
           "dense:10")


def photographs(count, seed):
    """(images (count, SIDE, SIDE, 3), labels): waves of the class's angle and color, which vary, as length, position
    and contrast do, with noise and without a plain background."""
    rng = numpy.random.default_rng(seed)
    labels = rng.integers(len(NAMES), size=count, dtype=numpy.uint8)
    angles = (labels % 5 + rng.normal(0, 0.2, count)) * numpy.pi / 5
    y, x = numpy.mgrid[:SIDE, :SIDE]
    across = numpy.cos(angles)[:, None, None] * x + numpy.sin(angles)[:, None, None] * y
    length, position = rng.uniform(4, 9, (count, 1, 1)), rng.uniform(0, 1, (count, 1, 1))
    colors = numpy.array([[1, 0.3, -0.5], [-0.4, 0.5, 1]])[labels // 5] + rng.normal(0, 0.2, (count, 3))
    waves = rng.uniform(20, 60, (count, 1, 1)) * numpy.sin(2 * numpy.pi * (across / length + position))
    images = rng.uniform(80, 170, (count, 1, 1, 3)) + waves[..., None] * colors[:, None, None]
    images += rng.normal(0, 15, images.shape)
    return numpy.clip(numpy.rint(images), 0, 255).astype(numpy.uint8), labels


def on_white(images):
    """With a white border of one pixel."""
    framed = numpy.full_like(images, 255)
    framed[:, 1:-1, 1:-1] = images[:, 1:-1, 1:-1]
    return framed


def unchanged(images):
    return images


@dataclasses.dataclass
class Form:
    """How data are made of photographs, options of training, and what the model says of its images. `conversion` is the
    option that gives the network other channels than the data have."""
    make: callable = unchanged
    options: tuple = ()
    conversion: tuple = ()
    channels: int = 3
    ground: str = "dark"
    standardized: bool = True


ON = ("--standardize", "on")
FORMS = {
    "color_standardized": Form(options=ON),
    "color_without_ground": Form(),
    "color_as_it_is": Form(options=("--standardize", "off"), standardized=False),
    "color_on_light": Form(on_white, ground="light", standardized=False),
    "color_on_light_standardized": Form(on_white, ON, ground="light"),
    "color_to_gray": Form(options=ON, conversion=("--gray",), channels=1),
    "gray_to_color": Form(lambda images: images[..., 2], ON, ("--color",)),
    "gray_on_light_standardized": Form(lambda images: on_white(images[..., 2]), ON, channels=1, ground="light"),
}


class FormTest(models.PredictionTest):
    """self.images are the TESTED test images of the data, self.network_images the same with the network's channels."""

    def train_form(self, form):
        """Trains an epoch on an NPZ file; returns the path of the model."""
        self.need_feature("npz")
        os.makedirs(self.path("data"))
        self.write("data/classes.txt", "".join(f"{name}\n" for name in NAMES).encode())
        arrays = {}
        for part, count in ("train", TRAINED), ("test", TESTED):
            images, arrays["y_" + part] = photographs(count, seed=count)
            arrays["x_" + part] = form.make(images)
        numpy.savez(self.path("data/data.npz"), **arrays)
        self.images = self.network_images = arrays["x_test"]
        if form.conversion:
            self.succeed("convert", "--data", "data", *form.conversion, "--out", "converted")
            name = models.support.TEST_IMAGES.replace("idx3", "idx4" if form.channels == 3 else "idx3")
            self.network_images = models.read_idx(self.path("converted"), name)
        self.labels, self.conversion = arrays["y_test"], form.conversion
        self.train("data", "--network", NETWORK, "--batch-size", 16, *form.options, *form.conversion)
        path = self.path("out", "model.safetensors")
        found = self.info(path)["model"]
        self.assertEqual((f"{form.channels}x{SIDE}x{SIDE}", form.ground, form.standardized, NAMES),
                         (found["input"], found["ground"], found["standardized"], found["class_names"]))
        return path

    def assert_learned(self, path, logits):
        """The classes are those that evaluate finds, and far more are right than by chance."""
        right = self.assert_evaluated(logits, self.labels, "data", *self.conversion, path)
        self.assertGreater(right, TESTED / 3)


# Decorator: a test per form.
each_form = models.support.cases(FORMS)

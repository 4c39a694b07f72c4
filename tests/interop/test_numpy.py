"""Arrays as NumPy writes them are data: the model has the same bytes as from IDX files of the same images."""
import numpy

import models
from models import support

TRAIN, TEST, CLASSES = 300, 60, 4


def arrays():
    """{name: array} of the images and labels that make_data writes."""
    found = {}
    for part, count, seed in (("train", TRAIN, 11), ("test", TEST, 12)):
        images, labels = support.made_split(count, CLASSES, support.ROWS, support.COLUMNS, 0.0, 0, seed)
        found["x_" + part] = numpy.frombuffer(images, numpy.uint8).reshape(count, support.ROWS, support.COLUMNS)
        found["y_" + part] = numpy.frombuffer(labels, numpy.uint8)
    return found


def with_images(change):
    return {name: change(array) if name.startswith("x") else array for name, array in arrays().items()}


def with_labels(change):
    return {name: change(array) if name.startswith("y") else array for name, array in arrays().items()}


def scaled(kind):
    return with_images(lambda images: (images / 255).astype(kind))


class Arrays(models.support.ProgramTest):
    def setUp(self):
        super().setUp()
        self.train(self.make_data("idx", train=TRAIN, test=TEST, classes=CLASSES), out="idx_out")

    def check(self, data, *arguments):
        self.train(data, *arguments)
        self.assert_same_model("idx_out", "out")

    @support.cases({
        "bytes": arrays,
        "f2": lambda: scaled("f2"), "f4": lambda: scaled("f4"),
        "f8_of_255": lambda: with_images(lambda a: a.astype("f8")),
        "big_endian": lambda: scaled(">f4"), "i8": lambda: with_images(lambda a: a.astype("i8")),
        "u2": lambda: with_images(lambda a: a.astype(">u2")), "fortran": lambda: with_images(numpy.asfortranarray),
        "channels_last": lambda: with_images(lambda a: a[..., None]),
        "channels_first": lambda: with_images(lambda a: a[:, None]),
        "three_equal_channels": lambda: with_images(lambda a: numpy.repeat(a[..., None], 3, 3)),
        "fortran_channels": lambda: with_images(lambda a: numpy.asfortranarray(numpy.repeat(a[:, None], 3, 1))),
        "labels_of_columns": lambda: with_labels(lambda a: a[:, None].astype("i4")),
        "float_labels": lambda: with_labels(lambda a: a.astype("f2")),
        "one_hot": lambda: with_labels(lambda a: numpy.eye(CLASSES, dtype=bool)[a]),
        "one_hot_fortran": lambda: with_labels(lambda a: numpy.asfortranarray(numpy.eye(CLASSES)[a]))})
    def test_of(self, made):
        self.need_feature("npz")
        numpy.savez_compressed(self.path("data.npz"), **made())
        self.check("data.npz")

    @support.cases({"savez": numpy.savez, "savez_compressed": numpy.savez_compressed})
    def test_written_by(self, write):
        self.need_feature("npz")
        write(self.path("data.npz"), **arrays())
        self.check("data.npz")

    def test_files_of_save(self):
        for name, array in scaled(numpy.float32).items():
            numpy.save(self.path(name + ".npy"), array)
        self.check(self.folder)

    @support.cases({"objects": lambda labels: numpy.array([str(i) for i in labels], object),
                    "texts": lambda labels: labels.astype("U3"), "complex": lambda labels: labels * 1j,
                    "empty": lambda labels: labels[:0]})
    def test_refused(self, change):
        self.need_feature("npz")
        made = arrays()
        made["y_train"] = change(made["y_train"])
        numpy.savez(self.path("data.npz"), **made)
        self.refuse(1, "--data", "data.npz", says="data.npz: y_train: ")

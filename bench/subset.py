"""A smaller data set for bench/compare: the first training images, all test images."""

import gzip
import math
import pathlib
import shutil
import struct

TRAIN, TEST = ([f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"] for split in ("train", "t10k"))


def found(folder, name):
    """The file, plain or packed."""
    plain = pathlib.Path(folder, name)
    return plain if plain.exists() else plain.with_name(name + ".gz")


def first(data, count):
    """An IDX file's bytes cut down to its first `count` items; None where it has fewer."""
    dimensions = data[3]
    there, *item = struct.unpack_from(f">{dimensions}I", data, 4)
    if count > there:
        return None
    end = 4 + 4 * dimensions + count * math.prod(item)
    return data[:4] + struct.pack(">I", count) + data[8:end]


def write_subset(source, samples, folder):
    """Writes the four files to `folder`, a data folder of which mnist_blas has read all. Returns
    whether there are as many training images."""
    for name in TRAIN:
        path = found(source, name)
        with (gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
            data = first(file.read(), samples)
        if data is None:
            return False
        pathlib.Path(folder, name).write_bytes(data)
    for path in (found(source, name) for name in TEST):
        shutil.copyfile(path, pathlib.Path(folder, path.name))
    return True

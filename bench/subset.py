"""A smaller dataset for bench/compare, ranks and ranks_model: the first training images, and all test images or the
first."""

import gzip
import math
import pathlib
import shutil
import struct

TRAIN, TEST = ([f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"] for split in ("train", "t10k"))


def found(folder, name):
    """The path of the file, plain or gzipped; images in color have 4 dimensions."""
    names = [name, name + ".gz", name.replace("idx3", "idx4")]
    there = [path for path in (pathlib.Path(folder, one) for one in names) if path.exists()]
    return there[0] if there else pathlib.Path(folder, names[-1] + ".gz")


def first(data, count):
    """The IDX file `data` cut to its first `count` items; None if it has fewer."""
    dimensions = data[3]
    there, *item = struct.unpack_from(f">{dimensions}I", data, 4)
    if count > there:
        return None
    end = 4 + 4 * dimensions + count * math.prod(item)
    return data[:4] + struct.pack(">I", count) + data[8:end]


def read(path):
    with (gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
        return file.read()


def write_first(source, names, count, folder):
    """Writes the first `count` items of the files to `folder`; false if there are fewer."""
    for name in names:
        path = found(source, name)
        data = first(read(path), count)
        if data is None:
            return False
        pathlib.Path(folder, path.name.removesuffix(".gz")).write_bytes(data)
    return True


def write_subset(source, samples, folder, tested=None):
    """Writes the four files to `folder`, the test images whole or the first `tested`; false if `source` has fewer."""
    if not write_first(source, TRAIN, samples, folder):
        return False
    if tested is not None:
        return write_first(source, TEST, tested, folder)
    for path in (found(source, name) for name in TEST):
        shutil.copyfile(path, pathlib.Path(folder, path.name))
    return True

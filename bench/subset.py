"""A smaller dataset for bench/compare: the first training images, all test images."""

import gzip
import math
import pathlib
import shutil
import struct

TRAIN, TEST = ([f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"] for split in ("train", "t10k"))


def found(folder, name):
    """The path of the file, plain or gzipped."""
    plain = pathlib.Path(folder, name)
    return plain if plain.exists() else plain.with_name(name + ".gz")


def first(data, count):
    """The IDX file `data` cut to its first `count` items; None if it has fewer."""
    dimensions = data[3]
    there, *item = struct.unpack_from(f">{dimensions}I", data, 4)
    if count > there:
        return None
    end = 4 + 4 * dimensions + count * math.prod(item)
    return data[:4] + struct.pack(">I", count) + data[8:end]


def write_subset(source, samples, folder):
    """Writes the four files to `folder`; false if `source` has fewer training images."""
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

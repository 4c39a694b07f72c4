"""Common to all peers: reading the data, and the protocol of bench/compare.

A peer is a program that reads one JSON object per line from stdin and answers each with one on stdout:

    {"command": "open", "data": DIR, "network": NAME, "spec": LAYERS, "layout": NAME or null,
     "threads": N, "batch_size": N,
     "optimizer": NAME, "lr": X, "momentum": X, "weight_decay": X}   {"version": TEXT, "layouts": [NAME, ...]}
        layouts: memory formats of images and weights; null selects the first
    {"command": "train", "epochs": N, "seed": N}
        a new network, one warm-up epoch, then N timed epochs        {"seconds": [X, ...], "samples": N}
    {"command": "evaluate"}                                          {"test_accuracy": FRACTION}

The answer to a command that fails is {"error": TEXT}, with "missing": PACKAGE if that is not installed, and
with "unable": TEXT if the peer does not support the request or lacks a tool. The peer ends at the end of
stdin. Between commands it is idle.
"""

import functools
import gzip
import json
import os
import shutil
import sys
import time

SIDE = 28  # rows and columns of an image
SIZES = (SIDE * SIDE, 128, 64, 10)  # of the network mlp; ReLU after each layer but the last
MLP = {"mlp": ["contiguous"]}  # the default of a peer's networks


def find_compiler():
    """A C++ compiler: $CXX, or the first of the usual ones."""
    named = os.environ.get("CXX")
    for name in [named] if named else ["g++", "c++", "clang++"]:
        path = shutil.which(name)
        if path:
            return path
    raise NotImplementedError(f"there is no C++ compiler{f' {named}' if named else ''} on the PATH")


def read_idx(folder, name):
    """The array in folder/name or folder/name.gz."""
    import numpy
    path = os.path.join(folder, name)
    with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz", "rb") as file:
        data = file.read()
    dimensions = data[3]
    shape = numpy.frombuffer(data, ">u4", dimensions, 4)
    return numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def read_images(folder, split):
    """Bytes (count, channels, rows, columns); files of images in color have the channels last."""
    color = split + "-images-idx4-ubyte"
    if any(os.path.exists(os.path.join(folder, color + end)) for end in ("", ".gz")):
        return read_idx(folder, color).transpose(0, 3, 1, 2)
    return read_idx(folder, split + "-images-idx3-ubyte")[:, None]


@functools.lru_cache
def standardization(folder):
    """Mean and standard deviation of the training images by channel, (1, channels, 1, 1) each, as float32."""
    import numpy
    images = read_images(folder, "train")
    return [moment(images, axis=(0, 2, 3), keepdims=True, dtype=numpy.float64).astype(numpy.float32) / 255
            for moment in (numpy.mean, numpy.std)]


def read_split(folder, split):
    """Images (count, channels, rows, columns) as float32, labels (count) as int64; split "train" or "t10k". Gray
    values are 0 .. 1; images in color are standardized by the training images, as mnist_blas does."""
    import numpy
    images, labels = read_images(folder, split), read_idx(folder, split + "-labels-idx1-ubyte")
    if labels.max() >= SIZES[-1]:
        raise ValueError(f"{folder}: the peers train on images in 10 classes only")
    values = numpy.ascontiguousarray(images, numpy.float32) / 255
    if images.shape[1] > 1:
        mean, std = standardization(folder)
        values -= mean
        values /= std
    return values, labels.astype(numpy.int64)


def read_digits(folder, split):
    """Images of read_split for the network mlp: (count, 784)."""
    images, labels = read_split(folder, split)
    if images[0].size != SIZES[0]:
        raise ValueError(f"{folder}: mlp is trained on images of 28x28")
    return images.reshape(len(images), -1), labels


def open_peer(peer, *, network, spec, layout, **settings):
    networks = getattr(peer, "networks", MLP)
    if network not in networks:
        raise NotImplementedError(f"there is no network {network} in it")
    if networks is not MLP:
        settings |= {"spec": spec, "layout": layout or networks[network][0]}
    peer.open(**settings)
    return {"version": peer.version, "layouts": networks[network]}


def answer(peer, request):
    command = request.pop("command")
    if command == "open":
        return open_peer(peer, **request)
    if command == "train":
        peer.reset(request["seed"])
        peer.train_epoch()
        seconds = []
        for _ in range(request["epochs"]):
            start = time.perf_counter()
            peer.train_epoch()
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds, "samples": peer.samples}
    if command == "evaluate":
        return {"test_accuracy": peer.evaluate()}
    raise ValueError(f"{command}: no such command")


def serve(make_peer):
    """Answers requests until stdin ends. make_peer() gives an object with open(data=, threads=,
    batch_size=, optimizer=, lr=, momentum=, weight_decay=), reset(seed), train_epoch(), which ends
    when the work is done and not when it is queued, evaluate(), samples, and version. One that has
    other networks than mlp says so in `networks`, a list of layouts by network, and open() gets
    spec=, its layers, and layout= too. NotImplementedError says what it lacks."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of libraries must not mix with the answers
    peer = None
    for line in sys.stdin:
        try:
            peer = peer or make_peer()
            reply = answer(peer, json.loads(line))
        except ModuleNotFoundError as missing:
            reply = {"error": f"{missing.name} is not installed", "missing": missing.name}
        except NotImplementedError as lack:
            reply = {"error": str(lack), "unable": str(lack)}
        except Exception as error:  # reported to compare, which ends the run
            reply = {"error": " ".join(f"{type(error).__name__}: {error}".split())}
        print(json.dumps(reply), file=answers, flush=True)

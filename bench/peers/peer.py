"""Common to all peers: reading the data, and the protocol of bench/compare.

A peer is a program that reads one JSON object per line from stdin and answers each with one on stdout:

    {"command": "open", "data": DIR, "network": NAME, "layout": NAME or null,
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


def read_split(folder, split):
    """Images (count, 784) as float32 in 0 .. 1, labels (count) as int64; split "train" or "t10k"."""
    import numpy
    images = read_idx(folder, split + "-images-idx3-ubyte")
    labels = read_idx(folder, split + "-labels-idx1-ubyte")
    if images.shape[1] * images.shape[2] != SIZES[0] or labels.max() >= SIZES[-1]:
        raise ValueError(f"{folder}: the peers train on images of 28x28 in 10 classes only")
    return images.reshape(len(images), -1).astype(numpy.float32) / 255, labels.astype(numpy.int64)


def open_peer(peer, *, network, layout, **settings):
    networks = getattr(peer, "networks", MLP)
    if network not in networks:
        raise NotImplementedError(f"there is no network {network} in it")
    if networks is not MLP:
        settings |= {"network": network, "layout": layout or networks[network][0]}
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
    network= and layout= too. NotImplementedError says what it lacks."""
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

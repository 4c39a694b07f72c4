#!/usr/bin/env python3
"""Makes golden.safetensors: a small network after training with PyTorch's optimizers.

    python3 tests/golden/make_golden.py         # needs torch 2.13.0 (CPU) and numpy; takes seconds

The file is committed for test_golden.c; run this only to add a run. The network is nn.Sequential(Linear(120, 70), ReLU, Linear(70, 33), ReLU, Linear(33, 10)):
widths that are multiples of neither 16 nor 64. Batches have 96 images, two blocks of rows. Images
are 12x10 bytes, two thirds of them zero, scaled by 1 / 255; some pixels are zero in all images, so that
only decay and moments change their weights.

Tensors in the file (U8 if that suffices, else F32):

    images (1200, 12, 10), labels (1200)     bytes
    order (50, 96)                           images of each batch
    initial.0.weight, initial.0.bias, ...    initial parameters of all runs
    RUN.loss (50)                            loss of each batch before its update
    RUN.0.weight, RUN.0.bias, ...            parameters after the last step

The runs are in `runs` below; biases are never decayed. They use float32 on one
thread. The same runs in float64 show the effect of rounding: test_golden.c allows 1e-4 (losses
relative, weights absolute), and this script fails if float32 differs from float64 by more than a tenth
of that, or if one of `mistakes` is not detected.
"""

import json
import pathlib
import struct

import numpy
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

STEPS, BATCH, IMAGES, ROWS, COLUMNS, CLASSES = 50, 96, 1200, 12, 10, 10
TOLERANCE = 1e-4


def one_cycle(optimizer, steps=STEPS):
    return OneCycleLR(optimizer, max_lr=8e-3, total_steps=steps, pct_start=0.3, div_factor=25,
                      final_div_factor=1e4, cycle_momentum=False)


def cosine(optimizer):
    return CosineAnnealingLR(optimizer, T_max=STEPS)


# name: (optimizer, its settings, schedule)
runs = {
    "sgd": (torch.optim.SGD, dict(lr=0.1, momentum=0.9, weight_decay=1e-3), None),
    "nesterov": (torch.optim.SGD,
                 dict(lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True), cosine),
    "adam": (torch.optim.Adam, dict(lr=2e-3, weight_decay=1e-2), None),
    "adamw": (torch.optim.AdamW, dict(lr=8e-3, weight_decay=0.1), one_cycle),
}

# name: (run that it must not be mistaken for, optimizer, settings, schedule, decay of biases)
mistakes = {
    "sgd without decay": ("sgd", torch.optim.SGD, dict(lr=0.1, momentum=0.9), None, 0),
    "sgd with decayed biases": ("sgd", *runs["sgd"], 1e-3),
    "nesterov as plain momentum": ("nesterov", torch.optim.SGD,
                                   dict(lr=0.1, momentum=0.9, weight_decay=1e-3), cosine, 0),
    "adam without decay": ("adam", torch.optim.Adam, dict(lr=2e-3), None, 0),
    "adam with decoupled decay": ("adam", torch.optim.AdamW, dict(lr=2e-3, weight_decay=1e-2),
                                  None, 0),
    "adam with epsilon 1e-7": ("adam", torch.optim.Adam,
                               dict(lr=2e-3, weight_decay=1e-2, eps=1e-7), None, 0),
    "adamw with decayed biases": ("adamw", *runs["adamw"], 0.1),
    "adamw with a cycle of a step more": ("adamw", *runs["adamw"][:2],
                                          lambda optimizer: one_cycle(optimizer, STEPS + 1), 0),
}


def make_data(random):
    """Each class lights its own third of the inner pixels; one label in twenty is wrong."""
    inner = [row * COLUMNS + column for row in range(1, ROWS - 1) for column in range(1, COLUMNS)]
    images = numpy.zeros((IMAGES, ROWS * COLUMNS), numpy.uint8)
    labels = random.integers(0, CLASSES, IMAGES).astype(numpy.uint8)
    for label in range(CLASSES):
        own = random.choice(inner, 48, replace=False)
        members = numpy.flatnonzero(labels == label)
        lit = random.random((members.size, own.size)) < 0.8
        images[numpy.ix_(members, own)] = lit * random.integers(1, 256, lit.shape)
    wrong = random.random(IMAGES) < 0.05
    labels[wrong] = random.integers(0, CLASSES, wrong.sum())
    order = numpy.stack([random.choice(IMAGES, BATCH, replace=False) for _ in range(STEPS)])
    return images, labels, order


def make_network(dtype):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(ROWS * COLUMNS, 70), nn.ReLU(), nn.Linear(70, 33), nn.ReLU(),
                            nn.Linear(33, CLASSES))
    return network.to(dtype)


def train(data, dtype, kind, settings, schedule, bias_decay=0):
    """The losses of all steps, and the parameters after them."""
    images, labels, order = data
    network = make_network(dtype)
    parameters = dict(network.named_parameters())
    biases = [p for name, p in parameters.items() if name.endswith("bias")]
    weights = [p for name, p in parameters.items() if name.endswith("weight")]
    optimizer = kind([dict(params=weights), dict(params=biases, weight_decay=bias_decay)],
                     **settings)
    scheduler = schedule(optimizer) if schedule else None
    losses = []
    for batch in order:
        x = torch.from_numpy(images[batch]).to(dtype) / 255
        loss = nn.functional.cross_entropy(network(x), torch.from_numpy(labels[batch]).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss.item())
    return numpy.array(losses), {name: p.detach().numpy() for name, p in parameters.items()}


def distance(run, other):
    """How far apart two runs are: losses relative, weights absolute."""
    losses = numpy.max(numpy.abs(run[0] / other[0] - 1))
    weights = max(numpy.max(numpy.abs(run[1][name] - other[1][name])) for name in run[1])
    return float(losses), float(weights)


def check(data, golden):
    for name, settings in runs.items():
        losses, weights = distance(golden[name], train(data, torch.float64, *settings))
        print(f"{name}: {golden[name][0][0]:.4f} to {golden[name][0][-1]:.4f}, "
              f"from float64: losses {losses:.1e}, weights {weights:.1e}")
        assert max(losses, weights) < TOLERANCE / 10, "rounding alone needs more tolerance"
    for name, (truth, *settings) in mistakes.items():
        losses, weights = distance(golden[truth], train(data, torch.float32, *settings))
        print(f"{name}: losses {losses:.1e}, weights {weights:.1e}")
        assert max(losses, weights) > 10 * TOLERANCE, "this mistake would hardly be seen"


def write_safetensors(path, tensors):
    """https://huggingface.co/docs/safetensors: the header's length, the header, the tensors."""
    header = {"__metadata__": {"torch": torch.__version__}}
    dtypes = {numpy.dtype(numpy.uint8): "U8", numpy.dtype(numpy.float32): "F32"}
    end = 0
    for name, values in tensors.items():
        header[name] = {"dtype": dtypes[values.dtype], "shape": values.shape,
                        "data_offsets": [end, end + values.nbytes]}
        end += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(values.tobytes() for values in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.set_num_threads(1)
    data = images, labels, order = make_data(numpy.random.default_rng(1))
    print(f"zeros: {numpy.mean(images == 0):.0%}")
    golden = {name: train(data, torch.float32, *settings) for name, settings in runs.items()}
    check(data, golden)
    initial = make_network(torch.float32).state_dict()
    tensors = {"initial." + name: values.numpy() for name, values in initial.items()}
    for name, (losses, parameters) in golden.items():
        tensors[name + ".loss"] = losses.astype(numpy.float32)
        tensors.update({f"{name}.{tensor}": values for tensor, values in parameters.items()})
    tensors["order"] = order.astype(numpy.float32)
    tensors["labels"] = labels
    tensors["images"] = images.reshape(IMAGES, ROWS, COLUMNS)
    write_safetensors(pathlib.Path(__file__).with_name("golden.safetensors"), tensors)


if __name__ == "__main__":
    main()

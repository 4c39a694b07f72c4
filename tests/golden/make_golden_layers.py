#!/usr/bin/env python3
"""Makes golden_layers.safetensors: image networks after 20 training steps with PyTorch.

    python3 tests/golden/make_golden_layers.py  # needs torch 2.13.0 (CPU) and numpy; takes a minute

The file is committed for test_golden.c; run this only to add a run. Images, labels and initial
parameters are hashes of their indices (`hashes`), which the test computes, too; so the file is small.
For each of `runs` below it has

    RUN.loss (20)       loss of each batch before its update; step t has images 24 t .. 24 t + 23
    RUN.evaluated (1)   loss of all images after the last step, in evaluation mode
    RUN.0.weight, ...   tensors after the last step, `sampled`: at most 600 elements each
    RUN.0.weight.norm   L2 norm of a sampled tensor (1)

As in make_golden.py, the same runs in float64 show the effect of rounding, and `mistakes` must be
detected: test_golden.c allows 1e-4 (losses and norms relative, elements absolute), and rounding must
stay below a fifth of that.
"""

import pathlib

import numpy
import torch
from torch import nn

from make_golden import TOLERANCE, write_safetensors

STEPS, BATCH, SIDE, CLASSES, SAMPLED = 20, 24, 28, 10, 600
IMAGES = STEPS * BATCH

LENET5 = ("conv2d:6x5/pad2,relu,maxpool2d:2,conv2d:16x5,relu,maxpool2d:2,flatten,"
          "dense:120,relu,dense:84,relu,dense:10")
CNN = ("conv2d:32x3,relu,conv2d:64x3,relu,maxpool2d:2,dropout:0,flatten,dense:128,relu,dropout:0,"
       "dense:10")
NORM = ("conv2d:12x3/pad1,batchnorm2d,relu,maxpool2d:2,conv2d:32x3/stride2/groups2,batchnorm2d,"
        "relu,avgpool2d:3/stride2/pad1,batchnorm2d,flatten,dense:10")
SGD = (torch.optim.SGD, dict(lr=0.02, momentum=0.9, weight_decay=1e-2))
ADAMW = (torch.optim.AdamW, dict(lr=1e-3, weight_decay=0.1))

# A bias before batchnorm2d has no gradient but rounding, of which Adam would make whole steps: NORM
# has sgd.
runs = {"lenet5.sgd": (LENET5, *SGD), "lenet5.adamw": (LENET5, *ADAMW),
        "cnn.adamw": (CNN, *ADAMW), "norm.sgd": (NORM, *SGD)}


def decay_all(network):
    return [dict(params=list(network.parameters()))]


def change(kind, **settings):
    """Networks whose modules of this kind are otherwise."""
    def changed(network):
        for module in network:
            if isinstance(module, kind):
                for name, value in settings.items():
                    setattr(module, name, value)
    return changed


class BiasedBatchNorm2d(nn.BatchNorm2d):
    """The running variance is the batch's own."""

    def forward(self, x):
        before = self.running_var.clone()
        out = super().forward(x)
        if self.training:
            n = x.numel() / x.shape[1]
            self.running_var = before * 0.9 + (self.running_var - before * 0.9) * (n - 1) / n
        return out


# name: (run that it must not be mistaken for, change of the network, parameter groups)
mistakes = {
    "averages without padding": ("norm.sgd", change(nn.AvgPool2d, count_include_pad=False), None),
    "epsilon 1e-3": ("norm.sgd", change(nn.BatchNorm2d, eps=1e-3), None),
    "momentum 0.01": ("norm.sgd", change(nn.BatchNorm2d, momentum=0.01), None),
    "biased variance": ("norm.sgd", change(nn.BatchNorm2d, __class__=BiasedBatchNorm2d), None),
    "decayed biases and scales": ("norm.sgd", None, decay_all),
    "lenet5 with decayed biases": ("lenet5.sgd", None, decay_all),
}


def hashed(x):
    """Wellons's 32-bit finalizer."""
    x = x ^ x >> 16
    x = x * numpy.uint32(0x7FEB352D)
    x = x ^ x >> 15
    x = x * numpy.uint32(0x846CA68B)
    return x ^ x >> 16


def hashes(stream, count):
    """`count` 32-bit hashes, which the test computes in the same way."""
    places = numpy.arange(count, dtype=numpy.uint32)
    return hashed(hashed(places) ^ numpy.uint32(stream))


def make_data():
    """Each class lights its own third of the pixels, in grays that differ from image to image."""
    labels = hashes(1, IMAGES) % CLASSES
    lit = hashes(2, CLASSES * SIDE * SIDE).reshape(CLASSES, -1) % 3 == 0
    grays = hashes(3, IMAGES * SIDE * SIDE).reshape(IMAGES, -1) >> 24
    images = numpy.where(lit[labels], grays, 0).astype(numpy.uint8)
    return images.reshape(IMAGES, 1, SIDE, SIDE), labels.astype(numpy.int64)


def first_value(name, tensor, stream):
    """He's weights, small biases, scales around 1; running statistics as they are."""
    if tensor.ndim == 0 or "running" in name:
        return tensor
    u = (hashes(stream, tensor.numel()) >> 8) / 2.0**23 - 1.0  # -1 .. 1
    if tensor.ndim > 1:
        u = u * numpy.sqrt(6.0 / (tensor.numel() // tensor.shape[0]))
    elif name.endswith("weight"):
        u = 1.0 + 0.5 * u
    else:
        u = 0.1 * u
    return torch.from_numpy(u.astype(numpy.float32)).reshape(tensor.shape)


def window_options(text):
    """("16x5", {"stride": 2}) of "16x5/stride2"."""
    size, *options = text.split("/")
    names = {"pad": "padding", "stride": "stride", "groups": "groups"}
    found = {}
    for option in options:
        name = option.rstrip("0123456789")
        found[names[name]] = int(option[len(name):])
    return size, found


def make_layer(name, argument, shape):
    if name == "conv2d":
        size, options = window_options(argument)
        channels, kernel = map(int, size.split("x"))
        return nn.Conv2d(shape[1], channels, kernel, **options)
    if name in ("maxpool2d", "avgpool2d"):
        size, options = window_options(argument)
        return (nn.MaxPool2d if name == "maxpool2d" else nn.AvgPool2d)(int(size), **options)
    if name == "dense":
        return nn.Linear(shape[1], int(argument))
    if name == "dropout":
        return nn.Dropout(float(argument))
    return {"relu": nn.ReLU, "flatten": nn.Flatten,
            "batchnorm2d": lambda: nn.BatchNorm2d(shape[1])}[name]()


def make_network(spec, dtype):
    layers, x = [], torch.zeros(2, 1, SIDE, SIDE)
    for text in spec.split(","):
        name, _, argument = text.partition(":")
        layers.append(make_layer(name, argument, x.shape))
        x = layers[-1].eval()(x)
    network = nn.Sequential(*layers).train()
    state = network.state_dict()
    network.load_state_dict({name: first_value(name, state[name], 100 + i)
                             for i, name in enumerate(state)})
    return network.to(dtype)


def groups_of(network):
    """Weights decay; biases, and the scales of batchnorm2d, do not."""
    parameters = list(network.parameters())
    return [dict(params=[p for p in parameters if p.ndim > 1]),
            dict(params=[p for p in parameters if p.ndim == 1], weight_decay=0.0)]


def train(data, dtype, spec, kind, settings, changed=None, groups=None):
    """What a run leaves, by name, in float64."""
    network = make_network(spec, dtype)
    if changed:
        changed(network)
    optimizer = kind((groups or groups_of)(network), **settings)
    images, labels = data
    x, y = torch.from_numpy(images).to(dtype) / 255, torch.from_numpy(labels)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    result = {"loss": numpy.array(losses)}
    with torch.no_grad():
        loss = nn.functional.cross_entropy(network.eval()(x), y)
    result["evaluated"] = numpy.array([loss.item()])
    for name, tensor in network.state_dict().items():
        values = tensor.double().numpy().reshape(-1)
        result[name] = values
        if values.size > SAMPLED:
            result[name + ".norm"] = numpy.array([numpy.sqrt(numpy.sum(values**2))])
            result[name] = values[::-(-values.size // SAMPLED)]
    return result


def distance(run, other):
    """The largest, in what the test compares."""
    relative = [name for name in run if name in ("loss", "evaluated") or name.endswith(".norm")]
    return max(float(numpy.max(numpy.abs(run[name] / other[name] - 1) if name in relative
                               else numpy.abs(run[name] - other[name]))) for name in run)


def check(data, golden):
    for name, settings in runs.items():
        apart = distance(golden[name], train(data, torch.float64, *settings))
        losses = golden[name]["loss"]
        print(f"{name}: {losses[0]:.4f} to {losses[-1]:.4f}, evaluated "
              f"{golden[name]['evaluated'][0]:.4f}; from float64: {apart:.1e}")
        assert apart < TOLERANCE / 5, "rounding alone needs more tolerance"
    for name, (truth, changed, groups) in mistakes.items():
        apart = distance(golden[truth], train(data, torch.float32, *runs[truth], changed, groups))
        print(f"{name}: {apart:.1e}")
        assert apart > 10 * TOLERANCE, "this mistake would hardly be seen"


def main():
    torch.set_num_threads(1)
    data = make_data()
    golden = {name: train(data, torch.float32, *settings) for name, settings in runs.items()}
    check(data, golden)
    write_safetensors(pathlib.Path(__file__).with_name("golden_layers.safetensors"),
                      {f"{name}.{part}": values.astype(numpy.float32)
                       for name, run in golden.items() for part, values in run.items()})


if __name__ == "__main__":
    main()

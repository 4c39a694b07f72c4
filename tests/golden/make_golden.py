#!/usr/bin/env python3
"""Makes golden.safetensors: small networks after training with PyTorch.

    python3 tests/golden/make_golden.py         # needs torch 2.13.0 (CPU) and numpy; takes a minute

The file is committed for test_golden.c, which trains what the file holds; run this only to add a
run. A run is a line of text: its images (count, channels, rows, columns), its network as mnist_blas
writes it, and the training options that are not 0. Images, labels and initial parameters are hashes
of their indices (`hashes`), which the test computes, too; so the file is small. For each of `runs`
it has

    metadata RUN        the text
    RUN.loss (steps)    loss of each batch before its update; batches are consecutive images
    RUN.evaluated (1)   loss of all images after the last step, in evaluation mode
    RUN.0.weight, ...   tensors after the last step, `sampled`: at most 600 elements each
    RUN.0.weight.norm   L2 norm of a sampled tensor (1)

Biases and the scales of batchnorm2d are never decayed. The runs use float32 on one thread. The same
runs in float64 show the effect of rounding: test_golden.c allows 1e-4 (losses and norms relative,
elements absolute), and this script fails if float32 differs from float64 by more than a fifth of
that, or if one of `mistakes` differs by less than ten times that.
"""

import json
import math
import pathlib
import struct

import numpy
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

CLASSES, SAMPLED, TOLERANCE = 10, 600, 1e-4

# Widths of units and images that are multiples of neither 16 nor 64; two blocks of rows a batch;
# some pixels are zero in all images, so that only decay and moments change their weights.
DENSE = ("1200x1x12x10 dense:70,relu,dense:33,relu,dense:10 epochs=4 batch-size=96 "
         "label-smoothing=0.1 ")
GELU = DENSE.replace("relu", "gelu")
LENET5 = ("480x1x28x28 conv2d:6x5/pad2,relu,maxpool2d:2,conv2d:16x5,relu,maxpool2d:2,flatten,"
          "dense:120,relu,dense:84,relu,dense:10 epochs=1 batch-size=24 ")
CNN = ("480x1x28x28 conv2d:32x3,relu,conv2d:64x3,relu,maxpool2d:2,dropout:0,flatten,dense:128,relu,"
       "dropout:0,dense:10 epochs=1 batch-size=24 ")
NORM = ("480x1x28x28 conv2d:12x3/pad1,batchnorm2d,relu,maxpool2d:2,conv2d:32x3/stride2/groups2,"
        "batchnorm2d,relu,avgpool2d:3/stride2/pad1,batchnorm2d,flatten,dense:10"
        " epochs=1 batch-size=24 ")
# In color: a convolution in NCHW, one in NHWC and a dense layer are the first to see the channels.
COLORS = "480x3x14x12 {},relu,maxpool2d:2,flatten,dense:10 epochs=1 batch-size=24 "
COLOR_DENSE = "480x3x14x12 dense:33,relu,dense:10 epochs=1 batch-size=24 "
SGD = "optimizer=sgd momentum=0.9 "
ADAM = "optimizer=adam lr=0.008 weight-decay=0.01"
ADAMW = "optimizer=adamw lr=0.001 weight-decay=0.1"

# A bias before batchnorm2d has no gradient but rounding, of which Adam would make whole steps: NORM
# has sgd.
runs = {
    "sgd": DENSE + SGD + "lr=0.1 weight-decay=0.001",
    "nesterov": DENSE + SGD + "nesterov=on lr=0.1 weight-decay=0.001 schedule=cosine",
    "adam": DENSE + ADAM,
    "adamw": DENSE + "optimizer=adamw lr=0.008 weight-decay=0.1 schedule=onecycle",
    "gelu.adam": GELU + ADAM,
    "lenet5.sgd": LENET5 + SGD + "lr=0.02 weight-decay=0.01",
    "lenet5.adamw": LENET5 + ADAMW,
    "cnn.adamw": CNN + ADAMW,
    "norm.sgd": NORM + SGD + "lr=0.02 weight-decay=0.01",
    "color_nchw.sgd": COLORS.format("conv2d:8x3") + SGD + "lr=0.02 weight-decay=0.01",
    "color_nhwc.sgd": COLORS.format("conv2d:32x3/pad1") + SGD + "lr=0.02 weight-decay=0.01",
    "color_dense.adam": COLOR_DENSE + ADAM,
}


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


# name: (run that it must not be mistaken for, what `train` does otherwise)
mistakes = {
    "sgd without decay": ("sgd", dict(options={"weight-decay": "0"})),
    "sgd with decayed biases": ("sgd", dict(decay_all=True)),
    "nesterov as plain momentum": ("nesterov", dict(options={"nesterov": "off"})),
    "adam without decay": ("adam", dict(options={"weight-decay": "0"})),
    "adam with decoupled decay": ("adam", dict(options={"optimizer": "adamw"})),
    "adam with epsilon 1e-7": ("adam", dict(options={"epsilon": "1e-7"})),
    "adamw without label smoothing": ("adamw", dict(options={"label-smoothing": "0"})),
    "adamw with decayed biases": ("adamw", dict(decay_all=True)),
    "adamw with a cycle of a step more": ("adamw", dict(more_steps=1)),
    "gelu by tanh": ("gelu.adam", dict(changed=change(nn.GELU, approximate="tanh"))),
    "gelu as relu": ("gelu.adam", dict(changed=change(nn.GELU, forward=nn.functional.relu))),
    "averages without padding": ("norm.sgd",
                                 dict(changed=change(nn.AvgPool2d, count_include_pad=False))),
    "norm with epsilon 1e-3": ("norm.sgd", dict(changed=change(nn.BatchNorm2d, eps=1e-3))),
    "momentum 0.01": ("norm.sgd", dict(changed=change(nn.BatchNorm2d, momentum=0.01))),
    "biased variance": ("norm.sgd",
                        dict(changed=change(nn.BatchNorm2d, __class__=BiasedBatchNorm2d))),
    "decayed biases and scales": ("norm.sgd", dict(decay_all=True)),
    "lenet5 with decayed biases": ("lenet5.sgd", dict(decay_all=True)),
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


def make_data(count, *shape):
    """Each class lights its own third of the values, in strengths that differ from image to image."""
    size = math.prod(shape)
    labels = hashes(1, count) % CLASSES
    lit = hashes(2, CLASSES * size).reshape(CLASSES, -1) % 3 == 0
    values = hashes(3, count * size).reshape(count, -1) >> 24
    images = numpy.where(lit[labels], values, 0).astype(numpy.uint8)
    return (torch.from_numpy(images.reshape(count, *shape)),
            torch.from_numpy(labels.astype(numpy.int64)))


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
    return {"relu": nn.ReLU, "gelu": nn.GELU, "flatten": nn.Flatten,
            "batchnorm2d": lambda: nn.BatchNorm2d(shape[1])}[name]()


def make_network(spec, x, dtype):
    layers = []
    for text in spec.split(","):
        name, _, argument = text.partition(":")
        layers.append(make_layer(name, argument, x.shape))
        x = layers[-1].eval()(x)
    network = nn.Sequential(*layers).train()
    state = network.state_dict()
    network.load_state_dict({name: first_value(name, state[name], 100 + i)
                             for i, name in enumerate(state)})
    return network.to(dtype)


def make_optimizer(network, options, decay_all):
    """Weights decay; biases, and the scales of batchnorm2d, do not."""
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    names = {"lr": "lr", "momentum": "momentum", "weight-decay": "weight_decay", "epsilon": "eps"}
    settings = {names[name]: float(options[name]) for name in names if name in options}
    if options.get("nesterov") == "on":
        settings["nesterov"] = True
    parameters = list(network.parameters())
    others = {} if decay_all else dict(weight_decay=0.0)
    groups = [dict(params=[p for p in parameters if p.ndim > 1]),
              dict(params=[p for p in parameters if p.ndim == 1], **others)]
    return kind[options["optimizer"]](groups, **settings)


def make_schedule(optimizer, options, steps):
    name = options.get("schedule", "constant")
    if name == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    if name == "onecycle":
        return OneCycleLR(optimizer, max_lr=float(options["lr"]), total_steps=steps, pct_start=0.3,
                          div_factor=25, final_div_factor=1e4, cycle_momentum=False)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)


def train(text, dtype, options=None, changed=None, decay_all=False, more_steps=0):
    """What a run leaves, by name, in float64."""
    sizes, spec, *words = text.split()
    options = dict(word.split("=") for word in words) | (options or {})
    images, y = make_data(*map(int, sizes.split("x")))
    x, batch_size = images.to(dtype) / 255, int(options["batch-size"])
    smoothing = float(options.get("label-smoothing", 0))
    steps = len(x) * int(options["epochs"]) // batch_size
    if spec.startswith("dense"):
        x = x.flatten(1)
    network = make_network(spec, x[:2].float(), dtype)
    if changed:
        changed(network)
    optimizer = make_optimizer(network, options, decay_all)
    schedule = make_schedule(optimizer, options, steps + more_steps)
    losses = []
    for batch in numpy.arange(steps * batch_size).reshape(steps, -1) % len(x):
        loss = nn.functional.cross_entropy(network(x[batch]), y[batch], label_smoothing=smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
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


def check(golden):
    for name, text in runs.items():
        apart = distance(golden[name], train(text, torch.float64))
        losses = golden[name]["loss"]
        print(f"{name}: {losses[0]:.4f} to {losses[-1]:.4f}, evaluated "
              f"{golden[name]['evaluated'][0]:.4f}; from float64: {apart:.1e}")
        assert apart < TOLERANCE / 5, "rounding alone needs more tolerance"
    for name, (truth, otherwise) in mistakes.items():
        apart = distance(golden[truth], train(runs[truth], torch.float32, **otherwise))
        print(f"{name}: {apart:.1e}")
        assert apart > 10 * TOLERANCE, "this mistake would hardly be seen"


def write_safetensors(path, metadata, tensors):
    """https://huggingface.co/docs/safetensors: the header's length, the header, the tensors."""
    header = {"__metadata__": metadata}
    end = 0
    for name, values in tensors.items():
        header[name] = {"dtype": "F32", "shape": values.shape,
                        "data_offsets": [end, end + values.nbytes]}
        end += values.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(values.tobytes() for values in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    torch.set_num_threads(1)
    golden = {name: train(text, torch.float32) for name, text in runs.items()}
    check(golden)
    write_safetensors(pathlib.Path(__file__).with_name("golden.safetensors"),
                      {"torch": torch.__version__} | runs,
                      {f"{name}.{part}": values.astype(numpy.float32)
                       for name, run in golden.items() for part, values in run.items()})


if __name__ == "__main__":
    main()

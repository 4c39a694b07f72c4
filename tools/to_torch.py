#!/usr/bin/env python3
"""A model of mnist_blas as a PyTorch module: an example of how its files are read.

    python3 tools/to_torch.py mnist_blas_out/model.safetensors          # prints the module

    import to_torch
    model = to_torch.load("mnist_blas_out/model.safetensors")
    logits = model(images.float().unsqueeze(1) / 255)            # (batch, channels, rows, columns)
    model.class_names[logits[0].argmax()]                               # if the classes have names

The file needs no conversion: its tensors have the names of an nn.Sequential whose modules are the
layers of the network, and its metadata say which these are. What is built here can be trained on,
and saved by safetensors.torch.save_file(model.state_dict(), FILE) it is a file that mnist_blas
reads with --network SPEC --input 3x32x32; a model of images on a light ground needs
metadata={"ground": "light"} in that call, one of standardized images the file's "input", "mean" and
"std", and one of classes with names {"class_names": json.dumps(names)}. Needs PyTorch and
safetensors.
"""
import json
import re
import sys

import safetensors
import safetensors.torch
import torch
from torch import nn


def dense(argument, weight):
    return nn.Linear(weight.shape[1], weight.shape[0])


def window(argument):
    """The options of a convolution or a pooling, "3/stride2/pad1": its kernel and the others."""
    kernel, *options = argument.split("/")
    names = {"stride": "stride", "pad": "padding", "groups": "groups"}
    found = (re.fullmatch("([a-z]+)([0-9]+)", option).groups() for option in options)
    return int(kernel), {names[name]: int(number) for name, number in found}


def conv2d(argument, weight):
    kernel, options = window(argument.partition("x")[2])
    channels = weight.shape[1] * options.get("groups", 1)
    return nn.Conv2d(channels, weight.shape[0], kernel, **options)


def maxpool2d(argument, weight):
    kernel, options = window(argument)
    return nn.MaxPool2d(kernel, **options)


def avgpool2d(argument, weight):
    kernel, options = window(argument)
    return nn.AvgPool2d(kernel, **options)


# How a layer of the spec, "NAME" or "NAME:ARGUMENT", becomes a module; `weight` is the layer's own in
# the file, None where it has none.
LAYERS = {
    "dense": dense,
    "conv2d": conv2d,
    "maxpool2d": maxpool2d,
    "avgpool2d": avgpool2d,
    "globalavgpool": lambda argument, weight: nn.AdaptiveAvgPool2d(1),
    "batchnorm2d": lambda argument, weight: nn.BatchNorm2d(weight.shape[0]),
    "dropout": lambda argument, weight: nn.Dropout(float(argument)),
    "flatten": lambda argument, weight: nn.Flatten(),
    "relu": lambda argument, weight: nn.ReLU(),
    "gelu": lambda argument, weight: nn.GELU(),
}


class Invert(nn.Module):
    """Images on a light ground to those on a dark ground that the network was trained on."""

    def forward(self, images):
        return 1 - images


class Standardize(nn.Module):
    """(images - mean) / std by channel, as torchvision.transforms.Normalize."""

    def __init__(self, mean, std):
        super().__init__()
        # Not in the state, which is that of the layers.
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(-1, 1, 1), persistent=False)

    def forward(self, images):
        return (images - self.mean) / self.std


def channels(text):
    """The numbers of a text such as "0.49,0.48,0.45"."""
    return [float(number) for number in text.split(",")]


def build(spec, state, metadata=None):
    """The nn.Sequential of a spec such as "dense:128,relu,dense:10" for tensors of these shapes, and
    of the metadata that say how images become its input."""
    model, image, metadata = nn.Sequential(), True, metadata or {}
    if metadata.get("ground") == "light":
        model.add_module("invert", Invert())
    if "mean" in metadata:
        model.add_module("standardize", Standardize(channels(metadata["mean"]), channels(metadata["std"])))
    for position, layer in enumerate(spec.split(",")):
        name, _, argument = layer.partition(":")
        if name == "dense" and image:
            # A dense layer takes an image as the row of its numbers. A name without a number leaves
            # those of the layers as they are in the file.
            model.add_module("flatten", nn.Flatten())
        image = image and name not in ("dense", "flatten")
        model.add_module(str(position), LAYERS[name](argument, state.get(f"{position}.weight")))
    return model


def load(path):
    """The model in a file, ready to classify images of shape (batch, channels, rows, columns), 0 to 1. Its
    class_names are a list of str, None if the classes have only numbers."""
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    state = safetensors.torch.load_file(path)
    model = build(metadata["network"], state, metadata)
    model.load_state_dict(state, strict=True)
    names = metadata.get("class_names")
    model.class_names = json.loads(names) if names is not None else None
    return model.eval()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: to_torch.py MODEL")
    print(load(sys.argv[1]))

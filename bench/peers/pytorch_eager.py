"""PyTorch's eager loop: data in memory, no DataLoader, fused optimizer."""

import re

from peer import read_split, serve

EVALUATED_AT_ONCE = 1000  # a convolution's output for all test images at once would need gigabytes


def window(nn_class, argument, *channels):
    """A convolution or a pooling of "KERNEL", then options such as "/pad1"."""
    kernel, *options = argument.split("/")
    names = {"stride": "stride", "pad": "padding"}
    found = (re.fullmatch("([a-z]+)([0-9]+)", option).groups() for option in options)
    return nn_class(*channels, int(kernel), **{names[name]: int(number) for name, number in found})


def conv2d(nn, argument):
    channels, _, rest = argument.partition("x")
    return window(nn.LazyConv2d, rest, int(channels))


# A layer of mnist_blas as a module; the number of its inputs is found by the first images.
LAYERS = {
    "dense": lambda nn, units: nn.LazyLinear(int(units)),
    "conv2d": conv2d,
    "maxpool2d": lambda nn, argument: window(nn.MaxPool2d, argument),
    "globalavgpool": lambda nn, _: nn.AdaptiveAvgPool2d(1),
    "batchnorm2d": lambda nn, _: nn.LazyBatchNorm2d(),
    "dropout": lambda nn, rate: nn.Dropout(float(rate)),
    "flatten": lambda nn, _: nn.Flatten(),
    "relu": lambda nn, _: nn.ReLU(),
    "gelu": lambda nn, _: nn.GELU(),
}


def build(torch, spec, images):
    """The network of a spec such as "dense:128,relu,dense:10", for these images."""
    layers = [layer.partition(":") for layer in spec.split(",")]
    first = [torch.nn.Flatten()] if layers[0][0] == "dense" else []
    network = torch.nn.Sequential(*first, *(LAYERS[name](torch.nn, argument) for name, _, argument in layers))
    with torch.no_grad():
        network(images)
    return network


class PytorchEager:
    networks = {"mlp": ["contiguous"], **{name: ["contiguous", "channels_last"] for name in ("lenet5", "cnn", "cifar")}}
    fused = True

    def __init__(self):
        import torch
        self.torch = torch
        self.version = "PyTorch " + torch.__version__
        torch.set_flush_denormal(True)  # as mnist_blas does; inherited by new threads

    def open(self, *, data, spec, layout, threads, batch_size, optimizer, lr, momentum, weight_decay):
        torch = self.torch
        torch.set_num_threads(threads)
        self.layout = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}[layout]
        self.images, self.labels = self.tensors(data, "train")
        self.test_images, self.test_labels = self.tensors(data, "t10k")
        self.samples, self.batch_size = len(self.labels), batch_size
        self.network = build(torch, spec, self.images[:2]).to(memory_format=self.layout)
        self.make_optimizer = {
            "adam": lambda p: torch.optim.Adam(p, lr, weight_decay=weight_decay, fused=self.fused),
            "adamw": lambda p: torch.optim.AdamW(p, lr, weight_decay=weight_decay, fused=self.fused),
            "sgd": lambda p: torch.optim.SGD(p, lr, momentum, weight_decay=weight_decay, fused=self.fused),
        }[optimizer]

    def tensors(self, data, split):
        """Images (count, channels, rows, columns) in the layout, labels (count)."""
        images, labels = map(self.torch.from_numpy, read_split(data, split))
        return images.to(memory_format=self.layout), labels

    def reset(self, seed):
        """Draws initial weights as mnist_blas does, in place, so that compiled code stays valid."""
        nn = self.torch.nn
        self.torch.manual_seed(seed)
        for layer in self.network:
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        self.network.train()
        self.optimizer = self.make_optimizer(self.network.parameters())

    def loss(self, images, labels):
        return self.torch.nn.functional.cross_entropy(self.network(images), labels)

    def backward(self, batch):
        self.loss(self.images.index_select(0, batch), self.labels.index_select(0, batch)).backward()

    def train_epoch(self):
        optimizer = self.optimizer
        for batch in self.torch.randperm(self.samples).split(self.batch_size):
            optimizer.zero_grad(set_to_none=True)
            self.backward(batch)
            optimizer.step()

    def evaluate(self):
        self.network.eval()
        with self.torch.no_grad():
            right = sum((self.network(images).argmax(1) == labels).sum().item() for images, labels in zip(
                self.test_images.split(EVALUATED_AT_ONCE), self.test_labels.split(EVALUATED_AT_ONCE)))
        return right / len(self.test_labels)


if __name__ == "__main__":
    serve(PytorchEager)

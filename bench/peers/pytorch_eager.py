"""PyTorch's eager loop: data in memory, no DataLoader, fused optimizer."""

from peer import SIDE, SIZES, read_split, serve

EVALUATED_AT_ONCE = 1000  # a convolution's output for all test images at once would need gigabytes


def layers(nn, network):
    """The layers of mnist_blas's network `network`, for images (rows, 1, side, side)."""
    return {
        "mlp": lambda: [
            nn.Flatten(), nn.Linear(SIZES[0], SIZES[1]), nn.ReLU(), nn.Linear(SIZES[1], SIZES[2]), nn.ReLU(),
            nn.Linear(SIZES[2], SIZES[3])],
        "lenet5": lambda: [
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, 10)],
        "cnn": lambda: [
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
            nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)],
    }[network]()


class PytorchEager:
    networks = {"mlp": ["contiguous"], "lenet5": ["contiguous", "channels_last"],
                "cnn": ["contiguous", "channels_last"]}
    fused = True

    def __init__(self):
        import torch
        self.torch = torch
        self.version = "PyTorch " + torch.__version__
        torch.set_flush_denormal(True)  # as mnist_blas does; inherited by new threads

    def open(self, *, data, network, layout, threads, batch_size, optimizer, lr, momentum, weight_decay):
        torch = self.torch
        torch.set_num_threads(threads)
        self.layout = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}[layout]
        self.images, self.labels = self.tensors(data, "train")
        self.test_images, self.test_labels = self.tensors(data, "t10k")
        self.samples, self.batch_size = len(self.labels), batch_size
        self.network = torch.nn.Sequential(*layers(torch.nn, network)).to(memory_format=self.layout)
        self.make_optimizer = {
            "adam": lambda p: torch.optim.Adam(p, lr, weight_decay=weight_decay, fused=self.fused),
            "adamw": lambda p: torch.optim.AdamW(p, lr, weight_decay=weight_decay, fused=self.fused),
            "sgd": lambda p: torch.optim.SGD(p, lr, momentum, weight_decay=weight_decay, fused=self.fused),
        }[optimizer]

    def tensors(self, data, split):
        """Images (count, 1, side, side) in the layout, labels (count)."""
        images, labels = map(self.torch.from_numpy, read_split(data, split))
        return images.view(-1, 1, SIDE, SIDE).to(memory_format=self.layout), labels

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

"""PyTorch, the usual eager loop at its best: data in memory, no DataLoader, fused optimizer."""

from peer import SIZES, read_split, serve


class PytorchEager:
    fused = True

    def __init__(self):
        import torch
        self.torch = torch
        self.version = "PyTorch " + torch.__version__
        torch.set_flush_denormal(True)  # as mnist_blas does; the threads to come inherit it

    def open(self, *, data, threads, batch_size, optimizer, lr, momentum, weight_decay):
        torch = self.torch
        torch.set_num_threads(threads)
        self.images, self.labels = map(torch.from_numpy, read_split(data, "train"))
        self.test_images, self.test_labels = map(torch.from_numpy, read_split(data, "t10k"))
        self.samples, self.batch_size = len(self.labels), batch_size
        self.make_optimizer = {
            "adam": lambda p: torch.optim.Adam(p, lr, weight_decay=weight_decay, fused=self.fused),
            "adamw": lambda p: torch.optim.AdamW(p, lr, weight_decay=weight_decay, fused=self.fused),
            "sgd": lambda p: torch.optim.SGD(p, lr, momentum, weight_decay=weight_decay, fused=self.fused),
        }[optimizer]

    def reset(self, seed):
        nn = self.torch.nn
        self.torch.manual_seed(seed)
        self.network = nn.Sequential(nn.Linear(SIZES[0], SIZES[1]), nn.ReLU(),
                                     nn.Linear(SIZES[1], SIZES[2]), nn.ReLU(),
                                     nn.Linear(SIZES[2], SIZES[3]))
        for layer in self.network[::2]:  # first weights drawn as mnist_blas draws them
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
        self.optimizer = self.make_optimizer(self.network.parameters())

    def loss(self, images, labels):
        return self.torch.nn.functional.cross_entropy(self.network(images), labels)

    def train_epoch(self):
        torch, optimizer = self.torch, self.optimizer
        for batch in torch.randperm(self.samples).split(self.batch_size):
            images = self.images.index_select(0, batch)
            labels = self.labels.index_select(0, batch)
            optimizer.zero_grad(set_to_none=True)
            self.loss(images, labels).backward()
            optimizer.step()

    def evaluate(self):
        with self.torch.no_grad():
            right = self.network(self.test_images).argmax(1) == self.test_labels
        return right.double().mean().item()


if __name__ == "__main__":
    serve(PytorchEager)

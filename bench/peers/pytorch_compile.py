"""PyTorch with torch.compile: forward and loss compiled, backward with them; the rest as in the eager
loop. Compiling happens in the epoch that is not timed."""

from peer import serve
from pytorch_eager import PytorchEager


class PytorchCompile(PytorchEager):
    def reset(self, seed):
        super().reset(seed)
        network, cross_entropy = self.network, self.torch.nn.functional.cross_entropy
        self.loss_of = self.torch.compile(lambda images, labels: cross_entropy(network(images), labels),
                                          dynamic=False)

    def loss(self, images, labels):
        return self.loss_of(images, labels)


if __name__ == "__main__":
    serve(PytorchCompile)

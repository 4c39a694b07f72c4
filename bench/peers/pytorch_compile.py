"""PyTorch with torch.compile: forward pass, loss and backward pass are compiled, the rest is the eager loop.
A process compiles once, in open()."""

import os

from peer import find_compiler, serve
from pytorch_eager import PytorchEager


class PytorchCompile(PytorchEager):
    def open(self, **settings):
        os.environ["CXX"] = find_compiler()
        super().open(**settings)
        network, cross_entropy = self.network, self.torch.nn.functional.cross_entropy
        self.loss = self.torch.compile(lambda images, labels: cross_entropy(network(images), labels),
                                       dynamic=False)
        try:
            for rows in filter(None, {min(self.batch_size, self.samples), self.samples % self.batch_size}):
                self.backward(self.torch.arange(rows))
        except Exception as error:  # needs Python's headers, too
            reason = " ".join(str(error).split()) or type(error).__name__
            raise NotImplementedError(f"torch.compile does not work here: {reason}") from error


if __name__ == "__main__":
    serve(PytorchCompile)

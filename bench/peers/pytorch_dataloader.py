"""PyTorch as tutorials have it: a Dataset that turns one image at a time into floats, a DataLoader
that shuffles and stacks them, and the optimizer as it is by default."""

from peer import read_split, serve
from pytorch_eager import PytorchEager


class Images:
    """Like torchvision's MNIST with ToTensor, but without its detour over PIL."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index].float() / 255, self.labels[index]


class PytorchDataLoader(PytorchEager):
    fused = None

    def open(self, *, data, **settings):
        super().open(data=data, **settings)
        images, labels = read_split(data, "train")
        images = self.torch.from_numpy((images * 255).round().astype("uint8"))
        self.loader = self.torch.utils.data.DataLoader(
            Images(images, [int(label) for label in labels]), batch_size=self.batch_size, shuffle=True)

    def train_epoch(self):
        cross_entropy = self.torch.nn.CrossEntropyLoss()
        for images, labels in self.loader:
            self.optimizer.zero_grad()
            loss = cross_entropy(self.network(images), labels)
            loss.backward()
            self.optimizer.step()


if __name__ == "__main__":
    serve(PytorchDataLoader)

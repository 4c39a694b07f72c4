"""PyTorch as in tutorials: torchvision's MNIST with ToTensor, a shuffling DataLoader, the default
optimizer."""

from peer import read_idx, serve
from pytorch_eager import PytorchEager


class MNIST:
    """Converts one image at a time as `torchvision.datasets.MNIST(transform=ToTensor())` does: a slice of
    the tensor of all images to an array, a PIL image, an array, and a channels-first float tensor in
    0 .. 1."""

    def __init__(self, torch, data):
        import numpy
        import PIL.Image
        self.torch, self.numpy, self.pil = torch, numpy, PIL.Image
        self.images = torch.from_numpy(read_idx(data, "train-images-idx3-ubyte").copy())
        self.labels = torch.from_numpy(read_idx(data, "train-labels-idx1-ubyte").astype("int64"))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image, label = self.images[index], int(self.labels[index])
        return self.to_tensor(self.pil.fromarray(image.numpy(), mode="L")), label

    def to_tensor(self, picture):
        image = self.torch.from_numpy(self.numpy.array(picture, self.numpy.uint8, copy=True))
        image = image.view(picture.size[1], picture.size[0], len(picture.getbands()))
        image = image.permute((2, 0, 1)).contiguous()
        return image.to(dtype=self.torch.get_default_dtype()).div(255)


class PytorchDataLoader(PytorchEager):
    networks = {name: ["contiguous"] for name in PytorchEager.networks if name != "cifar"}
    fused = None

    def open(self, *, data, **settings):
        super().open(data=data, **settings)
        self.loader = self.torch.utils.data.DataLoader(MNIST(self.torch, data), batch_size=self.batch_size,
                                                       shuffle=True)

    def train_epoch(self):
        cross_entropy = self.torch.nn.CrossEntropyLoss()
        for images, labels in self.loader:
            loss = cross_entropy(self.network(images), labels)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()


if __name__ == "__main__":
    serve(PytorchDataLoader)

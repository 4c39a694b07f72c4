"""Models give the same results in PyTorch, in both directions."""
import json
import os
import subprocess
import sys

import numpy
import safetensors.torch
import torch

import forms
import models
import to_torch


def logits_of(module, images):
    with torch.no_grad():
        return module(torch.from_numpy(models.floats(images))).numpy()


class Forms(forms.FormTest):
    """Images in color, in gray and on a light ground, standardized or not."""

    @forms.each_form
    def test_form(self, form):
        """As in the files; with the metadata that to_torch.py names a state_dict comes back."""
        torch.set_num_threads(1)
        path = self.train_form(form)
        module = to_torch.load(path)
        theirs, ours = logits_of(module, self.network_images), self.predict(path, self.images)[0]
        self.assert_same_logits(theirs, ours, forms.TESTED)
        self.assert_learned(path, theirs)
        self.assertEqual(forms.NAMES, module.class_names)
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        state, told = self.path("state.safetensors"), ("ground", "input", "mean", "std")
        safetensors.torch.save_file(module.state_dict(), state, {key: metadata[key] for key in told if key in metadata})
        again = self.predict(state, self.images, "--network", forms.NETWORK, "--input", metadata["input"])[0]
        self.assertTrue(numpy.array_equal(ours, again))


class ThereAndBack(models.ModelTest):
    COUNT = 1000

    def setUp(self):
        super().setUp()
        torch.set_num_threads(1)
        torch.manual_seed(7)
        self.images = self.images[:self.COUNT]

    @models.each_network
    def test_network(self, spec):
        path = self.train_network(spec)
        self.assert_same(path, to_torch.load(path))

    def test_temperature(self):
        """It is in the parameters: PyTorch finds no better one for the validation images."""
        path = self.train_network("mlp", "--validation", "99%", "--batch-size", 10, "--temperature")
        self.assert_same(path, to_torch.load(path))
        with safetensors.safe_open(path, framework="pt") as file:
            self.assertGreater(abs(float(file.metadata()["temperature"]) - 1), 0.2)
        images, labels = (models.read_idx(self.data, name)
                          for name in (models.support.TRAIN_IMAGES, models.support.TRAIN_LABELS))
        logits, labels = logits_of(to_torch.load(path), images), torch.from_numpy(labels.astype(int))
        scales = numpy.exp(numpy.linspace(-1, 1, 201))
        losses = [float(torch.nn.functional.cross_entropy(torch.from_numpy(logits * scale), labels)) for scale in scales]
        self.assertAlmostEqual(1, scales[numpy.argmin(losses)], delta=0.05)

    def test_light_ground(self):
        """The module takes images as they are in the files; its state_dict goes back."""
        self.invert()
        spec = "conv2d:8x3/pad1,relu,flatten,dense:10"
        path = self.train_network(spec)
        module = to_torch.load(path)
        self.assert_same(path, module)
        state = self.path("state.safetensors")
        safetensors.torch.save_file(module.state_dict(), state, {"ground": "light"})
        self.assert_same(state, module, "--network", spec)
        labels = models.read_idx(self.data, models.support.TEST_LABELS)
        right = self.assert_evaluated(self.logits(module), labels, self.data, path)
        self.assertGreater(right, 0.8 * len(labels))

    def logits(self, module):
        return logits_of(module, self.images)

    def assert_same(self, path, module, *arguments):
        self.assert_same_logits(self.logits(module), self.predict(path, self.images, *arguments)[0], self.COUNT)

    def test_back(self):
        """A state_dict of PyTorch, with --network."""
        module = torch.nn.Sequential(torch.nn.Linear(784, 50), torch.nn.ReLU(),
                                     torch.nn.Linear(50, 10))
        state = self.path("state.safetensors")
        safetensors.torch.save_file(module.state_dict(), state)
        spec = ["--network", "dense:50,relu,dense:10"]
        whole = torch.nn.Sequential(torch.nn.Flatten(), module)
        self.assert_same(state, whole.eval(), *spec)
        labels = models.read_idx(self.data, models.support.TEST_LABELS)
        self.assert_evaluated(self.logits(whole), labels, self.data, *spec, state)

    def test_back_with_images(self):
        """A module with convolutions and running statistics that have changed."""
        module = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.ReLU(),
            torch.nn.MaxPool2d(2), torch.nn.Conv2d(8, 12, 3, stride=2, groups=2),
            torch.nn.BatchNorm2d(12), torch.nn.AvgPool2d(2), torch.nn.Dropout(0.5),
            torch.nn.Flatten(), torch.nn.Linear(108, 10))
        for count in (50, 100, 150):
            module(torch.from_numpy(self.images[:count, None]).float() / 255)
        state = self.path("state.safetensors")
        safetensors.torch.save_file(module.eval().state_dict(), state)
        spec = ("conv2d:8x3/pad1,batchnorm2d,relu,maxpool2d:2,conv2d:12x3/stride2/groups2,batchnorm2d,"
                "avgpool2d:2,dropout:0.5,flatten,dense:10")
        self.assert_same(state, module, "--network", spec)
        self.assertEqual(3, module.state_dict()["1.num_batches_tracked"])

    @models.support.cases({"": (0.0,), "and_smoothing": (0.1,)})
    def test_class_weights(self, smoothing):
        """An epoch of one step is a step of PyTorch's with CrossEntropyLoss(weight=...)."""
        support = models.support
        for name, labels_name in ((support.TEST_IMAGES, support.TEST_LABELS),
                                  (support.TRAIN_IMAGES, support.TRAIN_LABELS)):
            labels, images = models.read_idx(self.data, labels_name), models.read_idx(self.data, name)
            chosen = (labels != 9) & ((labels < 5) | (numpy.arange(len(labels)) % 7 == 0))
            images, labels = images[chosen], labels[chosen]
            models.write_idx(os.path.join(self.data, name), images)
            models.write_idx(os.path.join(self.data, labels_name), labels)
        rate = 0.5
        for epochs in (1, 2):
            self.train(self.data, "--network", "dense:30,relu,dense:9", "--epochs", epochs, "--batch-size",
                       len(labels), "--class-weights", "balanced", "--label-smoothing", smoothing,
                       "--optimizer", "sgd", "--momentum", 0, "--weight-decay", 0, "--lr", rate,
                       "--schedule", "constant", out=f"run{epochs}")
        module = to_torch.load(self.path("run1", "model.safetensors")).train()
        weights = len(labels) / (9 * numpy.bincount(labels))
        criterion = torch.nn.CrossEntropyLoss(weight=torch.from_numpy(weights).float(),
                                              label_smoothing=smoothing)
        optimizer = torch.optim.SGD(module.parameters(), lr=rate)
        loss = criterion(module(torch.from_numpy(images[:, None]).float() / 255),
                         torch.from_numpy(labels.astype(numpy.int64)))
        loss.backward()
        optimizer.step()
        ours = to_torch.load(self.path("run2", "model.safetensors"))
        for theirs, parameter in zip(module.parameters(), ours.parameters()):
            self.assert_close(theirs.detach().numpy(), parameter.detach().numpy(), 1e-5)
        with open(self.path("run2", "metrics.jsonl"), encoding="utf-8") as lines:
            self.assertAlmostEqual(loss.item(), json.loads(lines.readlines()[1])["train_loss"], 5)

    def test_example_prints_the_module(self):
        path = self.train_network("conv2d:4x3/stride2/pad1,relu,flatten,dense:10")
        script = os.path.abspath(to_torch.__file__)
        printed = subprocess.run([sys.executable, script, path], capture_output=True, text=True,
                                 check=True).stdout
        self.assertIn("Conv2d(1, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))", printed)
        self.assertIn("Linear(in_features=784, out_features=10", printed)

    def test_class_names(self):
        """A list of the module; as metadata of a state_dict they come back."""
        self.assertIsNone(to_torch.load(self.train_network("dense:10")).class_names)
        names = ["Null", 'Eins "1"', *(f"z{i}" for i in range(2, 9)), "猫"]
        self.write("data/classes.txt", "".join(f"{name}\n" for name in names).encode())
        module = to_torch.load(self.train_network("dense:10"))
        self.assertEqual(names, module.class_names)
        state = self.path("state.safetensors")
        safetensors.torch.save_file(module.state_dict(), state, {"class_names": json.dumps(names)})
        self.assertEqual(names, self.info(state, "--network", "dense:10")["model"]["class_names"])

    def test_back_and_there(self):
        """Our file, saved by PyTorch, gives the same bits without its metadata."""
        spec = "conv2d:4x3/stride2,batchnorm2d,relu,flatten,dense:30,relu,dense:10"
        path = self.train_network(spec)
        state = self.path("state.safetensors")
        safetensors.torch.save_file(to_torch.load(path).state_dict(), state)
        ours = self.predict(path, self.images)
        again = self.predict(state, self.images, "--network", spec)
        self.assertTrue(numpy.array_equal(ours[0], again[0]))
        self.assertTrue(numpy.array_equal(ours[1], again[1]))

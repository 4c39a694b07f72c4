"""ONNX Runtime predicts the same as our program for every test image."""
import json
import os

import numpy
import onnx
import onnxruntime

import forms
import models

FEW = 2000  # test images


class ExportTest(models.PredictionTest):
    def export(self, model, *arguments):
        """The path of the ONNX file, which ONNX's checker accepts."""
        self.succeed("export", *arguments, model, "--onnx", "model.onnx")
        path = self.path("model.onnx")
        onnx.checker.check_model(path, full_check=True)
        return path

    def open_session(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run_onnx(self, path, images):
        """(logits, probabilities) of ONNX Runtime."""
        return self.open_session(path).run(["logits", "probabilities"], {"input": models.floats(images)})

    def compare(self, theirs, ours, count):
        """(logits, probabilities) of `count` images each."""
        self.assert_same_logits(theirs[0], ours[0], count)
        self.assertLessEqual(numpy.abs(ours[1] - theirs[1]).max(), 1e-5)
        self.assertEqual(count, numpy.sum(ours[0].argmax(1) == theirs[1].argmax(1)))


class Forms(ExportTest, forms.FormTest):
    """Images in color, in gray and on a light ground, standardized or not."""

    @forms.each_form
    def test_form(self, form):
        """The graph takes images as they are in the files: the form is part of it, and not of the metadata."""
        model = self.train_form(form)
        path = self.export(model)
        theirs = self.run_onnx(path, self.network_images)
        self.compare(theirs, self.predict(model, self.images), forms.TESTED)
        self.assert_learned(model, theirs[0])
        session = self.open_session(path)
        self.assertEqual(["batch", form.channels, forms.SIDE, forms.SIDE], session.get_inputs()[0].shape)
        self.assertEqual({"network": forms.NETWORK, "class_names": json.dumps(forms.NAMES, separators=(",", ":"))},
                         session.get_modelmeta().custom_metadata_map)


class Exported(ExportTest, models.ModelTest):
    @models.each_network
    def test_network(self, spec):
        """On all digits where that takes seconds; else on some."""
        model = self.train_network(spec)
        if spec not in ("mlp", "lenet5"):
            self.images = self.images[:FEW]
        self.compare_digits(model)

    def test_light_ground(self):
        """The graph takes images as they are in the files."""
        self.invert()
        model = self.train_network("conv2d:8x3/pad1,relu,flatten,dense:10")
        self.compare_digits(model)

    def test_temperature(self):
        """The graph has the logits that are divided by it."""
        self.compare_digits(self.train_network("mlp", "--validation", "20%", "--temperature"))

    def test_class_names(self):
        names = ["Null", 'Eins "1"', *(f"z{i}" for i in range(2, 9)), "猫"]
        self.write("data/classes.txt", "".join(f"{name}\n" for name in names).encode())
        session = self.open_session(self.export(self.train_network("dense:10")))
        self.assertEqual(names, json.loads(session.get_modelmeta().custom_metadata_map["class_names"]))

    def compare_digits(self, model):
        self.compare(self.run_onnx(self.export(model), self.images), self.predict(model, self.images), len(self.images))

    def test_graph(self):
        """Opset 17, a batch of any size, inputs and outputs as the README says."""
        path = self.export(self.train_network("mlp"))
        model = onnx.load(path)
        self.assertEqual([("", 17)], [(one.domain, one.version) for one in model.opset_import])
        self.assertEqual(["network"], [entry.key for entry in model.metadata_props])
        self.assertEqual("mnist_blas", model.producer_name)
        sizes = {value.name: [size.dim_param or size.dim_value
                              for size in value.type.tensor_type.shape.dim]
                 for value in [*model.graph.input, *model.graph.output]}
        self.assertEqual({"input": ["batch", 1, 28, 28], "logits": ["batch", 10],
                          "probabilities": ["batch", 10]}, sizes)
        for count in (1, 7):
            logits, _ = self.run_onnx(path, self.images[:count])
            self.assertEqual((count, 10), logits.shape)

    def test_equal_models_are_equal_files(self):
        model = self.train_network("mlp")
        first = models.support.read_bytes(self.export(model))
        self.assertEqual(first, models.support.read_bytes(self.export(model)))

    def test_of_a_file_of_pytorch(self):
        """A state_dict without metadata, for images that are not square."""
        state = {"0.weight": numpy.linspace(-1, 1, 3 * 12, dtype=numpy.float32).reshape(3, 12),
                 "0.bias": numpy.array([0.5, 0, -0.5], numpy.float32)}
        from safetensors.numpy import save_file
        save_file(state, self.path("state.safetensors"))
        options = ["--network", "dense:3", "--input", "3x4"]
        path = self.export("state.safetensors", *options)
        images = numpy.arange(24, dtype=numpy.uint8).reshape(2, 3, 4)
        logits, probabilities = self.run_onnx(path, images)
        ours = self.predict("state.safetensors", images, *options)
        self.assert_close(ours[0], logits, 1e-6)
        self.assert_close(ours[1], probabilities, 1e-6)
        self.assertTrue(os.path.getsize(path) < 1000)

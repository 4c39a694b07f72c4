"""ONNX Runtime predicts the same as our program for every test image."""
import json
import os

import numpy
import onnx
import onnxruntime

import models


class Exported(models.ModelTest):
    @models.each_network
    def test_network(self, spec):
        model = self.train_network(spec)
        path = self.export(model)
        onnx.checker.check_model(path, full_check=True)
        self.compare(model, path)

    def test_light_ground(self):
        """The graph takes images as they are in the files."""
        self.invert()
        model = self.train_network("conv2d:8x3/pad1,relu,flatten,dense:10")
        path = self.export(model)
        onnx.checker.check_model(path, full_check=True)
        self.compare(model, path)

    def test_class_names(self):
        names = ["Null", 'Eins "1"', *(f"z{i}" for i in range(2, 9)), "猫"]
        self.write("digits/classes.txt", "".join(f"{name}\n" for name in names).encode())
        path = self.export(self.train_network("dense:10"))
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.assertEqual(names, json.loads(session.get_modelmeta().custom_metadata_map["class_names"]))

    def export(self, model, *arguments):
        self.succeed("export", *arguments, model, "--onnx", "model.onnx")
        return self.path("model.onnx")

    def run_onnx(self, path, images):
        """(logits, probabilities) of ONNX Runtime."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        gray = images[:, None].astype(numpy.float32) / numpy.float32(255)
        return session.run(["logits", "probabilities"], {"input": gray})

    def compare(self, model, path, *arguments):
        self.assertEqual(10000, len(self.images))
        logits, probabilities = self.run_onnx(path, self.images)
        our_logits, our_probabilities = self.predict(model, self.images, *arguments)
        self.assert_close(our_logits, logits, 1e-5)
        self.assertLessEqual(numpy.abs(our_probabilities - probabilities).max(), 1e-5)
        self.assertEqual(10000, numpy.sum(our_logits.argmax(1) == logits.argmax(1)))
        self.assertEqual(10000, numpy.sum(our_logits.argmax(1) == probabilities.argmax(1)))

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

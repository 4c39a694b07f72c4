"""A model exported with 8-bit integers: ONNX's checker accepts it, and ONNX Runtime computes its layers with integers and
predicts the classes that the exported C gives."""
import os

import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file

import forms
import models
import test_onnx
from test_export_c import CompiledTest

TESTED = 2000  # digits
AGREEMENT = 0.998  # of the classes of C and ONNX Runtime, which round halves differently
NETWORKS = {name: models.NETWORKS[name] for name in ("mlp", "lenet5", "groups", "pools", "normalised", "global")}
NETWORKS["gelu"] = models.PLAIN.format("gelu")
INTEGER_TYPES = {"weight": onnx.TensorProto.INT8, "bias": onnx.TensorProto.INT32}


class Int8Test(CompiledTest, test_onnx.ExportTest):
    def export_int8(self, model, size, data, *reading):
        """The path of the ONNX file; the C file is compiled."""
        self.export(model, size, 10, "--quantize", "int8", "--calibrate", data, *reading, "--onnx", "int8.onnx")
        path = self.path("int8.onnx")
        onnx.checker.check_model(path, full_check=True)
        return path

    def check(self, model, images, data, *reading):
        """`images` are bytes, channels last; returns the path of the ONNX file and its logits."""
        path = self.export_int8(model, images[0].size, data, *reading)
        logits, probabilities = self.run_onnx(path, images)
        of_c = numpy.array([found[-10:] for _, found in self.run_exported(images.tobytes())])
        self.assertEqual(logits.shape, of_c.shape)
        self.assertGreaterEqual(numpy.mean(logits.argmax(1) == of_c.argmax(1)), AGREEMENT)
        self.assertLess(numpy.abs(probabilities - of_c).mean(), 1e-3)
        return path, logits


class Forms(Int8Test, forms.FormTest):
    @forms.each_form
    def test_form(self, form):
        model = self.train_form(form)
        path, logits = self.check(model, self.network_images, "data", *form.conversion)
        of_floats = self.predict(model, self.images)[0]
        self.assertGreater(numpy.mean(logits.argmax(1) == of_floats.argmax(1)), 0.95)
        self.assertEqual(["batch", form.channels, forms.SIDE, forms.SIDE],
                         self.open_session(path).get_inputs()[0].shape)


class Exported(Int8Test, models.ModelTest):
    @models.support.cases(NETWORKS)
    def test_network(self, spec):
        model = self.train_network(spec)
        images = self.images[:TESTED]
        path, logits = self.check(model, images, self.data)
        of_floats = self.predict(model, images)[0]
        self.assertGreater(numpy.mean(logits.argmax(1) == of_floats.argmax(1)), 0.95)
        if "gelu" not in spec:
            self.check_operators(path)

    def check_operators(self, path):
        """ONNX Runtime finds the pattern of every layer with weights, except next to a GELU, which is five nodes."""
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = self.path("optimized.onnx")
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        layers = [node.op_type for node in onnx.load(path).graph.node if node.op_type in ("Gemm", "Conv")]
        run = [node.op_type for node in onnx.load(self.path("optimized.onnx")).graph.node]
        self.assertEqual(layers, [name.removeprefix("QLinear").removeprefix("Q") for name in run
                                  if name in ("QGemm", "QLinearConv", "Gemm", "Conv")])
        self.assertFalse({"Gemm", "Conv"} & set(run), run)

    @models.support.cases({"mlp": "mlp", "lenet5": "lenet5"})
    def test_integers_of_the_file(self, spec):
        """Weights are within half a step of the model's, the largest of each unit is +-64; floats are scales only."""
        model = self.train_network(spec)
        path = self.export_int8(model, 784, self.data)
        tensors = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
        values = {name: onnx.numpy_helper.to_array(tensor) for name, tensor in tensors.items()}
        parameters = load_file(model)
        for name, expected in parameters.items():
            found, scale = values[name + "_quantized"], values[name + "_scale"]
            self.assertEqual(INTEGER_TYPES[name.partition(".")[2]], tensors[name + "_quantized"].data_type)
            self.assertEqual((expected.shape, (len(expected),)), (found.shape, scale.shape))
            self.assertFalse(values[name + "_zero_point"].any())
            scale = scale.reshape(-1, *[1] * (expected.ndim - 1))
            self.assertLessEqual((numpy.abs(found * scale - expected) / scale).max(), 0.501)
            if name.endswith("weight"):
                self.assertEqual({64}, set(numpy.abs(found.astype(int)).reshape(len(found), -1).max(1)))
        floats = {name for name, tensor in tensors.items() if tensor.data_type == onnx.TensorProto.FLOAT}
        self.assertEqual({name for name in tensors if name.endswith("_scale")}, floats)
        self.succeed("export", model, "--onnx", "floats.onnx")
        self.assertLess(os.path.getsize(path), 0.3 * os.path.getsize(self.path("floats.onnx")))

    def test_input_and_outputs_are_those_with_floats(self):
        model = self.train_network("mlp")
        graphs = [onnx.load(path) for path in (self.export_int8(model, 784, self.data),
                                               test_onnx.ExportTest.export(self, model))]
        for part in (lambda one: list(one.graph.input), lambda one: list(one.graph.output),
                     lambda one: list(one.opset_import), lambda one: list(one.metadata_props)):
            self.assertEqual(*map(part, graphs))

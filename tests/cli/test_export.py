"""export, and --network for files without metadata: refused files and options. tests/interop reads the files
with other software."""
import os

from model_files import TensorFile
from support import MODEL, ProgramTest, TrainedTest, cases

# Name of the test: arguments after MODEL, words of the line.
USAGE = {
    "no_kind": ([], ["--onnx FILE", "--c FILE or --html FILE is required"]),
    "data_without_page": (["--onnx", "a.onnx", "--data", "data"], "--data: applies with --html only"),
    "second_model": (["--onnx", "a.onnx", "more"], ["more", "one MODEL"]),
    "no_file": (["--onnx"], "--onnx"),
    "integers_of_no_file": (["--quantize", "int8"], ["--onnx FILE", "--html FILE is required"]),
    "integers_of_a_page": (["--html", "a.html", "--quantize", "int8"], "--quantize: applies to --c and --onnx, without --html"),
    "calibrate_alone": (["--onnx", "a.onnx", "--calibrate", "data"], "--calibrate: applies with --quantize only"),
    "page_over_the_data": (["--html", "a.csv", "--data", "a.csv"], "--html: must not be the data, got a.csv"),
    "graph_over_the_data": (["--onnx", "a.csv", "--quantize", "int8", "--calibrate", "a.csv"],
                            "--onnx: must not be the data, got a.csv"),
    "two_in_one_file": (["--onnx", "a", "--html", "a"], "--html: must not be another file that is written, got a"),
    "color_of_no_data": (["--onnx", "a.onnx", "--color"], "--color: has no effect without --data or --quantize"),
    "other_bits": (["--onnx", "a.onnx", "--quantize", "int4"], ["off", "int8", "int4"]),
    **{f"size_{name}": (["--onnx", "a.onnx", "--input", size], says) for name, size, says in (
        ("of_letters", "big", ["--input", "'big'", "28x28"]), ("of_one_number", "28", "'28'"),
        ("of_three_numbers", "28x28x1", "'28x28x1'"), ("of_4_channels", "4x9x9", ["or, in color, 3x28x28", "'4x9x9'"]),
        ("0", "0x28", "got 0x28"),
        ("negative", "-1x28", "'-1x28'"), ("too_large", "65536x2", "got 65536x2"))},
    "unknown_layer": (["--onnx", "a.onnx", "--network", "conv9d:1"], ["conv9d"]),
    "other_classes": (["--onnx", "a.onnx", "--network", "dense:7"], ["dense:4", "one unit for each of the 4 classes"]),
}
# Arguments of export, words of the line.
FILES = {
    "no_such_model": (["nowhere", "--onnx", "a.onnx"], "nowhere: cannot be opened"),
    "no_such_folder": ([MODEL, "--onnx", "no/a.onnx"], "no/a.onnx: cannot be written: No such"),
    "a_folder": ([MODEL, "--onnx", "out"], "out: cannot be written: Is a directory"),
    "a_device": ([MODEL, "--onnx", "/dev/null"], "/dev/null: cannot be written: is not a"),
}


class Export(TrainedTest):
    def setUp(self):
        super().setUp()
        self.need_feature("onnx")

    def test_no_model(self):
        self.fail_with(2, "export", "--onnx", "a.onnx", says="missing MODEL")

    @cases(USAGE)
    def test_usage(self, arguments, says):
        self.fail_with(2, "export", MODEL, *arguments, says=says)
        self.assertFalse(os.path.exists(self.path("a.onnx")))

    @cases({"its_path": MODEL, "a_link": "link.onnx"})
    def test_model_is_not_overwritten(self, onnx):
        os.symlink(MODEL, self.path("link.onnx"))
        self.fail_with(2, "export", MODEL, "--onnx", onnx, says=f"--onnx: must not be the model itself, got {onnx}")
        self.assertEqual(self.trained_files["model.safetensors"], self.model_bytes())

    @cases(FILES)
    def test_file(self, arguments, says):
        self.fail_with(1, "export", *arguments, says=says)

    def test_size_of_the_images_is_given(self):
        self.succeed("export", MODEL, "--network", "mlp", "--input", "12x10", "--onnx", "a.onnx")

    @cases({"network": (["dense:128,gelu,dense:64,relu,dense:4", "--input", "12x10"], "dense:128,relu,dense:64,relu,"),
            "input": (["mlp"], "1x12x10")})
    def test_model_that_describes_another(self, arguments, describes):
        self.fail_with(2, "export", MODEL, "--onnx", "a.onnx", "--network", *arguments,
                       says=f" conflicts with {MODEL}, which describes {describes}")

    def test_replaces_a_file_and_its_leftovers(self):
        for name in ("a.onnx", ".mnist_blas.abcdef.tmp"):
            self.write(name, b"old")
        out = self.succeed("export", MODEL, "--onnx", "a.onnx").out
        self.assertRegex(out, r"^a\.onnx: ONNX of dense:128,.*, input \(batch, 1, 12, 10\) .*\n$")
        self.assertNotEqual(b"old", self.read("a.onnx"))
        self.assertEqual(["a.onnx", "data", "out"], self.names("."))

    def export_int8(self, *files, data="data"):
        return ["export", MODEL, *files, "--quantize", "int8", "--calibrate", data]

    def test_both_files_have_the_integers_of_each_alone(self):
        for folder in "alone", "both":
            os.mkdir(self.path(folder))
        whole = self.succeed(*self.export_int8("--c", "both/a.c", "--onnx", "both/a.onnx")).out.splitlines()
        for option, name in ("--c", "a.c"), ("--onnx", "a.onnx"):
            alone = self.succeed(*self.export_int8(option, f"alone/{name}")).out.splitlines()
            self.assertEqual(whole[-1], alone[-1])
            self.assertRegex(whole[-1], r"^test accuracy [\d.]+ %, of the model with floats [\d.]+ %$")
        self.assertEqual(["both/a.c", "both/a.onnx"], [line.partition(":")[0] for line in whole[:-1]])
        self.assertEqual(self.files("alone"), self.files("both"))

    def test_integers_of_other_images(self):
        self.write("a.onnx", b"old")
        other = self.make_data("other", rows=9)
        self.fail_with(1, *self.export_int8("--onnx", "a.onnx", data=other), says="images are 1x9x10")
        self.assertEqual(b"old", self.read("a.onnx"))


class StateDict(ProgramTest):
    """A file from other software, read with --network."""
    NETWORK = ["--network", "dense:3,relu,dense:4"]

    def setUp(self):
        super().setUp()
        self.evaluate = ["evaluate", "--data", self.make_data(), "state"]
        self.images = "data/t10k-images-idx3-ubyte"
        self.write("state", TensorFile({
            "0.weight": ["F32", [3, 120], [0.01] * 360], "0.bias": ["F32", [3], [1, 2, 3]],
            "2.weight": ["F32", [4, 3], [0.5] * 12], "2.bias": ["F32", [4], [0, 0, 1, 0]]}).bytes())

    def test_evaluate_takes_the_size_of_the_data(self):
        out = self.succeed(*self.evaluate, *self.NETWORK).out
        self.assertIn("state: accuracy 25.00 % (50 of 200)", out)

    def test_predict_is_given_the_size(self):
        answer = self.predict(*self.NETWORK, "--input", "12x10", "state", self.images)
        self.assertEqual({2}, {one["class"] for one in answer})
        self.fail_with(1, "predict", *self.NETWORK, "state", self.images, says=["(3, 120)", "(3, 784)"])

    def test_predict_is_given_the_channels(self):
        """Gray images get three equal channels, of which the network sees the last."""
        weights = [float(i >= 240) for i in range(360)]
        self.write("state", TensorFile({"0.weight": ["F32", [2, 360], weights + [0.0] * 360],
                                        "0.bias": ["F32", [2], [0, 0]]}).bytes())
        answer = self.predict("--network", "dense:2", "--input", "3x12x10", "state", self.images)
        pixels = self.read(self.images)[16:]
        for i, one in enumerate(answer):
            self.assertAlmostEqual(sum(pixels[120 * i:120 * (i + 1)]) / 255, one["logits"][0], 4)

    def test_without_network(self):
        for command in (self.evaluate, ["predict", "state", self.images]):
            self.fail_with(1, *command, says='no metadata "network"')

    def test_another_network(self):
        self.fail_with(1, *self.evaluate, "--network", "dense:3,dense:4",
                       says='tensor "1.weight" of shape (4, 3) is missing')
        self.fail_with(2, *self.evaluate, "--network", "dense:x", says="dense takes its number of units")

"""Damaged models, PyTorch files and checkpoints: each is refused in one line that names the file."""
import os
import struct

from model_files import TensorFile, join, sign, split, zero_model
from support import COLUMNS, MODEL, ROWS, ProgramTest, TrainedTest, cases

INFINITY, NAN = float("inf"), float("nan")

# --- a small network of dense layers ---

SHAPES = {"0.weight": [6, ROWS * COLUMNS], "0.bias": [6], "2.weight": [4, 6], "2.bias": [4]}
GOOD = zero_model("dense:6,relu,dense:4", SHAPES, 4).bytes()


def edit(change):
    """A damaged file: `change` modifies the header and the body (a bytearray) of a valid one."""
    header, body = split(GOOD)
    body = bytearray(body)
    change(header, body)
    return join(header, body)


def entry(name, **values):
    return edit(lambda header, body: header[name].update(values))


def metadata(**values):
    return entry("__metadata__", **values)


def move_last(distance):
    """Moves the last tensor this number of bytes up, to the end of the body."""
    def change(header, body):
        begin, end = header["2.bias"]["data_offsets"]
        header["2.bias"]["data_offsets"] = [begin + distance, end + distance]
        body[:] = bytes(len(body) + distance)
    return edit(change)


def value(number):
    return edit(lambda header, body: struct.pack_into("<f", body, 8, number))


def add_tensor(header, body):
    header["4.bias"] = {"dtype": "F32", "shape": [1], "data_offsets": [len(body), len(body) + 4]}
    body += bytes(4)


# Name of the test: the file's bytes, words of the line.
BAD_FILES = {
    "empty": (b"", "truncated"),
    "of_seven_bytes": (GOOD[:7], "truncated"),
    "without_its_end": (GOOD[:-1], "truncated"),
    "cut_in_the_header": (GOOD[:40], "truncated"),
    "with_trailing_bytes": (GOOD + b"x", "trailing"),
    "with_a_huge_header": (b"\xff" * 8 + GOOD[8:], "header too long"),
    "with_a_header_past_its_end": (struct.pack("<Q", len(GOOD)) + GOOD[8:], "truncated"),
    "with_an_empty_header": (bytes(8), "JSON"),
    "that_is_not_json": (GOOD[:9] + b"#" + GOOD[10:], "JSON"),
    "that_is_a_picture": (b"\x89PNG\r\n\x1a\n" + bytes(1000), "is a PNG picture"),
    "that_is_of_pytorch": (b"PK\3\4" + bytes(26) + b"archive/data.pkl", ["a PyTorch file", "safetensors.torch.save_file"]),
    "with_a_hole": (move_last(4), "hole"),
    "with_an_overlap": (move_last(-4), "overlap"),
    "with_offsets_backwards": (entry("0.bias", data_offsets=[100, 0]), "backwards"),
    "with_negative_offsets": (entry("0.weight", data_offsets=[-4, 2876]), "offsets"),
    "with_a_shape_that_overflows": (entry("0.weight", shape=[1 << 40, 1 << 40]), "overflows"),
    "with_another_shape": (entry("0.weight", shape=[ROWS * COLUMNS, 6]), "shape"),
    "with_another_dtype": (entry("2.bias", dtype="F16", shape=[8]), "dtype F16, must be F32"),
    "with_a_temperature_of_0": (metadata(temperature="0"), ["metadata \"temperature\"", "above 0", "\"0\""]),
    "with_an_infinite_temperature": (metadata(temperature="inf"), "metadata \"temperature\""),
    "with_a_threshold_above_1": (metadata(confidence_threshold="1.5"),
                                 "metadata \"confidence_threshold\": must be a number above 0, at most 1, got \"1.5\""),
    "with_an_unknown_dtype": (entry("2.bias", dtype="F31"), "dtype"),
    "without_a_tensor": (edit(lambda header, body: header.update({"3.bias": header.pop("2.bias")})), "2.bias"),
    "with_a_tensor_too_many": (edit(add_tensor), "4.bias"),
    "with_a_nan": (value(NAN), "not finite"),
    "with_an_infinity": (value(INFINITY), "not finite"),
    "without_metadata": (edit(lambda header, body: header.pop("__metadata__")), "metadata"),
    "with_a_number_as_metadata": (metadata(classes=4), "string"),
    "with_another_class_count": (metadata(classes="5"), "dense:5"),
    "with_no_class_count": (metadata(classes="many"), "many"),
    "with_hashes_of_no_images": (metadata(training_images="12g4"), ["training_images", "12g4"]),
    "with_another_input": (metadata(input="1x99x10"), "shape"),
    "with_a_huge_input": (metadata(input="1x99999999x99999999"), "99999999"),
    "with_a_huge_network": (metadata(network="dense:2000000000,relu,dense:4"), "dense"),
    "with_another_network": (metadata(network="dense:4"), "tensor"),
    "with_an_invalid_network": (metadata(network="dense:"), "dense"),
    "with_an_empty_network": (metadata(network=""), "network"),
}


class Dense(ProgramTest):
    def refuse_file(self, name, says):
        line = self.fail_with(1, "evaluate", name, "--data", self.make_data(), says=says)
        self.assertTrue(line.startswith(f"mnist_blas: {name}: "), line)

    @cases(BAD_FILES)
    def test_file(self, data, says):
        self.refuse_file(self.write("model", data), says)

    def test_good_file(self):
        self.write("model", GOOD)
        self.succeed("evaluate", "model", "--data", self.make_data())

    def test_missing_file(self):
        self.refuse_file("nowhere.safetensors", "No such file")

    def test_folder(self):
        os.mkdir(self.path("folder"))
        self.refuse_file("folder", ())

    def test_pipe(self):
        os.mkfifo(self.path("pipe"))
        self.refuse_file("pipe", ())


# --- a network with all that batch normalization saves ---

NETWORK = ("conv2d:6x3/pad1,batchnorm2d,relu,maxpool2d:2,dropout:0.3,conv2d:20x3/groups2,batchnorm2d,relu,"
           "flatten,dense:16,relu,dropout:0.5,dense:4")


def reshape(*shape):
    return lambda tensor: tensor.__setitem__(1, list(shape))


def add_channel(tensor):
    _, shape, values = tensor
    shape[0] += 1
    values += values[-(len(values) // (shape[0] - 1)):]


def element(place, number):
    return lambda tensor: tensor[2].__setitem__(place, number)


# The tensor, how it changes (None: it goes), words of the line besides its name.
TENSORS = {
    **{f"missing_{name}": (name, None, [shape, "missing"]) for name, shape in {
        "0.weight": "(6, 1, 3, 3)", "5.bias": "(20)", "1.weight": "(6)", "6.running_mean": "(20)",
        "6.running_var": "(20)", "1.num_batches_tracked": ""}.items()},
    "kernels_transposed": ("5.weight", reshape(3, 3, 3, 20), ["(3, 3, 3, 20)", "must be (20, 3, 3, 3)"]),
    "kernels_flat": ("5.weight", reshape(20, 27), ["(20, 27)", "must be (20, 3, 3, 3)"]),
    "kernels_too_many": ("0.weight", add_channel, ["(7, 1, 3, 3)", "must be (6, 1, 3, 3)"]),
    "variances_too_many": ("1.running_var", add_channel, ["(7)", "must be (6)"]),
    "variances_square": ("6.running_var", reshape(4, 5), ["(4, 5)", "must be (20)"]),
    "count_of_floats": ("1.num_batches_tracked", lambda tensor: tensor.__setitem__(0, "F32"),
                        ["F32", "must be I64"]),
    **{f"{number}_in_{name}": (name, element(place, number), f"element {place} is not finite")
       for name, place, number in (
           ("0.weight", 7, NAN), ("5.weight", 539, -INFINITY), ("6.weight", 19, NAN),
           ("1.running_mean", 0, NAN), ("1.running_var", 5, NAN), ("6.running_var", 3, INFINITY))},
    **{f"negative_{name}": (name, element(place, number), f"element {place} is negative: {number}")
       for name, place, number in (("6.running_var", 11, -0.25), ("1.running_var", 2, -1e-30),
                                   ("1.num_batches_tracked", 0, -1))},
}
# What the network of the metadata has, another in its place, words of the line.
NETWORKS = {
    "groups_that_do_not_divide": ("groups2", "groups3", ["layer 6", "3 groups"]),
    "dropout_above_1": ("dropout:0.3", "dropout:1.5", ["layer 5", "dropout:1.5"]),
    "kernel_too_large": ("conv2d:20x3", "conv2d:20x30", ["layer 6", "30x30", "6x6x5"]),
    "another_kernel": ("6x3/pad1", "6x5/pad2", ['"0.weight"', "(6, 1, 3, 3)", "must be (6, 1, 5, 5)"]),
    "no_batchnorm2d": ("/groups2,batchnorm2d", "/groups2", '"8.weight"'),
}
CHECKPOINTS = {
    "negative_variance": ("6.running_var", element(4, -2.0), "element 4 is negative: -2"),
    "nan": ("0.weight", element(3, NAN), "element 3 is not finite"),
    "nan_in_a_moment": ("first_moment.0.weight", element(2, NAN), "element 2 is not finite"),
    "infinity_in_a_moment": ("second_moment.5.weight", element(0, INFINITY), "element 0 is not finite"),
    "negative_variance_in_the_ema":
        ("average.1.running_var", element(0, -2.0), "element 0 is negative: -2", "--ema", 0.9),
}


def damage(file, tensor, change):
    if change:
        change(file.tensors[tensor])
    else:
        del file.tensors[tensor]


class Convolutional(TrainedTest):
    DATA, TRAINING = {"train": 300, "test": 80}, ["--network", NETWORK, "--epochs", 2]

    def refuse_file(self, file, says):
        self.write("damaged", file.bytes())
        spec, size = (["--network", NETWORK], ["--input", f"{ROWS}x{COLUMNS}"]) if not file.metadata else ([], [])
        for command in (["evaluate", "damaged", "--data", self.data], ["predict", "damaged", self.images, *size]):
            line = self.fail_with(1, *command, *spec, says=says)
            self.assertTrue(line.startswith("mnist_blas: damaged: "), line)

    @cases(TENSORS)
    def test_tensor(self, tensor, change, says):
        """In our model and in a PyTorch file, which has no metadata."""
        for metadata_kept in (True, False):
            file = TensorFile.read(self.read(MODEL))
            file.metadata = file.metadata if metadata_kept else None
            damage(file, tensor, change)
            with self.subTest(metadata=metadata_kept):
                self.refuse_file(file, [f'"{tensor}"', *([says] if isinstance(says, str) else says)])

    @cases(NETWORKS)
    def test_metadata(self, old, new, says):
        file = TensorFile.read(self.read(MODEL))
        file.metadata["network"] = file.metadata["network"].replace(old, new)
        self.refuse_file(file, says)

    @cases(CHECKPOINTS)
    def test_checkpoint(self, tensor, change, says, *arguments):
        """With a valid checksum; nothing is written."""
        self.train(self.data, *self.TRAINING, "--checkpoint-every", "epoch", *arguments)
        file = TensorFile.read(self.read("out/checkpoint"))
        whole = sign(file.bytes(separators=(",", ":")))
        damage(file, tensor, change)
        self.write("out/checkpoint", whole)
        self.succeed("--resume", self.path("out/checkpoint"), "--epochs", 3, "--quiet")
        self.write("out/checkpoint", sign(file.bytes(separators=(",", ":"))))
        before = self.files()
        self.fail_with(1, "--resume", self.path("out/checkpoint"), "--epochs", 4, "--quiet",
                       says=["out/checkpoint: ", f'"{tensor}"', says])
        self.assertEqual(before, self.files())

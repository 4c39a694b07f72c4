"""Invalid options, variables and run folders, and runs that fail: one line, the documented exit code, and an
unchanged run folder."""
import os
import re
import resource

from support import RUN_FILES, ProgramTest, cases, needs_ulimit_v

# Option of train, its rule, values that break it. The line is "--OPTION: must be RULE, got VALUE", with
# a value that cannot be parsed in quotes. "..." in a rule stands for names of which there may be more.
VALUES = [
    ("epochs", "1 to 1000000",
     ["0", "'-1'", "'abc'", "'1e9'", "1000000000", "'99999999999999999999'", "'0x5'", "' 5'", "''"]),
    ("batch-size", "1 to 4294967295", ["0", "'-64'", "18446744073709551615"]),
    ("lr", "above 0 and at most 1e+06", ["-1", "'nan'", "'inf'", "0", "'fast'", "'0.1x'", "'1e999'", "''"]),
    ("momentum", "at least 0 and below 1", ["1", "-0.1"]),
    ("weight-decay", "0 to 1e+06", ["-1", "'nan'"]),
    ("beta1", "at least 0 and below 1", ["1"]),
    ("beta2", "at least 0 and below 1", ["-1"]),
    ("seed", "0 to 9223372036854775807", ["'-1'", "'99999999999999999999'"]),
    ("validation", "0 to 4294967295, or a percentage below 100%", ["'-1'", "100%"]),
    ("patience", "0 to 1000000", ["'-1'"]),
    ("threads", "1 to 65536", ["0", "'abc'", "'-2'", "1000000"]),
    ("optimizer", "sgd, adam, adamw...", ["'rmsprop'", "'SGD'"]),
    ("augment", "off, shift, affine or elastic", ["'mixup'"]),
    ("class-weights", "off or balanced", ["'inverse'"]),
    ("schedule", "constant, cosine, onecycle or plateau", ["'linear'"]),
    ("rotate", "0 to 180", ["'much'", "181"]),
    ("scale", "0 to 0.9", ["-0.1", "1"]),
    ("shear", "0 to 2", ["'nan'"]),
    ("shift", "0 to 1000", ["'inf'", "1001"]),
    ("elastic-alpha", "0 to 10000", ["-1"]),
    ("elastic-sigma", "0.1 to 100", ["0"]),
    ("padding-mode", "auto, constant or reflect", ["'zeros'"]),
    ("cutout", "0 to 1000", ["'-1'", "1001"]),
    ("plain-epochs", "0 to 1000000", ["'-1'"]),
]
# Arguments of train, words of the line.
OPTIONS = [
    (["--epochs"], "option '--epochs' requires an argument"),
    (["--epochs", "-1"], ["--epochs", "'-1'"]),
    (["--batch-size", "1201"], ["mnist_blas: --batch-size: must be 1 to 1200", "1201"]),
    (["--batch-size", "1000", "--validation", "201"], ["batch-size: must be 1 to 999", "1000"]),
    (["--validation", "1200"], ["--validation: must be less than the 1200 training images, got 1200"]),
    (["--schedule", "plateau"], "--schedule: plateau needs patience, which is 0"),
    (["--patience", "3"], ["patience", "validation is 0"]),
    (["--temperature"], "--temperature: needs held-out images, but validation is 0"),
    (["--augment", "affine", "--epochs", "2", "--plain-epochs", "3"], ["plain-epochs", "3", "0 to 2"]),
    (["--learning-speed", "1"], "--learning-speed"),
    (["-x"], "-x: no such option; 'mnist_blas train --help' lists them"),
    *((words, f"{words[0].partition('=')[0]}: no such option: did you mean --{meant}?") for words, meant in (
        (["--batch_size", "32"], "batch-size"), (["--learning-rate=0.1"], "lr"), (["--lerning_rate", "1"], "lr"),
        (["-e", "3"], "epochs"), (["--num-epochs", "3"], "epochs"), (["--optimiser", "sgd"], "optimizer"))),
    (["--optimizer", "Adam"], "got 'Adam': did you mean adam?"),
    (["--momentum", "0.9"], "--momentum: has no effect with --optimizer adamw: it needs --optimizer sgd"),
    (["--rotate", "10"], "--rotate: has no effect with --augment off: it needs --augment affine or elastic"),
    (["--flip"], "--flip: has no effect with --augment off: it needs --augment shift, affine or elastic"),
    (["--cutout", "8", "--augment", "off"], "--cutout: has no effect with --augment off"),
    (["--rotate", "10", "--augment", "shift"], "--rotate: has no effect with --augment shift"),
    (["--elastic-alpha", "9", "--augment", "affine"], "--elastic-alpha: has no effect with --augment affine"),
    (["--min-lr", "0"], "--min-lr: has no effect with --schedule onecycle: it needs --schedule cosine"),
    (["--quiet=yes"], "--quiet"),
    (["--ne"], "ambiguous"),
    (["mnist"], "mnist"),
    (["--out", ""], "--out"),
]
# --network of images of 12x10 pixels in 4 classes. The layer that is refused is in angle brackets; the
# line names its number and its text, and has these words, too.
LAYERS = [
    ("takes its number of units", ["<dense:0>,relu,dense:4", *(f"<dense{units}>,dense:4" for units in (
        ":", "", ":abc", ":-5", ":8x", ":99999999999999999999"))]),
    ("takes no argument", ["dense:8,<relu:3>,dense:4", "<globalavgpool:2>,dense:4", "<batchnorm2d:4>,dense:4",
                           "<flatten:2>,dense:4"]),
    ("must follow a layer that computes", ["<relu>,dense:4", "<dropout:0.5>,dense:4"]),
    ("CHANNELSxKERNEL", [f"<conv2d:{argument}>,dense:4" for argument in (
        "3", "0x3", "65537x3", "4xbig", "4x0", "4x3/stride0", "4x3/groups0", "4x3/dilation2")]),
    ("each option once", [f"<{layer}>,dense:4" for layer in (
        "conv2d:16x3/pad1/pad2", "maxpool2d:2/stride1/stride1", "conv2d:4x3/groups1/pad1/groups1")]),
    ("takes KERNEL", ["<maxpool2d>,dense:4", "<avgpool2d:2/groups1>,dense:4"]),
    ("11x11 does not fit into 1x12x10 (channels, rows, columns) with padding 0", ["<conv2d:4x11>,dense:4"]),
    ("13x13 does not fit into 4x10x8 (channels, rows, columns) with padding 2",
     ["conv2d:4x3,<conv2d:2x13/pad2>,dense:4"]),
    ("5x5 does not fit into 4x4x2", ["conv2d:4x9,<maxpool2d:5>,dense:4"]),
    ("padding 3 must be smaller than the kernel, 3x3", ["<conv2d:4x3/pad3>,dense:4"]),
    ("4 groups do not divide 6 input channels and 8 output", ["conv2d:6x3,<conv2d:8x3/groups4>,dense:4"]),
    ("3 groups do not divide 6 input channels and 8 output", ["conv2d:6x3,<conv2d:8x3/groups3>,dense:4"]),
    ("rate, at least 0 and below 1", [f"conv2d:4x3,<dropout{rate}>,dense:4"
                                      for rate in ("", ":1.5", ":1", ":-0.5", ":half")]),
    ("got 4x10x8 (channels, rows, columns): add flatten before it", ["conv2d:4x3,relu,<dense:4>"]),
    ("120 flat features", ["flatten,<conv2d:4x3>,dense:4"]),
    ("8 flat features", ["flatten,dense:8,<batchnorm2d>,dense:4"]),
    ("160 flat features", ["conv2d:2x3,flatten,<maxpool2d:2>,dense:4"]),
]
NETWORKS = [
    ("", "empty"),
    *((spec, ["layer 1", f"'{name}'", "dense", "relu", "mlp"]) for spec, name in (
        ("conv:3,dense:4", "conv"), ("resnet", "resnet"), ("mlp,dense:4", "mlp"))),
    ("dense:8, relu,dense:4", ["layer 2", "' relu'"]),
    *((spec, [f"layer {number}", "empty"]) for spec, number in (
        ("dense:8,relu,dense:4,", 4), (",dense:4", 1), ("dense:8,,dense:4", 2))),
    *((spec, [spec, "must end in dense:4, one unit for each of the 4 classes"]) for spec in (
        "dense:4,relu", "dense:8,relu,dense:3", "dense:8,relu,dense:10", "conv2d:4x3,flatten,dense:4,flatten")),
    (",".join(["dense:4"] * 500), "layers"),
    ("dense:4," * 5000, "characters"),
    ("lenet5", ["layer 6 'maxpool2d:2'", "2x2", "16x2x1"]),
]
CPU = str(min(os.sched_getaffinity(0)))
VARIABLES = {
    "OMP_NUM_THREADS": ["abc", "0", "-4", "4x", "4,x", "99999999", "99999999999999999999"],
    "MNIST_BLAS_PIN": ["99999", "99999999999999999999", "99998-99999", "x", "CORE", CPU + ",", CPU + "-", "3-1",
                       f"{CPU},{CPU}", f"{CPU}, {CPU}"],
}
COMMANDS = [
    (["fit"], ["train, evaluate", "or convert, got 'fit': did you mean train?"]),
    (["help", "trian"], "got 'trian': did you mean train?"),
    (["help", "info", "tune"], "'info' and 'tune'"),
    ([""], "command"),
    (["evaluate"], "missing MODEL"),
    (["evaluate", "one", "two"], "two"),
    (["evaluate", "one", "--threads", "0"], "--threads"),
    (["evaluate", "one", "--epochs", "3"], "--epochs"),
    (["predict"], "missing MODEL"),
    (["predict", "model"], "missing IMAGE"),
    (["predict", "model", "image", "--threads", "0"], "--threads"),
    (["predict", "model", "image", "--fast"], "--fast"),
    (["predict", "model", "image", "--input", "28x28"], "--input: has no effect without --network"),
    (["info", "one", "two"], "two"),
    (["info", "--batch-size", "32"], "--batch-size: has no effect without --network or MODEL"),
    (["info", "--input", "28x28"], "--input: has no effect without --network"),
    (["info", "--input", "28x28", "--network", "mlp", "--data", "data"], "--input: has no effect with --data"),
    (["info", "--network", "conv2d:4x29,flatten,dense:10"], ["layer 1 'conv2d:4x29'", "29x29", "1x28x28"]),
    (["info", "--json", "--network", "conv2d:6x3,conv2d:8x3/groups4,flatten,dense:10"],
     ["layer 2 'conv2d:8x3/groups4'", "4 groups", "6 input channels", "8 output"]),
    (["info", "--threads", "x"], "--threads"),
    (["info", "--xml"], "--xml"),
    (["--quiet", "info"], "info"),
]


class Usage(ProgramTest):
    """Exit code 2."""

    def setUp(self):
        super().setUp()
        self.make_data()

    @cases({option: (option, rule, values) for option, rule, values in VALUES})
    def test_value_of(self, option, rule, values):
        for value in values:
            with self.subTest(value=value):
                line = self.refuse(2, "--data", "data", f"--{option}={value.strip(chr(39))}")
                first, more, _ = rule.partition("...")
                wanted = re.escape(f"mnist_blas: --{option}: must be {first}") + (r"[\w, ]*" if more else "")
                self.assertRegex(line, f"^{wanted}{re.escape(f', got {value}')}(: did you mean [a-z]+[?])?$")

    @cases(OPTIONS)
    def test_option(self, arguments, says):
        self.refuse(2, "--data", "data", *arguments, says=says)

    @cases(LAYERS)
    def test_layer(self, says, specs):
        for spec in specs:
            before, text = spec.split(">")[0].split("<")
            with self.subTest(spec=spec):
                self.refuse(2, "--data", "data", "--network", spec.replace("<", "").replace(">", ""),
                            says=[f"layer {before.count(',') + 1} '{text}'", says])

    @cases(NETWORKS)
    def test_network(self, spec, says):
        self.refuse(2, "--data", "data", "--network", spec, says=says)

    @cases({name: (name, values) for name, values in VARIABLES.items()})
    def test_variable(self, name, values):
        for value in values:
            with self.subTest(value=value):
                self.refuse(2, "--data", "data", says=name, **{name: value})
                self.fail_with(2, "info", says=name, **{name: value})

    @cases(COMMANDS)
    def test_command(self, arguments, says):
        self.fail_with(2, *arguments, says=says)

    def test_option_is_refused_before_data_is_looked_for(self):
        self.refuse(2, "--data", "nowhere", "--epochs", 0, says="--epochs")


class RunFolder(ProgramTest):
    """An unusable run folder: exit code 1, before training."""

    @cases([("file", "not a folder"), ("file/run/1", "Not a directory"), ("/proc/self", "/proc/self: "),
            ("/proc/nope", "/proc/nope: cannot be created")])
    def test_unusable(self, folder, says):
        self.write("file", b"mine")
        self.fail_with(1, "--data", self.make_data(), "--epochs", 1000000, "--quiet", "--out", folder,
                       says=[folder, says])
        self.assertEqual(b"mine", self.read("file"))

    def test_with_a_name_too_long(self):
        self.fail_with(1, "--data", self.make_data(), "--out", "x" * 300, says="too long")

    def test_with_a_folder_in_place_of_the_model(self):
        os.makedirs(self.path("out", "model.safetensors"))
        self.fail_with(1, "--data", self.make_data(), "--epochs", 1, "--quiet", "--out", "out",
                       says="out/model.safetensors: ")
        self.assertEqual(["model.safetensors"], self.names())


def limit(resource_kind, size):
    return lambda: resource.setrlimit(resource_kind, (size, size))


class Failing(ProgramTest):
    """Runs that fail after they have started."""

    def test_diverging(self):
        self.refuse(1, "--data", self.make_data(), "--quiet", "--optimizer", "sgd", "--lr", "1e6",
                    "--schedule", "constant", says=["step", "learning rate", "1e+06"])

    def test_diverging_before_a_max_pool(self):
        """All gradients before the pool are NaN, of which a finite network has few that are not 0."""
        network = 8 * "conv2d:16x3/pad1," + "gelu,maxpool2d:2,flatten,dense:4"
        self.refuse(1, "--data", self.make_data(train=300), "--quiet", "--network", network, "--lr", "1e6",
                    "--schedule", "constant", says=["step", "learning rate", "1e+06"])

    @cases({"model_larger_than_files_may_be":  # the signal that says so is ignored, as in Python
            (["--epochs", 1], limit(resource.RLIMIT_FSIZE, 10000), "out/model.safetensors: cannot be written: "),
            "stack_too_small": ([], limit(resource.RLIMIT_STACK, 1 << 16), "ulimit -s: must be at least 256 KiB, got 64")})
    def test_limited(self, arguments, prepare, says):
        os.makedirs(self.path("out"))
        self.write("out/model.safetensors", b"old")
        self.fail_with(1, "--data", self.make_data(), "--out", "out", "--quiet", *arguments, prepare=prepare, says=says)
        self.assertEqual({"model.safetensors": b"old"}, self.files())

    @needs_ulimit_v
    def test_network_of_40_GB_in_4_GB(self):
        self.fail_with(1, "--data", self.make_data(), "--network", "dense:100000,dense:100000,relu,dense:4",
                       prepare=limit(resource.RLIMIT_AS, 4 << 30), says="memory")
        self.assertEqual(["data"], self.names("."))

    def test_output_to_a_full_disk(self):
        """The files of the run are written."""
        data = self.make_data()
        self.run_into_full_disk("--data", data, "--epochs", "2", "--no-report", "--out", "out")
        self.assertEqual((RUN_FILES, 2), (self.names(), len(self.metrics())))
        for arguments in (["info"], ["info", "--json"], ["evaluate", "out/model.safetensors", "--data", data]):
            self.run_into_full_disk(*arguments)

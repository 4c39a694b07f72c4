"""Options, variables and folders that cannot be meant, and runs that cannot go well: one line, the
exit code of the contract, and the run folder as it was."""
import os
import resource
import subprocess
import unittest

import support
from support import PROGRAM, ProgramTest, add_methods

# Name of the test: arguments of train, what the line says.
OPTIONS = {
    "epochs_0": [["--epochs", "0"], "--epochs: must be 1 to 1000000, got 0"],
    "epochs_negative": [["--epochs", "-1"], ["--epochs", "'-1'"]],
    "epochs_of_letters": [["--epochs", "abc"], ["--epochs", "'abc'"]],
    "epochs_with_exponent": [["--epochs", "1e9"], ["--epochs", "'1e9'"]],
    "epochs_too_many": [["--epochs", "1000000000"], ["--epochs", "1000000000"]],
    "epochs_beyond_64_bits": [["--epochs", "99999999999999999999"], "--epochs"],
    "epochs_hexadecimal": [["--epochs", "0x5"], "--epochs"],
    "epochs_with_a_blank": [["--epochs", " 5"], "--epochs"],
    "epochs_empty": [["--epochs", ""], "--epochs"],
    "epochs_without_value": [["--epochs"], "--epochs"],
    "batch_size_0": [["--batch-size", "0"], "--batch-size"],
    "batch_size_negative": [["--batch-size", "-64"], "--batch-size"],
    "batch_size_above_the_data": [["--batch-size", "1201"], ["batch-size: must be 1 to 1200", "1201"]],
    "batch_size_above_what_validation_leaves":
        [["--batch-size", "1000", "--validation", "201"], ["batch-size: must be 1 to 999", "1000"]],
    "batch_size_huge": [["--batch-size", "18446744073709551615"], "--batch-size"],
    "lr_negative": [["--lr", "-1"], ["--lr: must be above 0", "-1"]],
    "lr_nan": [["--lr", "nan"], ["--lr", "nan"]],
    "lr_infinite": [["--lr", "inf"], ["--lr", "inf"]],
    "lr_0": [["--lr", "0"], ["--lr: must be above 0", "got 0"]],
    "lr_of_letters": [["--lr", "fast"], ["--lr", "fast"]],
    "lr_with_letters_behind": [["--lr", "0.1x"], ["--lr", "0.1x"]],
    "lr_beyond_doubles": [["--lr", "1e999"], ["--lr", "1e999"]],
    "lr_empty": [["--lr="], "--lr"],
    "momentum_1": [["--optimizer", "sgd", "--momentum", "1"], "momentum"],
    "momentum_negative": [["--optimizer", "sgd", "--momentum", "-0.1"], "momentum"],
    "weight_decay_negative": [["--weight-decay", "-1"], "weight-decay: must be 0 to"],
    "weight_decay_nan": [["--weight-decay", "nan"], "--weight-decay"],
    "beta1_1": [["--beta1", "1"], "beta"],
    "beta2_negative": [["--beta2", "-1"], "beta"],
    "seed_negative": [["--seed", "-1"], "--seed"],
    "seed_beyond_64_bits": [["--seed", "99999999999999999999"], "--seed"],
    "validation_of_all": [["--validation", "1200"], ["validation", "1200"]],
    "validation_negative": [["--validation", "-1"], "--validation"],
    "patience_without_validation": [["--patience", "3"], ["patience", "validation is 0"]],
    "patience_negative": [["--patience", "-1", "--validation", "100"], "--patience"],
    "threads_0": [["--threads", "0"], "--threads"],
    "threads_of_letters": [["--threads", "abc"], "--threads"],
    "threads_negative": [["--threads", "-2"], "--threads"],
    "threads_too_many": [["--threads", "1000000"], "--threads"],
    "unknown_option": [["--learning-speed", "1"], "--learning-speed"],
    "unknown_short_option": [["-x"], "'x'"],
    "value_where_none_is_taken": [["--quiet=yes"], "--quiet"],
    "ambiguous_option": [["--ne"], "ambiguous"],
    "extra_argument": [["mnist"], "mnist"],
    "out_empty": [["--out", ""], "--out"],
    "unknown_optimizer": [["--optimizer", "rmsprop"], ["rmsprop", "sgd", "adam", "adamw"]],
    "optimizer_in_capitals": [["--optimizer", "SGD"], "SGD"],
    "unknown_augmentation": [["--augment", "mixup"], ["mixup", "off", "affine", "elastic"]],
    "rotate_of_letters": [["--rotate", "much"], ["--rotate", "much"]],
    "rotate_too_far": [["--augment", "affine", "--rotate", "181"], ["rotate", "181", "180"]],
    "scale_negative": [["--augment", "affine", "--scale=-0.1"], ["scale", "-0.1"]],
    "scale_to_nothing": [["--augment", "affine", "--scale", "1"], ["scale", "0.9"]],
    "shear_nan": [["--shear", "nan"], ["--shear", "nan"]],
    "shift_infinite": [["--shift", "inf"], ["--shift", "inf"]],
    "shift_too_far": [["--shift", "1001"], ["shift", "1001", "1000"]],
    "elastic_alpha_negative": [["--elastic-alpha=-1"], ["elastic-alpha", "-1"]],
    "elastic_sigma_0": [["--augment", "elastic", "--elastic-sigma", "0"], ["elastic-sigma", "0.1"]],
    "plain_epochs_negative": [["--plain-epochs=-1"], "--plain-epochs"],
    "plain_epochs_beyond_all": [["--augment", "affine", "--epochs", "2", "--plain-epochs", "3"],
                                ["plain-epochs", "3", "0 to 2"]],
    "unknown_schedule": [["--schedule", "linear"], ["linear", "constant", "cosine", "onecycle"]],
}
SPECS = {
    "empty": ["", "empty"],
    "unknown_layer": ["conv:3,dense:4", ["layer 1", "conv", "dense", "relu"]],
    "unknown_name": ["resnet", "resnet"],
    "no_units": ["dense:0,relu,dense:4", ["layer 1", "dense:0"]],
    "units_missing": ["dense:,dense:4", ["layer 1", "dense:"]],
    "units_not_given": ["dense,dense:4", ["layer 1", "dense"]],
    "units_of_letters": ["dense:abc,dense:4", ["layer 1", "dense:abc"]],
    "units_negative": ["dense:-5,dense:4", ["layer 1", "dense:-5"]],
    "units_with_letters_behind": ["dense:8x,dense:4", ["layer 1", "dense:8x"]],
    "units_beyond_64_bits": ["dense:99999999999999999999,dense:4", "layer 1"],
    "relu_with_argument": ["dense:8,relu:3,dense:4", ["layer 2", "relu:3"]],
    "relu_first": ["relu,dense:4", ["layer 1", "relu"]],
    "relu_last": ["dense:4,relu", ["dense:4", "classes"]],
    "trailing_comma": ["dense:8,relu,dense:4,", ["layer 4", "empty"]],
    "leading_comma": [",dense:4", ["layer 1", "empty"]],
    "two_commas": ["dense:8,,dense:4", ["layer 2", "empty"]],
    "blank": ["dense:8, relu,dense:4", "layer 2"],
    "too_few_outputs": ["dense:8,relu,dense:3", ["dense:4", "4 classes"]],
    "too_many_outputs": ["dense:8,relu,dense:10", ["dense:4", "4 classes"]],
    "too_many_layers": [",".join(["dense:4"] * 500), "layers"],
    "too_long": ["dense:4," * 5000, "characters"],
    "mlp_in_a_list": ["mlp,dense:4", "mlp"],
}
# Of images, which have 12x10 pixels.
IMAGE_SPECS = {
    "conv_without_channels": ["conv2d:3", ["layer 1 'conv2d:3'", "CHANNELSxKERNEL"]],
    "conv_of_no_channels": ["conv2d:0x3", ["layer 1 'conv2d:0x3'", "CHANNELSxKERNEL"]],
    "conv_of_too_many_channels": ["conv2d:65537x3", "layer 1 'conv2d:65537x3'"],
    "conv_of_letters": ["conv2d:4xbig", ["layer 1 'conv2d:4xbig'", "CHANNELSxKERNEL"]],
    "kernel_of_nothing": ["conv2d:4x0", "layer 1 'conv2d:4x0'"],
    "kernel_larger_than_the_image":
        ["conv2d:4x11", ["layer 1 'conv2d:4x11'", "11x11", "1x12x10 (channels, rows, columns)", "padding 0"]],
    "kernel_larger_than_the_padded_image":
        ["conv2d:4x3,conv2d:2x13/pad2", ["layer 2 'conv2d:2x13/pad2'", "13x13", "4x10x8", "padding 2"]],
    "kernel_not_larger_than_the_padding":
        ["conv2d:4x3/pad3", ["layer 1 'conv2d:4x3/pad3'", "padding 3", "3x3"]],
    "stride_of_nothing": ["conv2d:4x3/stride0", "layer 1 'conv2d:4x3/stride0'"],
    "groups_of_nothing": ["conv2d:4x3/groups0", "layer 1 'conv2d:4x3/groups0'"],
    "groups_that_do_not_divide_what_comes_in":
        ["conv2d:6x3,conv2d:8x3/groups4",
         ["layer 2 'conv2d:8x3/groups4'", "4 groups", "6 input channels", "8 out"]],
    "groups_that_do_not_divide_what_goes_out":
        ["conv2d:6x3,conv2d:8x3/groups3",
         ["layer 2 'conv2d:8x3/groups3'", "3 groups", "6 input channels", "8 out"]],
    "unknown_option_of_conv": ["conv2d:4x3/dilation2", "layer 1 'conv2d:4x3/dilation2'"],
    "pad_twice": ["conv2d:16x3/pad1/pad2", ["layer 1 'conv2d:16x3/pad1/pad2'", "once"]],
    "stride_twice": ["maxpool2d:2/stride1/stride1", ["layer 1 'maxpool2d:2/stride1/stride1'", "once"]],
    "groups_twice": ["conv2d:4x3/groups1/pad1/groups1", ["layer 1", "once"]],
    "pool_larger_than_the_image":
        ["conv2d:4x9,maxpool2d:5", ["layer 2 'maxpool2d:5'", "5x5", "4x4x2"]],
    "pool_without_kernel": ["maxpool2d", ["layer 1 'maxpool2d'", "KERNEL"]],
    "pool_with_groups": ["avgpool2d:2/groups1", ["layer 1 'avgpool2d:2/groups1'", "KERNEL"]],
    "globalavgpool_with_argument": ["globalavgpool:2", "layer 1 'globalavgpool:2'"],
    "batchnorm_with_argument": ["batchnorm2d:4", "layer 1 'batchnorm2d:4'"],
    "flatten_with_argument": ["flatten:2", "layer 1 'flatten:2'"],
    "dropout_without_rate": ["conv2d:4x3,dropout", ["layer 2 'dropout'", "rate"]],
    "dropout_of_more_than_all": ["conv2d:4x3,dropout:1.5", ["layer 2 'dropout:1.5'", "below 1"]],
    "dropout_of_all": ["conv2d:4x3,dropout:1", ["layer 2 'dropout:1'", "below 1"]],
    "dropout_negative": ["conv2d:4x3,dropout:-0.5", "layer 2 'dropout:-0.5'"],
    "dropout_of_letters": ["conv2d:4x3,dropout:half", "layer 2 'dropout:half'"],
    "dropout_first": ["dropout:0.5", "layer 1 'dropout:0.5'"],
    "no_flatten_before_dense": ["conv2d:4x3,relu", ["layer 3 'dense:4'", "4x10x8", "flatten"]],
    "conv_behind_flatten": ["flatten,conv2d:4x3", ["layer 2 'conv2d:4x3'", "120 flat features"]],
    "batchnorm_behind_dense":
        ["flatten,dense:8,batchnorm2d", ["layer 3 'batchnorm2d'", "8 flat features"]],
    "pool_behind_flatten": ["conv2d:2x3,flatten,maxpool2d:2",
                            ["layer 3 'maxpool2d:2'", "160 flat features"]],
    "flatten_last": ["conv2d:4x3,flatten,dense:4,flatten", "must end in dense:4", ""],
    "lenet5_on_small_images": ["lenet5", ["layer 6 'maxpool2d:2'", "2x2", "16x2x1"], ""],
}
CPU = str(min(os.sched_getaffinity(0)))
VARIABLES = {
    "threads_of_letters": ["OMP_NUM_THREADS", "abc"],
    "threads_0": ["OMP_NUM_THREADS", "0"],
    "threads_negative": ["OMP_NUM_THREADS", "-4"],
    "threads_empty": ["OMP_NUM_THREADS", ""],
    "threads_with_letters_behind": ["OMP_NUM_THREADS", "4x"],
    "threads_bad_in_the_list": ["OMP_NUM_THREADS", "4,x"],
    "threads_too_many": ["OMP_NUM_THREADS", "99999999"],
    "threads_beyond_64_bits": ["OMP_NUM_THREADS", "99999999999999999999"],
    "pin_of_a_cpu_not_there": ["MNIST_BLAS_PIN", "99999"],
    "pin_of_a_cpu_beyond_64_bits": ["MNIST_BLAS_PIN", "99999999999999999999"],
    "pin_of_a_range_not_there": ["MNIST_BLAS_PIN", "99998-99999"],
    "pin_of_letters": ["MNIST_BLAS_PIN", "x"],
    "pin_empty": ["MNIST_BLAS_PIN", ""],
    "pin_in_capitals": ["MNIST_BLAS_PIN", "CORE"],
    "pin_trailing_comma": ["MNIST_BLAS_PIN", CPU + ","],
    "pin_open_range": ["MNIST_BLAS_PIN", CPU + "-"],
    "pin_backwards": ["MNIST_BLAS_PIN", "3-1"],
    "pin_twice": ["MNIST_BLAS_PIN", f"{CPU},{CPU}"],
    "pin_with_blanks": ["MNIST_BLAS_PIN", CPU + ", " + CPU],
}
COMMANDS = {
    "unknown": [["fit"], ["fit", "train", "evaluate", "info"]],
    "empty": [[""], "command"],
    "evaluate_without_model": [["evaluate"], "missing MODEL"],
    "evaluate_two_models": [["evaluate", "one", "two"], "two"],
    "evaluate_threads": [["evaluate", "one", "--threads", "0"], "--threads"],
    "evaluate_option_of_train": [["evaluate", "one", "--epochs", "3"], "--epochs"],
    "info_argument": [["info", "cpu"], "cpu"],
    "info_of_a_kernel_too_large": [["info", "--network", "conv2d:4x29,flatten,dense:10"],
                                   ["layer 1 'conv2d:4x29'", "29x29", "1x28x28"]],
    "info_of_groups_that_do_not_divide":
        [["info", "--json", "--network", "conv2d:6x3,conv2d:8x3/groups4,flatten,dense:10"],
         ["layer 2 'conv2d:8x3/groups4'", "4 groups", "6 input channels", "8 out"]],
    "info_threads": [["info", "--threads", "x"], "--threads"],
    "info_option": [["info", "--xml"], "--xml"],
}


class Usage(ProgramTest):
    """Exit code 2."""

    def test_option_is_refused_before_data_is_looked_for(self):
        self.refuse(2, "--data", "nowhere", "--epochs", 0, says="--epochs")

    def test_command_in_the_wrong_place(self):
        self.fail_with(2, "--quiet", "info", says="info")


def option_test(arguments, words):
    def test(self):
        self.refuse(2, "--data", self.make_data(), *arguments, says=words)
    return test


def variable_test(name, value):
    def test(self):
        self.refuse(2, "--data", self.make_data(), says=name, **{name: value})
        self.fail_with(2, "info", says=name, **{name: value})
    return test


def command_test(arguments, words):
    def test(self):
        self.fail_with(2, *arguments, says=words)
    return test


add_methods(Usage, {"option_" + name: case for name, case in OPTIONS.items()}, option_test)
add_methods(Usage, {"network_" + name: [["--network", spec], words]
                    for name, (spec, words) in SPECS.items()}, option_test)
add_methods(Usage, {"network_with_" + name: [["--network", spec + "".join(end or [",dense:4"])], words]
                    for name, (spec, words, *end) in IMAGE_SPECS.items()}, option_test)
add_methods(Usage, {"variable_" + name: case for name, case in VARIABLES.items()}, variable_test)
add_methods(Usage, {"command_" + name: case for name, case in COMMANDS.items()}, command_test)


class RunFolder(ProgramTest):
    """A run folder that cannot be had: exit code 1, before training."""

    def refuse_folder(self, folder, says):
        line = self.fail_with(1, "--data", self.make_data(), "--epochs", 1000000, "--quiet",
                              "--out", folder, says=says)
        self.assertIn(folder, line)

    def test_is_a_file(self):
        support.write_bytes(self.path("file"), b"mine")
        self.refuse_folder("file", "not a folder")
        self.assertEqual(b"mine", support.read_bytes(self.path("file")))

    def test_is_below_a_file(self):
        support.write_bytes(self.path("file"), b"mine")
        self.refuse_folder("file/run/1", "Not a directory")
        self.assertEqual(b"mine", support.read_bytes(self.path("file")))

    def test_is_where_nothing_can_be_made(self):
        self.refuse_folder("/proc/nope", "/proc/nope: cannot be made")

    def test_cannot_be_written(self):
        self.refuse_folder("/proc/self", "/proc/self: ")

    def test_has_a_name_too_long(self):
        self.fail_with(1, "--data", self.make_data(), "--out", "x" * 300, says="too long")

    def test_has_a_folder_in_the_models_place(self):
        os.makedirs(self.path("out", "model.safetensors"))
        self.fail_with(1, "--data", self.make_data(), "--epochs", 1, "--quiet", "--out", "out",
                       says="out/model.safetensors: ")
        self.assertEqual(["model.safetensors"], os.listdir(self.path("out")))


class Failing(ProgramTest):
    """Runs that start well."""

    def test_diverging(self):
        self.refuse(1, "--data", self.make_data(), "--quiet", "--optimizer", "sgd", "--lr", "1e6",
                    "--schedule", "constant", says=["step", "learning rate", "1e+06"])

    def start(self, *arguments, prepare=None):
        return subprocess.Popen([PROGRAM, "--data", self.make_data(), "--out", "out", *arguments],
                                cwd=self.folder, env=support.clean_environment(self.folder),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                preexec_fn=prepare, restore_signals=prepare is None)

    def old_model(self):
        os.makedirs(self.path("out"))
        support.write_bytes(self.path("out", "model.safetensors"), b"old")

    def check_old_model(self):
        self.assertEqual(["model.safetensors"], os.listdir(self.path("out")))
        self.assertEqual(b"old", self.model_bytes())

    def test_model_that_does_not_fit_on_the_disk(self):
        """Files may have 10000 bytes, and the signal that says so is ignored, as in Python."""
        self.old_model()
        with self.start("--epochs", "1", "--quiet", prepare=lambda: resource.setrlimit(
                resource.RLIMIT_FSIZE, (10000, 10000))) as process:
            _, errors = process.communicate(timeout=support.HANG)
        self.assertEqual(1, process.returncode, errors)
        self.assertRegex(errors, r"^mnist_blas: out/model.safetensors: cannot be written: .*\n$")
        self.check_old_model()

    def test_network_that_does_not_fit_in_memory(self):
        """Of 40 GB, where there may be 4."""
        self.old_model()
        with self.start("--quiet", "--network", "dense:100000,dense:100000,relu,dense:4",
                        prepare=lambda: resource.setrlimit(
                            resource.RLIMIT_AS, (4 << 30, 4 << 30))) as process:
            _, errors = process.communicate(timeout=support.HANG)
        self.assertEqual(1, process.returncode, errors)
        self.assertRegex(errors, r"^mnist_blas: .*memory.*\n$")
        self.check_old_model()

    def to_full_disk(self, *arguments):
        """Runs the program with its output going to a disk that is full."""
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=support.HANG,
                                  env=support.clean_environment(self.folder), check=False)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertRegex(done.stderr, r"^mnist_blas: standard output: .*No space left.*\n$")

    def test_info_that_cannot_be_printed(self):
        self.to_full_disk("info")
        self.to_full_disk("info", "--json")

    def test_evaluation_that_cannot_be_printed(self):
        data = self.make_data()
        self.train(data)
        self.to_full_disk("evaluate", "out/model.safetensors", "--data", data)

    def test_training_that_cannot_be_printed(self):
        """The files are written all the same."""
        self.to_full_disk("--data", self.make_data(), "--epochs", "2", "--out", "out")
        self.assertEqual(2, len(self.metrics()))


if __name__ == "__main__":
    unittest.main()

"""--help, the manual page and the bash completion: complete options, correct defaults, working examples."""
import os
import re
import shutil
import subprocess
import unittest

import documentation
import pictures
import support
from documentation import complete
from support import PROGRAM, ProgramTest, cases

OPTIMIZERS = ("sgd", "adam", "adamw")

# The pixels of a 28x28 image of a stroke.
STROKE = (bytes(28) * 4 + (bytes(12) + bytes([255]) * 4 + bytes(12)) * 20 + bytes(28) * 4)


class HelpTest(ProgramTest):
    def help(self, *command, **variables):
        return self.succeed(*command, "--help", **variables).out

    def commands(self):
        """{command: its arguments}, as the program describes them."""
        return documentation.help_commands(self.help())

    def options(self, command):
        return documentation.help_options(self.help(command))


class Names(HelpTest):
    """The same names in all documents."""

    def test_commands(self):
        commands = self.commands()
        self.assertLessEqual({"train", "evaluate", "info"}, set(commands))
        self.assertEqual(sorted([*commands, "help"]), complete(self.folder, ""))
        self.assertEqual(sorted(commands), complete(self.folder, "help", ""))
        self.assertEqual(["evaluate", "export"], complete(self.folder, "help", "e"))
        self.assertEqual([], complete(self.folder, "help", "info", ""))
        refusal = re.search(" must be (.*), got 'x'", self.fail_with(2, "x")).group(1)
        self.assertEqual(set(commands), set(re.split(", | or ", refusal)))

    def test_usage_shows_command_and_arguments(self):
        for command, follows in self.commands().items():
            with self.subTest(command=command):
                self.assertEqual(f"Usage: mnist_blas {command} [OPTION...] {follows}".strip(),
                                 self.help(command).splitlines()[0])
        self.assertEqual("Usage: mnist_blas [train] [OPTION...]", self.help().splitlines()[0])

    def test_help_is_the_help_of_train(self):
        self.assertEqual(self.help().splitlines()[1:], self.help("train").splitlines()[1:])
        for arguments in (["-h"], ["-?"], ["help"]):
            self.assertEqual(self.help(), self.succeed(*arguments).out)
        self.assertEqual(self.help("info"), self.succeed("help", "info").out)

    def test_options(self):
        """--help and the manual describe each option alike; the completion proposes it."""
        text = documentation.read_text(documentation.MANUAL)
        shared = documentation.manual_options(text, "All commands")
        for command in self.commands():
            with self.subTest(command=command):
                options = self.options(command)
                manual = {**documentation.manual_options(text, command), **shared}
                self.assertEqual({name: option.argument for name, option in options.items()},
                                 {name: option.argument for name, option in manual.items()})
                for name, option in options.items():
                    self.assertTrue(option.text and manual[name].text, name)
                    self.assertEqual(option.argument is None, option.default is None, name)
                    if name != "data":
                        self.assertEqual(option.default, manual[name].default, name)
                self.assertEqual(sorted("--" + name for name in options),
                                 complete(self.folder, command, "--"))
        self.assertEqual(complete(self.folder, "train", "--"), complete(self.folder, "--"))

    def test_options_of_readme(self):
        """The options in the first column of its tables exist."""
        options = {name for command in self.commands() for name in self.options(command)}
        cells = re.findall(r"^\| (`--[^|]*)\|", documentation.read_text("README.md"), re.MULTILINE)
        self.assertTrue(cells)
        for cell in cells:
            for name in re.findall(r"`--([a-z0-9-]+)", cell):
                self.assertIn(name, options)

    def test_variables(self):
        """The manual describes those that the sources read."""
        manual = documentation.manual_variables(documentation.read_text(documentation.MANUAL))
        asked = set()
        for part in ("src", "tools"):
            for folder, _, files in os.walk(os.path.join(documentation.ROOT, part)):
                for name in files:
                    if name.endswith(".c"):
                        asked |= set(re.findall(r'(?:getenv|is_set|variable)\("([A-Z_]+)"\)',
                                                documentation.read_text(folder, name)))
        self.assertIn("MNIST_BLAS_PIN", asked)
        self.assertEqual(set(), asked - manual)

    def test_version(self):
        for command in ([], *([command] for command in self.commands())):
            with self.subTest(command=command):
                for option in ("--version", "-V"):
                    self.assertRegex(self.succeed(*command, option).out,
                                     r"^mnist_blas \d+\.\d+\.\d+\n$")


class Defaults(HelpTest):
    """Defaults, which --help shows in brackets."""

    # Options with a default that do not affect the model, of images with equally many of each class.
    FREE = ("data", "class-weights", "format", "size", "test-fraction", "class-names", "threads", "out", "checkpoint-every",
            "resume", "tensorboard")

    def test_places_of_data(self):
        places = documentation.manual_places(documentation.read_text(documentation.MANUAL))
        self.assertEqual(5, len(places))
        for command in ("train", "evaluate"):
            default = self.options(command)["data"].default
            self.assertEqual("MNIST_BLAS_DATA, else the first that has data of " +
                             ", ".join(places), default.replace(self.folder, "~"))
            default = documentation.help_options(self.help(command, XDG_CACHE_HOME="/tmp/x"))["data"].default
            self.assertTrue(default.endswith(", /tmp/x/mnist_blas"), default)

    def test_threads(self):
        self.assertEqual("OMP_NUM_THREADS, else one per core", self.options("info")["threads"].default)
        self.assertEqual(1, self.info(OMP_NUM_THREADS="1")["threads"])
        self.assertGreaterEqual(self.info()["cores_allowed"], self.info()["threads"])

    def test_folder_of_the_run(self):
        self.succeed("--data", self.make_data(), "--quiet", "--no-report")
        self.assertTrue(self.model_bytes(self.options("train")["out"].default))

    def of_optimizer(self, optimizer):
        """{name: default} of the options that affect the model."""
        found = {}
        for name, option in self.options("train").items():
            if name in self.FREE or option.default is None:
                continue
            choices = dict(part.split(" ") for part in option.default.split(", ") if " " in part)
            if not choices:
                found[name] = option.default
            elif optimizer in choices:
                found[name] = choices[optimizer]
        found["optimizer"] = optimizer
        return found

    def learn(self, data, options, out):
        words = [word for name, value in options.items() for word in ("--" + name, value)]
        self.succeed("--data", data, "--quiet", "--no-report", "--out", out, *words)
        return self.model_bytes(out)

    def test_default_data(self):
        """Folders that are tried are named where there is a default, and only there."""
        for command in self.commands():
            text = " ".join(self.help(command).split())
            with self.subTest(command=command):
                self.assertNotIn("[none ", text)
                self.assertEqual("--data=PATH folder or file with" in text, "first that has data of ./data/mnist" in text)

    def test_default_optimizer(self):
        self.succeed("--data", self.make_data(), "--quiet", "--no-report", "--out", "out")
        summary, options = self.summary(), self.options("train")
        for name in ("optimizer", "schedule", "seed", "epochs", "batch-size"):
            self.assertEqual(options[name].default, str(summary[name.replace("-", "_")]), name)
        for name, key in (("lr", "lr"), ("weight-decay", "weight_decay")):
            self.assertEqual(float(self.of_optimizer("adamw")[name]), summary[key], name)

    @cases({optimizer: optimizer for optimizer in OPTIMIZERS})
    def test_of(self, optimizer):
        """Explicit defaults give the same bytes; changing any of them gives others."""
        data, others = self.make_data(), {
            "network": "dense:9,relu,dense:4", "validation": "100", "epochs": "4",
            "batch-size": "63", "lr": "0.003", "schedule": "cosine", "weight-decay": "0.03",
            "seed": "2", "momentum": "0.8", "beta1": "0.8", "beta2": "0.9",
            "label-smoothing": "0.1", "ema": "0.9", "augment": "affine"}
        strengths = {"rotate": "20", "scale": "0.2", "shear": "0.2", "shift": "1", "elastic-alpha": "9",
                     "elastic-sigma": "2", "padding-mode": "reflect", "cutout": "4", "plain-epochs": "1"}
        plain = self.learn(data, {"optimizer": optimizer}, "plain")
        options = self.of_optimizer(optimizer)
        foreign = ({"beta1", "beta2"} if optimizer == "sgd" else {"momentum"})
        self.assertLessEqual((set(others) | set(strengths)) - foreign | {"optimizer", "patience"},
                             set(options))
        usual = {name: options[name] for name in set(options) - set(strengths) - foreign - {"min-lr"}}
        self.assertEqual(plain, self.learn(data, usual, "words"))
        for name in set(others) - foreign:
            changed = self.learn(data, {"optimizer": optimizer, name: others[name]}, "other")
            self.assertTrue(plain != changed, name)
        varied = {"optimizer": optimizer, "augment": "elastic"}
        plain = self.learn(data, varied, "plain")
        for name, value in strengths.items():
            self.assertTrue(plain != self.learn(data, {**varied, name: value}, "other"), name)
        held_out = {"optimizer": optimizer, "validation": "100", "epochs": "30", "schedule": "constant"}
        self.assertNotEqual(self.learn(data, held_out, "plain"),
                            self.learn(data, {**held_out, "patience": "1"}, "other"))


class Layout(HelpTest):
    """The layout of --help."""

    # With the first eight, argp itself prints endlessly.
    FORMATS = ("rmargin=10", "rmargin=1", "rmargin=0", "rmargin=-5", "short-opt-col=100",
               "opt-doc-col=100", "rmargin=12,lmargin=5", "long-opt-col=90", "rmargin=99999999999",
               "rmargin=30", "bogus=1", "", ",,,", "rmargin", "no-dup-args-note")

    def test_fits_80_columns(self):
        for command in ([], *([command] for command in self.commands())):
            with self.subTest(command=command):
                for line in self.help(*command).splitlines():
                    self.assertLess(len(line), 80, line)
                    self.assertEqual(line.rstrip(), line)

    def test_groups_have_headings(self):
        for command in self.commands():
            with self.subTest(command=command):
                groups = re.findall(r"\n\n(.*)\n(?=  (?:-|    --))", self.help(command))
                self.assertGreaterEqual(len(groups), 2)
                for heading in groups:
                    self.assertRegex(heading, r"^ \S.*:$")

    def test_unaffected_by_argp_help_fmt(self):
        plain = self.help()
        for form in self.FORMATS:
            environment = support.clean_environment(self.folder, ARGP_HELP_FMT=form)
            with subprocess.Popen([PROGRAM, "--help"], cwd=self.folder, env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                text = process.stdout.read(2 * len(plain))
                if len(text) > len(plain):
                    process.kill()
                self.assertEqual((plain, "", 0), (text, process.stderr.read(), process.wait()), form)

    def test_reports_lost_output(self):
        for option in ("--help", "--version"):
            self.run_into_full_disk(option)

    def test_help_overrides_later_options(self):
        self.assertEqual(self.help(), self.succeed("--help", "--nonsense", "more").out)
        self.assertEqual(self.help(), self.succeed("-?").out)


class Examples(HelpTest):
    """Each example works verbatim, after the previous ones."""

    def run_examples(self, examples):
        features = self.info()["features"]
        for arguments in examples:
            if ("export" in arguments and not features["onnx"]) or ("--sheet" in arguments and not features["report"]):
                continue
            for word in arguments:
                if word.endswith((".png", ".pgm")) and not os.path.exists(self.path(word)):
                    os.makedirs(os.path.dirname(self.path(word)), exist_ok=True)
                    self.write(word, getattr(pictures, word[-3:])(28, 28, STROKE))
            with self.subTest(example=" ".join(arguments)):
                self.succeed(*arguments)

    def setUp(self):
        super().setUp()
        for place in ("mnist", "fashion"):
            self.make_data(os.path.join("data", place), classes=10, rows=28, columns=28, test=100)
        self.write("test.csv", b"7," * 783 + b"0\n")

    def test_of_help(self):
        for command in self.commands():
            with self.subTest(command=command):
                examples = documentation.help_examples(self.help(command))
                self.assertTrue(examples)
                self.run_examples(examples)

    def test_of_the_manual(self):
        examples = documentation.manual_examples(documentation.read_text(documentation.MANUAL))
        self.assertGreater(len(examples), 2)
        self.run_examples(examples)


class Manual(HelpTest):
    """The rendered manual page."""

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_renders_without_a_warning(self):
        done = subprocess.run(["groff", "-mdoc", "-ww", "-b", "-Tascii", "-P-bcou", documentation.MANUAL],
                              capture_output=True, text=True, timeout=support.HANG, check=True)
        self.assertEqual("", done.stderr)
        for name in self.options("train"):
            self.assertIn("--" + name, done.stdout)


class Completion(HelpTest):
    """Proposals of bash besides commands and options."""

    def setUp(self):
        super().setUp()
        os.makedirs(self.path("some folder", "below"))
        for name in ("a.safetensors", "b.safetensors", "one.png", "two.pgm", "t10k-images-idx3-ubyte",
                     "packed-ubyte.gz", "notes.txt"):
            support.write_bytes(self.path(name), b"")

    def values(self, option):
        """The values of an option, as the program lists them."""
        line = self.fail_with(2, "--" + option, "nonsense")
        return sorted(re.split(", | or ", re.search(" must be (.*), got ", line).group(1)))

    def test_values(self):
        for option in ("optimizer", "schedule", "augment", "padding-mode"):
            values = self.values(option)
            self.assertGreaterEqual(len(values), 3)
            self.assertEqual(values, complete(self.folder, "--" + option, ""))
            self.assertEqual(values, complete(self.folder, "train", "--quiet", "--" + option, ""))
            self.assertEqual(values, complete(self.folder, "--" + option, "="))
            self.assertEqual(values[-1:], complete(self.folder, "--" + option, "=", values[-1]))

    def test_networks_can_be_trained(self):
        networks, data = complete(self.folder, "--network", ""), self.make_data(rows=28, columns=28)
        self.assertIn(self.options("train")["network"].default, networks)
        for network in networks:
            self.train(data, "--network", network)

    def test_free_values_have_no_proposals(self):
        for name in ("epochs", "lr", "seed", "threads", "batch-size"):
            self.assertEqual([], complete(self.folder, "--" + name, ""))

    def test_options_with_a_value(self):
        """No option is proposed after an option that takes a value; after a flag, options are."""
        for command in self.commands():
            with self.subTest(command=command):
                for name, option in self.options(command).items():
                    proposed = complete(self.folder, command, "--" + name, "--")
                    self.assertEqual(option.argument is None, "--help" in proposed, name)

    def test_folders(self):
        for option in ("--data", "--out"):
            self.assertEqual(["some folder"], complete(self.folder, option, ""))

    def test_checkpoints(self):
        for name in ("checkpoint", "old_checkpoint"):
            support.write_bytes(self.path(name), b"")
        self.assertEqual(["checkpoint", "old_checkpoint", "some folder"],
                         complete(self.folder, "--resume", ""))
        self.assertEqual(["epoch", "never"], complete(self.folder, "--checkpoint-every", ""))

    def test_model(self):
        for command in ("evaluate", "predict"):
            models = ["a.safetensors", "b.safetensors", "some folder"]
            self.assertEqual(models, complete(self.folder, command, ""))
            self.assertEqual(models, complete(self.folder, command, "--threads", "2", ""))
            self.assertEqual(models, complete(self.folder, command, "--threads", "=", "2", ""))
            self.assertEqual(["a.safetensors"], complete(self.folder, command, "a"))
        self.assertEqual([], complete(self.folder, "evaluate", "a.safetensors", ""))
        self.assertEqual(["some folder"], complete(self.folder, "report", ""))
        self.assertEqual(["some folder"], complete(self.folder, "compare", "some folder", ""))

    def test_images(self):
        images = ["one.png", "packed-ubyte.gz", "some folder", "t10k-images-idx3-ubyte", "two.pgm"]
        for words in (["a.safetensors"], ["--raw", "a.safetensors"], ["a.safetensors", "one.png"]):
            self.assertEqual(images, complete(self.folder, "predict", *words, ""))

    def test_applies_to_any_path_of_the_program(self):
        """bash looks completions up by the last part of a path."""
        done = subprocess.run(["bash", "--norc", "-c",
                               f"source '{documentation.COMPLETION}'; complete -p mnist_blas"],
                              capture_output=True, text=True, timeout=support.HANG, check=True)
        self.assertEqual("complete -F _mnist_blas mnist_blas\n", done.stdout)

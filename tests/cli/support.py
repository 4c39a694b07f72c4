"""Common support of the tests: running the program, generating data, reading files.

MNIST_BLAS_PROGRAM names the program. Each test has an empty folder of its own, self.folder, where the
program runs with a clean environment: none of the caller's OpenMP, OpenBLAS or program variables.
"""
import functools
import gzip
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

PROGRAM = os.path.abspath(os.environ.get("MNIST_BLAS_PROGRAM") or os.path.join(
    os.path.dirname(__file__), "../../build/mnist_blas"))
REAL_DATA = os.environ.get("MNIST_BLAS_DATA") and os.path.abspath(os.environ["MNIST_BLAS_DATA"])
FAULTS = os.environ.get("MNIST_BLAS_FAULTS")  # the library of tests/faults
LONG_TESTS = bool(os.environ.get("MNIST_BLAS_LONG_TESTS"))
needs_real_data = unittest.skipUnless(REAL_DATA, "MNIST_BLAS_DATA is not set: no real MNIST")
OVERLOOKED_AVX512 = {"LD_PRELOAD": FAULTS, "FAULT": "haswell"}  # the environment of an OpenBLAS that chose AVX2
needs_ulimit_v = unittest.skipIf("ASAN_OPTIONS" in os.environ, "AddressSanitizer maps 20 TB")
needs_faults = unittest.skipUnless(FAULTS, "MNIST_BLAS_FAULTS is not set")

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
RUN_FILES = ["metrics.jsonl", "model.safetensors", "summary.json"]
MODEL = "out/model.safetensors"
ROWS, COLUMNS = 12, 10  # of the made images
HANG = 300  # seconds after which a run counts as hung

# Signals that the tests' caller ignores, as nohup does, would be ignored by the program, too.
for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


class cases:  # pylint: disable=invalid-name
    """Decorator: makes one test method per entry of a table. A dictionary maps the end of the test's
    name to the method's arguments: a tuple of them, or a single one that is no tuple. The tests of a
    list are named after the words of their arguments."""

    def __init__(self, table):
        self.table = table if isinstance(table, dict) else {
            re.sub(r"\W+", "_", f"{number} {case}").strip("_")[:60]: case for number, case in enumerate(table)}

    def __call__(self, method):
        one = cases(self.table)  # a decorator that has a name may be given several methods
        one.method = method
        return one

    def __set_name__(self, owner, name):
        delattr(owner, name)
        for end, case in self.table.items():
            setattr(owner, f"{name}_{end}", self.bind(case if isinstance(case, tuple) else (case,)))

    def bind(self, arguments):
        @functools.wraps(self.method)
        def test(test_case):
            self.method(test_case, *arguments)
        return test


def words(says):
    """The strings that a message must contain: one, or several."""
    return (says,) if isinstance(says, str) else says


# --- data ---

def idx(dimensions, payload, kind=0x08):
    """The bytes of an IDX file; `kind` 0x08 is unsigned bytes."""
    header = struct.pack(">HBB", 0, kind, len(dimensions))
    return header + b"".join(struct.pack(">I", d) for d in dimensions) + bytes(payload)


def templates(classes, pixels, seed):
    """One picture per class, in which about a third of the pixels are set."""
    rng = random.Random(seed)
    return [[rng.random() < 0.35 for _ in range(pixels)] for _ in range(classes)]


def draw(template, noise, background):
    """The template in varying brightness with one pixel in eight lost; `noise` has one byte per pixel.
    Lost and unset pixels have the value `background`, 0 for blank."""
    return bytes(128 + byte // 2 if on and byte >= 32 else background + byte // 16 * (background > 0)
                 for on, byte in zip(template, noise))


@functools.lru_cache(maxsize=None)
def made_split(count, classes, rows, columns, blank, background, seed):
    """(images, labels) as bytes: labels repeat all classes in random order, so that each appears; a
    fraction `blank` of the images has no pixel other than 0."""
    rng = random.Random(seed)
    pixels = rows * columns
    pictures = templates(classes, pixels, seed=1)
    labels = [i % classes for i in range(count)]
    rng.shuffle(labels)
    images = [bytes(pixels) if i < blank * count else
              draw(pictures[label], rng.randbytes(pixels), background)
              for i, label in enumerate(labels)]
    return b"".join(images), bytes(labels)


def write_bytes(path, data):
    with open(path, "wb") as file:
        file.write(data)


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def write_data(folder, classes=4, rows=ROWS, columns=COLUMNS, train=1200, test=200, blank=0.0,
               background=0, packed=False):
    """A folder with the four files, plain or .gz, of classes that can be learned. Returns it."""
    os.makedirs(folder)
    for names, count, seed in ((FILES[:2], train, 11), (FILES[2:], test, 12)):
        images, labels = made_split(count, classes, rows, columns, blank, background, seed)
        contents = idx((count, rows, columns), images), idx((count,), labels)
        for name, content in zip(names, contents):
            path = os.path.join(folder, name)
            if packed:
                path, content = path + ".gz", gzip.compress(content, mtime=0)
            write_bytes(path, content)
    return folder


# --- running ---

def clean_environment(home, **variables):
    ours = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "GOTO_", "MNIST_BLAS_", "XDG_")
    others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**others, "HOME": home, **variables}


class Result:
    """How a run ended. `errors` are the lines on stderr except libgomp's own, warnings, which depend on
    the machine, and notices of training on synthetic digits."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        lines = [line for line in err.splitlines() if line and not line.startswith("libgomp: ")]
        self.warnings = [line for line in lines if line.startswith("mnist_blas: warning: ")]
        self.notices = [line for line in lines if "training on synthetic digits" in line]
        self.errors = [line for line in lines if line not in self.warnings + self.notices]

    def __str__(self):
        return f"exit code {self.code}\nstdout: {self.out}\nstderr: {self.err}"


class ProgramTest(unittest.TestCase):
    """A test of the program, in its own folder."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mnist_blas_test_")
        self.addCleanup(shutil.rmtree, self.folder)

    # --- files ---

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, data):
        write_bytes(self.path(name), data)
        return name

    def read(self, *names):
        return read_bytes(self.path(*names))

    def names(self, folder="out"):
        return sorted(os.listdir(self.path(folder)))

    def files(self, folder="out"):
        """{name: bytes}"""
        return {name: self.read(folder, name) for name in self.names(folder)}

    def make_data(self, name="data", **arguments):
        return write_data(self.path(name), **arguments)

    # --- running ---

    def start(self, *arguments, cwd=None, prepare=None, program=PROGRAM, stdout=subprocess.PIPE, **variables):
        """Starts the program, which does not outlive the test; `variables` go into its environment, `prepare` runs before
        it."""
        process = subprocess.Popen(
            [program, *map(str, arguments)], cwd=cwd or self.folder, stdin=subprocess.DEVNULL, stdout=stdout,
            stderr=subprocess.PIPE, text=True, env=clean_environment(self.folder, **variables),
            preexec_fn=prepare, restore_signals=prepare is None)
        self.addCleanup(lambda: process.kill() if process.returncode is None else None)
        return process

    @staticmethod
    def finish(process, seconds=HANG):
        """Waits for a process that was started, and returns its Result."""
        with process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Result(process.returncode, out, err)

    def run_program(self, *arguments, **options):
        return self.finish(self.start(*arguments, **options))

    def run_into_full_disk(self, *arguments, program=PROGRAM):
        """Runs the program with stdout on a full disk, which must be its only error."""
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = self.run_program(*arguments, program=program, stdout=full)
        self.assertEqual(1, result.code, result)
        self.assertRegex(result.err, rf"^{os.path.basename(program)}: standard output: cannot be written"
                                     r"(: No space left on device)?\n$")

    def succeed(self, *arguments, **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual((0, []), (result.code, result.errors), result)
        return result

    def check_failure(self, result, code, says=(), program="mnist_blas"):
        """Checks that a run ended with this exit code and one line with the words. Returns the line."""
        self.assertEqual((code, 1), (result.code, len(result.errors)), result)
        self.assertRegex(result.errors[0], rf"^{program}: \S.*[^\s:]$")
        for word in words(says):
            self.assertIn(word, result.errors[0])
        return result.errors[0]

    def fail_with(self, code, *arguments, says=(), **options):
        """Runs the program, which must fail with this exit code and one line with the words."""
        return self.check_failure(self.run_program(*arguments, **options), code, says)

    def refuse(self, code, *arguments, says=(), **variables):
        """fail_with for train, which must leave the files in the run folder `out` as they are."""
        os.makedirs(self.path("out"), exist_ok=True)
        before = {"model.safetensors": b"of an earlier run", "notes.txt": b"of another program"}
        for name, content in before.items():
            self.write(f"out/{name}", content)
        line = self.fail_with(code, "train", "--out", self.path("out"), *arguments, says=says, **variables)
        self.assertEqual(before, self.files())
        return line

    def train(self, data, *arguments, out="out", **variables):
        """A run of one epoch, unless the arguments say otherwise. Returns its summary."""
        self.succeed("train", "--data", data, "--epochs", 1, "--quiet", "--no-report", "--out", out,
                     *arguments, **variables)
        return self.summary(out)

    def predict(self, *arguments):
        """The entries that predict --json prints."""
        return json.loads(self.succeed("predict", "--json", *arguments).out)

    def info(self, *arguments, **variables):
        result = self.run_program("info", "--json", *arguments, **variables)
        self.assertEqual(0, result.code, result)
        return json.loads(result.out)

    def need_feature(self, name):
        if not self.info()["features"][name]:
            self.skipTest(f"built without {name}")

    # --- what a run leaves ---

    def summary(self, out="out"):
        return json.loads(self.read(out, "summary.json"))

    def metrics(self, out="out"):
        return [json.loads(line) for line in self.read(out, "metrics.jsonl").splitlines()]

    def model_bytes(self, out="out"):
        return self.read(out, "model.safetensors")

    def assert_same_model(self, *outs):
        self.assertEqual(1, len({self.model_bytes(out) for out in outs}), outs)


class TrainedTest(ProgramTest):
    """A test with data and a run that the class trains once: each test has a copy in its folder."""
    DATA, TRAINING = {}, []

    @classmethod
    def setUpClass(cls):
        maker = ProgramTest()
        maker.setUp()
        try:
            cls.trained_summary = maker.train(maker.make_data(**cls.DATA), *cls.TRAINING)
            cls.trained_files = maker.files()
        finally:
            maker.doCleanups()

    def setUp(self):
        super().setUp()
        self.data = self.make_data(**self.DATA)
        self.images = os.path.join(self.data, TEST_IMAGES)
        os.mkdir(self.path("out"))
        for name, content in self.trained_files.items():
            self.write(f"out/{name}", content)

"""What the tests share: running the program, making data, reading its files.

MNIST_BLAS_PROGRAM names the program. Each test has an empty folder of its own, self.folder, where the
program runs with a clean environment: none of the caller's OpenMP, OpenBLAS or program variables.
"""
import functools
import gzip
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

PROGRAM = os.path.abspath(os.environ.get("MNIST_BLAS_PROGRAM") or os.path.join(
    os.path.dirname(__file__), "../../build/mnist_blas"))
REAL_DATA = os.environ.get("MNIST_BLAS_DATA")
if REAL_DATA:
    REAL_DATA = os.path.abspath(REAL_DATA)

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
ROWS, COLUMNS = 12, 10  # of the made images
HANG = 300  # seconds after which a run counts as hung

# What the tests' caller ignores, as nohup does, the programs that they start would ignore, too.
for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


# --- data ---

def idx(dimensions, payload, kind=0x08):
    """The bytes of an IDX file; `kind` 0x08 says unsigned bytes."""
    header = struct.pack(">HBB", 0, kind, len(dimensions))
    return header + b"".join(struct.pack(">I", d) for d in dimensions) + bytes(payload)


def templates(classes, pixels, seed):
    """One picture a class, in which about a third of the pixels are not blank."""
    rng = random.Random(seed)
    return [[rng.random() < 0.35 for _ in range(pixels)] for _ in range(classes)]


def draw(template, noise, background):
    """The template in varying brightness with one pixel in eight lost; `noise` has one byte a pixel.
    Lost and blank pixels have the value `background`, 0 for blank."""
    return bytes(128 + byte // 2 if on and byte >= 32 else background + byte // 16 * (background > 0)
                 for on, byte in zip(template, noise))


@functools.lru_cache(maxsize=None)
def made_split(count, classes, rows, columns, blank, background, seed):
    """(images, labels) as bytes: labels go round the classes in random order, so that each appears;
    the share `blank` of the images has no pixel that is not 0."""
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
            if packed:
                write_bytes(os.path.join(folder, name + ".gz"), gzip.compress(content, mtime=0))
            else:
                write_bytes(os.path.join(folder, name), content)
    return folder


# --- model files ---

def read_model(path):
    """({name: (shape, numbers)}, metadata) of a safetensors file, checked to be packed."""
    data = read_bytes(path)
    length, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__", {})
    body, tensors, at = data[8 + length:], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if entry["dtype"] != "F32" or begin != at:
            raise ValueError(f"{name}: {entry}, expected F32 from byte {at}")
        tensors[name] = entry["shape"], struct.unpack_from(f"<{(end - begin) // 4}f", body, begin)
        at = end
    if at != len(body):
        raise ValueError(f"{len(body) - at} bytes follow the tensors")
    return tensors, metadata


# --- running ---

def clean_environment(home, **variables):
    ours = ("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "GOTO_", "MNIST_BLAS_", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "HOME": home, **variables}


class Result:
    """How a run ended. `errors` are the lines on stderr but for libgomp's own, for warnings, which
    depend on the machine, and for notices that digits are drawn."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        lines = [line for line in err.splitlines() if line and not line.startswith("libgomp: ")]
        self.warnings = [line for line in lines if line.startswith("mnist_blas: warning: ")]
        self.notices = [line for line in lines if "training on synthetic digits" in line]
        self.errors = [line for line in lines if line not in self.warnings + self.notices]

    def __str__(self):
        return f"exit code {self.code}\nstdout: {self.out}\nstderr: {self.err}"


class ProgramTest(unittest.TestCase):
    """A test of the program in a folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mnist_blas_test_")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def make_data(self, name="data", **arguments):
        return write_data(self.path(name), **arguments)

    def run_program(self, *arguments, cwd=None, **variables):
        """Runs the program; `variables` go into its environment."""
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd or self.folder,
                              env=clean_environment(self.folder, **variables),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=HANG, check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    def succeed(self, *arguments, **variables):
        result = self.run_program(*arguments, **variables)
        self.assertEqual(0, result.code, result)
        self.assertEqual([], result.errors, result)
        return result

    def fail_with(self, code, *arguments, says=(), **variables):
        """Runs the program, which must refuse with this exit code and one line that has the words."""
        result = self.run_program(*arguments, **variables)
        self.assertEqual(code, result.code, result)
        self.assertEqual(1, len(result.errors), result)
        self.assertRegex(result.errors[0], r"^mnist_blas: \S.*[^\s:]$")
        for word in (says,) if isinstance(says, str) else says:
            self.assertIn(word, result.errors[0])
        return result.errors[0]

    def refuse(self, code, *arguments, says=(), **variables):
        """fail_with for train, which must leave alone what is in the run folder `out`."""
        folder = self.path("out")
        before = {"model.safetensors": b"of an earlier run", "notes.txt": b"of another program"}
        os.makedirs(folder)
        for name, content in before.items():
            write_bytes(os.path.join(folder, name), content)
        line = self.fail_with(code, "train", "--out", folder, *arguments, says=says, **variables)
        self.assertEqual(before, {name: read_bytes(os.path.join(folder, name))
                                         for name in os.listdir(folder)})
        return line

    def train(self, data, *arguments, out="out", **variables):
        """A run of one epoch, unless the arguments say otherwise. Returns its summary."""
        self.succeed("train", "--data", data, "--epochs", 1, "--quiet", "--no-report", "--out", out,
                     *arguments, **variables)
        return self.summary(out)

    def summary(self, out="out"):
        with open(self.path(out, "summary.json"), encoding="utf-8") as file:
            return json.load(file)

    def metrics(self, out="out"):
        with open(self.path(out, "metrics.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def model_bytes(self, out="out"):
        return read_bytes(self.path(out, "model.safetensors"))

    def info(self, *arguments, **variables):
        result = self.run_program("info", "--json", *arguments, **variables)
        self.assertEqual(0, result.code, result)
        return json.loads(result.out)


def add_methods(cls, cases, make):
    """Gives the class one test a case: cases maps the end of its name to what `make` takes to return
    the method."""
    for name, case in cases.items():
        method = make(*case)
        method.__name__ = f"test_{name}"
        if hasattr(cls, method.__name__):
            raise ValueError(f"two tests are called {method.__name__}")
        setattr(cls, method.__name__, method)

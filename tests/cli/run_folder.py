"""Run folders: runs that a signal or a failing call ends, and whether the files that they leave are whole."""
import json
import re
import struct
import time
import xml.etree.ElementTree
import zlib

import support
from model_files import TensorFile
from support import ProgramTest

LEFTOVER = re.compile(r"\.mnist_blas\.[a-z0-5]{6}\.tmp")
SHORT_EPOCHS = ["--batch-size", 4, "--no-report"]  # of a few milliseconds
METRICS = ("epoch", "train_loss", "train_accuracy", "test_accuracy", "lr")
STOPPED = re.compile(r"^mnist_blas: (SIG[A-Z0-9]+): stopped at step (\d+) of (\d+) in epoch (\d+)/(\d+); "
                     r"to go on: mnist_blas --resume (.*)$")


def check_png(data):
    """Each chunk is there with its checksum, up to the last."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG")
    at, kind = 8, None
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        checksum, = struct.unpack_from(">I", data, at + 8 + length)
        if zlib.crc32(data[at + 4:at + 8 + length]) != checksum:
            raise ValueError(f"{kind} at {at} is broken")
        at += 12 + length
    if kind != b"IEND" or at != len(data):
        raise ValueError("PNG without an end")


def check_page(data):
    if not data.rstrip().endswith(b"</html>"):
        raise ValueError("page without an end")


def check_c(data):
    if not data.endswith(b", probabilities);\n}\n"):
        raise ValueError("C that is cut off")


# By the end of a file's name: raises an error for a file that a reader could not take.
CHECKS = {"safetensors": TensorFile.read, "checkpoint": TensorFile.read, "old": TensorFile.read, "json": json.loads,
          "onnx": bytes, "jsonl": lambda data: [json.loads(line) for line in data.splitlines()],
          "png": check_png, "svg": xml.etree.ElementTree.fromstring, "html": check_page, "c": check_c}


class RunFolderTest(ProgramTest):
    DATA = {}

    def setUp(self):
        super().setUp()
        self.make_data(**self.DATA)

    # --- files ---

    def leftovers(self, folder="out"):
        return [name for name in self.names(folder) if LEFTOVER.fullmatch(name)]

    def whole_files(self, folder="out"):
        """{name: bytes} of all but leftovers, each checked to be a whole file of a run."""
        files = {name: data for name, data in self.files(folder).items() if not LEFTOVER.fullmatch(name)}
        for name, data in files.items():
            CHECKS[name.rsplit(".", 1)[-1]](data)
        return files

    def learned(self, out="out"):
        """What does not depend on the time, by epoch."""
        return [{key: line[key] for key in METRICS} for line in self.metrics(out)]

    def assert_same_run(self, out="out", expected="whole"):
        self.assertEqual(self.model_bytes(expected), self.model_bytes(out))
        self.assertEqual(self.learned(expected), self.learned(out))

    # --- signals ---

    def start_run(self, *arguments, out="out", after="", **options):
        """Starts a run, and waits for a line that begins with `after`."""
        process = self.start("--data", "data", "--out", out, *arguments, **options)
        seen = ""
        while not seen.startswith(after):
            seen = process.stdout.readline()
            self.assertNotEqual("", seen, "the run ended")
        return process

    def interrupt(self, number, *arguments, after="epoch 1/", delay=0.0, **options):
        """Sends the signal `delay` seconds after a line that begins with `after`."""
        process = self.start_run(*arguments, after=after, **options)
        time.sleep(delay)
        process.send_signal(number)
        return self.finish(process)

    def interrupted(self, number, *arguments, **options):
        """The same for a signal during training. Returns the parts of the one line on stderr."""
        result = self.interrupt(number, *arguments, **options)
        line = self.check_failure(result, 128 + number)
        self.assertRegex(line, STOPPED)
        return STOPPED.fullmatch(line).groups()

    # --- tests/faults ---

    def faults(self, fault, folder="out"):
        """The environment in which calls that change the folder go wrong as `fault` says."""
        return {"LD_PRELOAD": support.FAULTS, "FAULT": fault, "FAULT_FOLDER": self.path(folder),
                "OMP_NUM_THREADS": "1"}

"""Each allocation and each system call of a run fails, once or from then on, for every command: the run ends with
one line, or goes on to the right result; nothing crashes, leaks or is torn. A sample of them, unless LONG_TESTS."""
import collections
import concurrent.futures
import errno
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import tempfile

import pictures
import support
from numpy_files import npy, npz
from run_folder import RunFolderTest
from support import MODEL, TEST_IMAGES, cases, needs_faults

TRAIN = ["train", "--network", "dense:16,relu,dense:4", "--epochs", 1, "--quiet", "--out", "out"]
OTHER = [*TRAIN, "--seed", 2, "--data", "data"]
COMMANDS = {
    "train": [*OTHER, "--no-report"],
    "train_found_data": [*TRAIN, "--seed", 2, "--no-report"],
    "train_threads": [*OTHER, "--no-report", "--threads", 2],
    "train_pictures": [*TRAIN, "--seed", 2, "--no-report", "--data", "pictures", "--batch-size", 20],
    "train_report": OTHER,
    "train_events": [*OTHER, "--no-report", "--tensorboard", "board", "--checkpoint-every", "epoch"],
    "resume": ["--resume", "out/checkpoint", "--epochs", 2, "--quiet", "--no-report"],
    "evaluate": ["evaluate", "--data", "data", MODEL],
    "evaluate_numpy": ["evaluate", "--data", "data.npz", MODEL],
    "evaluate_json": ["evaluate", "--json", "--data", "data", MODEL],
    "evaluate_plot": ["evaluate", "--data", "data", "--json", "--shift", 2, "--noise", 0.3, "--plot", "out/plot.png", MODEL],
    "predict": ["predict", MODEL, f"data/{TEST_IMAGES}"],
    "predict_picture": ["predict", "--json", MODEL, "digit.png"],
    "export": ["export", MODEL, "--onnx", "out/model.onnx"],
    "export_c": ["export", MODEL, "--c", "out/model.c"],
    "export_int8": ["export", MODEL, "--c", "out/model.c", "--quantize", "int8", "--calibrate", "data"],
    "export_onnx_int8": ["export", MODEL, "--onnx", "out/model.onnx", "--quantize", "int8", "--calibrate", "data"],
    "report": ["report", "out"],
    "compare": ["compare", "out", "old", "--out", "out/compare.html"],
    "tune": ["tune", "--data", "data", "--network", "dense:16,relu,dense:4"],
    "info": ["info"],
    "info_json": ["info", "--json"],
    "info_model": ["info", MODEL],
    "info_network": ["info", "--network", "lenet5"],
    "info_sheet": ["info", "--data", "data", "--sheet", "out/sheet.png"],
    "help": ["--help"],
    "version": ["--version"],
}
SAMPLES = {"tune": 2, "help": 100, "info_model": 60}  # per kind of call and action; 6 for other commands
HANG = 60

# Kinds of calls, and what errno is set to, in turn. A crash or a hang of a library is none of ours.
ERRORS = {"memory": [errno.ENOMEM], "system": [errno.EIO, errno.EPERM, errno.ENOMEM, errno.EMFILE],
          "library": [errno.ENOMEM]}
ACTIONS = [("memory", "fail"), ("memory", "from"), ("system", "fail"), ("system", "from"), ("library", "fail")]
REMOVING = {"unlink", "unlinkat", "opendir", "readdir", "openat"}  # where these fail, a temporary file may stay

# How argp ends a program if memory is out while it lays out the help.
ARGP_ABORT = r"argp-help\.c:\d+: .*Assertion|^Unexpected error\.$"

# What a command prints and is not the same in each run.
FIGURES = r"(?s).*"
VARYING = {**dict.fromkeys((name for name in COMMANDS if name.startswith(("train", "resume", "tune"))), FIGURES),
           "info": r"(pins|caches|distance) .*", "info_json": r'(?s)"caches.*"cpu_quota"|"pin_policy.*"blas_core"'}
OF_HWLOC = {"info", "info_json"}  # what it leaves out if memory is out, these leave out

Report = collections.namedtuple("Report", "calls failed leaks")
Expected = collections.namedtuple("Expected", "report out files")


def read_report(path):
    """The number of calls, (name, caller) of the one that failed, and what is not freed or closed: blocks by caller, descriptors."""
    calls, failed, leaks = 0, (), set()
    for what, name, caller, number in re.findall(r"(\w+) (\S+) (\S+) (\d+)", support.read_bytes(path).decode()):
        if what == "counted":
            calls = int(number)
        elif what == "failed":
            failed = name, caller
        else:
            leaks.add(f"{name} {caller}")
    return Report(calls, failed, leaks)


@needs_faults
class Faults(RunFolderTest):
    DATA = {"train": 200, "test": 40}
    maxDiff = None

    def setUp(self):
        super().setUp()
        os.symlink(".", self.path("data/mnist"))  # one of the usual folders
        self.succeed(*TRAIN, "--checkpoint-every", "epoch")
        self.write_npz()
        self.write("digit.png", self.read("out/predictions.png"))
        pictures.write_folder(self.path("pictures"), (("train", 40, 11), ("test", 20, 12)))
        self.old = self.files()
        os.rename(self.path("out"), self.path("old"))

    def write_npz(self):
        if self.info()["features"]["npz"]:
            images, labels = support.made_split(40, 4, support.ROWS, support.COLUMNS, 0.0, 0, 12)
            self.write("data.npz", npz({"x_test": npy("|u1", (40, support.ROWS, support.COLUMNS), images),
                                        "y_test": npy("|u1", (40,), labels)}))
        else:
            os.symlink("data", self.path("data.npz"))

    # --- one run ---

    def run_with(self, name, kind, fault):
        """Runs a command in a new folder that has the files of the old run."""
        folder = tempfile.mkdtemp(dir=self.folder)
        shutil.copytree(self.path("old"), os.path.join(folder, "out"))
        for link in "data", "data.npz", "digit.png", "pictures", "old":
            os.symlink(self.path(link), os.path.join(folder, link))
        variables = {"LD_PRELOAD": support.FAULTS, "FAULT": fault, "FAULT_CALLS": kind,
                     "FAULT_REPORT": os.path.join(folder, "faults.txt"), "OMP_WAIT_POLICY": "passive"}
        if name != "version":  # whose calls may be those of two processes, then
            variables["MNIST_BLAS_RESTARTED"] = "1"
        try:
            result = self.finish(self.start(*COMMANDS[name], cwd=folder, **variables), HANG)
        except subprocess.TimeoutExpired:
            result = support.Result("none: it hangs", "", "")
        varying = FIGURES if kind == "library" and name in OF_HWLOC else VARYING.get(name, "$^")
        result.out = re.sub(varying, "", result.out)
        return folder, result, read_report(variables["FAULT_REPORT"])

    def expect(self, name, kind):
        """A run in which no call fails."""
        folder, result, report = self.run_with(name, kind, "none:0:0")
        self.assertEqual((0, []), (result.code, result.errors), result)
        return Expected(report, result.out, self.whole_files(os.path.join(folder, "out")))

    # --- what is wrong with one ---

    @staticmethod
    def wrong_end(result, expected):
        if result.code == -signal.SIGABRT and re.search(ARGP_ABORT, result.err):
            return
        lines = [line for line in result.errors if re.match(r"mnist_blas: \S.*[^\s:]$", line)]
        if result.code not in (0, 1):
            yield f"exit code {result.code}"
        elif (len(lines), len(result.errors)) != (result.code, result.code):
            yield "not one line"
        elif result.code == 0 and result.out != expected.out and not result.warnings:
            yield "another result"

    def wrong_files(self, out, result, expected):
        try:
            files = self.whole_files(out)
        except (ValueError, SyntaxError, struct.error) as error:
            yield f"torn: {error!r}"
            return
        if result.code == 0 and set(files) != set(expected.files) and not re.search("cannot be|out of memory", result.err):
            yield "other files"
        for name in {"model.safetensors", "model.onnx", "model.c"} & set(files):
            if files[name] != expected.files[name] and (result.code == 0 or files[name] != self.old.get(name)):
                yield f"{name} of neither run"

    def wrong(self, kind, action, run, expected):
        folder, result, report = run
        out = os.path.join(folder, "out")
        leaks = report.leaks - expected.report.leaks
        if kind != "library":
            yield from self.wrong_end(result, expected)
        elif result.code == 0 and result.out != expected.out and not result.warnings:
            yield "another result"
        if kind != "library" and leaks:
            yield f"leaks of {leaks}"
        if kind != "library" and action == "fail" and not set(report.failed) & REMOVING and self.leftovers(out):
            yield "a temporary file"
        yield from self.wrong_files(out, result, expected)

    # --- all of a command ---

    def try_fault(self, name, kind, action, number, expected):
        """The exit code and what is wrong."""
        fault = f"{action}:{ERRORS[kind][number % len(ERRORS[kind])]}:{number}"
        run = self.run_with(name, kind, fault)
        wrong = [f"{name} {kind} {fault} {run[2].failed}: {what}: {run[1]}"
                 for what in self.wrong(kind, action, run, expected)]
        shutil.rmtree(run[0])
        return run[1].code, wrong

    @cases([(name, kind, action) for name in COMMANDS for kind, action in ACTIONS])
    def test(self, name, kind, action):
        cpus = sorted(os.sched_getaffinity(0))
        with concurrent.futures.ThreadPoolExecutor(
                len(cpus), initializer=lambda: os.sched_setaffinity(0, {cpus.pop()})) as pool:
            expected = pool.submit(self.expect, name, kind).result()
            calls = expected.report.calls
            count = calls if support.LONG_TESTS else min(calls, SAMPLES.get(name, 6))
            numbers = random.Random(f"{name} {kind} {action}").sample(range(1, calls + 1), count)
            runs = list(pool.map(lambda number: self.try_fault(name, kind, action, number, expected), numbers))
        codes = collections.Counter(code for code, _ in runs)
        wrong = [line for _, lines in runs for line in lines]
        print(f"{name}, {kind}, {action}: {count} of {calls} calls; exit codes {dict(codes)}; {len(wrong)} wrong")
        self.assertEqual("", "\n".join(wrong))

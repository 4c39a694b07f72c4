"""Runs that a signal ends, and what they leave."""
import json
import os
import re
import subprocess
import time

import support
from support import PROGRAM, ProgramTest, clean_environment

# An epoch of a few milliseconds.
SHORT_EPOCHS = ["--batch-size", 4, "--no-report"]
METRICS = ("epoch", "train_loss", "train_accuracy", "test_accuracy", "lr")
STOPPED = re.compile(r"^mnist_blas: (SIG[A-Z]+): stopped at step (\d+) of (\d+) in epoch (\d+)/(\d+); "
                     r"to go on: mnist_blas --resume (.*)$")


class InterruptingTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.data = self.make_data()

    def start(self, *arguments, out="out", prepare=None):
        return subprocess.Popen(
            [PROGRAM, "--data", self.data, "--out", out, *map(str, arguments)], cwd=self.folder,
            env=clean_environment(self.folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=prepare)

    def interrupt(self, number, *arguments, after="epoch 1/", delay=0.0, out="out"):
        """Sends the signal some time after a line that begins so was printed; "": after the start."""
        with self.start(*arguments, out=out) as process:
            seen = ""
            while after and not seen.startswith(after):
                seen = process.stdout.readline()
                self.assertNotEqual("", seen, "the run ended")
            time.sleep(delay)
            process.send_signal(number)
            text, errors = process.communicate(timeout=support.HANG)
        return support.Result(process.returncode, text, errors)

    def interrupted(self, number, *arguments, **options):
        """The same, for a signal that comes while it trains. Returns how its one line reads."""
        result = self.interrupt(number, *arguments, **options)
        self.assertEqual(128 + number, result.code, result)
        self.assertEqual(1, len(result.errors), result)
        self.assertRegex(result.errors[0], STOPPED)
        return STOPPED.fullmatch(result.errors[0]).groups()

    def learned(self, out="out"):
        """Of each epoch what does not depend on the time."""
        return [{key: line[key] for key in METRICS} for line in self.metrics(out)]

    def files(self, out="out"):
        """{name: bytes} of the run folder, each file checked to be whole, with none besides a run's."""
        found = {}
        if os.path.isdir(self.path(out)):
            for name in os.listdir(self.path(out)):
                found[name] = support.read_bytes(self.path(out, name))
        self.assertLessEqual(set(found), {"model.safetensors", "metrics.jsonl", "summary.json",
                                          "checkpoint"})
        if "model.safetensors" in found:
            support.read_model(self.path(out, "model.safetensors"))
        for line in found.get("metrics.jsonl", b"").splitlines():
            json.loads(line)
        if "summary.json" in found:
            json.loads(found["summary.json"])
        return found

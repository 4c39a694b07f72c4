"""bench/compare with peers of the test's own: programs that speak the protocol and train nothing."""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import sys
import unittest
import xml.etree.ElementTree

import support
from support import ProgramTest

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench")

# Answers as bench/peers/peer.py does; its accuracy is the first argument of the class.
PEER = """
import sys, time
sys.path.insert(0, {folder!r})
from peer import serve

class Fake:
    version, samples = "Fake 1.0", 1200
    def open(self, **settings): {open}
    def reset(self, seed): pass
    def train_epoch(self): time.sleep(0.01)
    def evaluate(self): return {accuracy}

serve(Fake)
"""


def load_compare():
    """The program as a module, with the modules beside it."""
    path = os.path.join(BENCH, "compare")
    loader = importlib.machinery.SourceFileLoader("compare_program", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class Compare(ProgramTest):
    def setUp(self):
        super().setUp()
        sys.path.insert(0, BENCH)
        self.addCleanup(sys.path.remove, BENCH)
        self.compare = load_compare()
        self.peers = dict(self.compare.PEERS)
        self.addCleanup(self.compare.PEERS.update, self.peers)
        self.compare.PEERS.clear()
        self.addCleanup(self.compare.PEERS.clear)  # runs before the update
        self.build = os.path.dirname(support.PROGRAM)

    def add_peer(self, name, accuracy=1.0, open_="pass"):
        path = self.path(name + ".py")
        support.write_bytes(path, PEER.format(folder=os.path.join(BENCH, "peers"), accuracy=accuracy,
                                              open=open_).encode())
        self.compare.PEERS[name] = path

    def run_compare(self, *arguments):
        """(exit code, stdout, stderr) of compare on made data that is learned at once."""
        data = self.path("data")
        if not os.path.exists(data):
            self.make_data(classes=2)
        words = ["compare", "--build", self.build, "--data", data, "--rounds", "2", "--threads", "1",
                 "--epochs-per-round", "1", *map(str, arguments)]
        out, err, before = io.StringIO(), io.StringIO(), sys.argv
        sys.argv = words
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    code = self.compare.main()
                except SystemExit as end:
                    code = end.code
        finally:
            sys.argv = before
        return code, out.getvalue(), err.getvalue()

    def fails_with(self, code, word, *arguments):
        ended, out, err = self.run_compare(*arguments)
        lines = [line for line in err.splitlines() if "warning" not in line]
        self.assertEqual((code, 1), (ended, len(lines)), out + err)
        self.assertTrue(lines[0].startswith("compare: ") and word in lines[0], err)

    def test_figures_and_picture(self):
        self.add_peer("quick")
        self.add_peer("quicker")
        code, out, err = self.run_compare("--json", self.path("c.json"), "--svg", self.path("c.svg"))
        self.assertEqual(0, code, out + err)
        with open(self.path("c.json"), encoding="utf-8") as file:
            result, = json.load(file)["comparisons"]
        self.assertEqual(["mnist_blas", "quick", "quicker"], list(result["contenders"]))
        for name, row in result["contenders"].items():
            speed = row["samples_per_second"]
            self.assertTrue(0 < speed["min"] <= speed["median"] <= speed["max"], row)
            self.assertEqual((name == "mnist_blas", 2), ("ratio" not in row, len(row["epochs"])))
        for rates in result["sgemm_gflops"].values():
            self.assertGreater(rates["min"], 0)
        picture = xml.etree.ElementTree.parse(self.path("c.svg"))
        texts = " ".join(element.text or "" for element in picture.iter())
        for word in ("mnist_blas", "quick", "quicker", "batch size 64", "adam"):
            self.assertIn(word, texts)

    def test_peer_that_learns_something_else(self):
        self.add_peer("fair")
        self.add_peer("unfair", accuracy=0.5)
        self.fails_with(1, "unfair: its test accuracy is -50")

    def test_peers_that_cannot_take_part_are_left_out(self):
        self.add_peer("fair")
        self.add_peer("absent", open_="import no_such_package")
        self.add_peer("unable", open_="raise NotImplementedError('there is no adam in it')")
        code, out, err = self.run_compare()
        self.assertEqual(0, code, out + err)
        self.assertIn("left out: absent: no_such_package is not installed", out)
        self.assertIn("left out: unable: there is no adam in it", out)

    def test_peer_that_was_named_must_take_part(self):
        self.add_peer("absent", open_="import no_such_package")
        self.fails_with(1, "no_such_package", "--peer", "absent")

    def test_peer_that_breaks(self):
        self.add_peer("broken", open_="raise ValueError('out of order')")
        self.fails_with(1, "broken: ValueError: out of order")

    def test_bad_usage(self):
        self.add_peer("fair")
        for arguments, word in ((["--peer", "nobody"], "nobody"), (["--rounds", "0"], "--rounds"),
                                (["--batch-size", "x"], "--batch-size")):
            self.fails_with(2, word, *arguments)

    def test_places_that_cannot_be_written_and_missing_build(self):
        self.add_peer("fair")
        for option in ("--json", "--svg"):
            self.fails_with(1, "/nowhere/file", option, "/nowhere/file")
        self.build = "/nowhere"
        self.fails_with(1, "cannot be run")


if __name__ == "__main__":
    unittest.main()
